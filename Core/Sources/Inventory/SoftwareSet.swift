public import Digest

/// One package version as it is interned: what is installed, not where or in what state.
///
/// Holds, half-installed states and origins are facts of a host, never of a package.
public struct SoftwarePackage: Hashable, Sendable, Comparable {
    /// The purl type, which names the version scheme too: `deb`.
    public var scheme: String
    /// The distribution release: `debian-12`, from os-release's ID and VERSION_ID (else VERSION_CODENAME).
    public var distribution: String
    /// The binary package's name.
    public var name: String
    /// The package's architecture: `amd64`, `all`.
    public var architecture: String
    /// The installed version, as the package manager writes it.
    public var version: String
    /// The source package's name.
    public var source: String
    /// The source package's version; it differs from ``version`` for rebuilds and for sources with many packages.
    public var sourceVersion: String
    /// The module stream; empty where the ecosystem has none.
    public var module: String

    /// A package; source and its version default to the binary's own.
    public init(
        scheme: String, distribution: String, name: String, architecture: String, version: String,
        source: String? = nil, sourceVersion: String? = nil, module: String = ""
    ) {
        self.scheme = scheme
        self.distribution = distribution
        self.name = name
        self.architecture = architecture
        self.version = version
        self.source = source ?? name
        self.sourceVersion = sourceVersion ?? version
        self.module = module
    }

    /// The line that stands for it: eight fields; source and source version are empty where equal to the binary's.
    public var line: String {
        let source = self.source == name ? "" : self.source
        let sourceVersion = self.sourceVersion == version ? "" : self.sourceVersion
        return
            "\(scheme)\t\(distribution)\t\(name)\t\(architecture)\t\(version)\t\(source)\t\(sourceVersion)\t\(module)"
    }

    /// Reads a line; nil where it is not eight fields with the first five filled.
    public init?(line: String) {
        let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        guard fields.count == 8, fields.prefix(5).allSatisfy({ !$0.isEmpty }) else { return nil }
        self.init(
            scheme: fields[0], distribution: fields[1], name: fields[2], architecture: fields[3], version: fields[4],
            source: fields[5].isEmpty ? nil : fields[5], sourceVersion: fields[6].isEmpty ? nil : fields[6],
            module: fields[7])
        // One package has one line: the long form of an abbreviation is refused.
        guard self.line == line else { return nil }
    }

    /// The order of the lines' bytes, which is that of a set.
    public static func < (left: SoftwarePackage, right: SoftwarePackage) -> Bool {
        left.line.utf8.lexicographicallyPrecedes(right.line.utf8)
    }
}

/// The sorted list of packages of a host, named by its digest.
///
/// Hosts built alike share one set, so a fleet's inventory costs as much as its distinct software.
public struct SoftwareSet: Hashable, Sendable {
    /// The header of its canonical bytes.
    public static let header = "fettle software-set 1"

    /// The packages, in the order of their lines.
    public let packages: [SoftwarePackage]
    /// The canonical bytes.
    public let document: LineDocument
    /// The set's name.
    public var digest: SHA256Digest { document.digest }

    /// The set of these packages.
    public init(_ packages: some Sequence<SoftwarePackage>) {
        self.document = LineDocument(header: Self.header, lines: packages.map(\.line))
        self.packages = document.lines.compactMap(SoftwarePackage.init(line:))
    }

    /// Reads received bytes.
    ///
    /// - Throws: ``LineDocumentError`` with the line's number.
    public init(parsing bytes: [UInt8], limits: LineDocument.Limits = .standard) throws(LineDocumentError) {
        try self.init(LineDocument(parsing: bytes, header: Self.header, limits: limits))
    }

    /// Reads a checked document.
    public init(_ document: LineDocument) throws(LineDocumentError) {
        var packages: [SoftwarePackage] = []
        for (index, line) in document.lines.enumerated() {
            guard let package = SoftwarePackage(line: line) else {
                throw LineDocumentError(line: index + 2, problem: "is not a package: eight tab-separated fields")
            }
            packages.append(package)
        }
        self.document = document
        self.packages = packages
    }
}
