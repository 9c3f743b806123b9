import Glibc

/// Notices that a disk runs full, or has room again, by one system call a file system at each check-in.
///
/// No package changes then, so that nothing else would ask for a scan before the next regular one.
struct SpaceWatch {
    private static let paths = ["/", "/boot", "/var", "/usr"]
    private var levels: [Int]

    init() { levels = Self.read() }

    /// Whether a file system has come to another level since the last call.
    mutating func changed() -> Bool {
        let now = Self.read()
        defer { levels = now }
        return now != levels
    }

    /// 0 below one per cent free, then up to five, up to ten, and more; -1 where it cannot be read.
    static func level(free: UInt64, of total: UInt64) -> Int {
        guard total > 0 else { return -1 }
        let share = Double(free) / Double(total)
        return share < 0.01 ? 0 : share < 0.05 ? 1 : share < 0.1 ? 2 : 3
    }

    private static func read() -> [Int] {
        paths.map { path in
            var status = statvfs()
            guard statvfs(path, &status) == 0 else { return -1 }
            return level(free: UInt64(status.f_bavail), of: UInt64(status.f_blocks))
        }
    }
}
