import Inventory
public import JSON

extension HostState {
    /// What differs from an earlier state outside the plan: packages that it does not name, marks, configuration files
    /// that nobody may touch, units that lost their place. Sorted; empty is the proof that all else is equal.
    ///
    /// A configuration file of a package of the plan may change with it. Units come and go with packages: what counts is
    /// one that was enabled before and is not now, one that was meant to be active and is not now, and one that has failed.
    ///
    /// - Parameters:
    ///   - allowing: units that the caller stopped or restarted itself; that one has failed counts all the same.
    ///   - includingOwnConfiguration: whether the configuration files of the plan's own packages must be equal too, as
    ///     after a way back.
    public func differences(
        from earlier: HostState, outside plan: AptPlan, allowing units: Set<String> = [],
        includingOwnConfiguration: Bool = false
    ) -> [StateDifference] {
        var result: [StateDifference] = []
        let touched = Self.packages(of: plan)
        for id in Set(packages.keys).union(earlier.packages.keys).sorted() {
            let (old, new) = (earlier.packages[id], packages[id])
            guard old != new else { continue }
            if touched.contains(id) {
                // Its version may change; what people said of it may not.
                if let old, let new, old.isAutomatic != new.isAutomatic || old.want != new.want {
                    result.append(
                        StateDifference(
                            .package, id, before: "\(old.want), \(old.mark)", now: "\(new.want), \(new.mark)"))
                }
            } else {
                result.append(
                    StateDifference(
                        .package, id, before: old?.words ?? "not installed", now: new?.words ?? "not installed"))
            }
        }
        if hasJournal, !earlier.hasJournal {
            result.append(StateDifference(.database, "dpkg", before: "at rest", now: "interrupted"))
        }
        for path in Set(configuration.keys).union(earlier.configuration.keys).sorted() {
            let owner = configurationOwners[path] ?? earlier.configurationOwners[path] ?? ""
            guard includingOwnConfiguration || !touched.contains(owner),
                configuration[path] != earlier.configuration[path]
            else { continue }
            result.append(
                StateDifference(
                    .configuration, path, before: earlier.configuration[path] ?? "not there",
                    now: configuration[path] ?? "not there"))
        }
        result += unitDifferences(from: earlier, allowing: units)
        return result
    }

    /// This state with the packages and configuration files of a later one wherever the plan does not name the package.
    public func withOthers(of later: HostState, outside plan: AptPlan) -> HostState {
        let touched = Self.packages(of: plan)
        var result = self
        result.packages = later.packages.filter { !touched.contains($0.key) }
            .merging(packages.filter { touched.contains($0.key) }) { $1 }
        func isOutside(_ path: String) -> Bool {
            !touched.contains(later.configurationOwners[path] ?? configurationOwners[path] ?? "")
        }
        result.configuration = later.configuration.filter { isOutside($0.key) }
            .merging(configuration.filter { !isOutside($0.key) }) { $1 }
        result.configurationOwners = later.configurationOwners.filter { isOutside($0.key) }
            .merging(configurationOwners.filter { !isOutside($0.key) }) { $1 }
        return result
    }

    /// The packages that a plan names, as `name:architecture` of before and after.
    private static func packages(of plan: AptPlan) -> Set<String> {
        Set(plan.steps.flatMap { step in [step.id, "\(step.name):\(step.fromArchitecture ?? "")"] })
    }

    private func unitDifferences(from earlier: HostState, allowing: Set<String>) -> [StateDifference] {
        guard case .known(let before) = earlier.units else { return [] }
        guard case .known(let now) = units else {
            return [StateDifference(.unit, "all", before: "known", now: "unknown: \(units.why ?? "")")]
        }
        var result: [StateDifference] = []
        for name in Set(before.keys).union(now.keys).sorted() {
            let old = before[name] ?? Unit(file: "", active: "")
            let new = now[name] ?? Unit(file: "", active: "")
            let lostItsPlace = ["enabled", "enabled-runtime", "masked"].contains(old.file) && new.file != old.file
            let stopped =
                old.active == "active" && new.active != "active" && new.active != "reloading" && old.isMeantToStay(name)
            let failed = new.active == "failed" && old.active != "failed"
            if failed || !allowing.contains(name) && (lostItsPlace || stopped) {
                result.append(
                    StateDifference(.unit, name, before: "\(old.file) \(old.active)", now: "\(new.file) \(new.active)"))
            }
        }
        return result
    }
}

