public import Inventory
import Versions

extension HostTree {
    /// The running kernel, and the installed ones of its flavour by the host's packages.
    ///
    /// - Parameters:
    ///   - set: the host's packages.
    ///   - container: what ``container()`` found; a container's kernel is not its own.
    public func kernel(set: SoftwareSet, container: Fact<String>) -> Fact<KernelFacts> {
        if let manager = container.value, manager != "none" {
            return .unknown("the kernel belongs to the machine outside this container (\(manager))")
        }
        let running: String
        do {
            running = trimmed(try procText("sys/kernel/osrelease", limit: 4096))
        } catch {
            return .unknown(error.description)
        }
        let flavour = KernelRelease.flavour(of: running)
        var installed: [InstalledKernel] = []
        for package in set.packages {
            guard let release = KernelRelease.release(ofPackage: package.name),
                KernelRelease.flavour(of: release) == flavour
            else { continue }
            installed.append(InstalledKernel(package: package.name, release: release, version: package.version))
        }
        installed.sort(by: KernelRelease.isOlder)
        return .known(
            KernelFacts(
                running: running, runningVersion: runningKernelVersion(flavour: flavour), flavour: flavour,
                installed: installed))
    }

    /// The version of the package that the running kernel comes from; empty where its banner does not tell.
    ///
    /// Debian: `#1 SMP PREEMPT_DYNAMIC Debian 6.1.176-1 (2026-10-02)`; Ubuntu has it in /proc/version_signature.
    private func runningKernelVersion(flavour: String) -> String {
        if let banner = try? procText("sys/kernel/version", limit: 4096) {
            let words = banner.split(whereSeparator: \.isWhitespace)
            if let at = words.firstIndex(of: "Debian"), at + 1 < words.count { return String(words[at + 1]) }
        }
        if let signature = try? procText("version_signature", limit: 4096) {
            let words = signature.split(whereSeparator: \.isWhitespace)
            if words.count >= 2, words[0] == "Ubuntu", words[1].hasSuffix("-\(flavour)") {
                return String(words[1].dropLast(flavour.count + 1))
            }
        }
        return ""
    }

    /// Whether a kernel's image is on the disk; nil where /boot cannot be listed.
    func hasImage(release: String) -> Bool? {
        guard let names = try? Self.names(in: path("/boot")) else { return nil }
        return names.contains("vmlinuz-\(release)") || names.contains("vmlinux-\(release)")
    }
}

/// What is in a kernel's release string, `6.1.0-50-cloud-amd64`.
package enum KernelRelease {
    /// What follows version and ABI number: `cloud-amd64`; empty where nothing does.
    package static func flavour(of release: String) -> String {
        release.split(separator: "-").dropFirst().drop { $0.utf8.first.map(isDigit) ?? true }.joined(separator: "-")
    }

    /// The release that a package's kernel boots as; nil for packages without a kernel of their own.
    package static func release(ofPackage name: String) -> String? {
        let prefixes = ["linux-image-unsigned-", "linux-image-", "proxmox-kernel-", "pve-kernel-"]
        guard let prefix = prefixes.first(where: name.hasPrefix) else { return nil }
        var release = name.dropFirst(prefix.count)
        if release.hasSuffix("-dbg") || release.hasSuffix("-dbgsym") { return nil }
        for suffix in ["-unsigned", "-signed"] where release.hasSuffix(suffix) {
            release = release.dropLast(suffix.count)
        }
        // A meta package bears a flavour (linux-image-amd64) or a series (proxmox-kernel-6.8), no release.
        guard release.utf8.first.map(isDigit) ?? false, release.contains("-") else { return nil }
        return String(release)
    }

    /// By version as dpkg orders them, then by release.
    static func isOlder(_ left: InstalledKernel, _ right: InstalledKernel) -> Bool {
        switch order(version: left.version, right.version) {
        case .less: true
        case .greater: false
        default: compare(left.release, right.release) < 0
        }
    }

    /// How two package versions stand to each other; nil where one is no version.
    static func order(version left: String, _ right: String) -> Ordering? {
        try? Versions.compare(left, right, scheme: DebianVersion.self)
    }

    /// Compares strings with runs of digits as numbers: negative, zero or positive.
    package static func compare(_ left: String, _ right: String) -> Int {
        var left = Array(left.utf8)[...]
        var right = Array(right.utf8)[...]
        while let one = left.first, let two = right.first {
            if isDigit(one), isDigit(two) {
                let (a, b) = (number(&left), number(&right))
                if a.count != b.count { return a.count - b.count }
                if a != b { return a.lexicographicallyPrecedes(b) ? -1 : 1 }
            } else {
                if one != two { return Int(one) - Int(two) }
                left.removeFirst()
                right.removeFirst()
            }
        }
        return left.count - right.count
    }

    /// Takes a run of digits off the front; leading zeros do not count.
    private static func number(_ text: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let digits = text.prefix(while: isDigit)
        text = text.dropFirst(digits.count)
        return digits.drop { $0 == 0x30 }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
