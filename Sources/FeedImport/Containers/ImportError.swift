import Glibc

/// Why a feed's file, folder or download cannot be used: what, where, and what to do.
public struct ImportError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What it concerns.
    public enum Kind: Sendable, Hashable {
        /// A file that is cut short, damaged, hostile, or not what it should be.
        case refused
        /// A source that does not answer as it should; trying again may help.
        case network
        /// This machine's files.
        case file
        /// What was asked for is not there or wrongly written.
        case usage
    }

    /// What it concerns.
    public let kind: Kind
    /// The sentence.
    public let description: String

    /// An error.
    public init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }

    /// The error of a system call, by `errno`.
    static func system(_ what: String, _ path: String) -> ImportError {
        let code = errno
        let cure = code == ENOSPC ? "; make room on that file system" : ""
        return ImportError(.file, "\(path) cannot be \(what): \(String(cString: strerror(code)))\(cure)")
    }
}
