/// Campaigns, their jobs, and what lets one host at a time change: permits and fences.
let campaignsMigration = Migration(
    number: 8, name: "campaigns",
    schema: """
        -- The state is the reducer's, as JSON; its word, its epoch and whether it is over repeat it for queries.
        CREATE TABLE campaigns (
            organisation {text} NOT NULL REFERENCES organisations (id),
            id {text} NOT NULL UNIQUE,
            title {text} NOT NULL,
            author {text} NOT NULL,
            draft {text} NOT NULL,
            state {text} NOT NULL,
            state_word {text} NOT NULL,
            reason {text} NOT NULL,
            version {integer} NOT NULL,
            epoch {integer} NOT NULL,
            is_terminal {integer} NOT NULL,
            plan {text},
            plan_digest {blob},
            release_envelope {text},
            remarks {text} NOT NULL,
            approvals_required {integer} NOT NULL,
            rolls_back {text},
            created_at {integer} NOT NULL,
            updated_at {integer} NOT NULL,
            PRIMARY KEY (organisation, id)
        ) {keyed table};
        CREATE INDEX campaigns_by_time ON campaigns (organisation, created_at, id);
        CREATE INDEX campaigns_open ON campaigns (organisation, is_terminal, created_at);

        -- The plan's frozen list of hosts, and what each had of the plan's packages: the only way back.
        CREATE TABLE campaign_hosts (
            organisation {text} NOT NULL,
            campaign {text} NOT NULL,
            host {text} NOT NULL,
            distribution {text} NOT NULL,
            previous {text} NOT NULL,
            not_before {integer} NOT NULL,
            last_safe_start {integer} NOT NULL,
            not_after {integer} NOT NULL,
            PRIMARY KEY (organisation, campaign, host),
            FOREIGN KEY (organisation, campaign) REFERENCES campaigns (organisation, id),
            FOREIGN KEY (organisation, host) REFERENCES hosts (organisation, id)
        ) {keyed table};
        CREATE INDEX campaign_hosts_by_host ON campaign_hosts (organisation, host, campaign);

        CREATE TABLE campaign_approvals (
            organisation {text} NOT NULL,
            campaign {text} NOT NULL,
            epoch {integer} NOT NULL,
            approver {text} NOT NULL,
            plan_digest {blob} NOT NULL,
            approved_at {integer} NOT NULL,
            key_id {text},
            signature {blob},
            PRIMARY KEY (organisation, campaign, epoch, approver),
            FOREIGN KEY (organisation, campaign) REFERENCES campaigns (organisation, id)
        ) {keyed table};

        CREATE TABLE jobs (
            organisation {text} NOT NULL,
            id {text} NOT NULL UNIQUE,
            campaign {text} NOT NULL,
            host {text} NOT NULL,
            attempt {integer} NOT NULL,
            rolls_back {integer} NOT NULL,
            state {text} NOT NULL,
            state_word {text} NOT NULL,
            version {integer} NOT NULL,
            is_terminal {integer} NOT NULL,
            is_listed {integer} NOT NULL,
            phase {text},
            outcome {text},
            sentence {text} NOT NULL,
            not_before {integer} NOT NULL,
            last_safe_start {integer} NOT NULL,
            not_after {integer} NOT NULL,
            fence {integer},
            grant_document {text},
            grant_envelope {text},
            next_entry {integer} NOT NULL,
            last_digest {blob} NOT NULL,
            log_size {integer} NOT NULL,
            packages {text} NOT NULL,
            heard_at {integer},
            created_at {integer} NOT NULL,
            updated_at {integer} NOT NULL,
            PRIMARY KEY (organisation, id),
            UNIQUE (organisation, campaign, host, attempt),
            FOREIGN KEY (organisation, campaign) REFERENCES campaigns (organisation, id),
            FOREIGN KEY (organisation, host) REFERENCES hosts (organisation, id)
        ) {keyed table};
        -- Listed: in its host's desired state.
        CREATE INDEX jobs_by_host ON jobs (organisation, host, is_listed);
        CREATE INDEX jobs_by_campaign ON jobs (organisation, campaign, state_word);

        -- The hosts' own journals, as they sent them: append only.
        CREATE TABLE job_entries (
            organisation {text} NOT NULL,
            job {text} NOT NULL,
            ordinal {integer} NOT NULL,
            digest {blob} NOT NULL,
            content {text} NOT NULL,
            received_at {integer} NOT NULL,
            PRIMARY KEY (organisation, job, ordinal),
            FOREIGN KEY (organisation, job) REFERENCES jobs (organisation, id)
        ) {table};
        -- Pieces of what the package manager and the scripts wrote, by where each begins.
        CREATE TABLE job_log (
            organisation {text} NOT NULL,
            job {text} NOT NULL,
            position {integer} NOT NULL,
            content {blob} NOT NULL,
            PRIMARY KEY (organisation, job, position),
            FOREIGN KEY (organisation, job) REFERENCES jobs (organisation, id)
        ) {table};

        -- Whoever takes or gives back a permit locks its budget's row first, in the order of the keys.
        CREATE TABLE budgets (
            organisation {text} NOT NULL REFERENCES organisations (id),
            budget_group {text} NOT NULL,
            capacity {integer} NOT NULL CHECK (capacity >= 0),
            changed_at {integer} NOT NULL,
            PRIMARY KEY (organisation, budget_group)
        ) {keyed table};
        CREATE TABLE permits (
            organisation {text} NOT NULL,
            budget_group {text} NOT NULL,
            job {text} NOT NULL,
            host {text} NOT NULL,
            fence {integer} NOT NULL,
            state {text} NOT NULL,
            reason {text} NOT NULL,
            taken_at {integer} NOT NULL,
            changed_at {integer} NOT NULL,
            PRIMARY KEY (organisation, budget_group, job),
            FOREIGN KEY (organisation, budget_group) REFERENCES budgets (organisation, budget_group)
        ) {keyed table};
        CREATE INDEX permits_counted ON permits (organisation, budget_group, state);
        CREATE INDEX permits_by_job ON permits (organisation, job);
        -- Grows with every grant of a host, and above whatever its agent has told of.
        CREATE TABLE host_fences (
            organisation {text} NOT NULL,
            host {text} NOT NULL,
            fence {integer} NOT NULL,
            changed_at {integer} NOT NULL,
            PRIMARY KEY (organisation, host),
            FOREIGN KEY (organisation, host) REFERENCES hosts (organisation, id)
        ) {keyed table};

        -- From when on an open job makes the host check in often; null where it has none.
        ALTER TABLE hosts ADD COLUMN jobs_from {integer};
        """)
