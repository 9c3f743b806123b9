/// Answers to requests that carried an Idempotency-Key, so that a repeat is answered and not done again.
let idempotencyMigration = Migration(
    number: 6, name: "idempotency keys",
    schema: """
        -- Keys belong to whoever sent them; the answer is sealed with a key that is not in the database.
        CREATE TABLE idempotency_keys (
            principal {text} NOT NULL,
            key {text} NOT NULL,
            fingerprint {blob} NOT NULL,
            status {integer},
            answer {blob},
            created_at {integer} NOT NULL,
            PRIMARY KEY (principal, key)
        ) {keyed table};
        CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
        """)
