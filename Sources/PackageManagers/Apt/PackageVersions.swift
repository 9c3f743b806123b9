import Versions

/// One version of a package that is installed or offered.
struct PackageVersion: Sendable {
    var version: String
    var key: VersionKey
    /// The lists that have it, as positions among the scanned ones.
    var files: [Int]
    var isInstalled: Bool
    var source: String
    var sourceVersion: String
    /// The share of hosts in percent that it is released to.
    var phased = 100
    var relations = PackageRelations()
}

/// An installed package with all versions that the host knows of.
struct PackageVersions: Sendable {
    var package: DpkgPackage
    /// The architecture that apt files it under: packages for all architectures count as the host's own.
    var architecture: String
    /// The newest first.
    var versions: [PackageVersion]

    var installed: PackageVersion? { versions.first(where: \.isInstalled) }
}

/// Reads lists for the versions of installed packages.
struct PackageVersionsReader {
    private(set) var packages: [PackageVersions]
    /// Installed packages whose version is none that dpkg could order, with the reason.
    private(set) var refused: [String] = []
    private let native: String
    private let table: NameTable
    /// The packages of each name in the table.
    private let groups: [[Int]]

    init(installed: [DpkgPackage], native: String) {
        self.native = native
        var packages: [PackageVersions] = []
        var names: [String] = []
        var groups: [[Int]] = []
        var refused: [String] = []
        for package in installed {
            guard let key = versionKey(package.version) else {
                refused.append("\(package.id) has the version '\(package.version)', which is none of Debian's")
                continue
            }
            if names.last == package.name {
                groups[groups.count - 1].append(packages.count)
            } else {
                names.append(package.name)
                groups.append([packages.count])
            }
            let version = PackageVersion(
                version: package.version, key: key, files: [], isInstalled: true, source: package.source,
                sourceVersion: package.sourceVersion, relations: package.relations)
            packages.append(
                PackageVersions(
                    package: package, architecture: package.architecture == "all" ? native : package.architecture,
                    versions: [version]))
        }
        self.packages = packages
        self.refused = refused
        self.groups = groups
        table = NameTable(names)
    }

    /// Reads one list; `file` is its position.
    mutating func read(_ source: any ByteSource, file: Int) throws(PackageScanError) {
        var reader = StanzaReader(source)
        try reader.forEach { bytes in
            guard let name = packageName(bytes), let group = table.find(name) else { return }
            take(Stanza(bytes: bytes), groups[group], file)
        }
    }

    /// Puts the newest versions first.
    mutating func sort() {
        for index in packages.indices where packages[index].versions.count > 1 {
            packages[index].versions.sort { $0.key > $1.key }
        }
    }

    private mutating func take(_ stanza: Stanza, _ group: [Int], _ file: Int) {
        var architecture = UnsafeRawBufferPointer(start: nil, count: 0)
        var version = architecture
        var source = architecture
        var phased = architecture
        stanza.forEachField { name, value in
            switch name.count {
            case 6: if matches(name, "source") { source = value }
            case 7: if matches(name, "version") { version = value }
            case 12: if matches(name, "architecture") { architecture = value }
            case 24: if matches(name, "phased-update-percentage") { phased = value }
            default: break
            }
        }
        let isAll = matches(architecture, "all")
        for index in group {
            let own = packages[index].architecture
            guard isAll ? own == native : own.utf8.elementsEqual(architecture) else { continue }
            if let known = packages[index].versions.firstIndex(where: { $0.version.utf8.elementsEqual(version) }) {
                if packages[index].versions[known].files.last != file {
                    packages[index].versions[known].files.append(file)
                }
                // The status file does not say what the repository does; of several shares below 100 apt keeps the last.
                if let share = Int(text(phased)), (0..<100).contains(share) {
                    packages[index].versions[known].phased = share
                }
                return
            }
            // A version that dpkg could not order is none that apt would offer.
            guard let key = versionKey(text(version)) else { return }
            let origin = parseSource(text(source), name: packages[index].package.name, version: text(version))
            var new = PackageVersion(
                version: text(version), key: key, files: [file], isInstalled: false, source: origin.source,
                sourceVersion: origin.version)
            if let share = Int(text(phased)), (0...100).contains(share) { new.phased = share }
            stanza.forEachField { new.relations.take($0, $1) }
            packages[index].versions.append(new)
            return
        }
    }
}

/// The name of a stanza's package, which is its first field in nearly all lists.
func packageName(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
    let field: StaticString = "Package: "
    if bytes.count > 9, bytes.starts(with: UnsafeRawBufferPointer(start: field.utf8Start, count: 9)) {
        var end = 9
        while end < bytes.count, bytes[end] != 0x0A { end += 1 }
        return trimmed(UnsafeRawBufferPointer(rebasing: bytes[9..<end]))
    }
    return Stanza(bytes: bytes).value("package")
}

/// A version's key as dpkg reads its own database; nil where it is no version.
func versionKey(_ version: String) -> VersionKey? {
    guard let parsed = try? DebianVersion.parse(version, strictness: .lax) else { return nil }
    return parsed.key
}
