import JSON
public import Timestamps

/// The server's life: a new epoch begins when it is restored from a backup, so that agents never obey its past.
public struct Epochs {
    let sql: Transaction

    /// The current epoch; 0 before the first was begun.
    public func current() throws -> Int64 {
        try sql.first("SELECT coalesce(max(epoch), 0) FROM server_epochs") { row in try row.integer() } ?? 0
    }

    /// The current epoch, begun as 1 where there is none.
    public func currentOrFirst(now: Timestamp) throws -> Int64 {
        let epoch = try current()
        if epoch > 0 { return epoch }
        try begin(1, cause: "first start", actor: "server", now: now)
        return 1
    }

    /// Begins an epoch above `fence`, the highest that an agent has reported, and above the current one.
    ///
    /// - Parameters:
    ///   - organisation: whose agent reported it; the acknowledgement enters its audit log.
    ///   - actor: the person who acknowledged that this server was restored.
    /// - Returns: the new epoch.
    public func raise(
        above fence: Int64, organisation: String, actor: String, cause: String, now: Timestamp
    ) throws -> Int64 {
        let epoch = max(try current(), fence) + 1
        try begin(epoch, cause: cause, actor: actor, now: now)
        try sql.audit.append(
            organisation: organisation, actor: actor, action: "epoch.raised", subject: "server",
            detail: ["epoch": .integer(epoch), "fence": .integer(fence), "cause": .string(cause)], now: now)
        return epoch
    }

    private func begin(_ epoch: Int64, cause: String, actor: String, now: Timestamp) throws {
        try sql.execute(
            "INSERT INTO server_epochs (epoch, started_at, cause, acknowledged_by) VALUES (?1, ?2, ?3, ?4)", epoch, now,
            cause, actor)
    }
}

extension Transaction {
    /// The server's life.
    public var epochs: Epochs { Epochs(sql: self) }
}
