public import Inventory

/// What part a package has in the kernel of its host.
public enum KernelRole: Sendable, Hashable {
    /// None.
    case none
    /// The image, or modules, of the kernel that runs.
    case running
    /// Those of another kernel that is installed and does not run.
    case installed
    /// Headers, documentation, sources: they carry the kernel source's vulnerabilities in name alone.
    case withoutCode

    /// The role of a package, by the release of the running kernel (`uname -r`); nil where the role is not known because the
    /// release is not.
    public init?(_ package: SoftwarePackage, running release: String?) {
        let name = package.name
        let source = package.source
        let isKernel = Self.sources.contains(where: { source == $0.name || source.hasPrefix($0.start) })
        guard isKernel else {
            self = .none
            return
        }
        if name.contains("-headers") || name.contains("-doc") || name.hasSuffix("-devel")
            || name.hasPrefix("linux-libc-dev")
            || name.contains("-source") || name.contains("-abi-") || name.contains("-tools") || name.contains("-kbuild")
            || name == "bpftool" || name == "perf" || name.hasPrefix("python3-perf") || name.hasPrefix("linux-perf")
        {
            self = .withoutCode
            return
        }
        let isDebian = package.scheme == "deb"
        guard isDebian ? ["linux-image-", "linux-modules-"].contains(where: name.hasPrefix) : name.hasPrefix("kernel")
        else {
            self = .none
            return
        }
        guard let release, !release.isEmpty else { return nil }
        if isDebian {
            // A metapackage (linux-image-amd64) has no release in its name, and no code.
            guard name.contains(where: \.isNumber),
                name.split(separator: "-").contains(where: { $0.first?.isNumber == true && $0.contains(".") })
            else {
                self = .withoutCode
                return
            }
            self = name.hasSuffix("-" + release) || name.hasSuffix("-" + release + "-unsigned") ? .running : .installed
        } else {
            // rpm's release of the running kernel is version-release.architecture, with + and a flavour behind it.
            let version = package.version.split(separator: ":").last.map(String.init) ?? package.version
            self =
                release == version || release.hasPrefix(version + ".") || release.hasPrefix(version + "+")
                ? .running : .installed
        }
    }

    private static let sources = ["linux", "linux-signed", "kernel", "kernel-rt", "kernel-uek", "kernel-default"].map {
        (name: $0, start: $0 + "-")
    }
}

/// What a kernel's finding means on a host.
public enum KernelFinding: Sendable, Hashable {
    /// The running kernel has it, and no installed one is without it.
    case active
    /// The running kernel has it; an installed one has it no more: a reboot closes it.
    case closedByReboot
    /// Only a kernel that does not run has it: it would come back with it.
    case dormant

    /// Sorts one vulnerability's verdicts on the kernels of a host.
    ///
    /// - Returns: nil where no kernel is affected. What no probe could tell (which kernel runs) counts as active.
    public init?(_ verdicts: [(role: KernelRole?, verdict: Verdict)]) {
        let running = verdicts.filter { $0.role == .running || $0.role == nil }
        let others = verdicts.filter { $0.role == .installed }
        if running.contains(where: { $0.verdict == .affected || $0.verdict == .unknown }) {
            self = others.contains(where: { $0.verdict == .fixed }) ? .closedByReboot : .active
        } else if others.contains(where: { $0.verdict == .affected }) {
            self = .dormant
        } else {
            return nil
        }
    }
}
