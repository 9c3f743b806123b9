import Glibc
import Wire

/// What the package manager and the scripts of a job wrote, for people: one file, at most
/// ``Wire/JobProgress/maximumLogTotal`` bytes.
final class JobLog {
    static let file = "log"
    private let descriptor: Int32
    private var size: Int64

    /// Opens the log in that folder; where it cannot be, what is written to it is lost and the job goes on.
    init(_ folder: DurableFolder) {
        descriptor = open(folder.path(of: Self.file), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
        size = Int64(descriptor >= 0 ? lseek(descriptor, 0, SEEK_END) : 0)
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Adds bytes; once the log is full, a last line says so.
    func write(_ bytes: some Collection<UInt8>) {
        guard descriptor >= 0, !bytes.isEmpty else { return }
        let full = Array("\n[the log is full: what follows is not kept]\n".utf8)
        let room = JobProgress.maximumLogTotal - Int64(full.count) - size
        guard room > 0 else { return }
        var piece = Array(bytes.prefix(Int(room)))
        if Int64(bytes.count) >= room { piece += full }
        let wrote = piece.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        size += Int64(max(0, wrote))
    }

    /// Adds a line of the agent's own.
    func line(_ text: String) { write(Array("== \(Moment.now().wall) \(text)\n".utf8)) }
}
