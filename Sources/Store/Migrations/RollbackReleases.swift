/// The release that only takes a campaign's hosts back is another document than the one that brought the packages.
let rollbackReleasesMigration = Migration(
    number: 9, name: "rollback releases",
    schema: """
        ALTER TABLE campaigns ADD COLUMN rollback_envelope {text};
        """)
