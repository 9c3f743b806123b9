import Glibc
import Inventory
import Rollout
import Wire

/// What is made before packages change so that the host can come back, found by looking, never assumed.
enum SnapshotMeans: String, Sendable {
    /// A read-only snapshot of the root subvolume, which holds the packages' database and their files.
    case btrfs
    /// An external backup or hypervisor, by the plan's command.
    case hook
    /// The old packages, kept on this host before anything changes.
    case downgrade

    /// What a person reads.
    var words: String {
        switch self {
        case .btrfs: "a btrfs snapshot of the root subvolume, and the old packages"
        case .hook: "a snapshot by the plan's command, and the old packages"
        case .downgrade: "the old packages"
        }
    }

    /// Where the snapshots are, on the root subvolume: each is named by its job.
    static let folder = "/.fettle-snapshots"
    /// How many of them are kept: each holds on to the blocks of all that was changed since.
    static let kept = 3
    /// The most seconds that a snapshot may take; the server expects an answer by then (``JobTimeouts``).
    static let timeLimit: Int64 = 600

    /// The best means here; why a better one is not taken is in `why`.
    static func probe(_ actions: JobActions, _ tree: HostTree = .machine) -> (means: SnapshotMeans, why: String) {
        if actions.snapshotHook != nil { return (.hook, "the plan names a command") }
        if actions.snapshot == .none { return (.downgrade, "the plan asks for no snapshot") }
        switch tree.snapshots() {
        case .known(let facts): return (facts.kind == .btrfs ? .btrfs : .downgrade, facts.why)
        case .unknown(let why): return (.downgrade, why)
        }
    }

    /// Makes the snapshot, or finds the one that an earlier try made: its name is the job's.
    ///
    /// - Parameter newest: the other jobs of this host that have a snapshot, newest first; beyond ``kept`` they are removed.
    /// - Returns: its name; nil with why where it could not be made.
    func make(
        job: String, hook: String?, timeout: Int64, newest: [String], log: JobLog
    ) -> (id: String?, failure: String?) {
        switch self {
        case .downgrade: return ("", nil)
        case .btrfs:
            let path = "\(Self.folder)/\(job)"
            if access(path, F_OK) == 0 { return (path, nil) }
            guard mkdir(Self.folder, 0o700) == 0 || errno == EEXIST else {
                return (nil, "\(Self.folder) cannot be made: \(HostTreeError.text(of: errno))")
            }
            let run = Self.btrfs(["subvolume", "snapshot", "-r", "/", path], timeout, log)
            guard run.end.isSuccess else { return (nil, "btrfs: \(run.end.text) \(run.lastLine)") }
            Self.prune(keeping: [job] + newest, timeout, log)
            return (path, nil)
        case .hook:
            guard let hook else { return (nil, "the plan names no command") }
            let run = BoundedRun(
                command: ["/bin/sh", "-c", hook], timeout: timeout, environment: ["FETTLE_JOB": job]
            ).run { log.write($0) }
            guard run.end.isSuccess else {
                let said = run.lastLine.isEmpty ? "" : "; it last said: \(run.lastLine)"
                return (nil, "the plan's snapshot command did not say yes: \(run.end.text)\(said)")
            }
            return (run.lastLine.isEmpty ? "made by the plan's command" : run.lastLine, nil)
        }
    }

    /// Removes the snapshots of jobs that are not among the first ``kept``: they would fill the disk. One that cannot be
    /// removed is tried again with the next job.
    private static func prune(keeping newest: [String], _ timeout: Int64, _ log: JobLog) {
        let names = ((try? HostTree.names(in: folder)) ?? []).filter(JobOffer.isJobID)
        let rank = Dictionary(newest.enumerated().map { ($1, $0) }, uniquingKeysWith: min)
        let sorted = names.sorted { (rank[$0] ?? .max, $0) < (rank[$1] ?? .max, $1) }
        for name in sorted.dropFirst(kept) { _ = btrfs(["subvolume", "delete", "\(folder)/\(name)"], timeout, log) }
    }

    private static func btrfs(_ words: [String], _ timeout: Int64, _ log: JobLog) -> BoundedRun.Result {
        BoundedRun(command: ["btrfs"] + words, timeout: timeout).run { log.write($0) }
    }
}
