import Glibc

/// The questions that are about the machine and not about packages.
extension AptChange {
    func memory(_ requirements: PreflightRequirements) -> PreflightFact {
        guard let bytes = try? root.tree.read("proc/meminfo", limit: 64 << 10) else {
            return PreflightFact(.memory, .unknown, "/proc/meminfo cannot be read")
        }
        var values: [String: Int64] = [:]
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count >= 2, let value = Int64(words[1]) { values[String(words[0])] = value << 10 }
        }
        guard let available = values["MemAvailable:"] else {
            return PreflightFact(.memory, .unknown, "/proc/meminfo has no MemAvailable")
        }
        let free = available + (values["SwapFree:"] ?? 0)
        return free >= requirements.memoryBytes
            ? PreflightFact(.memory, .yes, "\(free >> 20) MiB of memory are available")
            : PreflightFact(
                .memory, .no,
                "only \(free >> 20) MiB of memory are available, less than \(requirements.memoryBytes >> 20); "
                    + "stop what uses it, or add swap")
    }

    func power(_ requirements: PreflightRequirements) -> PreflightFact {
        let tree = root.tree
        func word(_ path: String) -> String? {
            (try? tree.read("sys/class/power_supply/\(path)", limit: 4096)).map {
                String(decoding: $0, as: UTF8.self).trimmed
            }
        }
        let names: [String]
        do throws(FileError) {
            names = try tree.list("sys/class/power_supply")
        } catch {
            return error.isMissing
                ? PreflightFact(.power, .yes, "the host has no battery")
                : PreflightFact(.power, .unknown, "\(error.path) cannot be read: \(error.reason)")
        }
        if names.contains(where: { ["Mains", "USB"].contains(word("\($0)/type") ?? "") && word("\($0)/online") == "1" })
        {
            return PreflightFact(.power, .yes, "the host has mains power")
        }
        // Batteries of mice and the like are of no account.
        let batteries = names.filter { word("\($0)/type") == "Battery" && word("\($0)/scope") != "Device" }
        if batteries.isEmpty { return PreflightFact(.power, .yes, "the host has no battery") }
        let charges = batteries.compactMap { word("\($0)/capacity").flatMap { Int64($0) } }
        guard let charge = charges.max() else {
            return PreflightFact(.power, .unknown, "the host is on battery and does not say how full it is")
        }
        return charge >= requirements.batteryPercent
            ? PreflightFact(.power, .yes, "the host is on battery, \(charge) % full")
            : PreflightFact(
                .power, .no,
                "the host is on battery, \(charge) % full, less than \(requirements.batteryPercent) %; plug it in")
    }

    // MARK: Space

    func space(_ plan: AptPlan, _ requirements: PreflightRequirements) -> PreflightFact {
        var needs: [UInt64: (path: String, bytes: Int64)] = [:]
        var unknown: String?
        func need(_ bytes: Int64, at path: String) {
            // What does not exist yet will be on the file system of what is above it.
            var path = path
            while path != "/", root.tree.status(String(path.dropFirst())) == nil {
                path = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "/"
                if path.isEmpty { path = "/" }
            }
            guard let status = root.tree.status(path == "/" ? "." : String(path.dropFirst())) else {
                unknown = path
                return
            }
            needs[status.device, default: (path, 0)].bytes += bytes
        }
        let kept = (try? kept(checking: false)) ?? nil
        // Both the new files and the old ones, which are about as large.
        if kept == nil { need(plan.steps.reduce(0) { $0 + $1.downloadBytes * 2 }, at: "\(folder)/packages") }
        // dpkg unpacks a package beside the old one; scripts and the database take a little more.
        let unpacked = plan.steps.reduce(Int64(0)) { $0 + $1.installedBytes }
        need(unpacked, at: "/usr")
        need(unpacked / 20 + (32 << 20), at: "/var")
        need(1 << 20, at: "/etc")
        need(bootBytes(plan), at: "/boot")
        if let unknown { return PreflightFact(.space, .unknown, "\(unknown) cannot be looked at") }
        var free: [String] = []
        for (_, need) in needs.sorted(by: { $0.value.path < $1.value.path }) {
            var space = statvfs()
            guard statvfs(root.outside(need.path), &space) == 0 else {
                return PreflightFact(.space, .unknown, "\(need.path): \(String(cString: strerror(errno)))")
            }
            let available = Int64(space.f_bavail) * Int64(space.f_frsize)
            let wanted = need.bytes + requirements.spareBytes
            guard available >= wanted else {
                return PreflightFact(
                    .space, .no,
                    "the file system of \(need.path) has \(available >> 20) MiB free, and \(wanted >> 20) MiB are needed; "
                        + (need.path == "/boot" ? "remove an old kernel" : "make room there"))
            }
            guard space.f_files == 0 || space.f_favail > 2000 else {
                return PreflightFact(
                    .space, .no,
                    "the file system of \(need.path) has only \(space.f_favail) inodes left; remove files there")
            }
            free.append("\(need.path) \(available >> 20) MiB")
        }
        return PreflightFact(.space, .yes, "there is room: \(free.joined(separator: ", "))")
    }

    /// What is written to /boot: each new kernel with an initial ramdisk as large as the largest here, and one more while an
    /// existing one is built anew beside the old.
    private func bootBytes(_ plan: AptPlan) -> Int64 {
        let names = (try? root.tree.list("boot")) ?? []
        func largest(_ prefix: String, _ fallback: Int64) -> Int64 {
            names.filter { $0.hasPrefix(prefix) }.compactMap { root.tree.status("boot/\($0)")?.size }.max() ?? fallback
        }
        let ramdisk = largest("initrd.img-", 0)
        let kernels = plan.steps.filter { $0.name.hasPrefix("linux-image-") && $0.kind == .install }.count
        let rebuilders = ["initramfs-tools", "cryptsetup", "udev", "busybox", "lvm2", "mdadm", "firmware-", "plymouth"]
        let rebuilds =
            kernels > 0
            || plan.steps.contains { step in
                step.name.hasPrefix("linux-image-") || step.name.hasSuffix("-microcode")
                    || rebuilders.contains { step.name.hasPrefix($0) }
            }
        guard rebuilds else { return 0 }
        return Int64(kernels) * (largest("vmlinuz-", 16 << 20) + (ramdisk > 0 ? ramdisk : 0) + (8 << 20)) + ramdisk
    }
}
