import Glibc
import NIOConcurrencyHelpers

/// A place in a job's work at which a test may have the process die, as a power cut would have it.
///
/// Every durable write of a job passes one before and one after. The points number themselves, so that a new write is
/// in the crash matrix by itself. Inert unless one of two variables of the environment is set:
/// `FETTLE_CRASH_COUNT=FILE` appends the name of each point to FILE, and has counting go on there across processes;
/// `FETTLE_CRASH_AT=N` ends the process with SIGKILL at point N, from 1. These are for a job's process; the executor, which
/// starts them, heeds `FETTLE_EXECUTOR_CRASH_COUNT` and `FETTLE_EXECUTOR_CRASH_AT`, and the network process none.
public enum CrashPoint {
    private static let target: Int? = variable("AT").flatMap { Int($0) }
    private static let file: String? = variable("COUNT")
    private static let passed = NIOLockedValueBox<Int?>(nil)

    /// Passes the point of that name.
    public static func pass(_ name: @autoclosure () -> String) {
        guard target != nil || file != nil else { return }
        let number = passed.withLockedValue { count in
            let next = (count ?? earlier()) + 1
            count = next
            return next
        }
        if let file { note(name(), in: file) }
        if number == target {
            kill(getpid(), SIGKILL)
            // SIGKILL reaches the process before it returns to this line; should it not, nothing may follow.
            while true { pause() }
        }
    }

    private static func earlier() -> Int {
        guard let file, let bytes = try? HostTree.contents(of: file, limit: 16 << 20) else { return 0 }
        return bytes.count { $0 == 0x0A }
    }

    private static func note(_ name: String, in file: String) {
        let descriptor = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return }
        let line = Array((name + "\n").utf8)
        _ = line.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        close(descriptor)
    }

    private static func variable(_ name: String) -> String? {
        if CommandLine.arguments.contains("--network-process") { return nil }
        let role = CommandLine.arguments.contains("--job") ? "FETTLE_CRASH" : "FETTLE_EXECUTOR_CRASH"
        return getenv("\(role)_\(name)").map { String(cString: $0) }
    }
}
