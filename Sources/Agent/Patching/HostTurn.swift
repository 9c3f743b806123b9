import Glibc
import Rollout

/// The right of one job's process to change this host: no two jobs of a host are ever both past the point of no return.
///
/// The server's permits see to that already; a server that was restored or that lies must not break it. It is a lock of
/// the executor's folder, which ends with the process, and a look at the other jobs' journals, which do not.
final class HostTurn {
    static let file = "change.lock"
    private let descriptor: Int32

    /// Takes it; nil while another process has it.
    init?(_ executor: DurableFolder) throws(SystemError) {
        let path = executor.path(of: Self.file)
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw SystemError("open", path) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(descriptor)
            guard code == EWOULDBLOCK || code == EINTR else { throw SystemError("lock", path, code: code) }
            return nil
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }
}

extension [JobEntry] {
    /// Whether packages may be other than before, and the job has not ended.
    var isChanging: Bool { hasMutateIntent && outcome == nil }

    /// Whether the point of no return is on record.
    var hasMutateIntent: Bool { contains { $0.phase == .mutateIntent && $0.kind == .intent } }

    /// Whether the server's permit is on record.
    var hasGrant: Bool { contains { $0.phase == .waitWindow && $0.kind == .result } }
}

extension JobProcess {
    /// A job that may change packages without asking again takes its turn before it goes on.
    func takeTurn() throws {
        guard journal.entries.outcome == nil, machine.progress.ticketExpires != nil || machine.isPastNoReturn else {
            return
        }
        while let other = try otherAtWork() {
            work.tell("waits for \(other), which is changing this host", always: true)
            JobWork.sleep(milliseconds: Self.pace)
        }
    }

    /// Words for the job that is changing this host now, or could; nil where this one has its turn from here on.
    func otherAtWork() throws -> String? {
        if turn == nil { turn = try HostTurn(try executor()) }
        guard turn != nil else { return "another job" }
        // Its own beginning is on record: whoever else began without a turn has to wait for it.
        if journal.entries.hasMutateIntent { return nil }
        for other in folder.siblings() where other.job != folder.job {
            guard let reading = try? other.journal(), reading.entries.isChanging else { continue }
            turn = nil
            return "job \(other.job)"
        }
        return nil
    }

    private func executor() throws(SystemError) -> DurableFolder {
        // …/executor/jobs/JOB
        try DurableFolder(
            folder.folder.path.split(separator: "/").dropLast(2).reduce(into: "") { $0 += "/" + $1 }, create: false)
    }
}
