import Glibc

/// Who holds a lock of dpkg or apt.
public struct LockHolder: Sendable, Hashable {
    /// The lock's file.
    public var path: String
    /// The process; 0 where it is not visible from here.
    public var pid: Int32
    /// Its program, as a person knows it.
    public var program: String
}

extension AptChange {
    /// The lock files, with fcntl(2) locks that end with their process.
    private static let lockFiles = [
        "var/lib/dpkg/lock-frontend", "var/lib/dpkg/lock", "var/lib/apt/lists/lock", "var/cache/apt/archives/lock",
    ]

    /// Who works on packages now. The locks are looked at, not taken.
    ///
    /// - Throws: where a lock cannot be looked at, which is not the same as free.
    public func lockHolders() throws(AptChangeError) -> [LockHolder] {
        var holders: [LockHolder] = []
        for path in Self.lockFiles {
            let file: PlainFile
            do throws(FileError) {
                file = try root.tree.open(path)
            } catch {
                if error.isMissing { continue }
                throw AptChangeError("the lock \(root.tree.name(path)) cannot be looked at: \(error.reason)")
            }
            var lock = flock()
            lock.l_type = Int16(F_WRLCK)
            lock.l_whence = Int16(SEEK_SET)
            let result = file.withDescriptor { fcntl($0, F_GETLK, &lock) }
            guard result == 0 else {
                throw AptChangeError(
                    "the lock \(root.tree.name(path)) cannot be looked at: \(String(cString: strerror(errno)))")
            }
            if lock.l_type != Int16(F_UNLCK) {
                holders.append(LockHolder(path: "/\(path)", pid: lock.l_pid, program: Self.program(lock.l_pid)))
            }
        }
        return holders
    }

    /// Waits until nobody holds a lock.
    func waitForLocks(seconds: Int) throws(AptChangeError) {
        let start = Clock.milliseconds
        while true {
            guard let holder = try lockHolders().first else { return }
            guard Clock.milliseconds - start < Int64(seconds) * 1000 else {
                throw AptChangeError(
                    "\(holder.program) still works on packages after \(seconds) s; wait for it, or end it by hand")
            }
            usleep(200_000)
        }
    }

    /// What a person knows the process as.
    private static func program(_ pid: Int32) -> String {
        guard pid > 0, let process = ProcessStatus(pid: pid) else { return "a process that is not visible from here" }
        let words = ProcessStatus.command(pid).prefix(4).joined(separator: " ").prefix(120)
        let name: String =
            if words.contains("unattended-upgrade") {
                "unattended-upgrades"
            } else if process.name.hasPrefix("packagekit") {
                "PackageKit"
            } else if ["apt", "apt-get", "aptitude", "dpkg", "synaptic"].contains(process.name) {
                "a person's \(process.name)"
            } else {
                process.name
            }
        return "\(name) (process \(pid)\(words.isEmpty ? "" : ": \(words)"))"
    }
}
