public import JSON

/// A script that runs on the host before or after the packages change.
///
/// Its text is part of the plan, so that what was approved is what runs, byte for byte.
public struct PlannedScript: Hashable, Sendable {
    /// A name for people and for the journal.
    public var name: String
    /// The whole text, run by the interpreter of its first line (`#!`), as root.
    public var text: String
    /// Seconds it may take before it is ended (TERM, 30 s, KILL); 1 to 86,400.
    public var timeout: Int64
    /// Whether it may run a second time when the host went down while it ran.
    public var isIdempotent: Bool
    /// What takes its effect back; nil where nothing does.
    public var undo: String?

    /// A script.
    public init(name: String, text: String, timeout: Int64 = 900, isIdempotent: Bool = false, undo: String? = nil) {
        self.name = name
        self.text = text
        self.timeout = timeout
        self.isIdempotent = isIdempotent
        self.undo = undo
    }

    /// The most bytes of a script's text.
    public static let maximumBytes = 65_536

    /// The script as JSON.
    public var json: JSONValue {
        var fields: [String: JSONValue] = [
            "name": .string(name), "text": .string(text), "timeout": .integer(timeout),
            "idempotent": .bool(isIdempotent),
        ]
        if let undo { fields["undo"] = .string(undo) }
        return .object(fields)
    }

    /// Reads a script.
    public init(_ object: JSONObject) throws(JSONError) {
        var object = object
        self.init(
            name: try object.string("name", maximumBytes: 64),
            text: try object.string("text", maximumBytes: Self.maximumBytes),
            timeout: try object.integer("timeout", in: 1...86_400), isIdempotent: try object.bool("idempotent"),
            undo: try object.optionalString("undo", maximumBytes: Self.maximumBytes))
        try object.finish()
    }
}

/// A question to the host whose answer decides whether it is well. A check that cannot run has failed.
public struct HealthCheck: Hashable, Sendable {
    /// What is asked.
    public enum Probe: Hashable, Sendable {
        /// A command line for `/bin/sh -c` that must exit with 0.
        case command(String)
        /// A TCP connection to this host's port that must open.
        case tcp(address: String, port: Int64)
        /// A GET over plain HTTP that must answer with this status.
        case http(address: String, port: Int64, path: String, status: Int64)
        /// A systemd unit that must be active.
        case unit(String)
    }
    /// A name for people and for the journal.
    public var name: String
    /// What is asked.
    public var probe: Probe
    /// Seconds one try may take; 1 to 600.
    public var timeout: Int64

    /// A check.
    public init(name: String, probe: Probe, timeout: Int64 = 10) {
        self.name = name
        self.probe = probe
        self.timeout = timeout
    }

    /// The check as JSON.
    public var json: JSONValue {
        var fields: [String: JSONValue] = ["name": .string(name), "timeout": .integer(timeout)]
        switch probe {
        case .command(let command):
            fields["kind"] = "command"
            fields["command"] = .string(command)
        case .tcp(let address, let port):
            fields["kind"] = "tcp"
            fields["address"] = .string(address)
            fields["port"] = .integer(port)
        case .http(let address, let port, let path, let status):
            fields["kind"] = "http"
            fields["address"] = .string(address)
            fields["port"] = .integer(port)
            fields["path"] = .string(path)
            fields["status"] = .integer(status)
        case .unit(let unit):
            fields["kind"] = "unit"
            fields["unit"] = .string(unit)
        }
        return .object(fields)
    }

    /// Reads a check.
    public init(_ object: JSONObject) throws(JSONError) {
        var object = object
        let kind = try object.string("kind", maximumBytes: 16)
        let probe: Probe
        switch kind {
        case "command": probe = .command(try object.string("command", maximumBytes: 4096))
        case "tcp":
            probe = .tcp(
                address: try object.string("address", maximumBytes: 255),
                port: try object.integer("port", in: 1...65_535))
        case "http":
            probe = .http(
                address: try object.string("address", maximumBytes: 255),
                port: try object.integer("port", in: 1...65_535), path: try object.string("path", maximumBytes: 1024),
                status: try object.integer("status", in: 100...599))
        case "unit": probe = .unit(try object.string("unit", maximumBytes: 255))
        default:
            throw JSONError(
                .outOfBounds, pointer: object.pointer(to: "kind"),
                reason: "expected command, tcp, http or unit, found \"\(kind.prefix(32))\"")
        }
        self.init(
            name: try object.string("name", maximumBytes: 64), probe: probe,
            timeout: try object.integer("timeout", in: 1...600))
        try object.finish()
    }
}

/// When the host is started anew.
public enum RebootPolicy: String, CaseIterable, Sendable {
    /// Never; where one is needed the job ends as installed, reboot pending.
    case never
    /// Where the verdict after the packages changed says so.
    case whenNeeded = "when-needed"
    /// In any case.
    case always
}

/// What must be there to come back to, before the packages change.
public enum SnapshotPolicy: String, CaseIterable, Sendable {
    /// The best means that the host has; package downgrade where it has none.
    case best
    /// A snapshot of the file system (or by the hook), else the job is refused.
    case required
    /// None: package downgrade only.
    case none
}

