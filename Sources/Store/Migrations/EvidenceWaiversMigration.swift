/// Why somebody let a host be changed without evidence, and who has read a source package's changelog without a walk.
let evidenceWaiversMigration = Migration(
    number: 15, name: "evidence-waivers",
    schema: """
        -- Why the step was waived; empty for steps that were done.
        ALTER TABLE evidence_records ADD COLUMN note {text} NOT NULL DEFAULT '';
        -- Each report of a host asks for the claims on its source packages.
        CREATE INDEX changelog_claims_by_source ON changelog_claims (organisation, source);
        """)
