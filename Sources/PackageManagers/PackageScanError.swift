#if canImport(Glibc)
import Glibc
#endif

/// Why a host's packages could not be read.
public enum PackageScanError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The tree has no dpkg database, so it is not a Debian host (or not one that can be read from here).
    case noDpkg(root: String)
    /// A file is missing or could not be read; the reason is the system's.
    case unreadable(path: String, reason: String)
    /// A file is not what it should be; the place is a line where above 0.
    case malformed(path: String, line: Int, reason: String)

    public var description: String {
        switch self {
        case .noDpkg(let root):
            "\(root) has no var/lib/dpkg/status: this is not a Debian system; give the folder of one as the root"
        case .unreadable(let path, let reason):
            "\(path) cannot be read: \(reason)"
        case .malformed(let path, let line, let reason):
            line > 0 ? "\(path), line \(line): \(reason)" : "\(path): \(reason)"
        }
    }
}

/// Why a file could not be opened or read, as the system said it.
package struct FileError: Error, Sendable, Hashable {
    /// The file, from the root that is scanned.
    var path: String
    /// The error number.
    var code: Int32

    /// Whether there is no such file, as against one that cannot be read.
    package var isMissing: Bool { code == ENOENT || code == ENOTDIR }

    /// The system's words.
    package var reason: String { String(cString: strerror(code)) }

    var scanError: PackageScanError { .unreadable(path: path, reason: reason) }
}
