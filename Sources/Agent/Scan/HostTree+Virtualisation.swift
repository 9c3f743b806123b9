public import Inventory

extension HostTree {
    /// The hypervisor, by the names and in the order of systemd-detect-virt(1); `none` on bare metal.
    public func virtualisation() -> Fact<String> {
        let firmware = firmwareHypervisor()
        // These emulate others to the processor; the firmware tells the truth.
        if let firmware, ["oracle", "xen", "amazon", "parallels", "google"].contains(firmware) {
            return .known(firmware)
        }
        if let type = try? sysText("hypervisor/type"), !type.isEmpty {
            return .known(type == "xen" ? "xen" : "vm-other")
        }
        if let clock = clockHypervisor() { return .known(clock) }
        if let firmware { return .known(firmware) }
        if let tree = try? procText("device-tree/hypervisor/compatible", limit: 4096) {
            let names = tree.split(separator: "\0")
            return .known(
                names.contains("linux,kvm") ? "kvm" : names.contains { $0.contains("xen") } ? "xen" : "vm-other")
        }
        let text: String
        do {
            text = try procText("cpuinfo", limit: 64 << 20)
        } catch {
            return .unknown(error.description)
        }
        let fields = Self.cpuFields(text)
        if fields.contains(where: { $0.name == "vendor_id" && $0.value == "User Mode Linux" }) { return .known("uml") }
        let flags = fields.first { $0.name == "flags" }?.value.split(separator: " ") ?? []
        return .known(flags.contains("hypervisor") ? "vm-other" : "none")
    }

    /// What the firmware's strings tell of a hypervisor.
    private func firmwareHypervisor() -> String? {
        let known: [(String, String)] = [
            ("KVM", "kvm"), ("OpenStack", "kvm"), ("KubeVirt", "kvm"), ("Amazon EC2", "amazon"), ("QEMU", "qemu"),
            ("VMware", "vmware"), ("VMW", "vmware"), ("innotek GmbH", "oracle"), ("VirtualBox", "oracle"),
            ("Xen", "xen"), ("Bochs", "bochs"), ("Parallels", "parallels"), ("BHYVE", "bhyve"),
            ("Hyper-V", "microsoft"),
            ("Apple Virtualization", "apple"), ("Google Compute Engine", "google"),
        ]
        for file in ["product_name", "sys_vendor", "board_vendor", "bios_vendor", "product_version"] {
            guard let text = try? sysText("class/dmi/id/\(file)") else { continue }
            if let match = known.first(where: { text.hasPrefix($0.0) }) {
                // EC2 has hosts without a hypervisor under the same vendor's name.
                if match.1 == "amazon", (try? sysText("class/dmi/id/product_name"))?.hasSuffix(".metal") ?? false {
                    return nil
                }
                return match.1
            }
            if file == "sys_vendor", text == "Microsoft Corporation",
                (try? sysText("class/dmi/id/product_name")) == "Virtual Machine"
            {
                return "microsoft"
            }
        }
        return nil
    }

    /// The hypervisor whose clock the kernel found, which is what it read from the processor's own leaf for hypervisors.
    private func clockHypervisor() -> String? {
        guard let text = try? sysText("devices/system/clocksource/clocksource0/available_clocksource") else {
            return nil
        }
        for clock in text.split(separator: " ") {
            if clock == "kvm-clock" { return "kvm" }
            if clock.hasPrefix("hyperv_clocksource") { return "microsoft" }
            if clock == "xen" { return "xen" }
        }
        return nil
    }

    /// The container manager, by the names and in the order of systemd-detect-virt(1); `none` outside containers.
    public func container() -> Fact<String> {
        if Self.identity(of: "\(proc)/vz") != nil, Self.identity(of: "\(proc)/bc") == nil { return .known("openvz") }
        if let release = try? procText("sys/kernel/osrelease", limit: 4096),
            release.contains("Microsoft") || release.contains("WSL")
        {
            return .known("wsl")
        }
        for file in ["/run/host/container-manager", "/run/systemd/container"] {
            if let name = try? text(file, limit: 4096), let known = Self.containerName(trimmed(name)) {
                return .known(known)
            }
        }
        var problem: HostTreeError?
        do {
            let environment = try procText("1/environ")
            if let value = environment.split(separator: "\0").first(where: { $0.hasPrefix("container=") }),
                let known = Self.containerName(String(value.dropFirst(10)))
            {
                return .known(known)
            }
        } catch {
            problem = error
        }
        if exists("/run/.containerenv") { return .known("podman") }
        if exists("/.dockerenv") { return .known("docker") }
        if let groups = try? procText("1/cgroup") {
            if groups.contains("/docker") { return .known("docker") }
            if groups.contains("/lxc") { return .known("lxc") }
        }
        // The kernel numbers the first namespace of processes with a constant (PROC_PID_INIT_INO); it settles the matter.
        if let namespace = try? Self.target(of: "\(proc)/self/ns/pid") {
            return .known(namespace == "pid:[4026531836]" ? "none" : "container-other")
        }
        return problem.map { .unknown($0.description) } ?? .known("none")
    }

    /// A container manager's name for itself, made one of the known names; nil where it is empty.
    private static func containerName(_ name: String) -> String? {
        if name.isEmpty { return nil }
        let known = [
            "lxc", "lxc-libvirt", "systemd-nspawn", "docker", "podman", "rkt", "wsl", "proot", "pouch", "openvz",
        ]
        return known.contains(name) ? name : name == "oci" ? "docker" : "container-other"
    }
}
