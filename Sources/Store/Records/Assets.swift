import JSON
public import Timestamps

/// A value that an asset's attribute had, with both its times.
public struct AttributeValue: Hashable, Sendable {
    /// The attribute: `hostname`.
    public var name: String
    /// Its value.
    public var value: String
    /// Who says so.
    public var source: String
    /// From when it held.
    public var validFrom: Timestamp
    /// Until when, exclusive; nil while it holds.
    public var validTo: Timestamp?
    /// From when we thought so.
    public var recordedFrom: Timestamp
    /// Until when, exclusive; nil while we do.
    public var recordedTo: Timestamp?
}

/// Assets, what identifies them, and what was known of them when.
public struct Assets {
    let sql: Transaction

    /// Keeps evidence of identity; a value known before is seen again.
    public func addEvidence(
        organisation: String, asset: String, _ evidence: IdentityEvidence, source: String, observed: Timestamp,
        now: Timestamp
    ) throws {
        for (kind, value) in evidence.sorted(by: { $0.key < $1.key }) {
            try sql.execute(
                """
                INSERT INTO identity_evidence (organisation, asset, kind, value, source, observed_at, recorded_at)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (organisation, asset, kind, value, source)
                DO UPDATE SET observed_at = excluded.observed_at, retracted_at = NULL
                """, organisation, asset, kind, value, source, observed, now)
        }
    }

    /// The evidence of an asset, as (kind, value, source), retracted rows left out.
    public func evidence(organisation: String, asset: String) throws -> [(kind: String, value: String, source: String)]
    {
        try sql.rows(
            """
            SELECT kind, value, source FROM identity_evidence
            WHERE organisation = ?1 AND asset = ?2 AND retracted_at IS NULL ORDER BY kind, value, source
            """, organisation, asset
        ) { row in (try row.text(), try row.text(), try row.text()) }
    }

    /// Says that two assets are one: the hosts of `absorbed` move to `kept`. Returns the merge's id, for its undo.
    public func merge(
        organisation: String, absorbed: String, into kept: String, reason: String, actor: String, now: Timestamp
    ) throws -> Int64 {
        let id =
            try sql.first(
                """
                INSERT INTO asset_merges (organisation, kept, absorbed, merged_at, merged_by, reason)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING id
                """, organisation, kept, absorbed, now, actor, reason
            ) { row in try row.integer() } ?? 0
        try sql.execute(
            "UPDATE assets SET merged_into = ?3 WHERE organisation = ?1 AND id = ?2", organisation, absorbed, kept)
        try sql.audit.append(
            organisation: organisation, actor: actor, action: "asset.merged", subject: "asset:\(absorbed)",
            detail: ["into": .string(kept), "reason": .string(reason)], now: now)
        return id
    }

    /// Undoes a merge: nothing but the pointer was changed, so the asset is as it was.
    public func undoMerge(organisation: String, id: Int64, actor: String, now: Timestamp) throws {
        let absorbed = try sql.first(
            """
            UPDATE asset_merges SET undone_at = ?3, undone_by = ?4
            WHERE organisation = ?1 AND id = ?2 AND undone_at IS NULL RETURNING absorbed
            """, organisation, id, now, actor
        ) { row in try row.text() }
        guard let absorbed else { return }
        try sql.execute(
            "UPDATE assets SET merged_into = NULL WHERE organisation = ?1 AND id = ?2", organisation, absorbed)
        try sql.audit.append(
            organisation: organisation, actor: actor, action: "asset.unmerged", subject: "asset:\(absorbed)", now: now)
    }

    /// The asset that `asset` is part of, merges followed; itself where there are none.
    public func resolve(organisation: String, asset: String) throws -> String {
        var current = asset
        // Merges make chains, not cycles; the bound holds whatever the data say.
        for _ in 0..<64 {
            let next = try sql.first(
                "SELECT merged_into FROM assets WHERE organisation = ?1 AND id = ?2", organisation, current
            ) { row in try row.optionalText() }
            guard case .some(.some(let into)) = next else { return current }
            current = into
        }
        return current
    }

    /// Says that an attribute has a value from `validFrom` on (until `validTo`). What was thought of that span before is
    /// not overwritten: it stays as what was recorded until now.
    public func setAttribute(
        organisation: String, asset: String, name: String, value: String, source: String, validFrom: Timestamp,
        validTo: Timestamp? = nil, now: Timestamp
    ) throws {
        let overlapping = try sql.rows(
            """
            SELECT id, name, value, source, valid_from, valid_to, recorded_from, recorded_to FROM asset_attributes
            WHERE organisation = ?1 AND asset = ?2 AND name = ?3 AND recorded_to IS NULL
                AND (valid_to IS NULL OR valid_to > ?4) AND valid_from < ?5
            """, organisation, asset, name, validFrom, validTo ?? Timestamp(milliseconds: .max)
        ) { row in (try row.integer(), try Self.read(&row)) }
        for (id, old) in overlapping {
            try sql.execute("UPDATE asset_attributes SET recorded_to = ?2 WHERE id = ?1", id, now)
            // What sticks out on either side is still thought to hold.
            if old.validFrom < validFrom {
                try insert(organisation, asset, name, old.value, old.source, old.validFrom, validFrom, now)
            }
            if let validTo, old.validTo.map({ $0 > validTo }) ?? true {
                try insert(organisation, asset, name, old.value, old.source, validTo, old.validTo, now)
            }
        }
        try insert(organisation, asset, name, value, source, validFrom, validTo, now)
    }

    /// What an attribute was at `time`, as it was thought at `known`; nil where nothing was.
    public func attribute(
        organisation: String, asset: String, name: String, at time: Timestamp, asKnownAt known: Timestamp
    ) throws -> AttributeValue? {
        try sql.first(
            """
            SELECT name, value, source, valid_from, valid_to, recorded_from, recorded_to FROM asset_attributes
            WHERE organisation = ?1 AND asset = ?2 AND name = ?3
                AND valid_from <= ?4 AND (valid_to IS NULL OR valid_to > ?4)
                AND recorded_from <= ?5 AND (recorded_to IS NULL OR recorded_to > ?5)
            """, organisation, asset, name, time, known, read: Self.read)
    }

    private func insert(
        _ organisation: String, _ asset: String, _ name: String, _ value: String, _ source: String, _ from: Timestamp,
        _ to: Timestamp?, _ now: Timestamp
    ) throws {
        try sql.execute(
            """
            INSERT INTO asset_attributes (organisation, asset, name, value, source, valid_from, valid_to, recorded_from)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            """, organisation, asset, name, value, source, from, to, now)
    }

    private static func read(_ row: inout SQLRow) throws -> AttributeValue {
        AttributeValue(
            name: try row.text(), value: try row.text(), source: try row.text(), validFrom: try row.timestamp(),
            validTo: try row.optionalTimestamp(), recordedFrom: try row.timestamp(),
            recordedTo: try row.optionalTimestamp())
    }
}

extension Transaction {
    /// Assets, what identifies them, and what was known of them when.
    public var assets: Assets { Assets(sql: self) }
}
