import Glibc
public import Inventory
import Matching
import PackageManagers
public import SoftwareReading

/// Reads what is to be judged: a root, an inventory, a bill of materials, a lock file.
public enum SoftwareInput {
    /// The largest file.
    public static let maximumBytes = 1 << 30

    /// The software of a root: dpkg's, rpm's and apk's databases, and where there is none of them the lock files below it.
    ///
    /// - Throws: ``MatchInputError`` and others that say what cannot be read.
    public static func root(_ root: String) throws -> FoundSoftware {
        var found = FoundSoftware()
        let distribution = Apt.distribution(root: root)
        var hasDatabase = false
        let hasStatus = try exists("\(root)/var/lib/dpkg/status")
        if try hasStatus || exists("\(root)/var/lib/dpkg/status.d") {
            hasDatabase = true
            let origins = hasStatus ? try Apt.installedOrigins(root: root) : InstalledOrigins()
            if origins.hasLists {
                for problem in origins.problems { found.notes.append("a repository's list is not there: \(problem)") }
            }
            found.packages += try DpkgSoftware.packages(root: root).map {
                FoundPackage($0, place: "/var/lib/dpkg/status", origin: origins.origin(of: $0))
            }
        }
        for place in ["var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm"] {
            if try exists("\(root)/\(place)/rpmdb.sqlite") {
                hasDatabase = true
                let packages = try RPMDatabase.installed("\(root)/\(place)/rpmdb.sqlite", distribution: distribution)
                found.packages += packages.map {
                    FoundPackage(
                        $0.package, place: "/\(place)/rpmdb.sqlite",
                        origin: RPMHeader.origin(
                            vendor: $0.vendor, distribution: distribution, version: $0.package.version))
                }
                break
            }
            for old in ["Packages", "Packages.db"] where try exists("\(root)/\(place)/\(old)") {
                throw MatchInputError(
                    "\(root)/\(place)/\(old) is an rpm database in an old format (Berkeley DB or ndb) that is not read here: give a bill of materials, or lines of `ecosystem<TAB>name<TAB>version`"
                )
            }
        }
        for place in ["lib/apk/db/installed", "usr/lib/apk/db/installed"] where try exists("\(root)/\(place)") {
            hasDatabase = true
            let bytes = try read("\(root)/\(place)")
            let world = "\(root)/etc/apk/world"
            let tags = try exists(world) ? AlpineDatabase.tagged(world: try read(world)) : [:]
            found.packages += AlpineDatabase.packages(bytes, distribution: distribution).map { package in
                FoundPackage(
                    package, place: "/\(place)",
                    origin: tags[package.name].map { .thirdParty("the repository tagged \($0)") } ?? .assumed)
            }
            break
        }
        guard !hasDatabase else { return found }
        var count = 0
        try walk(root, "", 0, &count, &found)
        guard count > 0 else {
            throw MatchInputError(
                "\(root) has no database of dpkg, rpm or apk, and no lock file that is known below it")
        }
        return found
    }

