/// A package's file that is kept at hand, with its digest checked.
public struct KeptPackage: Sendable, Hashable {
    /// Where it came from.
    public enum Source: String, CaseIterable, Sendable {
        /// A repository, checked against its signed index.
        case repository
        /// apt's cache of earlier downloads; checked against the signed index where that still lists the version.
        case cache
        /// Packed again from the installed files: configuration files are as they are now.
        case repacked
    }
    /// The package's name.
    public var name: String
    /// The architecture.
    public var architecture: String
    /// The version.
    public var version: String
    /// The SHA-256 of the file, 64 hexadecimal digits.
    public var sha256: String
    /// Its size in bytes.
    public var bytes: Int64
    /// Its name in the folder `packages`.
    public var file: String
    /// Where it came from.
    public var source: Source

    /// A kept file.
    public init(
        name: String, architecture: String, version: String, sha256: String, bytes: Int64, file: String, source: Source
    ) {
        self.name = name
        self.architecture = architecture
        self.version = version
        self.sha256 = sha256
        self.bytes = bytes
        self.file = file
        self.source = source
    }

    /// `name:architecture`.
    public var id: String { "\(name):\(architecture)" }
}

/// What was fetched before a change.
public struct Prefetch: Sendable, Hashable {
    /// A file that could not be had.
    public struct Missing: Sendable, Hashable {
        /// `name:architecture`.
        public var package: String
        /// Of which version.
        public var version: String
        /// One sentence for a person.
        public var why: String

        /// What is missing and why.
        public init(package: String, version: String, why: String) {
            self.package = package
            self.version = version
            self.why = why
        }
    }
    /// The files of the new versions.
    public var new: [KeptPackage]
    /// The files of the versions that are installed now: the way back.
    public var old: [KeptPackage]
    /// New versions without a file: the change cannot begin.
    public var missing: [Missing]
    /// Installed versions without a file: no way back by packages.
    public var noWayBack: [Missing]

    /// What was fetched.
    public init(
        new: [KeptPackage] = [], old: [KeptPackage] = [], missing: [Missing] = [], noWayBack: [Missing] = []
    ) {
        self.new = new
        self.old = old
        self.missing = missing
        self.noWayBack = noWayBack
    }

    /// Whether the change can begin.
    public var isComplete: Bool { missing.isEmpty }

    /// Whether every package can come back.
    public var hasWayBack: Bool { noWayBack.isEmpty }

    /// One sentence for a person.
    public var message: String {
        if let first = missing.first {
            return missing.map { "\($0.package) \($0.version) could not be fetched: \($0.why)" }
                .joined(separator: "; ") + (first.why.hasSuffix(".") ? "" : "; nothing was changed")
        }
        let back =
            noWayBack.isEmpty
            ? "and the way back for all of them"
            : "but no way back for \(noWayBack.map { "\($0.package) (\($0.why))" }.joined(separator: ", "))"
        return "\(new.count) package files at hand, \(back)"
    }
}

/// Bounds of what is fetched.
public struct PrefetchLimits: Sendable, Hashable {
    /// Bytes of all files together.
    public var bytes: Int64
    /// Seconds of one run of apt's downloader.
    public var seconds: Int

    /// Bounds.
    public init(bytes: Int64 = 8 << 30, seconds: Int = 3600) {
        self.bytes = bytes
        self.seconds = seconds
    }
}
