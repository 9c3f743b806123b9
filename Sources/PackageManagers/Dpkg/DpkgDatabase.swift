/// dpkg's database: the status file with the journal of changes that are not merged into it yet.
struct DpkgDatabase: Sendable {
    /// All packages that it names, also removed ones, sorted by name and architecture.
    var packages: [DpkgPackage]
    /// Whether the journal holds changes: a run of dpkg was interrupted (or is at work now).
    var hasJournal: Bool
    /// The architecture of dpkg itself.
    var nativeArchitecture: String
    /// The architectures that were added to it.
    var foreignArchitectures: [String]

    private static let folder = "var/lib/dpkg"

    /// Reads the database of a tree.
    init(_ tree: FileTree) throws(PackageScanError) {
        let status: PlainFile
        do throws(FileError) {
            status = try tree.open("\(Self.folder)/status")
        } catch {
            if error.isMissing { throw .noDpkg(root: tree.name("")) }
            throw error.scanError
        }
        var packages: [DpkgPackage] = []
        packages.reserveCapacity(status.size / 1024)
        try Self.parse(status) { packages.append($0) }

        // Journal files are numbered; later ones replace what earlier ones and the status file say of a package.
        var positions: [String: Int] = [:]
        let journal = ((try? tree.list("\(Self.folder)/updates")) ?? []).filter {
            !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) }
        }
        if !journal.isEmpty {
            for (index, package) in packages.enumerated() { positions[package.id] = index }
        }
        for name in journal {
            // A file that vanishes here was just merged by a dpkg at work.
            guard let file = try? tree.open("\(Self.folder)/updates/\(name)") else { continue }
            try Self.parse(file) { package in
                if let index = positions[package.id] {
                    packages[index] = package
                } else {
                    positions[package.id] = packages.count
                    packages.append(package)
                }
            }
        }
        let dpkg = packages.first { $0.name == "dpkg" && $0.isOnDisk && $0.architecture != "all" }
        let known = ((try? tree.read("\(Self.folder)/arch")) ?? []).split(separator: 0x0A)
            .map { String(decoding: $0, as: UTF8.self) }.filter { !$0.isEmpty && $0 != "all" }
        let native =
            dpkg?.architecture ?? known.first ?? packages.first { $0.isOnDisk && $0.architecture != "all" }?
            .architecture
            ?? "amd64"
        self.hasJournal = !journal.isEmpty
        self.nativeArchitecture = native
        self.foreignArchitectures = known.filter { $0 != native }
        self.packages = packages.sorted {
            $0.name == $1.name
                ? $0.architecture.utf8.lexicographicallyPrecedes($1.architecture.utf8)
                : $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
        }
    }

    /// Calls `body` with each package of a file in dpkg's format.
    static func parse(
        _ source: any ByteSource, _ body: (DpkgPackage) -> Void
    ) throws(PackageScanError) {
        var reader = StanzaReader(source, piece: 128 << 10)
        try reader.forEach { bytes throws(PackageScanError) in
            if let package = try package(Stanza(bytes: bytes), path: source.path) { body(package) }
        }
    }

    private static func package(_ stanza: Stanza, path: String) throws(PackageScanError) -> DpkgPackage? {
        var package = DpkgPackage(name: "", architecture: "")
        var status = ""
        var source = ""
        stanza.forEachField { name, value in
            switch name.count {
            case 6:
                if matches(name, "status") { status = text(value) }
                if matches(name, "source") { source = text(value) }
                if matches(name, "breaks") { package.relations.breaks = text(value) }
            case 7:
                if matches(name, "package") { package.name = text(value) }
                if matches(name, "version") { package.version = text(value) }
                if matches(name, "depends") { package.relations.depends = text(value) }
            case 8, 9, 10, 11:
                package.relations.take(name, value)
            case 12: if matches(name, "architecture") { package.architecture = text(value) }
            default: break
            }
        }
        guard !package.name.isEmpty else {
            throw .malformed(path: path, line: 0, reason: "a stanza has no Package field; run dpkg --audit")
        }
        if !status.isEmpty {
            let words = status.split(separator: " ").map(String.init)
            guard words.count == 3, let want = DpkgPackage.Want(rawValue: words[0]),
                let state = DpkgPackage.State(rawValue: words[2])
            else {
                throw .malformed(
                    path: path, line: 0,
                    reason: "package \(package.name) has the status '\(status.prefix(80))'; run dpkg --audit")
            }
            package.want = want
            package.needsReinstall = words[1] == "reinstreq" || words[1] == "hold-reinstreq"
            package.state = state
        }
        if package.architecture.isEmpty { package.architecture = "all" }
        (package.source, package.sourceVersion) = parseSource(source, name: package.name, version: package.version)
        return package
    }
}
