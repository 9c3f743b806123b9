import Glibc

/// A system call that failed: what was tried, on what, and the kernel's answer.
public struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was tried: `open`, `rename`.
    public let operation: String
    /// On what.
    public let subject: String
    /// The error number (errno(3)).
    public let code: Int32

    /// The failure of that call just now, with the calling thread's errno.
    public init(_ operation: String, _ subject: String) {
        self.init(operation, subject, code: errno)
    }

    /// The failure of that call.
    public init(_ operation: String, _ subject: String, code: Int32) {
        self.operation = operation
        self.subject = subject
        self.code = code
    }

    /// The kernel's answer in words.
    var reason: String { strerror(code).map { String(cString: $0) } ?? "error \(code)" }

    public var description: String {
        let cure =
            switch code {
            case ENOSPC: " Free some space there."
            case EACCES, EPERM: " Run it as root, or correct the owner of that path."
            case EROFS: " The file system is read-only."
            default: ""
            }
        return "cannot \(operation) \(subject): \(reason).\(cure)"
    }
}