/// Everything that a job does besides changing packages.
public struct JobActions: Hashable, Sendable {
    /// Scripts before the packages change, in order.
    public var preScripts: [PlannedScript]
    /// Scripts afterwards, in order.
    public var postScripts: [PlannedScript]
    /// Systemd units that are stopped before and started again afterwards.
    public var stopServices: [String]
    /// Systemd units that are restarted afterwards in any case.
    public var restartServices: [String]
    /// Whether services that still map deleted files are restarted afterwards.
    public var restartsStaleServices: Bool
    /// What must hold before a job counts as succeeded.
    public var healthChecks: [HealthCheck]
    /// Seconds after the change (or the boot) within which the checks may still fail; 0 to 86,400.
    public var settleTime: Int64
    /// How often in a row every check must pass; 1 to 100.
    public var consecutivePasses: Int64
    /// When the host is started anew.
    public var reboot: RebootPolicy
    /// The most reboots of one job; 0 to 10.
    public var maximumReboots: Int64
    /// What must be there to come back to.
    public var snapshot: SnapshotPolicy
    /// A command that has an external backup or hypervisor make a snapshot, and waits for it; exit code 0 is its yes.
    public var snapshotHook: String?
    /// Seconds that one run of the package manager may take; 10 to 86,400.
    public var stepTimeout: Int64
    /// Whether the host goes back when a check or the rescan fails.
    public var rollsBack: Bool

    /// Actions; the defaults do the least that is safe.
    public init(
        preScripts: [PlannedScript] = [], postScripts: [PlannedScript] = [], stopServices: [String] = [],
        restartServices: [String] = [], restartsStaleServices: Bool = true, healthChecks: [HealthCheck] = [],
        settleTime: Int64 = 60, consecutivePasses: Int64 = 3, reboot: RebootPolicy = .whenNeeded,
        maximumReboots: Int64 = 3, snapshot: SnapshotPolicy = .best, snapshotHook: String? = nil,
        stepTimeout: Int64 = 1800, rollsBack: Bool = true
    ) {
        self.preScripts = preScripts
        self.postScripts = postScripts
        self.stopServices = stopServices
        self.restartServices = restartServices
        self.restartsStaleServices = restartsStaleServices
        self.healthChecks = healthChecks
        self.settleTime = settleTime
        self.consecutivePasses = consecutivePasses
        self.reboot = reboot
        self.maximumReboots = maximumReboots
        self.snapshot = snapshot
        self.snapshotHook = snapshotHook
        self.stepTimeout = stepTimeout
        self.rollsBack = rollsBack
    }

    /// The actions as JSON.
    public var json: JSONValue {
        var fields: [String: JSONValue] = [
            "preScripts": .array(preScripts.map(\.json)), "postScripts": .array(postScripts.map(\.json)),
            "stopServices": .array(stopServices.map(JSONValue.string)),
            "restartServices": .array(restartServices.map(JSONValue.string)),
            "restartStaleServices": .bool(restartsStaleServices), "healthChecks": .array(healthChecks.map(\.json)),
            "settleTime": .integer(settleTime), "consecutivePasses": .integer(consecutivePasses),
            "reboot": .string(reboot.rawValue), "maximumReboots": .integer(maximumReboots),
            "snapshot": .string(snapshot.rawValue), "stepTimeout": .integer(stepTimeout),
            "rollBack": .bool(rollsBack),
        ]
        if let snapshotHook { fields["snapshotHook"] = .string(snapshotHook) }
        return .object(fields)
    }

    /// Reads actions.
    public init(_ object: JSONObject) throws(JSONError) {
        var object = object
        self.init()
        for script in try object.objects("preScripts", maximumCount: 16) {
            preScripts.append(try PlannedScript(script))
        }
        for script in try object.objects("postScripts", maximumCount: 16) {
            postScripts.append(try PlannedScript(script))
        }
        stopServices = try object.strings("stopServices", maximumCount: 64, maximumBytes: 255)
        restartServices = try object.strings("restartServices", maximumCount: 64, maximumBytes: 255)
        restartsStaleServices = try object.bool("restartStaleServices")
        for check in try object.objects("healthChecks", maximumCount: 64) {
            healthChecks.append(try HealthCheck(check))
        }
        settleTime = try object.integer("settleTime", in: 0...86_400)
        consecutivePasses = try object.integer("consecutivePasses", in: 1...100)
        reboot = try Self.choice("reboot", &object)
        maximumReboots = try object.integer("maximumReboots", in: 0...10)
        snapshot = try Self.choice("snapshot", &object)
        snapshotHook = try object.optionalString("snapshotHook", maximumBytes: 4096)
        stepTimeout = try object.integer("stepTimeout", in: 10...86_400)
        rollsBack = try object.bool("rollBack")
        try object.finish()
    }

    private static func choice<T: RawRepresentable & CaseIterable>(
        _ key: String, _ object: inout JSONObject
    ) throws(JSONError) -> T where T.RawValue == String {
        let text = try object.string(key, maximumBytes: 32)
        guard let value = T(rawValue: text) else {
            throw JSONError(
                .outOfBounds, pointer: object.pointer(to: key),
                reason: "expected one of \(T.allCases.map(\.rawValue).joined(separator: ", ")), found \"\(text)\"")
        }
        return value
    }
}
