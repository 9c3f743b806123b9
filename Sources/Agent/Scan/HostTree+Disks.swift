import Glibc
public import Inventory

extension HostTree {
    /// The mounted file systems that hold the host's files, each once, by mount point.
    ///
    /// File systems over the network are left out: asking a server that is away would block the scan.
    public func disks(previous: [DiskFacts] = []) -> Fact<[DiskFacts]> {
        let mounts: [Mount]
        do {
            // Process 1's view: a service manager may have made this process's own read-only.
            let ofFirst = try? procText("1/mountinfo", limit: 16 << 20)
            mounts = Mount.parse(try ofFirst ?? procText("self/mountinfo", limit: 16 << 20))
        } catch {
            return .unknown("\(error)")
        }
        let chosen = Mount.holdingFiles(mounts)
        let boot = Set(
            ["/boot", "/boot/efi", "/efi"].filter { exists($0) || $0 == "/boot" }
                .compactMap { folder in
                    chosen.filter { $0.holds(folder) }.max { $0.point.count < $1.point.count }?.point
                })
        var disks: [DiskFacts] = []
        for mount in chosen {
            var status = statvfs()
            guard statvfs(path(mount.point), &status) == 0 else {
                return .unknown(HostTreeError(path: path(mount.point), number: errno).description)
            }
            let old = previous.first { $0.mountPoint == mount.point && $0.device == mount.source }
            let unit = Int64(status.f_frsize)
            let (total, free) = (Int64(clamping: status.f_blocks) * unit, Int64(clamping: status.f_bavail) * unit)
            let (files, freeFiles) = (Int64(clamping: status.f_files), Int64(clamping: status.f_favail))
            disks.append(
                DiskFacts(
                    mountPoint: mount.point, device: mount.source, filesystem: mount.type, totalBytes: total,
                    freeBytes: Steps(total: total, parts: 20, floor: 1 << 20).step(
                        free, previous: old?.totalBytes == total ? old?.freeBytes : nil),
                    totalInodes: files,
                    freeInodes: Steps(total: files, parts: 20, floor: 64).step(
                        freeFiles, previous: old?.totalInodes == files ? old?.freeInodes : nil),
                    boot: boot.contains(mount.point), readOnly: mount.isReadOnly))
        }
        return .known(disks)
    }
}

/// A line of /proc/self/mountinfo, proc_pid_mountinfo(5).
package struct Mount: Hashable, Sendable {
    /// Which device or instance: `254:0`.
    package let device: String
    /// Where it is mounted.
    package let point: String
    /// Its type.
    package let type: String
    /// What is mounted.
    package let source: String
    /// Whether the mount or its file system is read-only.
    package let isReadOnly: Bool

    package static func parse(_ text: String) -> [Mount] {
        text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            guard let dash = fields.firstIndex(of: "-"), dash >= 6, dash + 2 < fields.count else { return nil }
            return Mount(
                device: String(fields[2]), point: unescaped(fields[4]), type: String(fields[dash + 1]),
                source: unescaped(fields[dash + 2]),
                // The options of the mount, and those of its file system.
                isReadOnly: [fields[5], dash + 3 < fields.count ? fields[dash + 3] : ""]
                    .contains { $0.split(separator: ",").contains("ro") })
        }
    }

    /// Those that hold files of the host, by mount point: what lies on a block device, and whatever is mounted on `/`.
    ///
    /// What another mount hides is left out, and of several mounts of one file system the shortest path stays.
    package static func holdingFiles(_ mounts: [Mount]) -> [Mount] {
        var visible: [String: Mount] = [:]
        for mount in mounts { visible[mount.point] = mount }
        var byDevice: [String: Mount] = [:]
        for mount in visible.values where mount.point == "/" || mount.isOnDisk {
            if let other = byDevice[mount.device],
                (other.point.utf8.count, other.point) <= (mount.point.utf8.count, mount.point)
            {
                continue
            }
            byDevice[mount.device] = mount
        }
        return byDevice.values.sorted { $0.point < $1.point }
    }

    /// Whether a path lies on or below the mount point.
    func holds(_ path: String) -> Bool { point == "/" || path == point || path.hasPrefix(point + "/") }

    private var isOnDisk: Bool {
        // What a container manager shows of its own machine is not the container's.
        if point.hasPrefix("/run/host/") { return false }
        // Images that are full and read-only by design say nothing of the host's space.
        if ["squashfs", "iso9660", "erofs", "udf", "devtmpfs"].contains(type) { return false }
        return type == "zfs" || (source.hasPrefix("/dev/") && !type.hasPrefix("fuse."))
    }

    /// Octal escapes: the kernel writes blank, tab, line feed and backslash as `\040`, `\011`, `\012` and `\134`.
    private static func unescaped(_ text: Substring) -> String {
        guard text.contains("\\") else { return String(text) }
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            if byte == 0x5C, digits.count == 3, digits.allSatisfy({ (0x30...0x37).contains($0) }) {
                bytes.append(UInt8(truncatingIfNeeded: digits.reduce(0) { $0 * 8 + Int($1 - 0x30) }))
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
