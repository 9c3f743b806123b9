import Glibc

/// The files of a job's runs: `runs/N.*` in its folder.
struct RunFiles {
    /// The folder `runs` as this machine opens it.
    let folder: String
    let number: Int

    /// What it was asked to do, written before it starts.
    var asked: String { "\(folder)/\(number).asked" }
    /// ``AptRun/json``, written once it runs.
    var started: String { "\(folder)/\(number).run" }
    /// What it prints.
    var log: String { "\(folder)/\(number).log" }
    /// What it reports of its progress.
    var progress: String { "\(folder)/\(number).progress" }
    /// Its exit code. The room is taken beforehand: a full disk does not lose it.
    var exit: String { "\(folder)/\(number).exit" }
    /// After how many seconds it was ended.
    var timeout: String { "\(folder)/\(number).timeout" }

    /// Bytes of the file of the exit code.
    static let exitWidth = 16

    /// The exit code; nil while it runs and where it never came to one.
    var exitCode: Int32? {
        guard let bytes = try? FileTree(root: "/").read(exit, limit: 64) else { return nil }
        return Int32(String(decoding: bytes, as: UTF8.self).trimmed)
    }

    /// After how many seconds it was ended; nil where it was not.
    var endedAfter: Int? {
        guard let bytes = try? FileTree(root: "/").read(timeout, limit: 64) else { return nil }
        return Int(String(decoding: bytes, as: UTF8.self).trimmed) ?? 0
    }

    /// The last bytes of a file; empty where there is none.
    static func tail(_ path: String, bytes: Int) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        let size = lseek(descriptor, 0, SEEK_END)
        guard size > 0 else { return [] }
        let start = max(0, size - bytes)
        var buffer = [UInt8](repeating: 0, count: size - start)
        let count = pread(descriptor, &buffer, buffer.count, start)
        return count > 0 ? Array(buffer[..<count]) : []
    }
}
