import Glibc
import JSON
import Wire

/// The executor's child that lists or reads changelogs, and what it said so far.
struct ChangelogReader {
    let process: ChildProcess
    let pipe: Int32
    /// When it is ended, in milliseconds of uptime.
    private(set) var deadline: Int64
    /// How it ended, once that is known.
    var status: Int32?
    /// Whether nobody waits for the result any more.
    var isAbandoned = false
    /// Whether more can come.
    private(set) var isOpen = true
    private var decoder = FrameDecoder()
    private var answer: ChangelogResult?
    private var problem: String?

    /// Ten minutes: four downloads of two minutes each, and reading.
    static let timeout: Int64 = 600_000

    /// Starts the child; it has the caller's network.
    init(_ order: ChangelogOrder, folder: String) throws(SystemError) {
        var pair: [Int32] = [-1, -1]
        guard Glibc.pipe(&pair) == 0 else { throw SystemError("make", "a pipe") }
        for end in pair { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { Glibc.close(pair[1]) }
        let text = String(decoding: order.json.canonicalBytes(), as: UTF8.self)
        do throws(SystemError) {
            process = try ChildProcess(["run", "--changelogs", folder, text], descriptors: [pair[1]])
        } catch {
            Glibc.close(pair[0])
            throw error
        }
        _ = fcntl(pair[0], F_SETFL, O_NONBLOCK)
        pipe = pair[0]
        deadline = Moment.now().uptime + Self.timeout
    }

    /// Takes what it has written.
    mutating func read() {
        guard isOpen else { return }
        guard let bytes = Executor.readSome(pipe) else {
            isOpen = false
            return
        }
        decoder.append(bytes)
        do {
            while let frame = try decoder.next() {
                guard frame.kind == .changelogResult, answer == nil else {
                    throw FrameError.unknownKind(frame.kind.rawValue)
                }
                answer = try ChangelogResult(json: JSONValue(parsing: frame.payload, limits: .message))
            }
        } catch {
            end("\(error)")
        }
    }

    /// Ends it; what it has not said by now is lost.
    mutating func end(_ why: String) {
        guard problem == nil, status == nil else { return }
        problem = why
        process.signal(SIGKILL)
        isOpen = false
        // SIGCHLD tells the rest.
        deadline = .max
    }

    /// What came of it; nil until it has ended.
    var result: ChangelogResult? {
        guard let status, !isOpen || problem != nil else { return nil }
        if let problem { return ChangelogResult(problem: String(problem.prefix(300))) }
        return answer ?? ChangelogResult(problem: "it ended with \(ChildProcess.describe(status)) and no result")
    }

    /// Closes the pipe.
    func close() { Glibc.close(pipe) }
}
