/// What was judged of each package of each organisation, and every change of it.
let verdictsMigration = Migration(
    number: 10, name: "verdicts",
    schema: """
        -- What is open: one row for each organisation, package and vulnerability, however many hosts have the package.
        CREATE TABLE open_verdicts (
            organisation {text} NOT NULL REFERENCES organisations (id),
            package {integer} NOT NULL,
            vulnerability {text} NOT NULL,
            verdict {text} NOT NULL,
            since {integer} NOT NULL,
            PRIMARY KEY (organisation, package, vulnerability)
        ) {keyed table};
        -- One event for each change, with what was before and after; empty where there was no verdict.
        CREATE TABLE verdict_events (
            id {serial},
            organisation {text} NOT NULL REFERENCES organisations (id),
            package {integer} NOT NULL,
            vulnerability {text} NOT NULL,
            verdict_before {text} NOT NULL,
            verdict_after {text} NOT NULL,
            catalogue {blob} NOT NULL,
            at {integer} NOT NULL
        ) {table};
        CREATE INDEX verdict_events_by_vulnerability ON verdict_events (organisation, vulnerability, id);
        """)
