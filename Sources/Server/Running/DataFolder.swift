import Glibc
import Synchronization

/// The folder that holds all the server's state: database, authorities, operator socket, lock.
///
/// Only the account that runs the server may look inside.
public struct DataFolder: Sendable {
    /// The folder's path.
    public let path: String

    /// The folder at that path; nothing is touched yet.
    public init(path: String) {
        self.path = path
    }

    /// The operator API's socket.
    public var socketPath: String { "\(path)/fettle.sock" }
    /// The authorities' keys and certificates.
    public var authorityPath: String { "\(path)/authority" }
    /// The embedded database.
    public var databasePath: String { "\(path)/fettle.sqlite" }
    /// The socket of the signer that runs beside the server.
    public var signerSocketPath: String { "\(path)/signer/signer.sock" }
    /// The file whose lock says that a server runs here.
    public var lockPath: String { "\(path)/fettle.lock" }

    /// Makes the folder where it is missing, for its owner only.
    public func create() throws(DataFolderError) {
        try makeFolder(path)
    }

    /// Takes the lock that keeps a second server out; it is held until the returned value goes away.
    public func lock() throws(DataFolderError) -> DataFolderLock {
        let descriptor = open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw DataFolderError("cannot open \(lockPath)", errno) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(descriptor)
            if code == EWOULDBLOCK {
                throw DataFolderError(
                    "a server already runs on \(path); stop it first, or give this one another --data folder")
            }
            throw DataFolderError("cannot lock \(lockPath)", code)
        }
        return DataFolderLock(descriptor: descriptor)
    }
}

/// A held lock on a data folder.
public final class DataFolderLock: Sendable {
    private let descriptor: Mutex<Int32>

    init(descriptor: Int32) {
        self.descriptor = Mutex(descriptor)
    }

    deinit { release() }

    /// Lets another server in.
    func release() {
        descriptor.withLock { descriptor in
            if descriptor >= 0 { close(descriptor) }
            descriptor = -1
        }
    }
}

/// Why the data folder cannot be used.
public struct DataFolderError: Error, Sendable, CustomStringConvertible {
    /// What happened and what to do.
    public let description: String

    init(_ text: String) {
        description = text
    }

    init(_ text: String, _ code: Int32) {
        description = "\(text): \(String(cString: strerror(code)))"
    }
}

/// Makes a folder that only its owner may enter, and its parents; an existing one is left as it is.
func makeFolder(_ path: String) throws(DataFolderError) {
    var current = path.hasPrefix("/") ? "" : "."
    for part in path.split(separator: "/") {
        current += "/\(part)"
        if mkdir(current, 0o700) != 0, errno != EEXIST { throw DataFolderError("cannot make \(current)", errno) }
    }
}

/// Writes a file so that after a crash it is there whole or not at all; readable by its owner only.
func writePrivateFile(_ path: String, _ bytes: [UInt8]) throws(DataFolderError) {
    let temporary = "\(path).new"
    unlink(temporary)
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw DataFolderError("cannot create \(temporary)", errno) }
    var written = 0
    while written < bytes.count {
        let count = bytes.withUnsafeBytes { buffer in
            write(descriptor, buffer.baseAddress.map { $0 + written }, bytes.count - written)
        }
        guard count > 0 else {
            let code = errno
            close(descriptor)
            throw DataFolderError("cannot write \(temporary)", code)
        }
        written += count
    }
    let synced = fsync(descriptor)
    close(descriptor)
    guard synced == 0, rename(temporary, path) == 0 else { throw DataFolderError("cannot write \(path)", errno) }
    let folder = open(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]), O_RDONLY | O_CLOEXEC)
    if folder >= 0 {
        fsync(folder)
        close(folder)
    }
}

/// Reads a small file; nil where there is none.
func readFile(_ path: String, maximumBytes: Int = 1 << 20) throws(DataFolderError) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
        if errno == ENOENT { return nil }
        throw DataFolderError("cannot open \(path)", errno)
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16_384)
    while true {
        let count = read(descriptor, &buffer, buffer.count)
        guard count >= 0 else { throw DataFolderError("cannot read \(path)", errno) }
        if count == 0 { return bytes }
        bytes.append(contentsOf: buffer[..<count])
        guard bytes.count <= maximumBytes else {
            throw DataFolderError("\(path) is over \(maximumBytes) bytes: not one of Fettle's")
        }
    }
}

/// The names in a folder, sorted; empty where it cannot be read.
func folderEntries(_ path: String) -> [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
            pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
}
