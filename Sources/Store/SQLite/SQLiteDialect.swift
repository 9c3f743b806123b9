extension Dialect {
    /// What SQLite spells its own way.
    static let sqlite = Dialect(
        name: "sqlite",
        schemaWords: [
            ("{serial}", "INTEGER PRIMARY KEY AUTOINCREMENT"), ("{integer}", "INTEGER"), ("{text}", "TEXT"),
            ("{blob}", "BLOB"), ("{real}", "REAL"), ("{table}", "STRICT"),
            // Rows are found by their key alone: the key's tree holds them.
            ("{keyed table}", "STRICT, WITHOUT ROWID"),
            ("{pending numbers}", "json_each('[' || trim(s.updates, ',') || ']') AS n"),
        ],
        eventSchema: """
            CREATE TABLE events (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                organisation TEXT NOT NULL,
                month INTEGER NOT NULL,
                occurred_at INTEGER NOT NULL,
                kind TEXT NOT NULL,
                subject TEXT NOT NULL,
                payload TEXT NOT NULL
            ) STRICT;
            CREATE INDEX events_by_month ON events (month);
            """,
        numbersWithDollar: false,
        claim: "",
        lock: "",
        // One writer: the next number is above all others.
        changeStamp: "(SELECT coalesce(max(change), 0) + 1 FROM hosts)",
        changeWatermark: "SELECT coalesce(max(change), 0) + 1 FROM hosts",
        stampsAhead: nil,
        wakeUp: nil,
        containsText: "instr(lower({column}), lower({parameter})) > 0",
        pendingNumbers: "json_each('[' || trim(s.updates, ',') || ']') AS n")
}
