/// A campaign that was being rolled back before the way back had a release of its own waits for a signature that nobody asks
/// for: its timer is set, so that the scheduler does.
let rollbackSigningMigration = Migration(
    number: 13, name: "rollback signing",
    schema: """
        INSERT INTO timers (organisation, kind, subject, version, due_at, payload)
        SELECT organisation, 'campaign-sign', id, version, updated_at, '{}' FROM campaigns
        WHERE state_word = 'rolling-back' AND rollback_envelope IS NULL
            AND NOT EXISTS (SELECT 1 FROM timers WHERE timers.organisation = campaigns.organisation
                AND timers.kind = 'campaign-sign' AND timers.subject = campaigns.id);
        """)
