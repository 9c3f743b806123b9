import Glibc

/// Has apt fetch package files by their exact versions, without letting what talks to the network near the job's files.
///
/// apt drops its downloader to the user `_apt` only where that user can write: a folder of its own in apt's cache. A file is
/// then copied, and it is the copy, which that user never could open, whose digest counts.
struct Download {
    /// A file to be fetched.
    struct File {
        /// As `apt-get download` takes it: `name=version`, with the architecture where that is foreign.
        var request: String
        /// As apt names the file.
        var name: String
        var bytes: Int64
        var sha256: String
    }

    let root: ChangeRoot
    /// Where the files shall come, as this machine opens it.
    let target: String
    private let staging: String

    /// - Throws: where the folder for fetching cannot be made.
    init(
        root: ChangeRoot, target: String, staging: String = "/var/cache/apt/fettle"
    ) throws(AptChangeError) {
        self.root = root
        self.target = target
        self.staging = staging
        let path = root.outside(staging)
        try DurableFile.makeFolder(path)
        let status = root.tree.status(String(staging.dropFirst()))
        guard status?.isFolder ?? false else { throw AptChangeError("\(path) is no folder; remove what is there") }
        // Without that user apt fetches as root and says so.
        if let user = Self.user("_apt", root.tree) { chown(path, user, 0) }
    }

    /// Fetches files in groups; what apt complained of. What is there in part is gone on with.
    func fetch(_ files: [File], seconds: Int) -> [String] {
        var complaints: [String] = []
        var open = files
        // A part that was damaged shows only in the whole: once more, from its beginning.
        for round in 0..<2 {
            let resumed = open.filter { removeUseless($0) }
            complaints = []
            for start in stride(from: 0, to: open.count, by: 200) {
                complaints += run(Array(open[start..<min(start + 200, open.count)]), seconds)
            }
            open = open.filter { !take($0) }
            for file in open { unlink(outside(file.name + ".FAILED")) }
            guard round == 0, !open.isEmpty, open.contains(where: { file in resumed.contains { $0.name == file.name } })
            else { break }
            for file in open { unlink(outside(file.name)) }
        }
        rmdir(root.outside(staging))
        return complaints
    }

    private func run(_ files: [File], _ seconds: Int) -> [String] {
        do throws(ChildProcess.Failure) {
            let result = try root.run(
                ["apt-get", "-q", "-y", "-o", "Debug::NoLocking=true", "-o", "Acquire::Retries=3"]
                    + AptCommand.privateCaches + ["download", "--"] + files.map(\.request), in: staging,
                seconds: seconds)
            return result.lines.filter { $0.hasPrefix("E:") }
        } catch {
            return ["E: the download failed: \(error)"]
        }
    }

    /// Removes a file that cannot become right; whether a part is left.
    private func removeUseless(_ file: File) -> Bool {
        var status = stat()
        guard lstat(outside(file.name), &status) == 0 else { return false }
        if status.st_mode & S_IFMT == S_IFREG, Int64(status.st_size) < file.bytes { return true }
        unlink(outside(file.name))
        return false
    }

    /// Copies a fetched file to its place where its digest is right there.
    private func take(_ file: File) -> Bool {
        let path = "\(target)/\(file.name)"
        guard (try? DurableFile.copy(outside(file.name), to: path)) != nil else { return false }
        guard FileDigest.sha256(path) == file.sha256 else {
            unlink(path)
            return false
        }
        unlink(outside(file.name))
        return true
    }

    private func outside(_ name: String) -> String { root.outside("\(staging)/\(name)") }

    /// The number of a user (passwd(5)).
    private static func user(_ name: String, _ tree: FileTree) -> uid_t? {
        for line in ((try? tree.read("etc/passwd", limit: 4 << 20)) ?? []).split(separator: 0x0A) {
            let fields = line.split(separator: 0x3A, omittingEmptySubsequences: false)
            if fields.count > 2, fields[0].elementsEqual(name.utf8) {
                return uid_t(String(decoding: fields[2], as: UTF8.self))
            }
        }
        return nil
    }
}
