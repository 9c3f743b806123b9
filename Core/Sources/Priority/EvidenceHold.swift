public import Timestamps

/// Evidence that has to be taken on an asset before a patch may change it (BOD 26-04's rows with forensics).
///
/// The three terms are those of the directive's guidance as reported: scope 2 hours after the addition to the catalogue,
/// volatile evidence within 24 hours and before patching, verdict within 72 hours.
public struct EvidenceHold: Sendable, Hashable {
    /// A step, in order.
    public enum Step: String, Sendable, Hashable, CaseIterable {
        /// Which assets may have been touched.
        case scope
        /// Processes, sockets, logins, changed files.
        case volatileEvidence = "volatile-evidence"
        /// Whether the asset was compromised.
        case verdict

        /// Hours after the vulnerability became known to be exploited.
        public var hours: Int {
            switch self {
            case .scope: 2
            case .volatileEvidence: 24
            case .verdict: 72
            }
        }
    }

    /// What was done: when, by whom, and the digest of what was kept.
    public struct Record: Sendable, Hashable {
        /// When.
        public var at: Timestamp
        /// By whom.
        public var by: String
        /// The SHA-256 of the evidence in hexadecimal digits; may be empty for the scope and a verdict.
        public var digest: String

        /// A record.
        public init(at: Timestamp, by: String, digest: String) {
            self.at = at
            self.by = by
            self.digest = digest
        }
    }

    /// Since when evidence is asked for.
    public var since: Timestamp
    /// What was done.
    public private(set) var records: [Step: Record] = [:]
    /// Who let the asset be changed without it, in an emergency; nil where nobody did. Its digest is empty.
    public private(set) var waiver: Record?

    /// A hold since the vulnerability became known to be exploited, or was detected if that was later.
    public init(since: Timestamp) {
        self.since = since
    }

    /// Notes a step; false where it is out of order, was done before, or volatile evidence comes without a digest.
    public mutating func record(_ step: Step, _ record: Record) -> Bool {
        guard records[step] == nil, !record.by.isEmpty, record.at >= since,
            step != .volatileEvidence || record.digest.utf8.count == 64,
            Step.allCases.prefix(while: { $0 != step }).allSatisfy({ records[$0] != nil || isWaived($0) })
        else { return false }
        records[step] = record
        return true
    }

    /// Lets the asset be changed without volatile evidence; false where that is kept, was waived before, or nobody says so.
    public mutating func waive(_ record: Record) -> Bool {
        guard blocksInstallation, !record.by.isEmpty, record.at >= since else { return false }
        waiver = record
        return true
    }

    /// Whether nothing may be installed yet: until volatile evidence is kept, or somebody waived it.
    public var blocksInstallation: Bool { records[.volatileEvidence] == nil && waiver == nil }

    /// The next step and when it is due; nil where all is done. What was waived is not asked for any more; the verdict is.
    public var next: (step: Step, due: Timestamp)? {
        Step.allCases.first { records[$0] == nil && !isWaived($0) }
            .map { ($0, since.adding(seconds: Int64($0.hours) * 3600)) }
    }

    private func isWaived(_ step: Step) -> Bool { waiver != nil && step != .verdict }
}
