/// What hosts wait for, once for all hosts that wait for the same, instead of a row a host and update: of 100,000 hosts
/// these would be ten million rows, and writing them was half of a first report.
///
/// The old rows are derived data and go; ``Store`` derives the sets from the stored offers when it opens.
let pendingSetsMigration = Migration(
    number: 3, name: "pending sets",
    schema: """
        -- An update as package managers describe it, interned once for the whole installation: which organisation waits
        -- for it is only in its own sets. The digest is that of the other columns, joined by tabs.
        CREATE TABLE offered_updates (
            id {serial},
            digest {blob} NOT NULL UNIQUE,
            name {text} NOT NULL,
            architecture {text} NOT NULL,
            installed {text} NOT NULL,
            candidate {text} NOT NULL,
            origin {text} NOT NULL,
            security {integer} NOT NULL,
            status {text} NOT NULL,
            reason {text} NOT NULL
        ) {table};
        CREATE INDEX offered_updates_by_name ON offered_updates (name, candidate);
        -- The numbers of its updates, ascending, between commas: ',3,7,'. Who waits for one update is a search for ',7,'.
        CREATE TABLE pending_sets (
            id {serial},
            organisation {text} NOT NULL REFERENCES organisations (id),
            digest {blob} NOT NULL,
            updates {text} NOT NULL,
            update_count {integer} NOT NULL,
            security_count {integer} NOT NULL,
            UNIQUE (organisation, digest)
        ) {table};
        ALTER TABLE offer_sets ADD COLUMN pending_set {integer};
        ALTER TABLE hosts ADD COLUMN pending_set {integer};
        CREATE INDEX offer_sets_by_pending_set ON offer_sets (pending_set);
        CREATE INDEX hosts_by_pending_set ON hosts (organisation, pending_set, status);
        DROP TABLE pending_updates;
        CREATE VIEW pending_updates AS
            SELECT h.organisation AS organisation, h.id AS host, u.name AS name, u.architecture AS architecture,
                u.installed AS installed, u.candidate AS candidate, u.origin AS origin, u.security AS security,
                u.status AS status, u.reason AS reason
            FROM hosts h JOIN pending_sets s ON s.id = h.pending_set
            CROSS JOIN {pending numbers} JOIN offered_updates u ON u.id = n.value;
        """)
