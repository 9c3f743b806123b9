public import JSON
public import Timestamps

/// A package that is not simply installed: the package manager was interrupted, or a script of it failed.
public struct AbnormalPackage: Hashable, Sendable {
    /// The package, as `name:architecture`.
    public var package: String
    /// The version on the disk; empty where the package manager names none.
    public var version: String
    /// dpkg's word for the state: `half-installed`, `unpacked`, `half-configured`, `triggers-awaited`,
    /// `triggers-pending`, `installed` (where only ``needsReinstall`` is amiss).
    public var state: String
    /// Whether the package must be unpacked again before anything else can be done with it.
    public var needsReinstall: Bool

    /// A package in this state.
    public init(package: String, version: String, state: String, needsReinstall: Bool) {
        self.package = package
        self.version = version
        self.state = state
        self.needsReinstall = needsReinstall
    }
}

/// Something about the host's repository indexes that makes "nothing is offered" less than the truth.
public struct IndexProblem: Hashable, Sendable {
    /// What is wrong, in one word for filters.
    public enum Kind: String, Sendable, CaseIterable {
        /// The index is older than its repository says it may be (Valid-Until).
        case expired
        /// A configured repository has no index on the disk: it was never updated, or the update failed.
        case missing
        /// An index has no Release file beside it, so that its origin and age are not known.
        case noRelease = "no-release"
        /// An index is on the disk that no configured repository names; it is not used.
        case unused
        /// The index, or a file that configures it, could not be read in full.
        case unreadable
    }
    /// What is wrong.
    public var kind: Kind
    /// The repository or file it is about.
    public var subject: String
    /// What happened, for a person; may be empty.
    public var detail: String

    /// A problem of that kind.
    public init(kind: Kind, subject: String, detail: String) {
        self.kind = kind
        self.subject = subject
        self.detail = detail
    }
}

/// What the package manager's own files say of a host beside its packages and offers.
///
/// These are facts of the host, never of its software set. All lists are sorted by the bytes of their elements.
public struct PackageFacts: Hashable, Sendable {
    /// Packages that are on the disk and not simply installed.
    public let abnormal: [AbnormalPackage]
    /// Packages that a person put on hold, as `name:architecture`.
    public let holds: [String]
    /// Removed packages whose configuration files are left, as `name:architecture`.
    public let residualConfiguration: [String]
    /// Installed packages that nobody marked as installed only because another needed them, as `name:architecture`.
    public let manuallyInstalled: Fact<[String]>
    /// Whether the package manager's journal holds writes that it did not finish.
    public let interruptedTransaction: Bool
    /// When the indexes were last fetched with success.
    public let lastUpdate: Fact<Timestamp>
    /// What is wrong with the indexes.
    public let indexProblems: [IndexProblem]
    /// How many suites of repositories are configured, each component counted.
    public let repositoriesConfigured: Int

    /// At most so many elements of a list are read back.
    public static let maximumCount = 100_000

    /// These facts; the lists are sorted and made unique here.
    public init(
        abnormal: [AbnormalPackage] = [], holds: [String] = [], residualConfiguration: [String] = [],
        manuallyInstalled: Fact<[String]>, interruptedTransaction: Bool = false, lastUpdate: Fact<Timestamp>,
        indexProblems: [IndexProblem] = [], repositoriesConfigured: Int = 0
    ) {
        self.abnormal = sortedUnique(abnormal) { [$0.package, $0.state, $0.version] }
        self.holds = sortedUnique(holds) { [$0] }
        self.residualConfiguration = sortedUnique(residualConfiguration) { [$0] }
        if case .known(let names) = manuallyInstalled {
            self.manuallyInstalled = .known(sortedUnique(names) { [$0] })
        } else {
            self.manuallyInstalled = manuallyInstalled
        }
        self.interruptedTransaction = interruptedTransaction
        self.lastUpdate = lastUpdate
        self.indexProblems = sortedUnique(indexProblems) { [$0.subject, $0.kind.rawValue, $0.detail] }
        self.repositoriesConfigured = repositoriesConfigured
    }

