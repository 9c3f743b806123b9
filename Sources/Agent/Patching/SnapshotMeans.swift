import CLinux
import Glibc
import Rollout

/// What the host can come back to, found by looking, never assumed.
enum SnapshotMeans: String, Sendable {
    /// A read-only snapshot of the root subvolume, which holds the packages' database and their files.
    case btrfs
    /// An external backup or hypervisor, by the plan's command.
    case hook
    /// The old packages, kept on this host before anything changes.
    case downgrade

    /// What a person reads.
    var words: String {
        switch self {
        case .btrfs: "a btrfs snapshot of the root subvolume, and the old packages"
        case .hook: "a snapshot by the plan's command, and the old packages"
        case .downgrade: "the old packages"
        }
    }

    /// The magic number of btrfs (statfs(2)), and the inode of a subvolume's top.
    private static let btrfsMagic = 0x9123_683E
    private static let subvolumeInode: UInt64 = 256
    /// Where the snapshots are, on the root subvolume.
    static let folder = "/.fettle-snapshots"

    /// The best means here; why a better one is not taken is in `why`.
    static func probe(_ actions: JobActions) -> (means: SnapshotMeans, why: String) {
        if actions.snapshotHook != nil { return (.hook, "the plan names a command") }
        if actions.snapshot == .none { return (.downgrade, "the plan asks for no snapshot") }
        var file = statfs()
        guard statfs("/", &file) == 0 else { return (.downgrade, "the file system of / cannot be examined") }
        guard Int(file.f_type) == btrfsMagic else {
            // OVERLAYFS_SUPER_MAGIC
            let name = file.f_type == 0x794C_7630 ? "an overlay, which only its host can take back" : "not btrfs"
            return (.downgrade, "the file system of / is \(name)")
        }
        var root = stat()
        guard stat("/", &root) == 0, UInt64(root.st_ino) == subvolumeInode else {
            return (.downgrade, "/ is not the top of a btrfs subvolume")
        }
        for path in ["/usr", "/etc", "/var/lib/dpkg"] as [String] {
            var other = stat()
            guard stat(path, &other) == 0, other.st_dev == root.st_dev else {
                return (
                    .downgrade, "\(path) is not on the subvolume of /, so that a snapshot would hold half of the truth"
                )
            }
        }
        let programs = ["/usr/bin/btrfs", "/bin/btrfs", "/sbin/btrfs"]
        guard programs.contains(where: { access($0, X_OK) == 0 }) else {
            return (.downgrade, "/ is btrfs, but the program btrfs is not installed")
        }
        return (.btrfs, "/ is a btrfs subvolume")
    }

    /// Makes the snapshot, or finds the one that an earlier try made: its name is the job's.
    ///
    /// - Returns: its name; nil with why where it could not be made.
    func make(job: String, hook: String?, timeout: Int64, log: JobLog) -> (id: String?, failure: String?) {
        switch self {
        case .downgrade: return ("", nil)
        case .btrfs:
            let path = "\(Self.folder)/\(job)"
            if access(path, F_OK) == 0 { return (path, nil) }
            _ = mkdir(Self.folder, 0o700)
            let run = BoundedRun(
                command: ["btrfs", "subvolume", "snapshot", "-r", "/", path], timeout: timeout
            ).run { log.write($0) }
            return run.end.isSuccess ? (path, nil) : (nil, "btrfs: \(run.end.text) \(run.lastLine)")
        case .hook:
            guard let hook else { return (nil, "the plan names no command") }
            let run = BoundedRun(
                command: ["/bin/sh", "-c", hook], timeout: timeout, environment: ["FETTLE_JOB": job]
            ).run { log.write($0) }
            guard run.end.isSuccess else { return (nil, "the snapshot command: \(run.end.text) \(run.lastLine)") }
            return (run.lastLine.isEmpty ? "made by the plan's command" : run.lastLine, nil)
        }
    }
}
