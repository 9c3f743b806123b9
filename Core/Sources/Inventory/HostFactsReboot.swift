import JSON

/// Which distribution a host runs: os-release(5).
public struct OperatingSystem: Hashable, Sendable {
    /// `ID`: `debian`.
    public var id: String
    /// `VERSION_ID`: `12`; empty on rolling and unreleased distributions.
    public var versionID: String
    /// `VERSION_CODENAME`: `bookworm`; empty where there is none.
    public var codename: String
    /// `PRETTY_NAME`: `Debian GNU/Linux 12 (bookworm)`.
    public var name: String

    /// An operating system with these fields.
    public init(id: String, versionID: String, codename: String, name: String) {
        self.id = id
        self.versionID = versionID
        self.codename = codename
        self.name = name
    }

    /// What packages are interned under: `debian-12`; the code name where there is no version.
    public var distribution: String {
        let release = versionID.isEmpty ? codename : versionID
        return release.isEmpty ? id : "\(id)-\(release)"
    }
}

/// A kernel that is installed as a package.
public struct InstalledKernel: Hashable, Sendable {
    /// The package: `linux-image-6.1.0-56-amd64`.
    public var package: String
    /// The release it boots as: `6.1.0-56-amd64`.
    public var release: String
    /// The package's version: `6.1.176-1`.
    public var version: String

    /// A kernel with these fields.
    public init(package: String, release: String, version: String) {
        self.package = package
        self.release = release
        self.version = version
    }
}

/// The running kernel and the installed ones that could take its place.
public struct KernelFacts: Hashable, Sendable {
    /// The running release (uname -r): `6.1.0-50-amd64`.
    public var running: String
    /// The version of the package that the running kernel was built as, where its banner (uname -v) tells it; else empty.
    public var runningVersion: String
    /// What follows the version in the release: `amd64`, `cloud-amd64`, `generic`; empty where nothing does.
    public var flavour: String
    /// The installed kernels of that flavour, oldest first.
    public var installed: [InstalledKernel]

    /// Kernel facts with these fields.
    public init(running: String, runningVersion: String, flavour: String, installed: [InstalledKernel]) {
        self.running = running
        self.runningVersion = runningVersion
        self.flavour = flavour
        self.installed = installed
    }

    /// The newest installed kernel of the running one's flavour; nil where none is installed.
    public var newest: InstalledKernel? { installed.last }
}

/// Something that only a restart of the host mends, with what proves it.
public struct RebootReason: Hashable, Sendable {
    /// What is out of date.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// A newer kernel of the same flavour is installed than the one that runs.
        case kernel
        /// Process 1 runs code from files that were replaced.
        case serviceManager = "service-manager"
        /// The message bus does; it cannot be restarted under its clients.
        case messageBus = "message-bus"
        /// A package asked for it in /run/reboot-required.
        case requested
        /// Newer microcode for the processor is installed than the one that is loaded.
        case microcode
    }

    /// What is out of date.
    public var kind: Kind
    /// What was found, for a person: versions, files, packages.
    public var evidence: String

    /// A reason with these fields.
    public init(kind: Kind, evidence: String) {
        self.kind = kind
        self.evidence = evidence
    }
}

/// Whether a host must be restarted. A verdict that lacks evidence is not made: the fact is unknown then.
public struct RebootVerdict: Hashable, Sendable {
    /// Why it must be restarted, by kind and evidence; empty where nothing asks for it.
    public var reasons: [RebootReason]
    /// What was examined and found in order, for a person.
    public var proof: [String]
    /// Whether it must be restarted.
    public var required: Bool { !reasons.isEmpty }

    /// A verdict; it requires a restart where there is a reason.
    public init(reasons: [RebootReason], proof: [String]) {
        self.reasons = reasons.sorted { ($0.kind.rawValue, $0.evidence) < ($1.kind.rawValue, $1.evidence) }
        self.proof = proof
    }
}

