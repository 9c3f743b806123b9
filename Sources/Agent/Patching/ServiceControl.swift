import Glibc
import Inventory

/// The host's services, as systemd has them; where systemd does not run nothing is known of any.
protocol ServiceControl: Sendable {
    /// Whether there is a service manager that can be asked.
    var isAvailable: Bool { get }
    /// A unit's state by systemd's word (`active`, `inactive`, `failed`, `activating`, ...); nil where that cannot be told.
    func activity(_ unit: String) -> String?
    /// `stop`, `start`, `restart`; nil where it worked, else why not.
    func perform(_ verb: String, _ unit: String, timeout: Int64) -> String?
}

extension ServiceControl {
    /// Whether a unit is active; nil where that cannot be told.
    func isActive(_ unit: String) -> Bool? { activity(unit).map { ["active", "reloading"].contains($0) } }
}

/// systemctl(1).
struct SystemdServices: ServiceControl {
    var isAvailable: Bool { access("/run/systemd/system", F_OK) == 0 }

    func activity(_ unit: String) -> String? {
        guard isAvailable else { return nil }
        let run = BoundedRun(command: ["systemctl", "is-active", "--", unit], timeout: 30).run()
        // 0: active; 3: not active; 4: no such unit (systemctl(1)). It prints the state, one word.
        switch run.end {
        case .exit(0), .exit(3), .exit(4):
            let known = [
                "active", "reloading", "inactive", "failed", "activating", "deactivating", "maintenance", "refreshing",
            ]
            if known.contains(run.lastLine) { return run.lastLine }
            // No such unit is none that runs.
            return run.end == .exit(4) ? "inactive" : nil
        default: return nil
        }
    }

    func perform(_ verb: String, _ unit: String, timeout: Int64) -> String? {
        guard isAvailable else { return "systemd does not run on this host" }
        let run = BoundedRun(command: ["systemctl", verb, "--", unit], timeout: timeout).run()
        guard !run.end.isSuccess else { return nil }
        return "systemctl \(verb) \(unit): \(run.end.text)" + (run.lastLine.isEmpty ? "" : " (\(run.lastLine))")
    }
}

/// Which services of the restart scan may be restarted by the agent, and which are only reported.
enum StaleServices {
    /// Units that would cut the machine, its people or its guests off: the ones that needrestart leaves alone by default
    /// (its configuration's `override_rc`), systemd's own, and the agent's.
    private static let kept = [
        "dbus", "systemd-", "init.scope", "fettle-", "emergency", "rescue", "getty@", "serial-getty@", "user@",
        "gdm", "kdm", "nodm", "sddm", "wdm", "xdm", "lightdm", "slim", "lxdm", "greetd", "display-manager",
        "network", "NetworkManager", "ModemManager", "wpa_supplicant", "openvpn", "bird", "quagga", "frr", "tinc",
        "strongswan", "openswan", "libreswan", "ipsec", "wg-quick", "bluetooth", "ifup@", "connman", "iwd",
        "zfs-fuse", "xendomains", "lxcfs", "libvirt", "virtlogd", "virtlockd", "docker", "containerd", "podman", "crio",
        "polkit", "bacula-fd",
    ]

    /// Whether the agent restarts that unit.
    static func mayRestart(_ unit: String) -> Bool {
        unit.hasSuffix(".service") && !kept.contains { unit.hasPrefix($0) }
    }

    /// What still runs replaced files: units that may be restarted, and everything else in words.
    static func sorted(_ needs: [RestartNeed]) -> (restart: [String], reported: [String]) {
        var restart: [String] = []
        var reported: [String] = []
        for need in needs {
            if need.kind == .unit, mayRestart(need.name) {
                restart.append(need.name)
            } else {
                reported.append(need.user.isEmpty ? need.name : "\(need.name) (\(need.user))")
            }
        }
        return (restart, reported)
    }
}
