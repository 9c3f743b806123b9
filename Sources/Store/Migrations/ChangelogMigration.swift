/// What hosts have read in the changelogs of offered packages.
let changelogMigration = Migration(
    number: 12, name: "changelogs",
    schema: """
        -- What was read, once each organisation: many hosts read the same.
        CREATE TABLE changelog_readings (
            organisation {text} NOT NULL REFERENCES organisations (id),
            digest {blob} NOT NULL,
            content {blob} NOT NULL,
            PRIMARY KEY (organisation, digest)
        ) {keyed table};
        -- One host's word on one package file; without a reading, why it could not be read.
        CREATE TABLE changelog_claims (
            organisation {text} NOT NULL REFERENCES organisations (id),
            candidate {blob} NOT NULL,
            host {text} NOT NULL,
            name {text} NOT NULL,
            architecture {text} NOT NULL,
            version {text} NOT NULL,
            source {text} NOT NULL,
            source_version {text} NOT NULL,
            reading {blob},
            problem {text} NOT NULL,
            read_at {integer} NOT NULL,
            PRIMARY KEY (organisation, candidate, host)
        ) {keyed table};
        CREATE INDEX changelog_claims_by_time ON changelog_claims (organisation, read_at);
        """)
