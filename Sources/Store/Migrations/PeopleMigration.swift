/// Who may come in: users with their grants, and what they come in with. Secrets are stored as digests, or sealed under a
/// key of the data folder.
let peopleMigration = Migration(
    number: 5, name: "people",
    schema: """
        CREATE TABLE users (
            id {text} PRIMARY KEY,
            name {text} NOT NULL UNIQUE,
            display_name {text} NOT NULL,
            email {text} NOT NULL,
            password {text},
            password_changed_at {integer},
            totp_secret {blob},
            totp_pending {blob},
            totp_last_step {integer} NOT NULL,
            disabled_at {integer},
            created_at {integer} NOT NULL,
            created_by {text} NOT NULL,
            last_login_at {integer},
            version {integer} NOT NULL
        ) {keyed table};

        -- Organisation '' is the installation: the role holds everywhere.
        CREATE TABLE user_grants (
            id {text} PRIMARY KEY,
            user_id {text} NOT NULL REFERENCES users (id),
            role {text} NOT NULL,
            organisation {text} NOT NULL REFERENCES organisations (id),
            selector {text} NOT NULL,
            created_at {integer} NOT NULL,
            created_by {text} NOT NULL,
            UNIQUE (user_id, role, organisation, selector)
        ) {keyed table};
        CREATE INDEX user_grants_by_organisation ON user_grants (organisation, user_id);

        CREATE TABLE recovery_codes (
            user_id {text} NOT NULL REFERENCES users (id),
            digest {blob} NOT NULL,
            used_at {integer},
            PRIMARY KEY (user_id, digest)
        ) {keyed table};

        CREATE TABLE sessions (
            id {text} PRIMARY KEY,
            secret_digest {blob} NOT NULL UNIQUE,
            user_id {text} NOT NULL REFERENCES users (id),
            method {text} NOT NULL,
            created_at {integer} NOT NULL,
            seen_at {integer} NOT NULL,
            expires_at {integer} NOT NULL,
            address {text} NOT NULL,
            agent {text} NOT NULL
        ) {keyed table};
        CREATE INDEX sessions_by_user ON sessions (user_id);

        CREATE TABLE api_tokens (
            id {text} PRIMARY KEY,
            secret_digest {blob} NOT NULL,
            user_id {text} NOT NULL REFERENCES users (id),
            name {text} NOT NULL,
            scopes {text},
            created_at {integer} NOT NULL,
            created_by {text} NOT NULL,
            expires_at {integer} NOT NULL,
            last_used_at {integer},
            revoked_at {integer}
        ) {keyed table};
        CREATE INDEX api_tokens_by_user ON api_tokens (user_id);

        CREATE TABLE login_links (
            code_digest {blob} PRIMARY KEY,
            user_id {text} NOT NULL REFERENCES users (id),
            created_at {integer} NOT NULL,
            expires_at {integer} NOT NULL,
            stands_in_for_code {integer} NOT NULL
        ) {keyed table};

        CREATE TABLE device_logins (
            device_digest {blob} PRIMARY KEY,
            user_code {text} NOT NULL UNIQUE,
            machine {text} NOT NULL,
            address {text} NOT NULL,
            created_at {integer} NOT NULL,
            expires_at {integer} NOT NULL,
            polled_at {integer},
            poll_interval {integer} NOT NULL,
            decision {text},
            user_id {text} REFERENCES users (id)
        ) {keyed table};
        """)
