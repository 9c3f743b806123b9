import Digest

/// One numbered step of the schema. There are no steps back: a way back is the backup made before the step.
package struct Migration: Sendable {
    /// Counts from 1 without gaps.
    package let number: Int
    /// What it brings, in a few words.
    package let name: String
    /// The statements, with the words in braces that a ``Dialect`` replaces.
    package let schema: String

    /// The step of that number.
    package init(number: Int, name: String, schema: String) {
        self.number = number
        self.name = name
        self.schema = schema
    }

    /// The step as that engine runs it.
    func statements(_ dialect: Dialect) -> String {
        number == 1 ? dialect.schema(schema) + "\n" + dialect.eventSchema : dialect.schema(schema)
    }

    /// What shows that a step, once applied, is still the same.
    func checksum(_ dialect: Dialect) -> SHA256Digest {
        SHA256.hash(Array(statements(dialect).utf8))
    }

    /// All steps, in order.
    package static let all: [Migration] = [
        firstMigration, scanAges, pendingSetsMigration, auditTrees, peopleMigration, idempotencyMigration, fleetReading,
        campaignsMigration, rollbackReleasesMigration, verdictsMigration, exceptionsMigration, changelogMigration,
        rollbackSigningMigration, originsMigration, evidenceWaiversMigration, arrivalsMigration, policiesMigration,
    ]
}
