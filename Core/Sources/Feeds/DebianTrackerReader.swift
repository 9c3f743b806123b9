import JSON

/// Reads the JSON of Debian's security tracker (https://security-tracker.debian.org/tracker/data/json): of each source
/// package each vulnerability, with what holds in each release.
///
/// A record is one vulnerability of one package; those of other packages come as further advisories of the same id.
public struct DebianTrackerReader: TallyingReader {
    /// What has been read so far.
    public internal(set) var tally: FeedTally
    private let releases: Releases

    /// A reader that has read nothing.
    public init(source: String = "debian-tracker", releases: Releases = .debian) {
        tally = FeedTally(source: source)
        self.releases = releases
    }

    /// Reads the whole tracker.
    public mutating func read(
        _ bytes: UnsafeRawBufferPointer, place: String, _ store: (FeedRecord) throws -> Void
    ) throws {
        try document(bytes, place, FeedLimits.feed) { this, reader, stopped throws(JSONError) in
            try reader.object { reader, package throws(JSONError) in
                let name = package.string
                try reader.object { reader, id throws(JSONError) in
                    let id = id.string
                    try this.record(&reader, "\(place): \(name)", &stopped, store) {
                        this, reader, item throws(JSONError) in
                        item.id = id
                        var advisory = Advisory(source: this.source, id: id)
                        item.fault = RecordID.fault(of: id) ?? (name.isEmpty ? "it has no package" : nil)
                        try this.vulnerability(&advisory, name, &reader)
                        item.records = [.advisory(advisory)]
                    }
                }
            }
        }
    }

    private mutating func vulnerability(
        _ advisory: inout Advisory, _ name: String, _ reader: inout JSONReader
    ) throws(JSONError) {
        try reader.object { reader, key throws(JSONError) in
            switch key {
            case "description": advisory.details = try reader.feedDetails()
            case "releases":
                advisory.statements.reserveCapacity(8)
                try reader.object { reader, release throws(JSONError) in
                    let release = release.string
                    guard let stream = self.releases[release] else {
                        return self.tally.drop("releases/" + release.prefix(64))
                    }
                    var state = State()
                    try self.read(&state, &reader)
                    advisory.statements.append(state.statement(stream, name))
                }
            default: self.drop("", key)
            }
        }
    }

    private mutating func read(_ state: inout State, _ reader: inout JSONReader) throws(JSONError) {
        try reader.object { reader, key throws(JSONError) in
            switch key {
            case "status":
                let offset = reader.offset
                let text = try reader.text()
                switch text {
                case "open": state.status = .open
                case "resolved": state.status = .resolved
                case "undetermined": state.status = .undetermined
                default:
                    throw JSONError(
                        .outOfBounds, offset: offset,
                        reason: "the status is \(text.string.prefix(40)), not open, resolved or undetermined")
                }
            case "fixed_version": state.fixed = try reader.feedText()
            case "urgency": state.urgency = try reader.feedText()
            case "nodsa": state.note = try reader.feedText()
            case "nodsa_reason":
                state.noAdvisory = try reader.feedText()
            // What the archive holds is no fact about the vulnerability.
            default: self.drop("releases/", key)
            }
        }
        if state.status == .resolved, state.fixed.isEmpty {
            throw JSONError(.missingField, reason: "it is resolved, but no fixed_version is named")
        }
    }

    /// What holds in one release.
    private struct State {
        enum Status { case open, resolved, undetermined }
        var status = Status.undetermined
        var fixed = ""
        var urgency = ""
        var note = ""
        /// Why there will be no advisory; nil where nothing is said.
        var noAdvisory: String?

        func statement(_ stream: String, _ name: String) -> Statement {
            var statement = Statement(stream: stream, kind: .source, name: name, status: .affected)
            // Two asterisks mark an urgency that the tracker guessed.
            let urgency = self.urgency.utf8.contains(0x2A) ? self.urgency.filter { $0 != "*" } : self.urgency
            if !urgency.isEmpty, urgency != "not yet assigned" {
                statement.severities = [Severity(type: "Debian", score: urgency)]
            }
            statement.reason = note
            switch status {
            case .undetermined: statement.status = .underInvestigation
            case .resolved where fixed == "0":
                // Never was in this release.
                statement.status = .notAffected
            case .resolved:
                statement.ranges = [VersionRange(scheme: "deb", upper: fixed)]
                statement.fixed = fixed
                if urgency == "unimportant" { statement.plan = .unimportant }
            case .open: statement.plan = plan(urgency)
            }
            return statement
        }

        private func plan(_ urgency: String) -> Statement.Plan {
            if urgency == "unimportant" { return .unimportant }
            if urgency == "end-of-life" { return .endOfLife }
            switch noAdvisory {
            case nil: return note.isEmpty ? .unfixed : .willNotFix
            case "postponed": return .deferred
            default: return .willNotFix
            }
        }
    }
}
