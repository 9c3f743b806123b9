public import Digest

/// A script that runs on hosts: named by its digest, so that what was approved is what runs.
public struct Script: PolicySpec {
    /// The SHA-256 of its bytes.
    public var digest = SHA256.hash([])
    /// Where it lies beside the policy, for who applies it.
    public var file: String?
    /// Whether it may run a second time when the host went down while it ran.
    public var isIdempotent = false
    /// The script that takes its effect back.
    public var undo: String?
    /// How long it may take, in seconds.
    public var timeout: Int64 = 900

    /// One that says nothing yet.
    public init() {}

    public static let kind = "Script"
    public static let about = "A script that runs on hosts, pinned by its digest."
    public static let codec = PolicyCodec<Script>.object(Script()) { keys in
        keys.required("digest", \.digest, .digest, "The SHA-256 of its bytes, as sha256sum prints it.")
        keys.optional(
            "file", \.file,
            .token("a file's path", "^[A-Za-z0-9._/-]+$", example: "scripts/drain.sh") {
                PolicyNames.isWord($0) || $0 == 0x2F
            },
            "Where it lies beside the policy.")
        keys.required(
            "idempotent", \.isIdempotent, .boolean,
            "Whether it may run a second time when the host went down while it ran.")
        keys.optional("undo", \.undo, .reference(Script.self), "The script that takes its effect back.")
        keys.key("timeout", \.timeout, .duration(1...86_400), "How long it may take.")
        keys.check { script in
            guard let file = script.file else { return nil }
            let leaves = file.hasPrefix("/") || file.split(separator: "/").contains("..")
            return leaves ? ("file", "the path \(file) leads out of the policy's folder; write one below it") : nil
        }
    }
}

/// A question whose answer says whether a host is well.
public struct HealthProbe: PolicySpec {
    /// A TCP port that must open.
    public struct TCP: Hashable, Sendable {
        /// Where; the host itself unless said.
        public var address = "127.0.0.1"
        /// Which port.
        public var port: Int64 = 1

        static let codec = PolicyCodec<TCP>.object(TCP()) { keys in
            keys.key("address", \.address, .host, "Where; the host itself unless said.")
            keys.required("port", \.port, .integer(1...65_535), "Which port.")
        }
    }

    /// A page that must answer.
    public struct HTTP: Hashable, Sendable {
        /// Where; the host itself unless said.
        public var address = "127.0.0.1"
        /// Which port.
        public var port: Int64 = 80
        /// Which page.
        public var path = "/"
        /// With which status.
        public var status: Int64 = 200

        static let codec = PolicyCodec<HTTP>.object(HTTP()) { keys in
            keys.key("address", \.address, .host, "Where; the host itself unless said.")
            keys.key("port", \.port, .integer(1...65_535), "Which port.")
            keys.key(
                "path", \.path,
                .token("a path", "^/[!-~]*$", example: "/health", maximum: 1024) { (0x21...0x7E).contains($0) },
                "Which page.")
            keys.key("status", \.status, .integer(100...599), "The status that it must answer with.")
            keys.check { $0.path.hasPrefix("/") ? nil : ("path", "a path begins with /; write /\($0.path)") }
        }
    }

    /// A unit that must be active,
    public var unit: String?
    /// a port that must open,
    public var tcp: TCP?
    /// a page that must answer,
    public var http: HTTP?
    /// a command line that must exit with 0,
    public var command: String?
    /// or a script that must.
    public var script: String?
    /// How long one try may take, in seconds.
    public var timeout: Int64 = 10
    /// Whether two hosts that fail it in the same way halt a campaign.
    public var isCritical = false

    /// One that says nothing yet.
    public init() {}

    public static let kind = "HealthCheck"
    public static let about =
        "A question whose answer says whether a host is well; one that cannot be asked has failed."
    public static let codec = PolicyCodec<HealthProbe>.object(HealthProbe()) { keys in
        keys.optional("unit", \.unit, .unit, "A systemd unit that must be active.")
        keys.optional("tcp", \.tcp, TCP.codec, "A TCP port that must open.")
        keys.optional("http", \.http, HTTP.codec, "A page that must answer.")
        keys.optional("command", \.command, .words(4096), "A command line for /bin/sh that must exit with 0.")
        keys.optional("script", \.script, .reference(Script.self), "A script that must exit with 0.")
        keys.key("timeout", \.timeout, .duration(1...600), "How long one try may take.")
        keys.key("critical", \.isCritical, .boolean, "Whether two hosts that fail it in the same way halt a campaign.")
        keys.exactlyOne("unit", "tcp", "http", "command", "script")
    }
}

