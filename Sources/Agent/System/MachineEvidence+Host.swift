import Glibc
public import Wire

extension MachineEvidence {
    /// What this host says of itself, read from its files below `root`. The product UUID needs root's rights.
    public static func read(root: String = "") -> MachineEvidence {
        func line(_ folder: String, _ name: String) -> String? {
            guard let folder = try? DurableFolder(root + folder, create: false),
                let bytes = try? folder.readUnsized(name, limit: 256)
            else { return nil }
            let text = String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
            return text.isEmpty || text.utf8.count > 64 ? nil : text
        }
        return MachineEvidence(
            machineID: line("/etc", "machine-id"), productUUID: line("/sys/class/dmi/id", "product_uuid"),
            hostname: hostname(), bootID: line("/proc/sys/kernel/random", "boot_id"))
    }

    private static func hostname() -> String {
        var buffer = [UInt8](repeating: 0, count: 256)
        let read = buffer.withUnsafeMutableBytes { bytes -> Int32 in
            guard let start = bytes.baseAddress else { return -1 }
            return gethostname(start.assumingMemoryBound(to: CChar.self), bytes.count - 1)
        }
        guard read == 0 else { return "unknown" }
        return String(decoding: buffer.prefix { $0 != 0 }, as: UTF8.self)
    }
}

extension DurableFolder {
    /// The bytes of a file whose size the kernel does not tell, such as those of /proc; nil where it cannot be read.
    func readUnsized(_ name: String, limit: Int) throws(SystemError) -> [UInt8]? {
        let fd = open(path(of: name), O_RDONLY | O_CLOEXEC)
        guard fd >= 0 else { return nil }
        defer { close(fd) }
        var bytes: [UInt8] = []
        while bytes.count < limit {
            let piece = min(4096, limit - bytes.count)
            let got = withUnsafeTemporaryAllocation(byteCount: piece, alignment: 1) { buffer in
                let got = Glibc.read(fd, buffer.baseAddress, piece)
                if got > 0 { bytes.append(contentsOf: buffer[..<got]) }
                return got
            }
            guard got >= 0 else { throw SystemError("read", path(of: name)) }
            if got == 0 { break }
        }
        return bytes
    }
}
