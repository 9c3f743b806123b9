import Glibc
import Inventory

/// What apt's resolver would do, as `apt-get -s` prints it.
struct AptSimulation: Sendable, Hashable {
    /// New versions by package: `name`, or `name:architecture` for a foreign one.
    var installs: [String: String] = [:]
    /// Packages among ``installs`` that are not installed yet.
    var new: Set<String> = []
    var removals: Set<String> = []
    /// The packages of ``new`` with version and architecture.
    var additions: [Addition] = []

    /// Reads the lines that begin with Inst and Remv.
    init(_ output: [UInt8]) {
        for line in output.split(separator: 0x0A) {
            let words = String(decoding: line, as: UTF8.self).split(separator: " ").map(String.init)
            guard words.count >= 2 else { continue }
            if words[0] == "Remv" { removals.insert(words[1]) }
            // Inst NAME [OLD] (NEW ORIGIN [ARCH]); a new package has no [OLD].
            guard words[0] == "Inst", let version = words.first(where: { $0.hasPrefix("(") })?.dropFirst() else {
                continue
            }
            installs[words[1]] = String(version)
            guard words.count < 3 || !words[2].hasPrefix("[") else { continue }
            new.insert(words[1])
            // "… [amd64])", with "[]" or more behind it where others wait for it.
            guard let architecture = words.first(where: { $0.hasPrefix("[") && $0.hasSuffix("])") }) else { continue }
            additions.append(
                Addition(
                    name: String(words[1].prefix { $0 != ":" }),
                    architecture: String(architecture.dropFirst().dropLast(2)),
                    version: String(version)))
        }
    }
}

/// Asks apt's resolver, without letting it write anything or use the network.
struct AptQuestion {
    /// In front of `apt-get`: empty for this machine, or what enters the scanned root.
    var prefix: [String]
    /// Where a private cache may be kept between two questions; nil for none.
    private let folder: String?

    init(prefix: [String]) {
        self.prefix = prefix
        guard prefix.isEmpty else {
            folder = nil
            return
        }
        // apt does without where there is little room, and a scan must not be what fills a disk.
        var space = statvfs()
        guard statvfs("/tmp", &space) == 0, UInt64(space.f_bavail) * UInt64(space.f_frsize) > Self.wantedBytes else {
            folder = nil
            return
        }
        var template = Array("/tmp/fettle-apt-XXXXXX".utf8CString)
        folder = mkdtemp(&template).map { String(cString: $0) }
    }

    /// Several times what apt's caches take for the largest set of indexes seen, in bytes.
    private static let wantedBytes: UInt64 = 512 << 20

    /// Removes the private cache.
    func close() {
        guard let folder else { return }
        // What apt leaves behind when it is interrupted has names of its own.
        if let entries = opendir(folder) {
            while let entry = readdir(entries) {
                let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                }
                unlink("\(folder)/\(name)")
            }
            closedir(entries)
        }
        for name in ["archives/partial", "archives"] { rmdir("\(folder)/\(name)") }
        rmdir(folder)
    }

    /// What a run of `apt-get upgrade` or `apt-get dist-upgrade` would do; else why that is not known.
    func ask(_ operation: String) -> Result<AptSimulation, AptRefusal> {
        var command = prefix + ["apt-get", "-s", "-q", operation]
        var options = [
            "Debug::NoLocking=true", "APT::Get::Show-User-Simulation-Note=false", "APT::Get::AutomaticRemove=false",
            "Acquire::Retries=0",
        ]
        if let folder {
            options += [
                "Dir::Cache=\(folder)/", "Dir::Cache::pkgcache=pkgcache.bin", "Dir::Cache::srcpkgcache=srcpkgcache.bin",
            ]
        } else {
            options += ["Dir::Cache::pkgcache=", "Dir::Cache::srcpkgcache="]
        }
        // A foreign root is judged as its own host would, which is not in a chroot.
        if !prefix.isEmpty { options.append("Dir::Bin::ischroot=/bin/false") }
        for option in options { command += ["-o", option] }
        let environment = [
            "LC_ALL": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive",
            "HOME": "/nonexistent",
        ]
        do throws(ChildProcess.Failure) {
            // At the lowest priority a host that is busy with its own work lets it wait: an answer that is late is better than
            // none, which would leave every update of a busy host unknown.
            let result = try ChildProcess.run(command, environment: environment, timeoutSeconds: 300)
            guard result.status == 0 else {
                let lines = (result.output + [0x0A] + result.errors).split(separator: 0x0A)
                    .map { String(decoding: $0, as: UTF8.self).trimmed }
                return .failure(AptRefusal(operation: operation, status: result.status, lines: lines))
            }
            return .success(AptSimulation(result.output))
        } catch {
            return .failure(AptRefusal(why: "apt-get \(operation) was asked, but \(error)", isUnmet: false))
        }
    }
}

/// Why apt gave no answer.
struct AptRefusal: Error, Sendable, Hashable {
    /// For a person.
    var why: String
    /// Whether it refuses to upgrade anything, because installed packages have unmet dependencies.
    var isUnmet: Bool

    init(why: String, isUnmet: Bool) {
        self.why = why
        self.isUnmet = isUnmet
    }

    init(operation: String, status: Int32, lines: [String]) {
        isUnmet = lines.contains { $0.contains("unmet dependencies") || $0.contains("Unmet dependencies") }
        if isUnmet {
            let first = lines.first {
                $0.contains(" : Depends: ") || $0.contains(" : Breaks: ") || $0.contains(" : PreDepends: ")
            }
            why = "apt refuses every upgrade until unmet dependencies are mended" + (first.map { ": \($0)" } ?? "")
        } else {
            let error = lines.first { $0.hasPrefix("E:") } ?? "no message"
            why = "apt-get \(operation) failed (exit \(status)): \(error)"
        }
    }
}
