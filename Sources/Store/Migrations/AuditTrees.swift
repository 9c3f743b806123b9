/// The audit log's hash trees: one for each organisation, and that of the installation (organisation '') over all leaves.
///
/// Columns to filter by repeat what the event says; leaves from before this step get theirs when they are sequenced.
let auditTrees = Migration(
    number: 4, name: "audit trees",
    schema: """
        ALTER TABLE audit_leaves ADD COLUMN actor {text};
        ALTER TABLE audit_leaves ADD COLUMN action {text};
        ALTER TABLE audit_leaves ADD COLUMN subject {text};
        CREATE INDEX audit_leaves_by_time ON audit_leaves (organisation, recorded_at, id);
        CREATE INDEX audit_leaves_by_actor ON audit_leaves (organisation, actor, recorded_at, id);
        CREATE INDEX audit_leaves_by_action ON audit_leaves (organisation, action, recorded_at, id);
        CREATE INDEX audit_leaves_by_subject ON audit_leaves (organisation, subject, recorded_at, id);

        CREATE TABLE audit_trees (
            organisation {text} PRIMARY KEY REFERENCES organisations (id),
            size {integer} NOT NULL,
            changed_at {integer} NOT NULL
        ) {keyed table};

        -- Up to 256 hashes a row: of leaves at level 0, above it of the full tiles of the level below.
        CREATE TABLE audit_tiles (
            organisation {text} NOT NULL REFERENCES audit_trees (organisation),
            level {integer} NOT NULL,
            position {integer} NOT NULL,
            hashes {blob} NOT NULL,
            PRIMARY KEY (organisation, level, position)
        ) {table};

        CREATE TABLE audit_checkpoints (
            organisation {text} NOT NULL REFERENCES audit_trees (organisation),
            size {integer} NOT NULL,
            root {blob} NOT NULL,
            note {text} NOT NULL,
            signed_at {integer} NOT NULL,
            PRIMARY KEY (organisation, size)
        ) {keyed table};
        """)
