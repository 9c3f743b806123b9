/// What failed or hung on which host, and is not tried there again by itself.
let heldBackMigration = Migration(
    number: 18, name: "held-back",
    schema: """
        -- A package to blame for how a job ended: few, while jobs are many. `received_at` is when the server heard of the end,
        -- and never moves.
        CREATE TABLE held_back (
            organisation {text} NOT NULL,
            host {text} NOT NULL,
            job {text} NOT NULL,
            package {text} NOT NULL,
            version {text} NOT NULL,
            campaign {text} NOT NULL,
            outcome {text} NOT NULL,
            what {text} NOT NULL,
            is_hung {integer} NOT NULL,
            received_at {integer} NOT NULL,
            PRIMARY KEY (organisation, host, job, package),
            FOREIGN KEY (organisation, job) REFERENCES jobs (organisation, id)
        ) {keyed table};
        CREATE INDEX held_back_newest ON held_back (organisation, received_at);
        CREATE INDEX held_back_of_campaign ON held_back (organisation, campaign, received_at);
        """)
