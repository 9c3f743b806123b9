import Glibc

/// Notices that packages, lists or pins changed, by inotify(7): nothing is polled.
///
/// Names are only a hint that something happened. What counts is the fingerprint of the files, so that unrelated
/// traffic in the same folders never causes a scan.
struct ChangeWatch {
    /// A folder and the names in it that matter; none means all.
    private static let folders: [(path: String, names: Set<String>)] = [
        ("/var/lib/dpkg", ["status"]), ("/var/lib/apt", ["extended_states"]), ("/var/lib/apt/lists", []),
        ("/etc/apt", ["preferences", "sources.list"]), ("/etc/apt/preferences.d", []), ("/etc/apt/sources.list.d", []),
        ("/run", ["reboot-required", "reboot-required.pkgs"]),
    ]
    private static let files = [
        "/var/lib/dpkg/status", "/var/lib/apt/extended_states", "/etc/apt/preferences", "/etc/apt/sources.list",
        "/run/reboot-required", "/run/reboot-required.pkgs",
    ]
    private static let listed = ["/var/lib/apt/lists", "/etc/apt/preferences.d", "/etc/apt/sources.list.d"]

    /// The inotify descriptor; -1 where the kernel refuses one.
    let descriptor: Int32
    private var watches: [Int32: Set<String>] = [:]
    /// In front of every path; empty for this machine.
    private let root: String

    init(root: String = "") {
        self.root = root
        descriptor = inotify_init1(Int32(O_CLOEXEC | O_NONBLOCK))
        guard descriptor >= 0 else { return }
        let mask = UInt32(IN_CLOSE_WRITE) | UInt32(IN_MOVED_TO) | UInt32(IN_MOVED_FROM) | UInt32(IN_DELETE)
        for folder in Self.folders {
            let watch = inotify_add_watch(descriptor, root + folder.path, mask)
            if watch >= 0 { watches[watch] = folder.names }
        }
    }

    /// Whether changes are told at once; otherwise the fingerprint must be looked at now and then.
    var isWatching: Bool { !watches.isEmpty }

    /// Reads what happened; true where a name that matters was among it.
    func drain() -> Bool {
        var relevant = false
        withUnsafeTemporaryAllocation(byteCount: 16 << 10, alignment: 8) { buffer in
            while true {
                let got = read(descriptor, buffer.baseAddress, buffer.count)
                guard got > 0 else { return }
                var offset = 0
                while offset + MemoryLayout<inotify_event>.size <= got {
                    let event = buffer.load(fromByteOffset: offset, as: inotify_event.self)
                    let start = offset + MemoryLayout<inotify_event>.size
                    let end = min(got, start + Int(event.len))
                    let name = String(decoding: buffer[start..<end].prefix { $0 != 0 }, as: UTF8.self)
                    // An overflow (descriptor -1) may have swallowed anything.
                    let names = watches[event.wd]
                    relevant = relevant || event.wd < 0 || names.map { $0.isEmpty || $0.contains(name) } ?? false
                    offset = start + Int(event.len)
                }
            }
        }
        return relevant
    }

    /// What the files that matter look like from outside: inode, size and time of change of each.
    func fingerprint() -> [String] {
        var marks = Self.files.map { Self.mark(root + $0) }
        for path in Self.listed.map({ root + $0 }) {
            marks.append(Self.mark(path))
            let names = (try? DurableFolder(path, create: false))?.namesOrNone ?? []
            // apt touches its lock at every run.
            for name in names where name != "lock" && name != "partial" && name != "auxfiles" {
                marks.append(Self.mark("\(path)/\(name)"))
            }
        }
        return marks
    }

    private static func mark(_ path: String) -> String {
        var status = stat()
        guard lstat(path, &status) == 0 else { return "\(path) absent" }
        // A folder's own time changes with the lock and the partial folder: only what is in it counts.
        guard status.st_mode & S_IFMT != S_IFDIR else { return path }
        return "\(path) \(status.st_ino) \(status.st_size) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
    }
}

extension DurableFolder {
    /// The names of the files; none where the folder cannot be listed.
    fileprivate var namesOrNone: [String] { (try? names()) ?? [] }
}
