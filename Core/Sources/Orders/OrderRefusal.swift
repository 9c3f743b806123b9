/// Why a signed document is not acted on.
public struct OrderRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kinds of refusal. Their names are stable: journals, audit records and tests bear them.
    public enum Code: String, CaseIterable, Sendable {
        /// No roles document has been adopted yet.
        case noRoles = "no-roles"
        /// The adopted roles document is past its date.
        case rolesExpired = "roles-expired"
        /// A roles document of a lower version than the one adopted.
        case rolesOlder = "roles-older"
        /// Another roles document with the version of the one adopted.
        case rolesConflict = "roles-conflict"
        /// New roles that too few of the adopted root keys have signed.
        case rolesNotContinued = "roles-not-continued"
        /// A roles document with a key in two roles, a key twice, or a threshold that its keys cannot reach.
        case rolesUnsound = "roles-unsound"
        /// The payload's type is not that of the expected document.
        case wrongType = "wrong-type"
        /// Too large to be read.
        case tooLarge = "too-large"
        /// The signing keys belong to another role.
        case wrongRole = "wrong-role"
        /// No signature names a key that the roles document knows.
        case unknownKey = "unknown-key"
        /// A known key is named, but its signature does not fit the bytes.
        case badSignature = "bad-signature"
        /// One key signed more than once, and without the repetition too few did.
        case repeatedKey = "repeated-key"
        /// Good signatures, but fewer keys than the role asks for.
        case belowThreshold = "below-threshold"
        /// The payload cannot be read as the document.
        case malformed
        /// The payload is not the document's canonical bytes.
        case notCanonical = "not-canonical"
        /// For another organisation.
        case otherOrganisation = "other-organisation"
        /// For another host.
        case otherHost = "other-host"
        /// For another job.
        case otherJob = "other-job"
        /// For another plan than the approved one.
        case otherPlan = "other-plan"
        /// For another grant.
        case otherGrant = "other-grant"
        /// The answer to another question.
        case otherNonce = "other-nonce"
        /// The fence is not higher than the last one acted on.
        case replayed
        /// Of an earlier epoch of the server.
        case oldEpoch = "old-epoch"
        /// Past its date.
        case expired
        /// Valid for longer than such a document may be.
        case validTooLong = "valid-too-long"
        /// Its times contradict each other.
        case unsoundTimes = "unsound-times"
        /// The release only lets hosts be taken back.
        case rollbackOnly = "rollback-only"
        /// Fewer approvals than it says were required, or one person counted twice.
        case notApproved = "not-approved"
    }
    /// Which kind.
    public var code: Code
    /// One sentence: what is wrong with which document, and what to do.
    public var description: String

    /// A refusal.
    public init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
