import Glibc
import JSON

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

/// Files that are whole after a crash, or not there.
enum DurableFile {
    /// Writes a file beside its place, syncs it, puts it in place and syncs the folder.
    static func write(_ bytes: [UInt8], to path: String) throws(AptChangeError) {
        let part = path + ".part"
        let descriptor = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure(part) }
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.write(descriptor, buffer.baseAddress.map { $0 + written }, buffer.count - written)
            }
            if count < 0 {
                if errno == EINTR { continue }
                let error = failure(part)
                close(descriptor)
                throw error
            }
            written += count
        }
        guard fsync(descriptor) == 0, close(descriptor) == 0, rename(part, path) == 0 else { throw failure(path) }
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let handle = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if handle >= 0 {
            fsync(handle)
            close(handle)
        }
    }

    /// Makes a folder and those above it, for its owner alone.
    static func makeFolder(_ path: String) throws(AptChangeError) {
        var here = ""
        for part in path.split(separator: "/") {
            here += "/\(part)"
            guard mkdir(here, 0o700) == 0 || errno == EEXIST || errno == EROFS else { throw failure(here) }
        }
    }

    private static func failure(_ path: String) -> AptChangeError {
        let code = errno
        return AptChangeError(
            "\(path) cannot be written: \(String(cString: strerror(code)))"
                + (code == ENOSPC ? "; make room on that file system" : ""))
    }
}
