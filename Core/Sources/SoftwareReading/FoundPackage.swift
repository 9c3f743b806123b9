public import Inventory

/// A package that was found in a document or a file.
public struct FoundPackage: Sendable, Hashable {
    /// The package; a language's has no distribution.
    public var package: SoftwarePackage
    /// Its CPE names without version, `part:vendor:product`, as somebody wrote them down for it.
    public var cpes: [String]
    /// Where it was found, such as a file's path or the component's own id.
    public var place: String
    /// Its package URL as written; empty where there is none.
    public var url: String
    /// The place of the operating system's package that it is part of; nil where it is none's.
    public var owner: String?
    /// Where it came from.
    public var origin: SoftwareOrigin

    /// A package.
    public init(
        _ package: SoftwarePackage, cpes: [String] = [], place: String = "", url: String = "", owner: String? = nil,
        origin: SoftwareOrigin = .assumed
    ) {
        self.package = package
        self.cpes = cpes
        self.place = place
        self.url = url
        self.owner = owner
        self.origin = origin
    }
}

/// What was read: packages, and what was seen and could not be used.
public struct FoundSoftware: Sendable, Hashable {
    /// The packages, in the order of the document.
    public var packages: [FoundPackage] = []
    /// Components that name no package that can be judged, in words; each may hide a finding.
    public var skipped: [String] = []
    /// How many there were; ``skipped`` holds the first thousand.
    public var skippedCount = 0

    /// What whoever reads the result should know of how it came about.
    public var notes: [String] = []

    /// Nothing.
    public init() {}

    /// Tells of something that was seen and cannot be judged.
    public mutating func skip(_ what: String) {
        skippedCount += 1
        if skipped.count < 1_000 { skipped.append(String(what.prefix(300))) }
    }
}

/// Why a document cannot be read.
public struct SoftwareReadingError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong, and where.
    public let description: String

    /// An error.
    public init(_ description: String) { self.description = description }
}

extension FoundSoftware {
    /// Takes over what another document has.
    public mutating func add(_ other: FoundSoftware, place: String) {
        for var package in other.packages {
            package.place = place
            packages.append(package)
        }
        for reason in other.skipped where skipped.count < 1_000 { skipped.append("\(place): \(reason)") }
        skippedCount += other.skippedCount
        notes += other.notes.map { "\(place): \($0)" }
    }
}
