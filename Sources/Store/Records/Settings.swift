public import Timestamps

/// Small named values: the CA's certificates and keys, the CLI's secret. Not for what is queried.
public struct Settings {
    let sql: Transaction

    /// The organisation that stands for the whole installation.
    public static let installation = ""

    /// The value; nil where there is none.
    public func value(_ name: String, organisation: String = Settings.installation) throws -> [UInt8]? {
        try sql.first("SELECT value FROM settings WHERE organisation = ?1 AND name = ?2", organisation, name) { row in
            try row.blob()
        }
    }

    /// The values of that name, by organisation.
    public func all(_ name: String) throws -> [String: [UInt8]] {
        let rows = try sql.rows("SELECT organisation, value FROM settings WHERE name = ?1", name) { row in
            (organisation: try row.text(), value: try row.blob())
        }
        return Dictionary(rows.map { ($0.organisation, $0.value) }, uniquingKeysWith: { first, _ in first })
    }

    /// Sets the value.
    public func set(
        _ name: String, _ value: [UInt8], organisation: String = Settings.installation, now: Timestamp
    ) throws {
        try sql.execute(
            """
            INSERT INTO settings (organisation, name, value, changed_at) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT (organisation, name) DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at
            """, organisation, name, value, now)
    }

    /// Sets the value where there is none; returns the one that stands. Of racing servers one wins.
    public func value(
        _ name: String, orSet value: [UInt8], organisation: String = Settings.installation, now: Timestamp
    ) throws -> [UInt8] {
        try sql.execute(
            """
            INSERT INTO settings (organisation, name, value, changed_at) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT (organisation, name) DO NOTHING
            """, organisation, name, value, now)
        return try self.value(name, organisation: organisation) ?? value
    }
}

extension Transaction {
    /// Small named values.
    public var settings: Settings { Settings(sql: self) }
}
