public import Digest
import JSON
public import Timestamps

/// When policies were applied, and something changed.
public struct PolicyVersion: Sendable, Hashable {
    /// Counts from 1; 0 is before the first.
    public var version: Int64
    /// The SHA-256 of all objects in their canonical form.
    public var digest: SHA256Digest
    /// How many objects were in force then.
    public var objects: Int64
    /// Who applied it.
    public var appliedBy: String
    /// When.
    public var appliedAt: Timestamp
}

/// A policy object, from one version to before another.
public struct StoredPolicy: Sendable, Hashable {
    /// `HostGroup`.
    public var kind: String
    /// Unique among those of its kind.
    public var name: String
    /// The version of all policies since which it is so,
    public var since: Int64
    /// and from which on it is not; nil while it is in force.
    public var until: Int64?
    /// The SHA-256 of ``content``.
    public var digest: SHA256Digest
    /// Canonical JSON.
    public var content: String
    /// Who applied it.
    public var appliedBy: String
    /// When.
    public var appliedAt: Timestamp

    /// `HostGroup/web`.
    public var title: String { "\(kind)/\(name)" }
}

/// What applying policies does to one object.
public struct PolicyChange: Sendable, Hashable {
    /// `HostGroup`.
    public var kind: String
    /// Its name.
    public var name: String
    /// What it becomes; nil where it is deleted.
    public var content: (digest: SHA256Digest, text: String)?

    /// A change.
    public init(kind: String, name: String, content: (digest: SHA256Digest, text: String)?) {
        self.kind = kind
        self.name = name
        self.content = content
    }

    public static func == (left: Self, right: Self) -> Bool {
        left.kind == right.kind && left.name == right.name && left.content?.digest == right.content?.digest
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(kind)
        hasher.combine(name)
        hasher.combine(content?.digest)
    }
}

/// The policies of organisations, with all that they were.
public struct Policies {
    let sql: Transaction

    private static let columns = """
        kind, name, since_version, until_version, o.digest, content, applied_by, applied_at
        FROM policy_objects o JOIN policy_versions v
            ON v.organisation = o.organisation AND v.version = o.since_version
        """

    /// The newest version; nil where nothing was ever applied.
    public func version(organisation: String) throws -> PolicyVersion? {
        try versions(organisation: organisation, before: nil, limit: 1).first
    }

    /// The versions, the newest first.
    ///
    /// - Parameter before: Only those before it.
    public func versions(organisation: String, before: Int64?, limit: Int) throws -> [PolicyVersion] {
        try sql.rows(
            """
            SELECT version, digest, objects, applied_by, applied_at FROM policy_versions
            WHERE organisation = ?1 AND version < ?2 ORDER BY version DESC LIMIT ?3
            """, organisation, before ?? Int64.max, Int64(limit)
        ) { row in
            PolicyVersion(
                version: try row.integer(), digest: try row.digest(), objects: try row.integer(),
                appliedBy: try row.text(), appliedAt: try row.timestamp())
        }
    }

    /// What is in force, by kind and name.
    public func all(organisation: String) throws -> [StoredPolicy] {
        try sql.rows(
            "SELECT \(Self.columns) WHERE o.organisation = ?1 AND until_version IS NULL ORDER BY kind, name",
            organisation, read: Self.read)
    }

    /// One that is in force; nil where there is none.
    public func find(organisation: String, kind: String, name: String) throws -> StoredPolicy? {
        try sql.first(
            """
            SELECT \(Self.columns) WHERE o.organisation = ?1 AND kind = ?2 AND name = ?3 AND until_version IS NULL
            """, organisation, kind, name, read: Self.read)
    }

    /// All that one was, the newest first.
    public func history(
        organisation: String, kind: String, name: String, before: Int64? = nil, limit: Int = 500
    ) throws -> [StoredPolicy] {
        try sql.rows(
            """
            SELECT \(Self.columns) WHERE o.organisation = ?1 AND kind = ?2 AND name = ?3 AND since_version < ?4
            ORDER BY since_version DESC LIMIT ?5
            """, organisation, kind, name, before ?? Int64.max, Int64(limit), read: Self.read)
    }

    /// Puts changes in force as the next version, in the audit log too.
    ///
    /// - Parameters:
    ///   - present: The version that the changes were planned on.
    ///   - digest: Of all objects afterwards.
    ///   - objects: How many those are.
    /// - Returns: The new version; nil where another one is in force meanwhile, and nothing was done.
    public func apply(
        organisation: String, on present: Int64, _ changes: [PolicyChange], digest: SHA256Digest, objects: Int,
        by actor: String, now: Timestamp
    ) throws -> PolicyVersion? {
        guard try version(organisation: organisation)?.version ?? 0 == present else { return nil }
        let next = PolicyVersion(
            version: present + 1, digest: digest, objects: Int64(objects), appliedBy: actor, appliedAt: now)
        try sql.execute(
            """
            INSERT INTO policy_versions (organisation, version, digest, objects, applied_by, applied_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            """, organisation, next.version, next.digest, next.objects, actor, now)
        var told: [JSONValue] = []
        for change in changes {
            let ended = try sql.execute(
                """
                UPDATE policy_objects SET until_version = ?4
                WHERE organisation = ?1 AND kind = ?2 AND name = ?3 AND until_version IS NULL
                """, organisation, change.kind, change.name, next.version)
            if let content = change.content {
                try sql.execute(
                    """
                    INSERT INTO policy_objects (organisation, kind, name, since_version, digest, content)
                    VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                    """, organisation, change.kind, change.name, next.version, content.digest, content.text)
            }
            let action = change.content == nil ? "delete" : ended > 0 ? "change" : "create"
            told.append([
                "object": .string("\(change.kind)/\(change.name)"), "action": .string(action),
                "digest": change.content.map { .string($0.digest.hex) } ?? .null,
            ])
        }
        let detail: JSONValue = [
            "version": .integer(next.version), "digest": .string(digest.hex),
            // The digest is of all; the list is for people.
            "changes": .array(Array(told.prefix(200))), "changed": .integer(Int64(told.count)),
        ]
        try sql.audit.append(
            organisation: organisation, actor: actor, action: "policies.applied", subject: "policies:\(next.version)",
            detail: detail, now: now)
        try sql.events.record(
            organisation: organisation, kind: "policies.applied", subject: "policies:\(next.version)",
            payload: ["version": .integer(next.version), "changes": .integer(Int64(changes.count))], now: now)
        return next
    }

    private static func read(_ row: inout SQLRow) throws -> StoredPolicy {
        StoredPolicy(
            kind: try row.text(), name: try row.text(), since: try row.integer(), until: try row.optionalInteger(),
            digest: try row.digest(), content: try row.text(), appliedBy: try row.text(),
            appliedAt: try row.timestamp())
    }
}

extension Transaction {
    /// The policies of organisations.
    public var policies: Policies { Policies(sql: self) }
}
