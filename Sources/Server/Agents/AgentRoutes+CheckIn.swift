import Digest
import Logging
import Store
import Timestamps
import Wire

extension AgentRoutes {
    /// Answers a check-in; from memory where the host tells nothing new.
    func checkIn(_ message: CheckIn, _ version: ProtocolVersion, _ remembered: HostRecord) async throws -> CheckInReply
    {
        let now = state.clock.now()
        let host = try await upToDate(remembered, message)
        try await noteLaterState(message, host)
        var token = try await exchangeToken(message.exchangeToken, host, now, seeds: true)
        if let boot = message.bootID, boot != host.bootID {
            if let rotated = try await booted(boot, message, version, host, now), token == nil { token = rotated }
        } else if message.agentVersion != host.agentVersion || Int64(version.rawValue) != host.protocolVersion {
            try await state.store.write { try note(message, version, boot: nil, host, now, $0) }
        }
        // A scan is evidence for what it found, and only where that is what is held here.
        let isHeld = message.digests.map { $0.stored == host.digests } ?? false
        state.store.directory.touch(
            host: host.id, at: now, clockOffset: message.clock.map { $0.milliseconds - now.milliseconds },
            scannedAt: isHeld ? message.scanAge.map { now.adding(seconds: -$0) } : nil)
        state.metrics.count(.checkIns, "protocol=\"\(version.rawValue)\"")
        let expected = try await expectedReport(host, message.incarnation)
        return CheckInReply(
            serverTime: now, interval: interval(host), epoch: state.epoch, stateVersion: host.stateVersion,
            expectedReport: expected, exchangeToken: token, reportAll: lacks(message, host, expected))
    }

    /// Whether the server lacks what the host last reported although the host has nothing left to send.
    private func lacks(_ message: CheckIn, _ host: HostRecord, _ expected: Int64) -> Bool {
        guard let digests = message.digests, message.nextReport <= expected else { return false }
        return digests.stored != host.digests
    }

    private func expectedReport(_ host: HostRecord, _ incarnation: String) async throws -> Int64 {
        if host.incarnation == incarnation { return host.nextReport }
        if host.incarnation.isEmpty { return 1 }
        return try await state.store.read { transaction in
            try transaction.reports.expectedReport(host, incarnation: incarnation)
        }
    }

    /// The record, read again where the message does not agree with it and another server of the same database may have
    /// changed it a moment ago: that must not be taken for a clone, a restore or a loss.
    private func upToDate(_ host: HostRecord, _ message: CheckIn) async throws -> HostRecord {
        guard state.store.isShared else { return host }
        if message.epoch > state.epoch { try await state.followOthers() }
        let token = ExchangeTokens.digest(message.exchangeToken)
        guard
            message.stateVersion > host.stateVersion || token != host.exchangeCurrent
                || message.digests.map({ $0.stored != host.digests }) ?? false
        else { return host }
        return try await latest(host)
    }

    /// The host as the database has it now, if it still may talk to the server.
    func latest(_ host: HostRecord) async throws -> HostRecord {
        guard
            let latest = try await state.store.read({ transaction in
                try transaction.hosts.show(organisation: host.organisation, id: host.id)
            })
        else { throw Refusal(.hostUnknown) }
        try latest.status.admit()
        return latest
    }

    /// An agent that has seen more than this server knows: the server was restored from a backup.
    private func noteLaterState(_ message: CheckIn, _ host: HostRecord) async throws {
        let epoch = state.epoch
        guard message.epoch > epoch || message.epoch == epoch && message.stateVersion > host.stateVersion else {
            return
        }
        // One host must not be able to push the epoch to where there is no next.
        guard message.epoch <= epoch + 1_000_000 else {
            throw Refusal(.malformed("the epoch is over a million above the server's", pointer: "/epoch"))
        }
        let reason =
            message.epoch > epoch
            ? "host \(host.id) has seen epoch \(message.epoch), this server is in \(epoch)"
            : "host \(host.id) has seen version \(message.stateVersion) of its state, this server has \(host.stateVersion)"
        try await state.noteRestore(
            organisation: host.organisation, host: host.id, fence: message.epoch, reason: reason)
    }

