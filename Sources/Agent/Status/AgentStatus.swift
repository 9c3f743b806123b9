import Glibc
public import JSON
import Rollout
public import Timestamps
import Wire

/// What `fettle-agent status` tells: read from the state folder alone, without a server and without the processes' help.
public struct AgentStatus: Sendable {
    /// Something that is not as it should be.
    public struct Problem: Hashable, Sendable {
        /// What is wrong.
        public var what: String
        /// What to do about it.
        public var cure: String
    }

    /// How it stands, and the exit code that says so.
    public enum Verdict: Int32, Sendable {
        /// Enrolled, running, the server reached, nothing wrong.
        case well = 0
        /// The state cannot be read.
        case unreadable = 1
        /// The host is not enrolled.
        case notEnrolled = 3
        /// Enrolled, with problems.
        case problems = 4
    }

    /// How it stands.
    public private(set) var verdict = Verdict.well
    /// What is wrong, with cures.
    public private(set) var problems: [Problem] = []
    /// Everything that is known, for programs.
    public private(set) var facts: [String: JSONValue] = [:]
    /// What the host does now and has done: see ``JobStatus``.
    public private(set) var jobs: [JobStatus] = []

    /// Reads the state.
    public init(_ layout: StateLayout, now: Timestamp) {
        guard access(layout.path, F_OK) == 0 else {
            notEnrolled(layout)
            return
        }
        guard access(layout.network, R_OK | X_OK) == 0 else {
            if errno == ENOENT {
                notEnrolled(layout)
                return
            }
            verdict = .unreadable
            problems = [
                Problem(
                    what: "\(layout.network) cannot be read by this user",
                    cure: "Run it as root: sudo fettle-agent status")
            ]
            return
        }
        do {
            let folder = try DurableFolder(layout.network, create: false)
            guard let identity = try IdentityStore(folder).load() else {
                notEnrolled(layout)
                return
            }
            take(identity, now)
            facts["waiting"] = .integer(Int64(try ReportQueue.count(in: folder)))
            takeNetwork(folder, now)
            takeExecutor(layout)
        } catch {
            verdict = .unreadable
            problems = [
                Problem(what: "\(error)", cure: "If its files are damaged: fettle-agent enroll --replace TOKEN")
            ]
        }
        if verdict == .well, !problems.isEmpty { verdict = .problems }
    }

    private mutating func notEnrolled(_ layout: StateLayout) {
        verdict = .notEnrolled
        facts["enrolled"] = .bool(false)
        problems = [
            Problem(
                what: "this host is not enrolled (\(layout.path))",
                cure: "Make a token on the server with \"fettle tokens create\", then: fettle-agent enroll TOKEN")
        ]
    }

    private mutating func take(_ identity: Identity, _ now: Timestamp) {
        facts["enrolled"] = .bool(true)
        facts["host"] = .string(identity.grant.host)
        facts["organisation"] = .string(identity.grant.organisation)
        facts["server"] = .string(identity.grant.agentAddress)
        facts["certificate"] = [
            "notBefore": .string(identity.notBefore.description), "notAfter": .string(identity.notAfter.description),
        ]
        if identity.notAfter <= now {
            add(
                "the certificate expired at \(identity.notAfter)",
                "Nothing, if the agent runs: it comes back by proof of its key. If the server refuses that: "
                    + "fettle-agent enroll --replace TOKEN")
        }
    }

    private mutating func takeNetwork(_ folder: DurableFolder, _ now: Timestamp) {
        guard let bytes = try? folder.read(NetworkStatus.file, limit: 256 << 10),
            let status = try? JSONValue(parsing: bytes, limits: .message)
        else {
            facts["network"] = .null
            return add("the agent has not run since it was enrolled", "systemctl enable --now fettle-agent")
        }
        facts["network"] = status
        let runs = Self.runs(status["pid"]?.integer)
        facts["networkRuns"] = .bool(runs)
        if !runs { add("the network process does not run", "systemctl start fettle-agent; journalctl -u fettle-agent") }
        if let text = status["excluded"]?["text"]?.string {
            add(
                "the server excludes this host: \(text)",
                "Look at the host on the server (fettle hosts show); then, if it shall take part: "
                    + "fettle-agent enroll --replace TOKEN")
        } else if let failure = status["lastFailure"], let time = failure["time"]?.string,
            time > status["lastSuccess"]?.string ?? ""
        {
            add(
                "the last contact failed at \(time): \(failure["text"]?.string ?? "")",
                "It is tried again at \(status["nextContact"]?.string ?? "its time"); nothing is lost meanwhile.")
        }
        if let problem = status["scanProblem"]?.string {
            add("the last scan failed: \(problem)", "fettle-agent scan shows it again; it is repeated by itself.")
        }
        if let rejected = status["rejected"], let time = rejected["time"]?.string {
            add(
                "the server found what was scanned bad at \(time): \(rejected["text"]?.string ?? "")",
                "The host is scanned and reported again by itself. If it stays, agent and server do not agree: update both, "
                    + "and report it.")
        }
        if let ahead = status["serverAhead"]?.integer, abs(ahead) > 120 {
            add(
                "this host's clock is \(abs(ahead)) s \(ahead > 0 ? "behind" : "ahead of") the server's",
                "Set it (timedatectl set-ntp true): certificates and windows are judged by it.")
        }
        for note in status["notes"]?.array ?? [] {
            if let text = note.string { add(text, "Nothing: the server was told.") }
        }
        for (name, count) in (status["refusals"]?.object ?? [:]).sorted(by: { $0.key < $1.key })
        where Self.suspicious.contains(name) {
            add(
                "\(count.integer ?? 0) answers of the server were refused: \(name)",
                "Nothing of them was used. Ask who runs the server; it was restored, or is not what it seems.")
        }
    }

