/// Where hosts' packages came from, as far as that is not their distribution: whose advisories speak of them. And the clocks
/// of findings that were closed lately.
let originsMigration = Migration(
    number: 14, name: "origins",
    schema: """
        -- A package that is not known to be its distribution's own, interned once for the whole installation: which
        -- organisation has it is only in its own sets. `third-party` with who offers it, or `unknown` with why.
        CREATE TABLE foreign_packages (
            id {serial},
            package {integer} NOT NULL,
            kind {text} NOT NULL,
            origin {text} NOT NULL,
            UNIQUE (package, kind, origin)
        ) {table};
        -- The numbers of such packages that a host has, ascending, between commas; kept once for all hosts alike.
        CREATE TABLE origin_sets (
            id {serial},
            organisation {text} NOT NULL REFERENCES organisations (id),
            digest {blob} NOT NULL,
            packages {text} NOT NULL,
            stored_at {integer} NOT NULL,
            UNIQUE (organisation, digest)
        ) {table};
        -- What each host's set is, and the documents that it was read from; 0 where it has none such.
        CREATE TABLE host_origins (
            organisation {text} NOT NULL,
            host {text} NOT NULL,
            set_digest {blob} NOT NULL,
            offers_digest {blob} NOT NULL,
            observed_at {integer} NOT NULL,
            listed {integer} NOT NULL,
            origin_set {integer} NOT NULL,
            PRIMARY KEY (organisation, host),
            FOREIGN KEY (organisation, host) REFERENCES hosts (organisation, id)
        ) {keyed table};
        -- What was closed lately, with the clocks that it had: what opens again goes on with them.
        CREATE TABLE closed_verdicts (
            organisation {text} NOT NULL REFERENCES organisations (id),
            package {integer} NOT NULL,
            vulnerability {text} NOT NULL,
            since {integer} NOT NULL,
            fix_known_at {integer},
            closed_at {integer} NOT NULL,
            PRIMARY KEY (organisation, package, vulnerability)
        ) {keyed table};
        CREATE INDEX closed_verdicts_by_time ON closed_verdicts (closed_at);
        """)