    /// Checks the exchange token.
    ///
    /// - Parameter seeds: whether a token that is forgiven is replaced; the caller sends what is returned.
    /// - Returns: the token to say again, where the host did not get the last answer, or to begin anew after a restore.
    /// - Throws: a refusal, after the host was put into quarantine, where the token is not one of the last two; without
    ///   a quarantine while a restore waits to be confirmed.
    func exchangeToken(
        _ presented: String, _ remembered: HostRecord, _ now: Timestamp, seeds: Bool = false
    ) async throws -> String? {
        let digest = ExchangeTokens.digest(presented)
        if digest == remembered.exchangeCurrent { return nil }
        // Another server, or another request of this host, may have rotated it since the record was read.
        let host = digest == remembered.exchangePrevious ? remembered : try await latest(remembered)
        if digest == host.exchangeCurrent { return nil }
        if digest == host.exchangePrevious {
            let current = state.exchangeTokens.token(host: host.id, rotatedAt: host.exchangeRotatedAt)
            return ExchangeTokens.digest(current) == host.exchangeCurrent ? current : nil
        }
        // The token may have changed between the backup and the restore: once per host that is forgiven, when an
        // operator has confirmed the restore. So is the first token after an operator's release.
        let isReleased = host.exchangeRotatedAt.milliseconds == 0
        if isReleased || state.reseedsTokensOlderThan.map({ host.exchangeRotatedAt < $0 }) ?? false {
            // Only the answer to a check-in carries a token: seeded elsewhere it would be lost, and the host with it.
            guard seeds else { return nil }
            let token = state.exchangeTokens.token(host: host.id, rotatedAt: now)
            try await state.store.write { transaction in
                try transaction.hosts.seedExchangeToken(
                    organisation: host.organisation, host: host.id, to: ExchangeTokens.digest(token), now: now)
                try transaction.audit.append(
                    organisation: host.organisation, actor: "server", action: "host.token-reseeded",
                    subject: "host:\(host.id)", now: now)
            }
            return token
        }
        // Until then such a token is neither: the host keeps its reports and asks again.
        if let restore = state.restore, host.exchangeRotatedAt < restore.since {
            throw Refusal(.restored, retryAfter: flattened(300))
        }
        try await quarantine(
            host, cause: "token",
            reason: "an exchange token came that is not one of the last two: two machines use this identity",
            now)
        throw Refusal(.exchangeTokenStale)
    }

    /// A boot id that differs from the last: a restart, or, where it was there before, a second machine.
    private func booted(
        _ boot: String, _ message: CheckIn, _ version: ProtocolVersion, _ host: HostRecord, _ now: Timestamp
    ) async throws -> String? {
        let known = try await state.store.read { transaction in
            try transaction.hosts.hadBoot(organisation: host.organisation, host: host.id, bootID: boot)
        }
        guard !known else {
            // The host's own record may be older than a restart that was noted while this request waited.
            let latest = try await state.store.read { transaction in
                try transaction.hosts.show(organisation: host.organisation, id: host.id)?.bootID
            }
            if latest == boot { return nil }
            try await quarantine(
                host, cause: "boot", reason: "a boot came back after another one: two machines use this identity", now)
            throw Refusal(.hostQuarantined)
        }
        // Not when the token before was presented: then the last answer was lost, and another change could
        // outrun the host.
        let rotates =
            ExchangeTokens.digest(message.exchangeToken) == host.exchangeCurrent && state.mayRotate(host, now)
        let token = state.exchangeTokens.token(host: host.id, rotatedAt: now)
        try await state.store.write { transaction in
            try note(message, version, boot: boot, host, now, transaction)
            if rotates {
                try transaction.hosts.rotateExchangeToken(
                    organisation: host.organisation, host: host.id, to: ExchangeTokens.digest(token), now: now)
            }
        }
        return rotates ? token : nil
    }

    /// Notes which agent speaks; one that was upgraded while jobs wait for it gets a new version of its state, for it may be
    /// told more of them now.
    private func note(
        _ message: CheckIn, _ version: ProtocolVersion, boot: String?, _ host: HostRecord, _ now: Timestamp,
        _ transaction: Transaction
    ) throws {
        try transaction.hosts.noteAgent(
            organisation: host.organisation, host: host.id, bootID: boot, agentVersion: message.agentVersion,
            protocolVersion: Int64(version.rawValue), now: now)
        if host.protocolVersion < Int64(version.rawValue),
            try !transaction.jobs.listed(organisation: host.organisation, host: host.id).isEmpty
        {
            try transaction.hosts.bumpState(organisation: host.organisation, host: host.id, now: now)
        }
    }

    private func quarantine(_ host: HostRecord, cause: String, reason: String, _ now: Timestamp) async throws {
        state.metrics.count(.quarantines, "cause=\"\(cause)\"")
        state.logger.warning(
            "host quarantined", metadata: ["host": "\(host.id)", "hostname": "\(host.hostname)", "reason": "\(reason)"])
        try await state.store.write { transaction in
            try transaction.hosts.setStatus(
                organisation: host.organisation, host: host.id, .quarantined, reason: reason, actor: "server", now: now)
        }
    }
}

extension HostDigests {
    /// As the store names them.
    var stored: DocumentDigests { DocumentDigests(set: set, offers: offers, facts: facts) }
}
