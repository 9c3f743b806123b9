/// To what a process belongs, told from its control group: /proc/PID/cgroup, cgroups(7).
package enum ProcessOwner: Hashable, Sendable {
    /// A unit of the system's service manager.
    case unit(String)
    /// A unit of that user's service manager.
    case userUnit(String, uid: UInt32)
    /// A login session of that user.
    case session(uid: UInt32)
    /// A container of that name.
    case container(String)
    /// None of these: there is no service manager, or it does not know the process.
    case nobody
}

/// A control group as systemd lays them out.
package struct ControlGroup: Hashable, Sendable {
    /// The parts of its path.
    package let components: [String]

    /// Reads /proc/PID/cgroup: systemd's own hierarchy (version 1 and hybrid), else the unified one (version 2).
    package init(parsing text: String) {
        var unified: Substring = "/"
        var named: Substring = "/"
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            if fields[1] == "name=systemd" { named = fields[2] }
            if fields[0] == "0", fields[1].isEmpty { unified = fields[2] }
        }
        // A manager that runs on version 2 leaves the root of the named hierarchy to everything, and the reverse.
        components = (named != "/" ? named : unified).split(separator: "/").map(String.init)
    }

    /// The group that the service manager keeps its units in, given the group of process 1: above its `init.scope`.
    package var managerRoot: [String] { components.last == "init.scope" ? components.dropLast() : [] }

    /// Whose the process is, for a service manager whose units are below `managerRoot`.
    package func owner(below managerRoot: [String]) -> ProcessOwner {
        let path = components.starts(with: managerRoot) ? Array(components.dropFirst(managerRoot.count)) : components
        if let container = Self.container(in: path) { return .container(container) }
        guard let at = path.firstIndex(where: { !$0.hasSuffix(".slice") }), let unit = Self.unit(path[at]) else {
            return .nobody
        }
        let user = path[..<at].last.flatMap { Self.number(in: $0, after: "user-", before: ".slice") }
        if unit.hasPrefix("session-"), unit.hasSuffix(".scope"), let user { return .session(uid: user) }
        if let uid = Self.number(in: unit, after: "user@", before: ".service") {
            let inner = path[(at + 1)...].first { !$0.hasSuffix(".slice") }.flatMap(Self.unit)
            if let inner, inner != "init.scope" { return .userUnit(inner, uid: uid) }
        }
        return .unit(unit)
    }

    /// The unit that a component names; nil where it names none. `_` escapes names that the kernel would take for its own.
    private static func unit(_ component: String) -> String? {
        let name = component.hasPrefix("_") ? String(component.dropFirst()) : component
        let types = [".service", ".scope", ".socket", ".mount", ".swap"]
        return types.contains { name.hasSuffix($0) && name.count > $0.count } ? name : nil
    }

    private static func number(in text: String, after prefix: String, before suffix: String) -> UInt32? {
        guard text.hasPrefix(prefix), text.hasSuffix(suffix), text.count > prefix.count + suffix.count else {
            return nil
        }
        return UInt32(text.dropFirst(prefix.count).dropLast(suffix.count))
    }

    /// The container that owns a group, by the names that container managers give to theirs.
    private static func container(in path: [String]) -> String? {
        for (at, component) in path.enumerated() {
            let next = at + 1 < path.count ? path[at + 1] : ""
            // systemd-nspawn keeps its own process beside the payload, in `supervisor`.
            if next == "payload" || next.hasPrefix("payload.") {
                if component.hasPrefix("systemd-nspawn@") {
                    return String(component.dropFirst(15).dropLast(component.hasSuffix(".service") ? 8 : 0))
                }
                if component.hasPrefix("machine-") {
                    return String(component.dropFirst(8).dropLast(component.hasSuffix(".scope") ? 6 : 0))
                }
                return component
            }
            if component.hasPrefix("lxc.payload.") { return String(component.dropFirst(12)) }
            if component == "docker" || component == "lxc" || component == "libpod", !next.isEmpty {
                return shortened(next)
            }
            for manager in ["docker-", "libpod-", "cri-containerd-", "crio-"]
            where component.hasPrefix(manager) && component.hasSuffix(".scope") {
                let id = component.dropFirst(manager.count).dropLast(6)
                // libpod-conmon-… is the process that watches a container from outside.
                if id.count >= 12, id.allSatisfy(\.isHexDigit) { return shortened(String(id)) }
            }
            if component.hasPrefix("kubepods"), let id = path.last, id.count >= 32, id.allSatisfy(\.isHexDigit) {
                return shortened(id)
            }
        }
        return nil
    }

    /// A container's id as people see it: its first 12 digits.
    private static func shortened(_ id: String) -> String {
        id.count == 64 && id.allSatisfy(\.isHexDigit) ? String(id.prefix(12)) : id
    }
}