    private mutating func takeExecutor(_ layout: StateLayout) {
        guard access(layout.executor, R_OK | X_OK) == 0,
            let folder = try? DurableFolder(layout.executor, create: false)
        else {
            facts["executor"] = ["unknown": "only root can read \(layout.executor)"]
            return
        }
        takeJobs(layout, folder)
        guard let bytes = try? folder.read(ExecutorStatus.file, limit: 64 << 10),
            let status = try? JSONValue(parsing: bytes, limits: .message), Self.runs(status["pid"]?.integer)
        else {
            facts["executorRuns"] = .bool(false)
            return add("the executor does not run", "systemctl start fettle-agent; journalctl -u fettle-agent")
        }
        facts["executor"] = status
        facts["executorRuns"] = .bool(true)
        if let text = status["jobsProblem"]?.string {
            add(
                "no orders are taken: \(text)",
                "If its files are damaged, root lets the host forget what it believed: fettle-agent enroll --replace TOKEN"
            )
        }
        if let text = status["isolated"]?.string, text != "yes" {
            add(
                "the executor could not give up its network (\(text))",
                "Run it as root; in a container, allow it to make network namespaces.")
        }
    }

    private mutating func takeJobs(_ layout: StateLayout, _ folder: DurableFolder) {
        jobs = JobStatus.all(layout)
        facts["jobs"] = .array(jobs.map(\.json))
        // The newest is what the host is like now; older ones were answered by it.
        if let last = jobs.first(where: { $0.outcome != nil }), let outcome = last.outcome, outcome.needsPerson {
            add(last.sentence, "What it did is in \(layout.executor)/jobs/\(last.job)/log, and on the server.")
        }
        let refused = RefusalLog.read(folder)
        facts["refusedOrders"] = .array(refused.suffix(10).map { $0 })
        if let last = refused.last, let text = last["text"]?.string {
            add(
                "\(refused.count) orders were refused, the last at \(last["time"]?.string ?? "?"): \(text)",
                "Nothing of them was done. If nobody can explain them: docs/orders.md.")
        }
    }

    private mutating func add(_ what: String, _ cure: String) {
        problems.append(Problem(what: what, cure: cure))
    }

    /// What no honest server says.
    private static let suspicious: Set<String> = [
        "other-hosts-state", "version-behind", "wrong-entity-tag", "asked-for-unreported", "acknowledged-unsent",
        "strange-authorities", "wrong-grant", "answer-too-large", "untrusted-server",
    ]

    /// Whether that process is an agent of ours that runs.
    private static func runs(_ pid: Int64?) -> Bool {
        guard let pid, pid > 0, let folder = try? DurableFolder("/proc/\(pid)", create: false),
            let bytes = try? folder.readUnsized("cmdline", limit: 512)
        else { return false }
        let words = bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        return words.first?.hasSuffix("fettle-agent") == true && words.contains("run")
    }

    /// Everything as JSON: what is known, the problems, the verdict.
    public var json: JSONValue {
        var fields = facts
        fields["verdict"] = .string("\(verdict)")
        fields["problems"] = .array(problems.map { ["what": .string($0.what), "cure": .string($0.cure)] })
        return .object(fields)
    }

    /// Everything as lines for a person.
    public var text: String {
        var lines: [(String, String)] = []
        func add(_ label: String, _ value: String?) { if let value { lines.append((label, value)) } }
        add("host", facts["host"]?.string)
        add("organisation", facts["organisation"]?.string)
        add("server", facts["server"]?.string)
        if let certificate = facts["certificate"] {
            add(
                "certificate",
                "valid \(certificate["notBefore"]?.string ?? "?") to \(certificate["notAfter"]?.string ?? "?")")
        }
        let network = facts["network"]
        add("last contact", network?["lastSuccess"]?.string ?? (network == nil ? nil : "none since the agent started"))
        add("next contact", network?["nextContact"]?.string)
        add("waiting reports", facts["waiting"]?.integer.map { "\($0)" })
        add("last scan", network?["lastScan"]?.string)
        for (label, key, pid) in [
            ("executor", "executorRuns", "executor"), ("network process", "networkRuns", "network"),
        ] {
            guard let runs = facts[key]?.bool else { continue }
            add(label, runs ? "runs (\(facts[pid]?["pid"]?.integer ?? 0))" : "does not run")
        }
        let width = lines.map(\.0.count).max() ?? 0
        var text = lines.map { $0.0 + String(repeating: " ", count: width - $0.0.count + 2) + $0.1 + "\n" }.joined()
        for job in jobs.prefix(6) { text += (job.outcome == nil ? "now: " : "done: ") + job.sentence + "\n" }
        for problem in problems { text += "problem: \(problem.what)\n   cure: \(problem.cure)\n" }
        if problems.isEmpty { text += "No problems.\n" }
        return text
    }
}

extension ReportQueue {
    /// How many reports wait, read without repairing anything.
    fileprivate static func count(in folder: DurableFolder) throws(SystemError) -> Int {
        let bytes = try folder.read("reports", limit: 64 << 20) ?? []
        return max(0, bytes.count { $0 == 0x0A } - 1)
    }
}