/// How a host is treated before, while and after it changes.
public struct Handling: PolicySpec {
    /// When it is started anew.
    public enum Reboot: String, CaseIterable, Hashable, Sendable {
        case never
        case whenNeeded = "when-needed"
        case always
    }

    /// What must be there to come back to.
    public enum Snapshot: String, CaseIterable, Hashable, Sendable {
        case best, required, none
    }

    /// How its users may put it off.
    public struct Deferral: Hashable, Sendable {
        /// How often,
        public var maximum: Int64 = 3
        /// and for how long in all, in seconds.
        public var until: Int64 = 259_200
        /// How long before they are told.
        public var notice: Int64 = 900
        /// How long a host that was off past the deadline is left in peace.
        public var grace: Int64 = 3600

        static let codec = PolicyCodec<Deferral>.object(Deferral()) { keys in
            keys.required("maximum", \.maximum, .integer(0...100), "How often.")
            keys.key("until", \.until, .duration(0...2_592_000), "For how long in all.")
            keys.key("notice", \.notice, .duration(0...86_400), "How long before they are told.")
            keys.key(
                "grace", \.grace, .duration(0...86_400),
                "How long a host that was off past the deadline is left in peace.")
        }
    }

    /// Whose; empty: every host's that no other names.
    public var groups: [String] = []
    /// When it is started anew,
    public var reboot = Reboot.whenNeeded
    /// and how often in one job.
    public var maximumReboots: Int64 = 3
    /// How its users may put it off; nil: not at all.
    public var deferral: Deferral?
    /// What must be there to come back to.
    public var snapshot = Snapshot.best
    /// Scripts before the packages change, in order,
    public var before: [String] = []
    /// afterwards,
    public var after: [String] = []
    /// and on test hosts, as a stage of its own.
    public var tests: [String] = []
    /// Units that are stopped before and started again afterwards.
    public var stops: [String] = []
    /// What must hold afterwards,
    public var checks: [String] = []
    /// within so many seconds,
    public var settle: Int64 = 60
    /// and so often in a row.
    public var passes: Int64 = 3

    /// One that says nothing yet.
    public init() {}

    public static let kind = "Handling"
    public static let about = "How hosts are treated: reboots, deferral, snapshots, scripts, health checks."
    public static let codec = PolicyCodec<Handling>.object(Handling()) { keys in
        keys.key(
            "groups", \.groups, .list(.reference(HostGroup.self)),
            "Whose; every host's that no other names unless said.")
        keys.key("reboot", \.reboot, .choice, "When a host is started anew.")
        keys.key("maximumReboots", \.maximumReboots, .integer(0...10), "How often in one job.")
        keys.optional("deferral", \.deferral, Deferral.codec, "How users may put it off; not at all unless said.")
        keys.key(
            "snapshot", \.snapshot, .choice,
            "What must be there to come back to: the best there is, a snapshot, or packages only.")
        keys.key(
            "before", \.before, .list(.reference(Script.self), 1...32), "Scripts before the packages change, in order.")
        keys.key("after", \.after, .list(.reference(Script.self), 1...32), "Scripts afterwards, in order.")
        keys.key(
            "tests", \.tests, .list(.reference(Script.self), 1...32), "Scripts on test hosts, as a stage of its own.")
        keys.key("stop", \.stops, .list(.unit, 1...100), "Units that are stopped before and started again afterwards.")
        keys.key("checks", \.checks, .list(.reference(HealthProbe.self), 1...64), "What must hold afterwards.")
        keys.key("settle", \.settle, .duration(0...86_400), "Within which time the checks may still fail.")
        keys.key("passes", \.passes, .integer(1...100), "How often in a row every check must pass.")
        keys.check { handling in
            handling.reboot != .never && handling.maximumReboots == 0
                ? ("maximumReboots", "with no reboot at all hosts cannot be started anew; write reboot: never") : nil
        }
    }
}
