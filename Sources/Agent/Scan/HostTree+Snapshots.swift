import CLinux
import Glibc
public import Inventory

extension HostTree {
    /// The magic numbers of btrfs and overlayfs (statfs(2)), and the inode of a subvolume's top.
    private static let btrfsMagic = 0x9123_683E
    private static let overlayMagic = 0x794C_7630
    private static let subvolumeInode: UInt64 = 256

    /// What the host's file system can have as a snapshot; only what was looked at is said to be possible.
    public func snapshots() -> Fact<SnapshotFacts> {
        func none(_ why: String) -> Fact<SnapshotFacts> { .known(SnapshotFacts(.none, why: why)) }
        var file = statfs()
        guard statfs(path("/"), &file) == 0 else {
            return .unknown("the file system of / cannot be examined: \(HostTreeError.text(of: errno))")
        }
        guard Int(file.f_type) == Self.btrfsMagic else {
            if Int(file.f_type) == Self.overlayMagic {
                return none("/ is an overlay, which only its host can take back")
            }
            let mounts = (try? procText("self/mountinfo", limit: 16 << 20)).map(Mount.parse) ?? []
            let name = mounts.last { $0.point == "/" }?.type
            return none("the file system of / is " + (name.map { "\($0), not btrfs" } ?? "not btrfs"))
        }
        var root = stat()
        guard stat(path("/"), &root) == 0, UInt64(root.st_ino) == Self.subvolumeInode else {
            return none("/ is not the top of a btrfs subvolume")
        }
        for folder in ["/usr", "/etc", "/var/lib/dpkg"] as [String] {
            var other = stat()
            guard stat(path(folder), &other) == 0, other.st_dev == root.st_dev else {
                return none(
                    "\(folder) is not on the btrfs subvolume of /, so that a snapshot would hold half of the truth")
            }
        }
        let programs = ["/usr/bin/btrfs", "/bin/btrfs", "/sbin/btrfs"]
        guard programs.contains(where: { access(path($0), X_OK) == 0 }) else {
            return none("/ is btrfs, but the program btrfs is not installed (package btrfs-progs)")
        }
        var boot = stat()
        let without = stat(path("/boot"), &boot) == 0 && boot.st_dev != root.st_dev ? ", without /boot" : ""
        return .known(SnapshotFacts(.btrfs, why: "/ is a btrfs subvolume\(without)"))
    }
}