extension HostState.Unit {
    /// Whether an active unit of this kind is meant to stay so. Static ones are mostly started on demand and end when idle
    /// (systemd-hostnamed); instances without a file of their own are services (openvpn@client), unless they belong to a login
    /// or a connection.
    func isMeantToStay(_ name: String) -> Bool {
        switch file {
        case "static", "transient": false
        case "":
            name.contains("@")
                && !["user@", "user-runtime-dir@", "getty@", "serial-getty@", "ssh@", "sshd@", "modprobe@", "systemd-"]
                    .contains(where: name.hasPrefix)
        default: true
        }
    }
}

extension HostState.Package {
    var mark: String { isAutomatic ? "automatic" : "manual" }
    var words: String { "\(version) \(state)\(needsReinstall ? ", to be reinstalled" : ""), \(want), \(mark)" }
}

extension HostState {
    /// The state as JSON, for a file in the job's folder; a few hundred kilobytes.
    public var json: JSONValue {
        [
            "packages": .object(
                packages.mapValues { package in
                    [
                        "version": .string(package.version), "state": .string(package.state),
                        "want": .string(package.want), "reinstall": .bool(package.needsReinstall),
                        "automatic": .bool(package.isAutomatic),
                    ]
                }),
            "journal": .bool(hasJournal), "configuration": .object(configuration.mapValues(JSONValue.string)),
            "owners": .object(configurationOwners.mapValues(JSONValue.string)),
            "units": units.json { units in
                .object(units.mapValues { ["file": .string($0.file), "active": .string($0.active)] })
            },
        ]
    }

    /// Reads ``json``.
    public init(json: JSONValue) throws(JSONError) {
        var object = try JSONObject(json)
        var packages: [String: Package] = [:]
        for (id, value) in try Self.members("packages", &object) {
            var fields = try JSONObject(value, at: "/packages")
            packages[id] = Package(
                version: try fields.string("version"), state: try fields.string("state", maximumBytes: 32),
                want: try fields.string("want", maximumBytes: 32), needsReinstall: try fields.bool("reinstall"),
                isAutomatic: try fields.bool("automatic"))
            try fields.finish()
        }
        let hasJournal = try object.bool("journal")
        let configuration = try Self.texts("configuration", &object)
        let owners = try Self.texts("owners", &object)
        var unitFields = try object.object("units")
        let units: Fact<[String: Unit]>
        if let why = try unitFields.optionalString("unknown", maximumBytes: 4096) {
            units = .unknown(why)
        } else {
            var known: [String: Unit] = [:]
            for (name, value) in try Self.members("value", &unitFields) {
                var fields = try JSONObject(value, at: "/units/value")
                known[name] = Unit(
                    file: try fields.string("file", maximumBytes: 64),
                    active: try fields.string("active", maximumBytes: 64))
                try fields.finish()
            }
            units = .known(known)
        }
        try unitFields.finish()
        try object.finish()
        self.init(
            packages: packages, hasJournal: hasJournal, configuration: configuration, configurationOwners: owners,
            units: units)
    }

    private static func members(_ key: String, _ object: inout JSONObject) throws(JSONError) -> [String: JSONValue] {
        let value = try object.value(key)
        guard let members = value.object, members.count <= 200_000 else {
            throw JSONError(.outOfBounds, pointer: object.pointer(to: key), reason: "expected an object")
        }
        return members
    }

    private static func texts(_ key: String, _ object: inout JSONObject) throws(JSONError) -> [String: String] {
        var result: [String: String] = [:]
        for (name, value) in try members(key, &object) {
            guard let text = value.string else {
                throw JSONError(.outOfBounds, pointer: object.pointer(to: key), reason: "expected texts")
            }
            result[name] = text
        }
        return result
    }
}
