public import JSON

/// One run of the package manager that outlives whoever started it: by this it is found again.
public struct AptRun: Sendable, Hashable {
    /// What it does.
    public enum Kind: String, CaseIterable, Sendable {
        /// The planned transaction, from the kept files of the new versions.
        case apply
        /// Configures whatever is unpacked (`dpkg --configure -a`).
        case configure
        /// Unpacks and configures again what must be reinstalled, from the kept files.
        case reinstall
        /// Unpacks what an interruption left out and configures all, by dpkg alone, from the kept files of the new versions.
        case complete
        /// Takes packages back to their old versions, from the kept files.
        case rollBack = "roll-back"
        /// The same by dpkg alone, where apt refuses to work.
        case forceBack = "force-back"
    }
    /// What it does.
    public var kind: Kind
    /// Counts the runs of the job: names its files in the folder `runs`.
    public var number: Int
    /// The process that leads its session, as this machine counts processes.
    public var pid: Int32
    /// When that process started, in clock ticks since the boot (proc(5)); with the pid it is the same process or none.
    public var startTime: UInt64
    /// In which boot.
    public var bootID: String

    /// A run.
    public init(kind: Kind, number: Int, pid: Int32, startTime: UInt64, bootID: String) {
        self.kind = kind
        self.number = number
        self.pid = pid
        self.startTime = startTime
        self.bootID = bootID
    }

    /// The run as JSON, for a journal.
    public var json: JSONValue {
        [
            "kind": .string(kind.rawValue), "number": .integer(Int64(number)), "pid": .integer(Int64(pid)),
            "startTime": .string(String(startTime)), "bootID": .string(bootID),
        ]
    }
}

/// How far a run is.
public struct AptProgress: Sendable, Hashable {
    /// Percent of the whole, 0 to 100; what apt says.
    public var percent: Double
    /// The package at work, as apt names it; nil before the first.
    public var package: String?
    /// What is done with it: `Configuring tb-ok (all)`.
    public var text: String

    /// A point of progress.
    public init(percent: Double = 0, package: String? = nil, text: String = "") {
        self.percent = percent
        self.package = package
        self.text = text
    }
}

/// How a run ended.
public struct AptOutcome: Sendable, Hashable {
    /// The way it ended.
    public enum End: Sendable, Hashable {
        /// By itself, with this exit code.
        case exited(Int32)
        /// It took longer than allowed and was ended with all that it had started.
        case timedOut(seconds: Int)
        /// It is gone without an exit code: killed, or the host went down.
        case vanished
    }
    /// The way it ended.
    public var end: End
    /// The package that failed or hung, as apt names it; nil where none is to blame.
    public var culprit: String?
    /// What went wrong, in the words of the program; empty after success.
    public var errors: [String]
    /// Configuration files that were changed by hand and kept; the package's own is beside each as `.dpkg-dist`.
    public var keptConfiguration: [String]

    /// An outcome.
    public init(end: End, culprit: String? = nil, errors: [String] = [], keptConfiguration: [String] = []) {
        self.end = end
        self.culprit = culprit
        self.errors = errors
        self.keptConfiguration = keptConfiguration
    }

    /// Whether it failed for nothing but packages that others wait for: no script and no file of a package is to blame.
    var isWaitingForOthers: Bool {
        !isSuccess && !errors.isEmpty && errors.allSatisfy { $0.hasPrefix("dependency problems") }
    }

    /// Whether it ended with 0. What the packages are is for ``AptChange/standing(of:)`` to say.
    public var isSuccess: Bool { end == .exited(0) }

    /// One sentence for a person.
    public var message: String {
        let said = errors.first.map { ": \($0)" } ?? ""
        let who = culprit ?? "the package manager"
        switch end {
        case .exited(0): return "the package manager ended well"
        case .exited(let code): return "\(who) failed (exit \(code))\(said)"
        case .timedOut(let seconds): return "\(who) hung and was ended after \(seconds) s"
        case .vanished: return "the package manager was killed\(culprit.map { " at \($0)" } ?? "")"
        }
    }
}

/// Where a run is.
public enum AptRunState: Sendable, Hashable {
    /// At work.
    case running(AptProgress)
    /// Ended.
    case ended(AptOutcome)
}

extension AptRun {
    /// Reads ``json``.
    public init(json: JSONValue, at pointer: String = "") throws(JSONError) {
        var object = try JSONObject(json, at: pointer)
        let kind = try object.string("kind", maximumBytes: 32)
        guard let known = Kind(rawValue: kind) else {
            throw JSONError(.outOfBounds, pointer: object.pointer(to: "kind"), reason: "\"\(kind)\" is no kind of run")
        }
        let start = try object.string("startTime", maximumBytes: 32)
        guard let startTime = UInt64(start) else {
            throw JSONError(.outOfBounds, pointer: object.pointer(to: "startTime"), reason: "expected clock ticks")
        }
        self.init(
            kind: known, number: Int(try object.integer("number", in: 0...1_000_000)),
            pid: Int32(try object.integer("pid", in: 0...Int64(Int32.max))), startTime: startTime,
            bootID: try object.string("bootID", maximumBytes: 64))
        try object.finish()
    }
}
