/// An executable mapping of a file: a line of /proc/PID/maps, proc_pid_maps(5).
package struct MappedFile: Hashable, Sendable {
    /// Where it is mapped, as its name in /proc/PID/map_files has it.
    package let range: String
    /// The file's inode number.
    package let inode: UInt64
    /// The file as it was opened; the kernel writes a line feed in it as `\012`.
    package let path: String
    /// Whether the kernel says that its name was deleted.
    package let isDeleted: Bool

    /// The executable mappings of files among the lines of /proc/PID/maps, one per file.
    package static func executable(in maps: [UInt8]) -> [MappedFile] {
        var files: [MappedFile] = []
        var start = 0
        maps.withUnsafeBufferPointer { bytes in
            while start < bytes.count {
                let end = bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
                if let file = MappedFile(line: bytes[start..<end]), files.last?.path != file.path { files.append(file) }
                start = end + 1
            }
        }
        return files
    }

    /// Reads `7f00-7f10 r-xp 00000000 08:01 1234   /usr/lib/x.so (deleted)`; nil for what is not executable or no file.
    private init?(line: Slice<UnsafeBufferPointer<UInt8>>) {
        // Most lines are not executable: they are told by two looks before anything is copied.
        guard let space = line.firstIndex(of: 0x20), space + 4 < line.endIndex, line[space + 3] == 0x78,
            let slash = line[(space + 4)...].firstIndex(of: 0x2F)
        else { return nil }
        let fields = line[..<slash].split(separator: 0x20)
        guard fields.count == 5, let inode = UInt64(String(decoding: fields[4], as: UTF8.self)), inode != 0 else {
            return nil
        }
        let ends = fields[0].split(separator: 0x2D)
        guard ends.count == 2 else { return nil }
        self.range = ends.map { end in
            let digits = end.drop { $0 == 0x30 }
            return digits.isEmpty ? "0" : String(decoding: digits, as: UTF8.self)
        }.joined(separator: "-")
        self.inode = inode
        (self.path, self.isDeleted) = Self.withoutMark(String(decoding: line[slash...], as: UTF8.self))
    }

    /// A path from the kernel without its ` (deleted)`, and whether it had that.
    static func withoutMark(_ path: String) -> (path: String, isDeleted: Bool) {
        let mark = " (deleted)"
        return path.hasSuffix(mark) ? (String(path.dropLast(mark.count)), true) : (path, false)
    }

    /// Whether the path is that of something else than an installed file: shared memory, devices, code that a program
    /// makes for itself, temporary files. These are deleted while in use by design.
    package static func isTransient(_ path: String) -> Bool {
        let prefixes = [
            "/dev/", "/memfd:", "/SYSV", "/[aio]", "/drm", "/i915", "/dmabuf:", "/anon_hugepage", "/tmp/", "/var/tmp/",
            "/run/", "/var/run/", "/proc/", "/sys/",
        ]
        return prefixes.contains(where: path.hasPrefix) || path.contains("/orcexec.")
    }
}
