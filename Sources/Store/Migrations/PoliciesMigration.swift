/// Policies: every version of every object, and who applied it.
let policiesMigration = Migration(
    number: 17, name: "policies",
    schema: """
        -- What was in force from when on: one row for each time that policies were applied and something changed.
        CREATE TABLE policy_versions (
            organisation {text} NOT NULL REFERENCES organisations (id),
            version {integer} NOT NULL,
            digest {blob} NOT NULL,
            objects {integer} NOT NULL,
            applied_by {text} NOT NULL,
            applied_at {integer} NOT NULL,
            PRIMARY KEY (organisation, version)
        ) {keyed table};

        -- Objects in their canonical form, from one version to before another; until_version is null while in force.
        CREATE TABLE policy_objects (
            organisation {text} NOT NULL,
            kind {text} NOT NULL,
            name {text} NOT NULL,
            since_version {integer} NOT NULL,
            until_version {integer},
            digest {blob} NOT NULL,
            content {text} NOT NULL,
            PRIMARY KEY (organisation, kind, name, since_version),
            FOREIGN KEY (organisation, since_version) REFERENCES policy_versions (organisation, version)
        ) {table};
        CREATE INDEX policy_objects_in_force ON policy_objects (organisation, until_version);
        """)