    /// The object that ``init(_:)`` reads.
    public var json: JSONValue {
        [
            "abnormal": .array(
                abnormal.map {
                    [
                        "package": .string($0.package), "version": .string($0.version), "state": .string($0.state),
                        "needsReinstall": .bool($0.needsReinstall),
                    ]
                }),
            "holds": .array(holds.map(JSONValue.string)),
            "residualConfiguration": .array(residualConfiguration.map(JSONValue.string)),
            "manuallyInstalled": manuallyInstalled.json { .array($0.map(JSONValue.string)) },
            "interruptedTransaction": .bool(interruptedTransaction),
            "lastUpdate": lastUpdate.json { .string($0.description) },
            "indexProblems": .array(
                indexProblems.map {
                    [
                        "kind": .string($0.kind.rawValue), "subject": .string($0.subject),
                        "detail": .string($0.detail),
                    ]
                }),
            "repositoriesConfigured": .integer(Int64(repositoriesConfigured)),
        ]
    }

    /// Reads what ``json`` wrote; lists may come in any order.
    ///
    /// - Throws: `JSONError` with the place of what is missing, unknown, of the wrong type or out of bounds.
    public init(_ object: JSONObject) throws(JSONError) {
        var object = object
        var abnormal: [AbnormalPackage] = []
        for var fields in try object.objects("abnormal", maximumCount: Self.maximumCount) {
            abnormal.append(
                AbnormalPackage(
                    package: try fields.string("package"), version: try fields.string("version"),
                    state: try fields.string("state"), needsReinstall: try fields.bool("needsReinstall")))
            try fields.finish()
        }
        var problems: [IndexProblem] = []
        for var fields in try object.objects("indexProblems", maximumCount: Self.maximumCount) {
            let text = try fields.string("kind")
            guard let kind = IndexProblem.Kind(rawValue: text) else {
                throw JSONError(
                    .outOfBounds, pointer: fields.pointer(to: "kind"),
                    reason: "expected one of \(IndexProblem.Kind.allCases.map(\.rawValue)), found '\(text.prefix(64))'")
            }
            problems.append(
                IndexProblem(
                    kind: kind, subject: try fields.string("subject", maximumBytes: 4096),
                    detail: try fields.string("detail", maximumBytes: 4096)))
            try fields.finish()
        }
        self.init(
            abnormal: abnormal,
            holds: try object.strings("holds", maximumCount: Self.maximumCount),
            residualConfiguration: try object.strings("residualConfiguration", maximumCount: Self.maximumCount),
            manuallyInstalled: try Fact(try object.object("manuallyInstalled")) { value, pointer throws(JSONError) in
                try names(value, at: pointer)
            },
            interruptedTransaction: try object.bool("interruptedTransaction"),
            lastUpdate: try Fact(try object.object("lastUpdate")) { value, pointer throws(JSONError) in
                guard let text = value.string, let time = Timestamp(rfc3339: text) else {
                    throw JSONError(
                        .wrongType, pointer: pointer, reason: "expected a time such as 2026-01-31T08:00:00Z")
                }
                return time
            },
            indexProblems: problems,
            repositoriesConfigured: Int(try object.integer("repositoriesConfigured", in: 0...1_000_000)))
        try object.finish()
    }
}

/// The strings of an array.
private func names(_ value: JSONValue, at pointer: String) throws(JSONError) -> [String] {
    guard case .array(let elements) = value, elements.count <= PackageFacts.maximumCount else {
        throw JSONError(
            .wrongType, pointer: pointer, reason: "expected an array of at most \(PackageFacts.maximumCount) names")
    }
    var names: [String] = []
    for (index, element) in elements.enumerated() {
        guard case .string(let name) = element, name.utf8.count <= 1024 else {
            throw JSONError(
                .wrongType, pointer: "\(pointer)/\(index)", reason: "expected a name of at most 1024 bytes")
        }
        names.append(name)
    }
    return names
}

/// The elements in the order of the bytes of their keys, each once.
private func sortedUnique<Element: Hashable>(_ elements: [Element], by keys: (Element) -> [String]) -> [Element] {
    var seen: Set<Element> = []
    return elements.filter { seen.insert($0).inserted }
        .map { (keys($0).map { Array($0.utf8) }, $0) }
        .sorted { left, right in
            for (one, other) in zip(left.0, right.0) where one != other {
                return one.lexicographicallyPrecedes(other)
            }
            return false
        }
        .map(\.1)
}
