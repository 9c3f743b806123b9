/// What lists, counts and search are answered from: loaded into memory when a server starts, followed from then on.
let fleetReading = Migration(
    number: 4, name: "fleet reading",
    schema: """
        -- An update as it waits on hosts, once an organisation: what is equal on many hosts is kept once.
        CREATE TABLE waiting_updates (
            id {serial},
            organisation {text} NOT NULL REFERENCES organisations (id),
            name {text} NOT NULL,
            architecture {text} NOT NULL,
            installed {text} NOT NULL,
            candidate {text} NOT NULL,
            origin {text} NOT NULL,
            security {integer} NOT NULL,
            status {text} NOT NULL,
            UNIQUE (organisation, name, candidate, installed, architecture, origin, security, status)
        ) {table};

        -- What lists need of a host beside its record. Null is not known; updates are delta-coded ids of the table above.
        CREATE TABLE host_summaries (
            organisation {text} NOT NULL,
            host {text} NOT NULL,
            reboot {integer},
            broken {integer},
            restarts {integer},
            indexes_fetched_at {integer},
            index_count {integer},
            indexes_valid_until {integer},
            addresses {text} NOT NULL,
            updates {blob} NOT NULL,
            PRIMARY KEY (organisation, host),
            FOREIGN KEY (organisation, host) REFERENCES hosts (organisation, id)
        ) {keyed table};

        CREATE INDEX events_by_subject ON events (organisation, subject, occurred_at, id);
        """)
