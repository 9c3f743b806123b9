/// What lists, counts and search are answered from beside the hosts and their sets: loaded into memory when a server starts,
/// followed from then on.
let fleetReading = Migration(
    number: 7, name: "fleet reading",
    schema: """
        -- What lists need of a host's documents. Null is not known.
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
            PRIMARY KEY (organisation, host),
            FOREIGN KEY (organisation, host) REFERENCES hosts (organisation, id)
        ) {keyed table};
        -- The same of an offer set; null of sets that were stored before this step until they are next read.
        ALTER TABLE offer_sets ADD COLUMN index_count {integer};
        ALTER TABLE offer_sets ADD COLUMN indexes_valid_until {integer};

        CREATE INDEX events_by_subject ON events (organisation, subject, occurred_at, id);
        """)
