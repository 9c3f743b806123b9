import Glibc
public import JSON
public import Timestamps
public import Wire

/// What a job process is given, in `order.json`: the offer and for whom. Everything in it is verified once more by it.
public struct JobOrder: Hashable, Sendable {
    /// Whose host this is.
    public var organisation: String
    /// Which host this is.
    public var host: String
    /// What the server offers.
    public var offer: JobOffer
    /// When the executor took it.
    public var received: Timestamp

    /// An order.
    public init(organisation: String, host: String, offer: JobOffer, received: Timestamp) {
        self.organisation = organisation
        self.host = host
        self.offer = offer
        self.received = received
    }

    /// The order as JSON.
    public var json: JSONValue {
        [
            "format": 1, "organisation": .string(organisation), "host": .string(host), "offer": offer.json,
            "received": .string(received.description),
        ]
    }

    /// Reads ``json``.
    public init(json: JSONValue) throws(JSONError) {
        var object = try JSONObject(json)
        _ = try object.integer("format", in: 1...1)
        let received = try object.string("received", maximumBytes: 40)
        guard let time = Timestamp(rfc3339: received) else {
            throw JSONError(.outOfBounds, pointer: "/received", reason: "expected a time of RFC 3339")
        }
        self.init(
            organisation: try object.string("organisation", maximumBytes: 64),
            host: try object.string("host", maximumBytes: 64),
            offer: try JobOffer(json: object.value("offer"), at: "/offer"), received: time)
        try object.finish()
    }
}

/// The folder of one job: what its process, the executor and the status share.
public struct JobFolder: Sendable {
    /// The job's name.
    public let job: String
    /// Its files.
    public let folder: DurableFolder

    static let order = "order.json"
    static let lock = "lock"
    static let question = "question.json"
    static let answer = "answer.json"
    static let cancel = "cancel"
    static let claim = "claim.json"
    static let progress = "progress.json"
    static let acknowledged = "acknowledged.json"

    /// The folder of that job at that path, which is made where it is absent.
    public init(job: String, path: String, create: Bool = false) throws(SystemError) {
        self.job = job
        folder = try DurableFolder(path, create: create)
    }

    /// Reads a file of JSON; nil where there is none or it cannot be read.
    func json(_ name: String, limit: Int = 4 << 20) -> JSONValue? {
        guard let bytes = try? folder.read(name, limit: limit) else { return nil }
        return try? JSONValue(parsing: bytes, limits: .facts)
    }

    /// Writes a file of JSON, synced, between two crash points.
    func write(_ name: String, _ value: JSONValue) throws(SystemError) {
        CrashPoint.pass("before \(name)")
        try folder.replace(name, with: value.canonicalBytes())
        CrashPoint.pass("after \(name)")
    }

    /// The order.
    public func readOrder() throws(SystemError) -> JobOrder? {
        guard let bytes = try folder.read(Self.order, limit: 4 << 20),
            let value = try? JSONValue(parsing: bytes, limits: .facts)
        else { return nil }
        return try? JobOrder(json: value)
    }

    /// Whether there is neither an order nor a record.
    ///
    /// - Throws: ``SystemError`` where the disk refuses: then nobody knows.
    func isEmpty() throws(SystemError) -> Bool {
        if folder.contains(Self.order) { return false }
        let reading = try journal()
        return reading.entries.isEmpty && reading.damage == nil
    }

    /// The journal as it stands, without changing it.
    public func journal() throws(SystemError) -> JobJournal.Reading { try JobJournal.read(folder, job: job) }

    /// The folders of all jobs beside it, itself among them.
    func siblings() -> [JobFolder] {
        guard let slash = folder.path.lastIndex(of: "/") else { return [] }
        let parent = String(folder.path[..<slash])
        return ((try? HostTree.names(in: parent)) ?? []).filter(JobOffer.isJobID).compactMap {
            try? JobFolder(job: $0, path: "\(parent)/\($0)")
        }
    }

    /// Whether the job's process lives: it holds the lock, whose end the kernel tells without fail.
    public var isAlive: Bool {
        let descriptor = open(folder.path(of: Self.lock), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }

    /// Takes the lock; nil where another process has it. It is held until the descriptor is closed or the process ends.
    func takeLock() throws(SystemError) -> Int32? {
        let path = folder.path(of: Self.lock)
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw SystemError("open", path) }
        // The executor tries it for a moment now and then.
        for _ in 0..<50 {
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return descriptor }
            usleep(20_000)
        }
        close(descriptor)
        return nil
    }
}

/// The folders of all jobs of this host.
public struct JobFolders: Sendable {
    /// `executor/jobs`.
    public let folder: DurableFolder
    /// How many ended jobs are kept: of those that changed packages, and of the others.
    public static let kept = 20

    /// The folder below the executor's, made where it is absent.
    public init(_ layout: StateLayout, create: Bool = true) throws(SystemError) {
        folder = try DurableFolder("\(layout.executor)/jobs", create: create)
    }

    /// The jobs there, sorted by name.
    public func all() throws(SystemError) -> [JobFolder] {
        var jobs: [JobFolder] = []
        for name in try folder.names() where JobOffer.isJobID(name) {
            jobs.append(try JobFolder(job: name, path: folder.path(of: name)))
        }
        return jobs
    }

    /// The folder of that job; made where `create` says so.
    public func job(_ job: String, create: Bool = false) throws(SystemError) -> JobFolder? {
        guard JobOffer.isJobID(job) else { throw SystemError("use", "the name of a job", code: EINVAL) }
        if !create, !folder.contains(job) { return nil }
        if create { CrashPoint.pass("before folder of a job") }
        let made = try JobFolder(job: job, path: folder.path(of: job), create: create)
        if create {
            try folder.sync()
            CrashPoint.pass("after folder of a job")
        }
        return made
    }

    /// Removes a job's folder with all that is in it.
    public func remove(_ job: JobFolder) {
        CrashPoint.pass("before removal of a job")
        Self.removeAll(job.folder.path)
        try? folder.sync()
        CrashPoint.pass("after removal of a job")
    }

    private static func removeAll(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            unlink(path)
            return
        }
        for name in (try? HostTree.names(in: path)) ?? [] { removeAll("\(path)/\(name)") }
        rmdir(path)
    }
}

extension DurableFolder {
    /// Gives the files below a folder of that name in `other` names here too; what is here already stays.
    func linkAll(from other: DurableFolder, below name: String) throws(SystemError) {
        let source = try DurableFolder(other.path(of: name), create: false)
        let target = try DurableFolder(path(of: name))
        for file in try source.names() {
            guard link(source.path(of: file), target.path(of: file)) == 0 || errno == EEXIST else {
                throw SystemError("link", source.path(of: file))
            }
        }
        try target.sync()
        try sync()
    }
}
