public import Digest
public import JSON

/// Everything that was read on a host besides its packages and their offers, named by its digest.
///
/// Every member says what was found or why it could not be read. Nothing in it moves while the host stands still:
/// free space and memory come in coarse steps (``Steps``), lists are sorted, there are no process numbers or uptimes.
public struct HostFacts: Hashable, Sendable {
    /// The edition of the document; a reader refuses any other.
    public static let edition: Int64 = 1

    /// os-release(5).
    public var operatingSystem: Fact<OperatingSystem> = .notLookedFor
    /// The name that the kernel bears (uname -n).
    public var hostname: Fact<String> = .notLookedFor
    /// The running kernel and the installed ones of its flavour; unknown in a container.
    public var kernel: Fact<KernelFacts> = .notLookedFor
    /// The kernel's random id of this boot; a container's is that of the machine outside.
    public var bootID: Fact<String> = .notLookedFor
    /// Whether the host must be restarted, and what proves it.
    public var reboot: Fact<RebootVerdict> = .notLookedFor
    /// What the package manager says of its packages' states and its indexes.
    public var packages: Fact<PackageFacts> = .notLookedFor
    /// How many newer versions the host's repositories offer; where that could not be read the offer set is empty, and
    /// this says why.
    public var offers: Fact<Int64> = .notLookedFor
    /// What still runs code from files that were deleted or replaced; unknown where not all processes could be read.
    public var restarts: Fact<[RestartNeed]> = .notLookedFor
    /// The mounted file systems that hold the host's files.
    public var disks: Fact<[DiskFacts]> = .notLookedFor
    /// Main memory.
    public var memory: Fact<MemoryFacts> = .notLookedFor
    /// The processors.
    public var processors: Fact<ProcessorFacts> = .notLookedFor
    /// Whether the clock follows a source of time.
    public var clock: Fact<ClockFacts> = .notLookedFor
    /// The hypervisor, by systemd-detect-virt's names; `none` on bare metal.
    public var virtualisation: Fact<String> = .notLookedFor
    /// The container manager, by systemd-detect-virt's names; `none` outside containers.
    public var container: Fact<String> = .notLookedFor
    /// The zone's IANA name.
    public var timeZone: Fact<String> = .notLookedFor
    /// The addresses of global scope, sorted.
    public var addresses: Fact<[NetworkAddress]> = .notLookedFor
    /// What the firmware says of the machine.
    public var hardware: Fact<HardwareFacts> = .notLookedFor
    /// What the host's own administrator forbids. Facts of agents before orders do not say it.
    public var veto: Fact<HostVeto> = .notLookedFor
    /// What its file system can have as a snapshot before a change. Facts of earlier agents do not say it.
    public var snapshot: Fact<SnapshotFacts> = .notLookedFor
    /// The version of the agent that looked.
    public var agentVersion: String

    /// Facts that nobody has looked for yet.
    public init(agentVersion: String) {
        self.agentVersion = agentVersion
    }

    /// The document's bytes: canonical JSON (RFC 8785).
    public var bytes: [UInt8] { json.canonicalBytes() }

    /// The document's name: SHA-256 of its bytes.
    public var digest: SHA256Digest { SHA256.hash(bytes) }

    /// The document.
    public var json: JSONValue {
        [
            "edition": .integer(Self.edition), "operatingSystem": operatingSystem.json, "hostname": hostname.json,
            "packages": packages.json, "offers": offers.json, "kernel": kernel.json, "bootID": bootID.json,
            "reboot": reboot.json, "restarts": restarts.json,
            "disks": disks.json, "memory": memory.json, "processors": processors.json, "clock": clock.json,
            "virtualisation": virtualisation.json, "container": container.json, "timeZone": timeZone.json,
            "addresses": addresses.json, "hardware": hardware.json, "veto": veto.json,
            "snapshot": snapshot.json,
            "agentVersion": .string(agentVersion),
        ]
    }

    /// Reads received bytes.
    public init(parsing bytes: [UInt8], limits: JSONLimits = .facts) throws(JSONError) {
        try self.init(json: JSONValue(parsing: bytes, limits: limits))
    }

    /// Reads a document strictly: every member must be there (veto and snapshot only in younger ones), and none besides.
    public init(json: JSONValue) throws(JSONError) {
        var object = try JSONObject(json)
        _ = try object.integer("edition", in: Self.edition...Self.edition)
        self.init(agentVersion: try object.string("agentVersion", maximumBytes: 64))
        operatingSystem = try object.fact("operatingSystem")
        hostname = try object.fact("hostname")
        kernel = try object.fact("kernel")
        bootID = try object.fact("bootID")
        reboot = try object.fact("reboot")
        packages = try object.fact("packages")
        offers = try object.fact("offers")
        restarts = try object.fact("restarts")
        disks = try object.fact("disks")
        memory = try object.fact("memory")
        processors = try object.fact("processors")
        clock = try object.fact("clock")
        virtualisation = try object.fact("virtualisation")
        container = try object.fact("container")
        timeZone = try object.fact("timeZone")
        addresses = try object.fact("addresses")
        hardware = try object.fact("hardware")
        veto = try object.optionalFact("veto")
        snapshot = try object.optionalFact("snapshot")
        try object.finish()
    }

    /// The members that could not be read, by their names in the document, each with why; sorted by name.
    public var unknowns: [(name: String, why: String)] {
        guard case .object(let members) = json else { return [] }
        var result: [(name: String, why: String)] = []
        for (name, value) in members.sorted(by: { $0.key < $1.key }) {
            if let why = value["unknown"]?.string {
                result.append((name, why))
            } else if let parts = value["value"]?.object {
                for (part, value) in parts.sorted(by: { $0.key < $1.key }) {
                    if let why = value["unknown"]?.string { result.append(("\(name).\(part)", why)) }
                }
            }
        }
        return result
    }
}

extension Fact {
    /// What stands in a document before anything was read.
    public static var notLookedFor: Fact { .unknown("was not looked for") }
}
