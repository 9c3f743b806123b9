import Crypto
import Digest
import Foundation
import JSON
import Orders
import Rollout
import Testing
import Timestamps
import Wire

@testable import Agent

/// The keys of a test's organisation, and the documents that they sign.
struct TestSigner {
    var root = Curve25519.Signing.PrivateKey()
    let release = Curve25519.Signing.PrivateKey()
    let director = Curve25519.Signing.PrivateKey()

    func sign(_ document: some OrderDocument, _ key: Curve25519.Signing.PrivateKey) throws -> Envelope {
        var envelope = Envelope(
            payloadType: type(of: document).payloadType, payload: document.json.canonicalBytes())
        let signature = try key.signature(for: envelope.signedBytes)
        envelope.signatures = [
            .init(keyID: Envelope.keyID(of: Array(key.publicKey.rawRepresentation)), bytes: Array(signature))
        ]
        return envelope
    }

    var roles: Envelope { get throws { try roles(version: 1) } }

    func roles(version: Int64) throws -> Envelope {
        func keys(_ key: Curve25519.Signing.PrivateKey) -> RolesDocument.Keys {
            RolesDocument.Keys(keys: [Array(key.publicKey.rawRepresentation)])
        }
        let document = RolesDocument(
            organisation: "org", version: version,
            roles: [.root: keys(root), .release: keys(release), .director: keys(director)],
            expires: Moment.now().wall.adding(seconds: 86_400))
        return try sign(document, root)
    }
}

/// One job on one throw-away host, from its order to its end; this process is its server.
struct JobTrial {
    static let campaign = "c1"
    static let host = "h1"

    /// What became of a job.
    struct End {
        var code: Int32
        var entries: [JobEntry]
        var damage: String?
        var packages: [String: (version: String, state: String)]
        var audit: String
        var updates: String
        var once: Int
        var conffile: String
        var log: String
        var outcome: JobOutcome? { entries.last?.detail["outcome"]?.string.flatMap { JobOutcome(rawValue: $0) } }
        var text: String { entries.last?.text ?? "" }

        /// Whether all these packages are whole at that version.
        func are(_ names: [String], at version: String) -> Bool {
            names.allSatisfy { packages[$0]?.version == version && packages[$0]?.state == "installed" }
        }
    }

    let path: String
    let signer = TestSigner()
    let packages: [String]
    let actions: JobActions
    private let hasStateDisk: Bool
    var environment: [String] = []
    var mode = "agent"
    /// Which job of the campaign; a second one takes back what the first has changed where ``rollsBack`` says so.
    var attempt: Int64 = 1
    var rollsBack = false
    /// Run by a shell on the host before its first boot.
    var setup = ""
    /// Whether the host's disk is btrfs.
    var isBtrfs = false
    /// Changes the server's answers before they are signed.
    var change: (@Sendable (inout GrantDocument) -> Void)?
    var allowsReboot = true
    /// Asked before an answer is given; what it says is sent instead.
    var answer: (@Sendable (RelayedQuestion) -> JobAnswer?)?
    /// Called again and again while the job runs.
    var watch: (@Sendable (_ jobFolder: String) -> Void)?

    /// - Parameter stateSize: of a disk of its own for the agent's state, as mount(8) takes it; nil for none.
    init(_ packages: [String], actions: JobActions, stateSize: String? = nil) throws {
        path = "/dev/shm/fettle-trial-\(UUID().uuidString.prefix(8))"
        self.packages = packages
        self.actions = actions
        hasStateDisk = stateSize != nil
        if let stateSize {
            try FileManager.default.createDirectory(atPath: "\(path)/state", withIntermediateDirectories: true)
            let mount = try ChildProcess(
                "/bin/mount", ["-t", "tmpfs", "-o", "size=\(stateSize)", "fettle-trial", "\(path)/state"])
            mount.wait()
            try #require(mount.code == 0)
        }
        try FileManager.default.createDirectory(atPath: jobFolder, withIntermediateDirectories: true)
    }

    var job: String { HostJob.id(campaign: Self.campaign, host: Self.host, attempt: attempt) }

    var jobFolder: String { "\(path)/state/executor/jobs/\(job)" }

    func remove() {
        if hasStateDisk { try? ChildProcess("/bin/umount", ["\(path)/state"]).wait() }
        try? FileManager.default.removeItem(atPath: path)
    }

    /// The plan: those packages from 1.0 to 1.1.
    func plan() throws -> HostPlan {
        let target = ReleaseTarget(
            distribution: "debian-12",
            packages: packages.map {
                ReleasePackage(name: $0, architecture: "all", version: "1.1", previous: ["1.0"])
            })
        let plan = Plan(
            organisation: "org", campaign: Self.campaign, epoch: 1, targets: [target], hosts: [Self.host],
            window: .init(start: "2026-01-01T00:00", minutes: 60, zone: "UTC"), budget: 1, actions: actions)
        return try HostPlan(json: plan.json)
    }

