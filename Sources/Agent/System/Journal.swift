import Glibc

/// Lines for the service's log: standard error, with the priority in the form that systemd reads (sd-daemon(3)).
public enum Journal {
    /// How much a line matters; the numbers are syslog's.
    public enum Priority: Int, Sendable {
        /// Something failed.
        case error = 3
        /// Something is not as it should be.
        case warning = 4
        /// What happens.
        case info = 6
    }

    /// Writes a line; control characters become blanks, so that what came from outside stays one line.
    public static func write(_ priority: Priority, _ text: String) {
        let clean = String(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : Character($0) })
        // Only where a journal listens are the numbers of use.
        let line = Array(((getenv("JOURNAL_STREAM") != nil ? "<\(priority.rawValue)>" : "") + clean + "\n").utf8)
        _ = line.withUnsafeBytes { Glibc.write(2, $0.baseAddress, $0.count) }
    }
}