/// A service, session or process that runs code from files that were deleted or replaced since it started.
public struct RestartNeed: Hashable, Sendable {
    /// What has to be restarted.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// A unit of the system's service manager.
        case unit
        /// A unit of a user's service manager.
        case userUnit = "user-unit"
        /// The login sessions of a user, who has to log in anew.
        case session
        /// A container on this host; its own agent or image has to see to it.
        case container
        /// A process that belongs to none of these.
        case process
    }

    /// What has to be restarted.
    public var kind: Kind
    /// The unit (`ssh.service`), the container, the session's user or the process.
    public var name: String
    /// The user whose unit or session it is; empty for the system's.
    public var user: String
    /// The names of its processes that are concerned, sorted.
    public var processes: [String]
    /// The files whose former content they run, sorted; at most 64 of them.
    public var files: [String]

    /// A need with these fields; the lists are sorted and made unique here.
    public init(kind: Kind, name: String, user: String, processes: [String], files: [String]) {
        self.kind = kind
        self.name = name
        self.user = user
        self.processes = Array(Set(processes).sorted().prefix(64))
        self.files = Array(Set(files).sorted().prefix(64))
    }
}

extension OperatingSystem: FactValue {
    var json: JSONValue {
        [
            "id": .string(id), "versionID": .string(versionID), "codename": .string(codename), "name": .string(name),
        ]
    }

    init(json: JSONValue, at pointer: String) throws(JSONError) {
        var object = try JSONObject(json, at: pointer)
        self.init(
            id: try object.string("id", maximumBytes: 64), versionID: try object.string("versionID", maximumBytes: 64),
            codename: try object.string("codename", maximumBytes: 64), name: try object.string("name"))
        try object.finish()
    }
}

extension InstalledKernel: FactValue {
    var json: JSONValue {
        ["package": .string(package), "release": .string(release), "version": .string(version)]
    }

    init(json: JSONValue, at pointer: String) throws(JSONError) {
        var object = try JSONObject(json, at: pointer)
        self.init(
            package: try object.string("package"), release: try object.string("release"),
            version: try object.string("version"))
        try object.finish()
    }
}

extension KernelFacts: FactValue {
    var json: JSONValue {
        [
            "running": .string(running), "runningVersion": .string(runningVersion), "flavour": .string(flavour),
            "installed": installed.json,
        ]
    }

    init(json: JSONValue, at pointer: String) throws(JSONError) {
        var object = try JSONObject(json, at: pointer)
        self.init(
            running: try object.string("running"), runningVersion: try object.string("runningVersion"),
            flavour: try object.string("flavour"), installed: try object.list("installed"))
        try object.finish()
    }
}

extension RebootReason: FactValue {
    var json: JSONValue { ["kind": .string(kind.rawValue), "evidence": .string(evidence)] }

    init(json: JSONValue, at pointer: String) throws(JSONError) {
        var object = try JSONObject(json, at: pointer)
        self.init(kind: try object.choice("kind"), evidence: try object.string("evidence", maximumBytes: 4096))
        try object.finish()
    }
}

extension RebootVerdict: FactValue {
    var json: JSONValue { ["required": .bool(required), "reasons": reasons.json, "proof": proof.json] }

    init(json: JSONValue, at pointer: String) throws(JSONError) {
        var object = try JSONObject(json, at: pointer)
        let required = try object.bool("required")
        self.init(reasons: try object.list("reasons"), proof: try object.list("proof"))
        try object.finish()
        guard required == self.required else {
            throw JSONError(
                .outOfBounds, pointer: object.pointer(to: "required"),
                reason: "a restart is required exactly where there is a reason for it")
        }
    }
}

extension RestartNeed: FactValue {
    var json: JSONValue {
        [
            "kind": .string(kind.rawValue), "name": .string(name), "user": .string(user), "processes": processes.json,
            "files": files.json,
        ]
    }

    init(json: JSONValue, at pointer: String) throws(JSONError) {
        var object = try JSONObject(json, at: pointer)
        self.init(
            kind: try object.choice("kind"), name: try object.string("name"), user: try object.string("user"),
            processes: try object.list("processes"), files: try object.list("files"))
        try object.finish()
    }
}
