public import Inventory

/// What a host is made of, so that two times can be compared: everything outside an order must be equal.
public struct HostState: Sendable, Hashable {
    /// A package that dpkg knows.
    public struct Package: Sendable, Hashable {
        /// The version; empty where only its configuration is left and dpkg does not say.
        public var version: String
        /// dpkg's word: `installed`, `half-configured`, `config-files`, ...
        public var state: String
        /// What is wanted of it: `install`, `hold`, ...
        public var want: String
        /// Whether it must be unpacked again.
        public var needsReinstall: Bool
        /// Whether apt counts it as installed automatically.
        public var isAutomatic: Bool

        /// A package.
        public init(version: String, state: String, want: String, needsReinstall: Bool, isAutomatic: Bool) {
            self.version = version
            self.state = state
            self.want = want
            self.needsReinstall = needsReinstall
            self.isAutomatic = isAutomatic
        }
    }
    /// A systemd unit.
    public struct Unit: Sendable, Hashable {
        /// `enabled`, `disabled`, `static`, `masked`, ...; empty where it has no file.
        public var file: String
        /// `active`, `inactive`, `failed`, ...; empty where it is not loaded.
        public var active: String

        /// A unit.
        public init(file: String, active: String) {
            self.file = file
            self.active = active
        }
    }
    /// By `name:architecture`.
    public var packages: [String: Package]
    /// Whether dpkg's journal holds changes: a run was interrupted.
    public var hasJournal: Bool
    /// SHA-256 of every configuration file that dpkg keeps, by path; `missing` or `unreadable` where there is none.
    public var configuration: [String: String]
    /// Which package each of them belongs to, by path.
    public var configurationOwners: [String: String]
    /// Units of services, sockets, timers and paths; unknown where systemd does not run.
    public var units: Fact<[String: Unit]>

    /// A state.
    public init(
        packages: [String: Package], hasJournal: Bool, configuration: [String: String],
        configurationOwners: [String: String], units: Fact<[String: Unit]>
    ) {
        self.packages = packages
        self.hasJournal = hasJournal
        self.configuration = configuration
        self.configurationOwners = configurationOwners
        self.units = units
    }
}

/// Something outside an order that is not as it was.
public struct StateDifference: Sendable, Hashable {
    /// What kind of thing.
    public enum Subject: String, CaseIterable, Sendable { case package, configuration, unit, database }
    /// What kind of thing.
    public var subject: Subject
    /// Its name: `name:architecture`, a path, a unit.
    public var name: String
    /// What it was.
    public var before: String
    /// What it is.
    public var now: String

    /// One sentence for a person.
    public var message: String { "\(subject.rawValue) \(name) was \(before), is \(now)" }

    /// A difference.
    public init(_ subject: Subject, _ name: String, before: String, now: String) {
        self.subject = subject
        self.name = name
        self.before = before
        self.now = now
    }
}

/// Where the packages of a plan stand.
public enum Standing: Sendable, Hashable {
    /// All as before the change.
    case before
    /// All at their goals.
    case goal
    /// Whole, but neither all before nor all at their goals: `name:architecture` of those before and of those at goal.
    case mixed(before: [String], goal: [String], other: [String])
    /// Packages are half-done, or dpkg was interrupted: these, as `name:architecture`.
    case broken([String])
}
