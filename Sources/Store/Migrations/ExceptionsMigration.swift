/// What people decide about findings (exceptions, pauses, evidence), who may write verdicts, and since when a fix is known.
let exceptionsMigration = Migration(
    number: 11, name: "exceptions",
    schema: """
        -- Accepted risks. Empty host, package or selector: every one. Rows stay when they have ended.
        CREATE TABLE risk_exceptions (
            organisation {text} NOT NULL REFERENCES organisations (id),
            id {text} NOT NULL UNIQUE,
            vulnerability {text} NOT NULL,
            host {text} NOT NULL,
            selector {text} NOT NULL,
            package {text} NOT NULL,
            owner {text} NOT NULL,
            reason {text} NOT NULL,
            compensating_control {text} NOT NULL,
            requested_by {text} NOT NULL,
            requested_at {integer} NOT NULL,
            expires_at {integer} NOT NULL,
            approved_by {text},
            approved_at {integer},
            covers_exploitation {integer} NOT NULL,
            revoked_by {text},
            revoked_at {integer},
            revocation_reason {text} NOT NULL,
            ended_as {text} NOT NULL,
            ended_at {integer},
            PRIMARY KEY (organisation, id)
        ) {keyed table};
        CREATE INDEX risk_exceptions_by_vulnerability ON risk_exceptions (organisation, vulnerability);

        -- Times in which the clocks of findings stand still. Empty host or vulnerability: every one.
        CREATE TABLE sla_pauses (
            organisation {text} NOT NULL REFERENCES organisations (id),
            id {text} NOT NULL UNIQUE,
            reason {text} NOT NULL,
            host {text} NOT NULL,
            selector {text} NOT NULL,
            vulnerability {text} NOT NULL,
            note {text} NOT NULL,
            from_at {integer} NOT NULL,
            until_at {integer},
            started_by {text} NOT NULL,
            ended_by {text},
            PRIMARY KEY (organisation, id)
        ) {keyed table};
        CREATE INDEX sla_pauses_by_host ON sla_pauses (organisation, host, reason);

        -- Steps of taking evidence before a host is changed; the evidence itself is kept elsewhere, under its digest.
        CREATE TABLE evidence_records (
            organisation {text} NOT NULL REFERENCES organisations (id),
            host {text} NOT NULL,
            vulnerability {text} NOT NULL,
            step {text} NOT NULL,
            recorded_at {integer} NOT NULL,
            recorded_by {text} NOT NULL,
            digest {text} NOT NULL,
            PRIMARY KEY (organisation, host, vulnerability, step)
        ) {keyed table};

        -- Work that one server at a time does. Whoever writes under a lease reads its row in the same transaction.
        CREATE TABLE leases (
            name {text} PRIMARY KEY,
            holder {text} NOT NULL,
            until_at {integer} NOT NULL
        ) {keyed table};

        -- Grows with every change of an organisation's verdicts, so that servers that do not write them can follow.
        CREATE TABLE verdict_revisions (
            organisation {text} PRIMARY KEY REFERENCES organisations (id),
            revision {integer} NOT NULL,
            changed_at {integer} NOT NULL
        ) {keyed table};

        -- Since when a fix is known; null while there is none.
        ALTER TABLE open_verdicts ADD COLUMN fix_known_at {integer};
        UPDATE open_verdicts SET fix_known_at = since;
        """)
