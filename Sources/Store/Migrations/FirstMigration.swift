/// The schema from the start. Organisation is in every key; what is global says so.
///
/// Times are milliseconds since the epoch, digests 32 bytes, truth values 0 and 1.
let firstMigration = Migration(
    number: 1, name: "first schema",
    schema: """
        -- The whole installation.

        CREATE TABLE organisations (
            id {text} PRIMARY KEY,
            name {text} NOT NULL,
            created_at {integer} NOT NULL
        ) {keyed table};

        -- The installation as a whole, where an effect belongs to no organisation.
        INSERT INTO organisations (id, name, created_at) VALUES ('', 'installation', 0);

        -- A server restored from a backup resumes in a higher epoch, above every fence that agents report.
        CREATE TABLE server_epochs (
            epoch {integer} PRIMARY KEY,
            started_at {integer} NOT NULL,
            cause {text} NOT NULL,
            acknowledged_by {text} NOT NULL
        ) {table};

        CREATE TABLE settings (
            organisation {text} NOT NULL,
            name {text} NOT NULL,
            value {blob} NOT NULL,
            changed_at {integer} NOT NULL,
            PRIMARY KEY (organisation, name)
        ) {keyed table};

        -- Who may sign what: versioned documents of roles, and the keys they name.
        CREATE TABLE roles (
            organisation {text} NOT NULL REFERENCES organisations (id),
            role {text} NOT NULL,
            version {integer} NOT NULL,
            threshold {integer} NOT NULL,
            document {blob} NOT NULL,
            created_at {integer} NOT NULL,
            expires_at {integer},
            PRIMARY KEY (organisation, role, version)
        ) {keyed table};
        CREATE TABLE signing_keys (
            organisation {text} NOT NULL REFERENCES organisations (id),
            key_id {text} NOT NULL,
            algorithm {text} NOT NULL,
            public_key {blob} NOT NULL,
            owner {text} NOT NULL,
            created_at {integer} NOT NULL,
            retired_at {integer},
            PRIMARY KEY (organisation, key_id)
        ) {keyed table};
        CREATE TABLE role_keys (
            organisation {text} NOT NULL,
            role {text} NOT NULL,
            version {integer} NOT NULL,
            key_id {text} NOT NULL,
            PRIMARY KEY (organisation, role, version, key_id),
            FOREIGN KEY (organisation, role, version) REFERENCES roles (organisation, role, version),
            FOREIGN KEY (organisation, key_id) REFERENCES signing_keys (organisation, key_id)
        ) {keyed table};

        -- Assets, what identifies them, and what was ever known of them.

        CREATE TABLE assets (
            organisation {text} NOT NULL REFERENCES organisations (id),
            id {text} NOT NULL,
            kind {text} NOT NULL,
            created_at {integer} NOT NULL,
            merged_into {text},
            PRIMARY KEY (organisation, id),
            FOREIGN KEY (organisation, merged_into) REFERENCES assets (organisation, id)
        ) {keyed table};
        CREATE TABLE identity_evidence (
            organisation {text} NOT NULL,
            asset {text} NOT NULL,
            kind {text} NOT NULL,
            value {text} NOT NULL,
            source {text} NOT NULL,
            observed_at {integer} NOT NULL,
            recorded_at {integer} NOT NULL,
            retracted_at {integer},
            PRIMARY KEY (organisation, asset, kind, value, source),
            FOREIGN KEY (organisation, asset) REFERENCES assets (organisation, id)
        ) {keyed table};
        CREATE INDEX identity_evidence_by_value ON identity_evidence (organisation, kind, value);
        CREATE TABLE asset_merges (
            id {serial},
            organisation {text} NOT NULL,
            kept {text} NOT NULL,
            absorbed {text} NOT NULL,
            merged_at {integer} NOT NULL,
            merged_by {text} NOT NULL,
            reason {text} NOT NULL,
            undone_at {integer},
            undone_by {text},
            FOREIGN KEY (organisation, kept) REFERENCES assets (organisation, id),
            FOREIGN KEY (organisation, absorbed) REFERENCES assets (organisation, id)
        ) {table};

        -- Two times: when a value held (valid), and when we thought so (recorded). To: exclusive, null for ever.
        CREATE TABLE asset_attributes (
            id {serial},
            organisation {text} NOT NULL,
            asset {text} NOT NULL,
            name {text} NOT NULL,
            value {text} NOT NULL,
            source {text} NOT NULL,
            valid_from {integer} NOT NULL,
            valid_to {integer},
            recorded_from {integer} NOT NULL,
            recorded_to {integer},
            FOREIGN KEY (organisation, asset) REFERENCES assets (organisation, id)
        ) {table};
        CREATE INDEX asset_attributes_by_asset ON asset_attributes (organisation, asset, name, valid_from);

        -- Hosts: assets with an agent.

        CREATE TABLE hosts (
            organisation {text} NOT NULL REFERENCES organisations (id),
            id {text} NOT NULL UNIQUE,
            asset {text} NOT NULL,
            hostname {text} NOT NULL,
            labels {text} NOT NULL,
            status {text} NOT NULL,
            status_reason {text} NOT NULL,
            enrolled_at {integer} NOT NULL,
            enrolled_with {text} NOT NULL,
            state_version {integer} NOT NULL,
            check_in_interval {integer} NOT NULL,
            scan_interval {integer} NOT NULL,
            phase_salt {text} NOT NULL,
            scan_request {integer} NOT NULL,
            renew_request {integer} NOT NULL,
            exchange_current {blob} NOT NULL,
            exchange_previous {blob},
            exchange_rotated_at {integer} NOT NULL,
            boot_id {text},
            agent_version {text} NOT NULL,
            protocol_version {integer} NOT NULL,
            incarnation {text} NOT NULL,
            next_report {integer} NOT NULL,
            set_digest {blob},
            offers_digest {blob},
            facts_digest {blob},
            observed_at {integer},
            reported_at {integer},
            operating_system {text} NOT NULL,
            summary {text} NOT NULL,
            pending_count {integer} NOT NULL,
            security_count {integer} NOT NULL,
            updated_at {integer} NOT NULL,
            change {integer} NOT NULL,
            PRIMARY KEY (organisation, id),
            FOREIGN KEY (organisation, asset) REFERENCES assets (organisation, id)
        ) {keyed table};
        CREATE INDEX hosts_by_change ON hosts (change);
        CREATE INDEX hosts_by_name ON hosts (organisation, hostname, id);
        CREATE INDEX hosts_by_asset ON hosts (organisation, asset);
        CREATE TABLE host_labels (
            organisation {text} NOT NULL,
            host {text} NOT NULL,
            name {text} NOT NULL,
            value {text} NOT NULL,
            PRIMARY KEY (organisation, name, value, host),
            FOREIGN KEY (organisation, host) REFERENCES hosts (organisation, id)
        ) {keyed table};
        CREATE INDEX host_labels_by_host ON host_labels (organisation, host);
        -- Apart from hosts: written in batches, and no change that other servers must re-read.
        CREATE TABLE host_presence (
            organisation {text} NOT NULL,
            host {text} NOT NULL,
            last_seen {integer} NOT NULL,
            clock_offset {integer},
            PRIMARY KEY (organisation, host),
            FOREIGN KEY (organisation, host) REFERENCES hosts (organisation, id)
        ) {keyed table};
        CREATE TABLE host_boots (
            organisation {text} NOT NULL,
            host {text} NOT NULL,
            boot_id {text} NOT NULL,
            first_seen {integer} NOT NULL,
            PRIMARY KEY (organisation, host, boot_id),
            FOREIGN KEY (organisation, host) REFERENCES hosts (organisation, id)
        ) {keyed table};
        CREATE TABLE certificates (
            organisation {text} NOT NULL,
            host {text} NOT NULL,
            serial {text} NOT NULL UNIQUE,
            key_digest {blob} NOT NULL,
            not_before {integer} NOT NULL,
            not_after {integer} NOT NULL,
            issued_at {integer} NOT NULL,
            revoked_at {integer},
            revocation_reason {text},
            PRIMARY KEY (organisation, host, serial),
            FOREIGN KEY (organisation, host) REFERENCES hosts (organisation, id)
        ) {keyed table};
        CREATE TABLE enrolment_tokens (
            organisation {text} NOT NULL REFERENCES organisations (id),
            id {text} NOT NULL UNIQUE,
            secret_digest {blob} NOT NULL,
            note {text} NOT NULL,
            labels {text} NOT NULL,
            created_at {integer} NOT NULL,
            created_by {text} NOT NULL,
            expires_at {integer} NOT NULL,
            uses_total {integer} NOT NULL,
            uses_left {integer} NOT NULL CHECK (uses_left >= 0),
            last_used_at {integer},
            revoked_at {integer},
            PRIMARY KEY (organisation, id)
        ) {keyed table};

        -- Software. Packages are interned once for the whole installation: they are public knowledge;
        -- which organisation has them is only in its own sets.

        CREATE TABLE packages (
            id {serial},
            scheme {text} NOT NULL,
            distribution {text} NOT NULL,
            name {text} NOT NULL,
            architecture {text} NOT NULL,
            version {text} NOT NULL,
            source {text} NOT NULL,
            source_version {text} NOT NULL,
            module {text} NOT NULL,
            version_key {blob},
            UNIQUE (name, version, architecture, distribution, scheme, source, source_version, module)
        ) {table};
        CREATE TABLE software_sets (
            organisation {text} NOT NULL REFERENCES organisations (id),
            digest {blob} NOT NULL,
            packages {blob} NOT NULL,
            package_count {integer} NOT NULL,
            stored_at {integer} NOT NULL,
            PRIMARY KEY (organisation, digest)
        ) {table};
        CREATE TABLE offer_sets (
            organisation {text} NOT NULL REFERENCES organisations (id),
            digest {blob} NOT NULL,
            content {blob} NOT NULL,
            stored_at {integer} NOT NULL,
            PRIMARY KEY (organisation, digest)
        ) {table};
        CREATE TABLE host_facts (
            organisation {text} NOT NULL REFERENCES organisations (id),
            digest {blob} NOT NULL,
            content {blob} NOT NULL,
            stored_at {integer} NOT NULL,
            PRIMARY KEY (organisation, digest)
        ) {table};
        -- Which set a host had when: observed by its clock, recorded by ours.
        CREATE TABLE host_states (
            organisation {text} NOT NULL,
            host {text} NOT NULL,
            incarnation {text} NOT NULL,
            sequence {integer} NOT NULL,
            observed_at {integer} NOT NULL,
            recorded_at {integer} NOT NULL,
            boot_id {text},
            set_digest {blob} NOT NULL,
            offers_digest {blob} NOT NULL,
            facts_digest {blob} NOT NULL,
            cause {text} NOT NULL,
            PRIMARY KEY (organisation, host, incarnation, sequence),
            FOREIGN KEY (organisation, host) REFERENCES hosts (organisation, id),
            FOREIGN KEY (organisation, set_digest) REFERENCES software_sets (organisation, digest),
            FOREIGN KEY (organisation, offers_digest) REFERENCES offer_sets (organisation, digest),
            FOREIGN KEY (organisation, facts_digest) REFERENCES host_facts (organisation, digest)
        ) {keyed table};
        CREATE INDEX host_states_by_time ON host_states (organisation, host, observed_at);
        CREATE INDEX host_states_by_set ON host_states (organisation, set_digest);
        CREATE INDEX host_states_by_offers ON host_states (organisation, offers_digest);
        CREATE INDEX host_states_by_facts ON host_states (organisation, facts_digest);
        -- What people filter on, derived from each host's current offers in the same transaction.
        CREATE TABLE pending_updates (
            organisation {text} NOT NULL,
            host {text} NOT NULL,
            name {text} NOT NULL,
            architecture {text} NOT NULL,
            installed {text} NOT NULL,
            candidate {text} NOT NULL,
            origin {text} NOT NULL,
            security {integer} NOT NULL,
            status {text} NOT NULL,
            reason {text} NOT NULL,
            PRIMARY KEY (organisation, host, name, architecture),
            FOREIGN KEY (organisation, host) REFERENCES hosts (organisation, id)
        ) {keyed table};
        CREATE INDEX pending_updates_by_package ON pending_updates (organisation, name, candidate);

        -- Feeds: which revision of whose statements verdicts rest on.
        CREATE TABLE feed_revisions (
            organisation {text} NOT NULL REFERENCES organisations (id),
            feed {text} NOT NULL,
            revision {integer} NOT NULL,
            digest {blob} NOT NULL,
            published_at {integer},
            fetched_at {integer} NOT NULL,
            activated_at {integer},
            PRIMARY KEY (organisation, feed, revision)
        ) {keyed table};

        -- Effects: what is to be told, what is due, what happened.

        CREATE TABLE outbox (
            id {serial},
            organisation {text} NOT NULL REFERENCES organisations (id),
            topic {text} NOT NULL,
            subject {text} NOT NULL,
            payload {text} NOT NULL,
            created_at {integer} NOT NULL,
            due_at {integer} NOT NULL,
            attempts {integer} NOT NULL,
            claimed_until {integer},
            claimed_by {text},
            done_at {integer}
        ) {table};
        CREATE INDEX outbox_due ON outbox (due_at) WHERE done_at IS NULL;
        CREATE TABLE timers (
            organisation {text} NOT NULL REFERENCES organisations (id),
            kind {text} NOT NULL,
            subject {text} NOT NULL,
            version {integer} NOT NULL,
            due_at {integer} NOT NULL,
            payload {text} NOT NULL,
            claimed_until {integer},
            claimed_by {text},
            PRIMARY KEY (organisation, kind, subject)
        ) {keyed table};
        CREATE INDEX timers_due ON timers (due_at);

        -- Audit: leaves in the order of their transactions; a sequencer numbers them in each organisation's tree
        -- and in the installation's. Personal data and their salt can be erased: the leaf holds a commitment.
        CREATE TABLE audit_leaves (
            id {serial},
            organisation {text} NOT NULL REFERENCES organisations (id),
            leaf_hash {blob} NOT NULL,
            event {blob} NOT NULL,
            personal {blob},
            personal_salt {blob},
            recorded_at {integer} NOT NULL,
            sequence {integer},
            installation_sequence {integer} UNIQUE,
            UNIQUE (organisation, sequence)
        ) {table};
        CREATE INDEX audit_leaves_by_organisation ON audit_leaves (organisation, id);
        CREATE INDEX audit_leaves_unsequenced ON audit_leaves (id) WHERE installation_sequence IS NULL;
        """)