    /// Writes what an executor that took the offer would have left, runs the host, and answers its questions.
    func run(base: String) throws -> End {
        let now = Moment.now().wall
        let plan = try plan()
        let release = try signer.sign(
            ReleaseDocument(
                plan: plan, approvals: [], approvalsRequired: 0, issued: now, expires: now.adding(seconds: 7200)),
            signer.release)
        let offer = JobOffer(
            job: job, campaign: Self.campaign, attempt: attempt, release: release, notBefore: now.adding(seconds: -60),
            lastSafeStart: now.adding(seconds: 1800), notAfter: now.adding(seconds: 3600), rollsBack: rollsBack)
        let order = JobOrder(organisation: "org", host: Self.host, offer: offer, received: now)
        let folder = try DurableFolder(jobFolder)
        if !folder.contains(JobFolder.order) {
            try folder.replace(JobFolder.order, with: order.json.canonicalBytes())
            let executor = try DurableFolder("\(path)/state/executor")
            if !executor.contains(TrustStore.fileName) {
                try TrustedOrders(executor, organisation: "org", host: Self.host).adopt(roles: signer.roles)
            }
        }
        try Data(environment.map { $0 + "\n" }.joined().utf8).write(to: URL(fileURLWithPath: "\(path)/environment"))
        if !setup.isEmpty { try Data(setup.utf8).write(to: URL(fileURLWithPath: "\(path)/setup")) }
        if isBtrfs { try Data().write(to: URL(fileURLWithPath: "\(path)/btrfs")) }
        try? FileManager.default.removeItem(atPath: "\(path)/result")
        let process = try ChildProcess(
            Self.script, ["run", base, path, try Self.agent(), job, mode],
            environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"], output: "\(path)/output")
        let jobs = try JobFolder(job: job, path: jobFolder)
        var answered: RelayedQuestion?
        let limit = Moment.now().uptime + 300_000
        while !process.hasEnded, Moment.now().uptime < limit {
            if let value = jobs.json(JobFolder.question), let question = try? RelayedQuestion(json: value),
                question != answered
            {
                let answer = try self.answer?(question) ?? standardAnswer(question, plan)
                try folder.replace(
                    JobFolder.answer, with: RelayedAnswer(question: question, answer: answer).json.canonicalBytes())
                answered = question
            }
            watch?(jobFolder)
            usleep(20_000)
        }
        let isLate = !process.hasEnded
        process.end()
        var end = try result(folder, code: isLate ? -1 : process.code)
        if isLate { end.log += "\n(the trial took longer than 300 s)" }
        return end
    }

    private func standardAnswer(_ question: RelayedQuestion, _ plan: HostPlan) throws -> JobAnswer {
        let now = Moment.now().wall
        switch question.kind {
        case .claim:
            var grant = GrantDocument(
                organisation: "org", host: Self.host, campaign: Self.campaign, job: job, attempt: attempt,
                fence: question.fence + 1, epoch: 1, planDigest: plan.digest, notBefore: now.adding(seconds: -60),
                lastSafeStart: now.adding(seconds: 1800), notAfter: now.adding(seconds: 3600),
                allowsReboot: allowsReboot, rollsBack: rollsBack)
            change?(&grant)
            return JobAnswer(order: try signer.sign(grant, signer.director))
        case .confirm:
            let ticket = TicketDocument(
                organisation: "org", host: Self.host, job: job, fence: question.fence, nonce: question.nonce,
                issued: now, expires: now.adding(seconds: 600))
            return JobAnswer(order: try signer.sign(ticket, signer.director))
        }
    }

    /// Takes the host's disk back to the job's btrfs snapshot, as a person would, and looks at it.
    func restore(base: String) throws -> End {
        let process = try ChildProcess(
            Self.script, ["restore", base, path, job],
            environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"], output: "\(path)/output")
        process.wait()
        return try result(DurableFolder(jobFolder), code: process.code)
    }

    private func result(_ folder: DurableFolder, code: Int32) throws -> End {
        func text(_ name: String) -> String {
            (try? String(contentsOfFile: "\(path)/\(name)", encoding: .utf8)) ?? ""
        }
        let reading = try JobJournal.read(folder, job: job)
        var packages: [String: (version: String, state: String)] = [:]
        for line in text("result/packages").split(separator: "\n") {
            let fields = line.split(separator: " ").map(String.init)
            if fields.count == 3 { packages[fields[0]] = (fields[1], fields[2]) }
        }
        return End(
            code: code, entries: reading.entries, damage: reading.damage, packages: packages,
            audit: text("result/audit"), updates: text("result/updates"),
            once: text("result/once").split(separator: "\n").count, conffile: text("result/conffile"),
            log: text("output") + text("log") + text("state/executor/jobs/\(job)/log"))
    }

    static let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("job-host").path

    /// The agent as it was built beside these tests.
    static func agent() throws -> String {
        let path = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
            .deletingLastPathComponent().appendingPathComponent("fettle-agent").path
        try #require(
            FileManager.default.isExecutableFile(atPath: path), "\(path) is not there: build the whole package")
        return path
    }

    /// The disk that all trials begin with, made once; nil where the test does not run as root.
    static let base: String? = {
        guard geteuid() == 0 else { return nil }
        let path = "/dev/shm/fettle-job-base-\(getpid())"
        guard
            let process = try? ChildProcess(
                script, ["prepare", path], environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"],
                output: "\(path).log")
        else { return nil }
        process.wait()
        atexit { try? FileManager.default.removeItem(atPath: "/dev/shm/fettle-job-base-\(getpid())") }
        return process.code == 0 ? path : nil
    }()
}

/// A grant as a server gives it.
enum GrantSample {
    static func grant(_ question: RelayedQuestion, plan: HostPlan, now: Timestamp) -> GrantDocument {
        GrantDocument(
            organisation: "org", host: JobTrial.host, campaign: JobTrial.campaign,
            job: HostJob.id(campaign: JobTrial.campaign, host: JobTrial.host, attempt: 1), attempt: 1,
            fence: question.fence + 1, epoch: 1, planDigest: plan.digest, notBefore: now.adding(seconds: -60),
            lastSafeStart: now.adding(seconds: 1800), notAfter: now.adding(seconds: 3600), allowsReboot: true,
            rollsBack: false)
    }
}
