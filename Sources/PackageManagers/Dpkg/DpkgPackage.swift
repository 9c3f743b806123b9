/// A package as dpkg's database has it (dpkg-query(1), deb-control(5)).
struct DpkgPackage: Sendable {
    /// What is wanted of the package.
    enum Want: String, Sendable { case unknown, install, hold, deinstall, purge }

    /// What has become of it.
    enum State: String, Sendable {
        case notInstalled = "not-installed"
        case configFiles = "config-files"
        case halfInstalled = "half-installed"
        case unpacked
        case halfConfigured = "half-configured"
        case triggersAwaited = "triggers-awaited"
        case triggersPending = "triggers-pending"
        case installed
    }

    var name: String
    var architecture: String
    var version = ""
    var want = Want.unknown
    var state = State.notInstalled
    /// Whether the package must be unpacked again (the third letter of `dpkg -l`, R).
    var needsReinstall = false
    var source = ""
    var sourceVersion = ""
    /// The relationship fields, as written.
    var relations = PackageRelations()

    /// Whether files of the package are on the disk.
    var isOnDisk: Bool { state != .notInstalled && state != .configFiles && !version.isEmpty }

    /// `name:architecture`.
    var id: String { "\(name):\(architecture)" }

    init(name: String, architecture: String) {
        self.name = name
        self.architecture = architecture
    }
}

/// The fields that tie a package to others, as written; empty where absent.
struct PackageRelations: Sendable, Hashable {
    var preDepends = ""
    var depends = ""
    var conflicts = ""
    var breaks = ""
    var recommends = ""
    var provides = ""

    /// Takes the field where it is one of these.
    mutating func take(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        guard let first = name.first, name.count >= 6 else { return }
        switch first | 0x20 {
        case 0x70:
            if matches(name, "pre-depends") { preDepends = text(value) }
            if matches(name, "provides") { provides = text(value) }
        case 0x64: if matches(name, "depends") { depends = text(value) }
        case 0x63: if matches(name, "conflicts") { conflicts = text(value) }
        case 0x72: if matches(name, "recommends") { recommends = text(value) }
        case 0x62: if matches(name, "breaks") { breaks = text(value) }
        default: break
        }
    }
}

/// The source package a binary comes from: `name`, or `name (version)`.
func parseSource(_ value: String, name: String, version: String) -> (source: String, version: String) {
    guard let space = value.firstIndex(where: { $0 == " " || $0 == "(" }) else {
        return (value.isEmpty ? name : value, version)
    }
    let source = String(value[..<space])
    guard let open = value.firstIndex(of: "("), let close = value[open...].firstIndex(of: ")") else {
        return (source, version)
    }
    let inner = value[value.index(after: open)..<close].split(separator: " ").joined()
    return (source.isEmpty ? name : source, inner.isEmpty ? version : inner)
}
