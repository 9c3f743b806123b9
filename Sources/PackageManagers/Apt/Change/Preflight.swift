public import JSON

/// A question that must be answered with yes before packages change.
public struct PreflightFact: Sendable, Hashable {
    /// What is asked.
    public enum Name: String, CaseIterable, Sendable {
        /// Room for the files to fetch, to unpack and to build initial ramdisks, on every file system concerned.
        case space
        /// Memory for dpkg and its scripts.
        case memory
        /// Nobody else works on packages now.
        case locks
        /// No package is half-installed, half-configured or waits for triggers.
        case packages
        /// dpkg was not interrupted.
        case journal
        /// No package of the order is on hold.
        case holds
        /// The indexes are readable and not too old.
        case indexes
        /// No reboot is pending from an earlier change.
        case reboot
        /// The host has mains power, or its battery is full enough.
        case power
    }
    /// The answer; unknown counts as no.
    public enum Verdict: String, CaseIterable, Sendable { case yes, no, unknown }

    /// What is asked.
    public var name: Name
    /// The answer.
    public var verdict: Verdict
    /// One sentence for a person: what was found and, for a no, what to do.
    public var text: String

    /// A fact.
    public init(_ name: Name, _ verdict: Verdict, _ text: String) {
        self.name = name
        self.verdict = verdict
        self.text = text
    }

    /// The fact as JSON.
    public var json: JSONValue {
        ["name": .string(name.rawValue), "verdict": .string(verdict.rawValue), "text": .string(text)]
    }
}

/// The answers before a change.
public struct Preflight: Sendable, Hashable {
    /// One of each ``PreflightFact/Name``, in that order.
    public var facts: [PreflightFact]

    /// The answers.
    public init(facts: [PreflightFact]) { self.facts = facts }

    /// Those that are not a yes.
    public var objections: [PreflightFact] { facts.filter { $0.verdict != .yes } }

    /// Whether all are.
    public var passes: Bool { objections.isEmpty }

    /// One sentence for a person.
    public var message: String {
        passes ? "all \(facts.count) checks passed" : objections.map(\.text).joined(separator: "; ")
    }

    /// The answers as JSON.
    public var json: JSONValue { .array(facts.map(\.json)) }
}

/// What a host must have before packages change.
public struct PreflightRequirements: Sendable, Hashable {
    /// Bytes that stay free on every file system concerned, over what is computed.
    public var spareBytes: Int64
    /// Bytes of available memory, swap included.
    public var memoryBytes: Int64
    /// The oldest that the last `apt-get update` may be, in seconds; nil where only Valid-Until counts.
    public var indexAge: Int64?
    /// The least charge of a host on battery, in percent.
    public var batteryPercent: Int64
    /// Whether a pending reboot of an earlier change is an objection.
    public var refusesPendingReboot: Bool
    /// How long to wait for locks of others to be let go, in seconds, before they count as held.
    public var lockWait: Int64

    /// Requirements; the defaults suit a small server.
    public init(
        spareBytes: Int64 = 64 << 20, memoryBytes: Int64 = 96 << 20, indexAge: Int64? = 8 * 86_400,
        batteryPercent: Int64 = 30, refusesPendingReboot: Bool = true, lockWait: Int64 = 0
    ) {
        self.spareBytes = spareBytes
        self.memoryBytes = memoryBytes
        self.indexAge = indexAge
        self.batteryPercent = batteryPercent
        self.refusesPendingReboot = refusesPendingReboot
        self.lockWait = lockWait
    }
}
