import Glibc

/// The files of a host as seen from its root, which may be a folder of this machine.
///
/// Symbolic links are followed as the host itself would follow them: an absolute one starts at the tree's root and
/// `..` never leads out of it, so that scanning a foreign tree reads nothing else.
package struct FileTree: Sendable {
    /// The root's path, without a slash at its end; empty for this machine's own root.
    let prefix: String

    /// The tree under `root`; `/` is this machine.
    package init(root: String) {
        var prefix = root
        while prefix.hasSuffix("/") { prefix.removeLast() }
        self.prefix = prefix
    }

    /// Whether it is this machine's own root.
    var isHost: Bool { prefix.isEmpty }

    /// The path as a person would name it.
    func name(_ path: String) -> String { "\(prefix)/\(path)" }

    /// Opens a regular file for reading.
    package func open(_ path: String) throws(FileError) -> PlainFile {
        let descriptor = try descriptor(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            let code = errno
            close(descriptor)
            throw FileError(path: name(path), code: code)
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw FileError(path: name(path), code: status.st_mode & S_IFMT == S_IFDIR ? EISDIR : EINVAL)
        }
        return PlainFile(descriptor: descriptor, path: name(path), status: status)
    }

    /// Opens a list that may be compressed, as plain bytes.
    package func openList(_ path: String) throws(PackageScanError) -> any ByteSource {
        let file: PlainFile
        do throws(FileError) {
            file = try open(path)
        } catch {
            throw error.scanError
        }
        return try Compression(of: path).decompressing(file)
    }

    /// The bytes of a small file.
    package func read(_ path: String, limit: Int = 4 << 20) throws(FileError) -> [UInt8] {
        let file = try open(path)
        var bytes = [UInt8](repeating: 0, count: min(limit, max(4096, file.size + 1)))
        var count = 0
        while true {
            if count == bytes.count {
                guard count < limit else { throw FileError(path: name(path), code: EFBIG) }
                bytes.append(contentsOf: repeatElement(0, count: min(count, limit - count)))
            }
            let read = bytes.withUnsafeMutableBytes { buffer in
                Result<Int, FileError> { () throws(FileError) in
                    try file.readOnce(into: UnsafeMutableRawBufferPointer(rebasing: buffer[count...]))
                }
            }
            let got = try read.get()
            if got == 0 { break }
            count += got
        }
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    /// What `stat(2)` says of a path, links followed; nil where there is none.
    package func status(_ path: String) -> FileStatus? {
        guard let descriptor = try? descriptor(path, pathOnly | O_CLOEXEC) else { return nil }
        defer { close(descriptor) }
        var status = stat()
        return fstat(descriptor, &status) == 0 ? FileStatus(status) : nil
    }

    /// The names in a folder, sorted by their bytes, without `.` and `..`; at most 100,000.
    package func list(_ path: String) throws(FileError) -> [String] {
        let descriptor = try descriptor(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard let folder = fdopendir(descriptor) else {
            let code = errno
            close(descriptor)
            throw FileError(path: name(path), code: code)
        }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let text = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
            }
            if text != ".", text != ".." { names.append(text) }
            guard names.count < 100_000 else { throw FileError(path: name(path), code: EFBIG) }
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    private func descriptor(_ path: String, _ flags: Int32) throws(FileError) -> Int32 {
        let result = isHost ? Glibc.open("/" + path, flags) : Beneath(root: prefix).open(path, flags)
        guard result >= 0 else { throw FileError(path: name(path), code: errno) }
        return result
    }
}

/// What is known of a file without opening it.
package struct FileStatus: Sendable, Hashable {
    package var isRegular: Bool
    var isFolder: Bool
    var size: Int64
    /// When its content last changed, in seconds since 1970, and the nanoseconds of that second.
    var modified: Int64
    var modifiedNanoseconds: Int64
    var device: UInt64
    var inode: UInt64

    init(_ status: stat) {
        isRegular = status.st_mode & S_IFMT == S_IFREG
        isFolder = status.st_mode & S_IFMT == S_IFDIR
        size = Int64(status.st_size)
        modified = Int64(status.st_mtim.tv_sec)
        modifiedNanoseconds = Int64(status.st_mtim.tv_nsec)
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
    }
}

/// `O_PATH`, which Swift's Glibc lacks: opens a place without reading it.
private let pathOnly: Int32 = 0o10000000

/// Opens a path beneath a root, component by component.
private struct Beneath {
    let root: String

    /// A descriptor, or -1 with `errno` set.
    func open(_ path: String, _ flags: Int32) -> Int32 {
        var folders = [Glibc.open(root, pathOnly | O_DIRECTORY | O_CLOEXEC)]
        guard folders[0] >= 0 else { return -1 }
        var code: Int32 = 0
        let result = walk(path, flags, &folders)
        if result < 0 { code = errno }
        for folder in folders { close(folder) }
        errno = code
        return result
    }

    private func walk(_ path: String, _ flags: Int32, _ folders: inout [Int32]) -> Int32 {
        var pending: [String] = Self.components(path).reversed()
        var links = 0
        while let component = pending.popLast() {
            if component == ".." {
                if folders.count > 1 { close(folders.removeLast()) }
                continue
            }
            guard let folder = folders.last else { return -1 }
            let here = openat(folder, component, pathOnly | O_NOFOLLOW | O_CLOEXEC)
            guard here >= 0 else { return -1 }
            var status = stat()
            guard fstat(here, &status) == 0 else { return Self.fail(here, errno) }
            if status.st_mode & S_IFMT == S_IFLNK {
                links += 1
                guard links <= 40 else { return Self.fail(here, ELOOP) }
                var target = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
                let length = readlinkat(here, "", &target, Int(PATH_MAX))
                guard length >= 0 else { return Self.fail(here, errno) }
                close(here)
                let text = String(decoding: target[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
                if text.hasPrefix("/") {
                    while folders.count > 1 { close(folders.removeLast()) }
                }
                pending.append(contentsOf: Self.components(text).reversed())
            } else if pending.isEmpty {
                close(here)
                return openat(folder, component, flags | O_NOFOLLOW)
            } else {
                folders.append(here)
            }
        }
        // The path named the root itself or ended in "..".
        guard let folder = folders.last else { return -1 }
        return openat(folder, ".", flags)
    }

    private static func components(_ path: String) -> [String] {
        path.split(separator: "/").filter { $0 != "." }.map(String.init)
    }

    private static func fail(_ descriptor: Int32, _ code: Int32) -> Int32 {
        close(descriptor)
        errno = code
        return -1
    }
}
