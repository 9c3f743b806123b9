import Glibc

/// A copy of files that only this process uses, removed afterwards.
enum ScratchCopy {
    /// The largest file.
    static let maximumBytes = 4 << 30

    /// Copies `path` with each of the endings into a new folder, and removes it afterwards.
    static func with<T>(_ path: String, _ endings: [String], _ body: (String) throws -> T) throws -> T {
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(base)/fettle-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw MatchInputError.system("written", base) }
        let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let copy = "\(folder)/copy"
        defer {
            for ending in endings + ["-shm"] { unlink(copy + ending) }
            rmdir(folder)
        }
        for ending in endings { try copyFile(path + ending, to: copy + ending) }
        return try body(copy)
    }

    private static func copyFile(_ source: String, to target: String) throws {
        let input = Glibc.open(source, O_RDONLY | O_CLOEXEC)
        guard input >= 0 else { throw MatchInputError.system("opened", source) }
        defer { close(input) }
        let output = Glibc.open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard output >= 0 else { throw MatchInputError.system("written", target) }
        defer { close(output) }
        let size = 1 << 18
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)
        defer { buffer.deallocate() }
        var total = 0
        while true {
            let count = Glibc.read(input, buffer.baseAddress, size)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw MatchInputError.system("read", source) }
            if count == 0 { return }
            total += count
            guard total <= maximumBytes else { throw MatchInputError("\(source) has more than \(maximumBytes) bytes") }
            var done = 0
            while done < count {
                let written = Glibc.write(output, buffer.baseAddress.map { $0 + done }, count - done)
                if written < 0, errno == EINTR { continue }
                guard written > 0 else { throw MatchInputError.system("written", target) }
                done += written
            }
        }
    }
}