    private static func walk(
        _ root: String, _ path: String, _ depth: Int, _ count: inout Int, _ found: inout FoundSoftware
    ) throws {
        guard let handle = opendir("\(root)/\(path)") else {
            // What lies in it may be what matters.
            return found.skip("/\(path) cannot be read: \(String(cString: strerror(errno)))")
        }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                })
        }
        // A go.sum names more than is built in; where go.mod is there, it says what is.
        if names.contains("go.mod") { names.removeAll { $0 == "go.sum" } }
        for name in names.sorted() where !name.hasPrefix(".") && name != "node_modules" {
            let relative = path.isEmpty ? name : "\(path)/\(name)"
            var status = stat()
            guard lstat("\(root)/\(relative)", &status) == 0 else {
                if errno != ENOENT { found.skip("/\(relative) cannot be read: \(String(cString: strerror(errno)))") }
                continue
            }
            if status.st_mode & S_IFMT == S_IFDIR {
                if depth < 12 {
                    try walk(root, relative, depth + 1, &count, &found)
                } else {
                    found.skip("/\(relative) lies too deep: folders below the twelfth are not looked into")
                }
            } else if LockFile.names.contains(name), status.st_mode & S_IFMT == S_IFREG {
                count += 1
                guard count <= 10_000 else { throw MatchInputError("\(root) has more than 10,000 lock files") }
                let part = try lockFile(try read("\(root)/\(relative)"), relative, name: name)
                found.add(part, place: relative)
            }
        }
    }

    /// A bill of materials.
    public static func billOfMaterials(_ path: String) throws -> FoundSoftware {
        try billOfMaterials(try read(path), path)
    }

    private static func billOfMaterials(_ bytes: [UInt8], _ path: String) throws(MatchInputError) -> FoundSoftware {
        do throws(SoftwareReadingError) {
            return try BillOfMaterials.read(bytes)
        } catch {
            throw MatchInputError("\(path): \(error.description)")
        }
    }

    private static func lockFile(
        _ bytes: [UInt8], _ path: String, name: String
    ) throws(MatchInputError) -> FoundSoftware {
        do throws(SoftwareReadingError) {
            return try LockFile.read(bytes, name: name)
        } catch {
            throw MatchInputError("\(path): \(error.description)")
        }
    }

    /// An inventory: a lock file by its name, a database of rpm, dpkg or apk, or lines of `ecosystem<TAB>name<TAB>version`.
    ///
    /// - Parameters:
    ///   - path: the file; `-` is standard input.
    ///   - distribution: as os-release names it (`debian-12`); for databases, which do not say it.
    ///   - lines: the lines where it is lines, in their order, each with its package.
    public static func inventory(
        _ path: String, distribution: String?, lines: inout [(text: String, package: SoftwarePackage)]?
    ) throws -> FoundSoftware {
        let bytes = try read(path)
        let name = path.split(separator: "/").last.map(String.init) ?? path
        if LockFile.names.contains(name) {
            var found = FoundSoftware()
            found.add(try lockFile(bytes, path, name: name), place: name)
            return found
        }
        if bytes.starts(with: Array("SQLite format 3".utf8)) {
            let distribution = try needed(distribution, path)
            var found = FoundSoftware()
            found.packages = try RPMDatabase.installed(path, distribution: distribution).map {
                FoundPackage(
                    $0.package, place: name,
                    origin: RPMHeader.origin(
                        vendor: $0.vendor, distribution: distribution, version: $0.package.version))
            }
            return found
        }
        if bytes.first == UInt8(ascii: "{") { return try billOfMaterials(bytes, path) }
        if bytes.starts(with: Array("Package: ".utf8)) {
            return found(
                try DpkgSoftware.packages(status: bytes, path: path, distribution: try needed(distribution, path)), name
            )
        }
        if bytes.starts(with: Array("C:".utf8)) || bytes.starts(with: Array("P:".utf8)) {
            return found(AlpineDatabase.packages(bytes, distribution: try needed(distribution, path)), name)
        }
        return try tabSeparated(bytes, path, &lines)
    }

    private static func tabSeparated(
        _ bytes: [UInt8], _ path: String, _ lines: inout [(text: String, package: SoftwarePackage)]?
    ) throws -> FoundSoftware {
        var result = FoundSoftware()
        var list: [(text: String, package: SoftwarePackage)] = []
        for (number, line) in bytes.split(separator: 0x0A).enumerated() {
            let text = String(decoding: line.last == 0x0D ? line.dropLast() : line, as: UTF8.self)
            let fields = text.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            guard fields.count >= 3, !fields[0].isEmpty, !fields[1].isEmpty, !fields[2].isEmpty else {
                throw MatchInputError(
                    "\(path), line \(number + 1): a line is `ecosystem<TAB>name<TAB>version`, such as `Debian:12<TAB>openssl<TAB>3.0.11-1`"
                )
            }
            let package = PackageStreams.package(stream: fields[0], name: fields[1], version: fields[2])
            list.append((fields.prefix(3).joined(separator: "\t"), package))
            result.packages.append(FoundPackage(package, place: "line \(number + 1)"))
        }
        lines = list
        return result
    }

    private static func found(_ packages: [SoftwarePackage], _ place: String) -> FoundSoftware {
        var found = FoundSoftware()
        found.packages = packages.map { FoundPackage($0, place: place) }
        return found
    }

    private static func needed(_ distribution: String?, _ path: String) throws -> String {
        guard let distribution else {
            throw MatchInputError(
                "\(path) does not say of which distribution it is: give --distribution, such as debian-12")
        }
        return distribution
    }

    /// - Throws: where it cannot be told: a folder that may not be entered is not an empty one.
    private static func exists(_ path: String) throws(MatchInputError) -> Bool {
        var status = stat()
        if stat(path, &status) == 0 { return true }
        guard errno == ENOENT || errno == ENOTDIR else { throw MatchInputError.system("read", path) }
        return false
    }

    private static func read(_ path: String) throws -> [UInt8] {
        let descriptor = path == "-" ? dup(0) : Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw MatchInputError.system("opened", path) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var status = stat()
        if fstat(descriptor, &status) == 0 { bytes.reserveCapacity(min(Int(status.st_size), maximumBytes)) }
        let size = 1 << 18
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let count = Glibc.read(descriptor, buffer.baseAddress, size)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw MatchInputError.system("read", path) }
            if count == 0 { return bytes }
            bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            guard bytes.count <= maximumBytes else {
                throw MatchInputError("\(path) has more than \(maximumBytes) bytes")
            }
        }
    }
}
