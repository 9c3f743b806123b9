import Glibc
public import Inventory
import Versions

extension HostTree {
    /// Whether the host must be restarted: a verdict with its reasons, or with the proof that nothing asks for it.
    ///
    /// One good reason suffices for *required*; *not required* needs every examination to have been made.
    ///
    /// - Parameters:
    ///   - set: the host's packages, for microcode.
    ///   - virtualisation: what ``virtualisation()`` found; a guest's processor is not its own.
    public func reboot(
        kernel: Fact<KernelFacts>, container: Fact<String>, survey: ProcessSurvey, set: SoftwareSet = SoftwareSet([]),
        virtualisation: Fact<String> = .known("none")
    ) -> Fact<RebootVerdict> {
        var evidence = Evidence()
        examineKernel(kernel, container: container, &evidence)
        examineInit(survey, &evidence)
        examineMessageBus(survey, &evidence)
        examineRequests(&evidence)
        if container.value ?? "none" == "none", virtualisation.value ?? "none" == "none" {
            examineMicrocode(set, &evidence)
        }
        guard !evidence.reasons.isEmpty || evidence.gaps.isEmpty else {
            return .unknown(evidence.gaps.joined(separator: "; "))
        }
        return .known(RebootVerdict(reasons: evidence.reasons, proof: evidence.proof))
    }

    private struct Evidence {
        var reasons: [RebootReason] = []
        var proof: [String] = []
        var gaps: [String] = []

        mutating func reason(_ kind: RebootReason.Kind, _ text: String) {
            reasons.append(RebootReason(kind: kind, evidence: String(text.prefix(1000))))
        }
    }

    private func examineKernel(_ fact: Fact<KernelFacts>, container: Fact<String>, _ evidence: inout Evidence) {
        guard let kernel = fact.value else {
            let why = fact.why ?? ""
            if container.value.map({ $0 != "none" }) ?? false {
                evidence.proof.append("\(why) and is not judged here")
            } else {
                evidence.gaps.append("the kernel: \(why)")
            }
            return
        }
        let flavour = kernel.flavour.isEmpty ? "without a flavour" : "of flavour \(kernel.flavour)"
        // A package whose image is not on the disk (a failed installation) is nothing that could be booted.
        guard let newest = kernel.installed.last(where: { hasImage(release: $0.release) ?? true }) else {
            evidence.gaps.append(
                "kernel \(kernel.running) runs, and no installed package has a kernel \(flavour) to compare it with")
            return
        }
        let named = "\(newest.release) (\(newest.package) \(newest.version))"
        if newest.release == kernel.running {
            guard !kernel.runningVersion.isEmpty else {
                evidence.proof.append("the running kernel \(kernel.running) is the newest installed \(flavour)")
                return
            }
            switch KernelRelease.order(version: kernel.runningVersion, newest.version) {
            case .less:
                evidence.reason(
                    .kernel,
                    "kernel \(kernel.running) runs as of version \(kernel.runningVersion); installed is \(named)")
            case .equal, .greater:
                evidence.proof.append(
                    "the running kernel \(kernel.running) (version \(kernel.runningVersion)) is the newest installed "
                        + flavour)
            case .unordered, nil:
                evidence.gaps.append(
                    "the running kernel's version \(kernel.runningVersion) cannot be compared with \(newest.version)")
            }
            return
        }
        let runningPackage = kernel.installed.first { $0.release == kernel.running }
        let isNewer =
            runningPackage.map { KernelRelease.isOlder($0, newest) }
            ?? (KernelRelease.compare(kernel.running, newest.release) < 0)
        if isNewer {
            evidence.reason(.kernel, "kernel \(kernel.running) runs; installed is the newer \(named)")
        } else {
            evidence.gaps.append("kernel \(kernel.running) runs and is not installed; the newest installed is \(named)")
        }
    }

    /// Microcode is loaded when the host starts, from the package that was installed then. Whether a newer package has
    /// newer microcode for this very processor is not looked up: then nothing is proven.
    private func examineMicrocode(_ set: SoftwareSet, _ evidence: inout Evidence) {
        let packages = set.packages.filter { ["intel-microcode", "amd64-microcode"].contains($0.name) }
        guard !packages.isEmpty else { return }
        guard let boot = (try? procText("stat", limit: 16 << 20)).flatMap(InterpretedProgram.bootTime) else {
            evidence.gaps.append("the processor's microcode: \(proc)/stat does not tell when the host started")
            return
        }
        for package in packages {
            // dpkg writes the list of a package's files anew whenever it unpacks it.
            let names = ["\(package.name).list", "\(package.name):\(package.architecture).list"]
            var status = stat()
            guard names.contains(where: { stat(path("/var/lib/dpkg/info/" + $0), &status) == 0 }) else {
                evidence.gaps.append("the processor's microcode: dpkg does not tell when \(package.name) was installed")
                continue
            }
            if status.st_ctim.tv_sec < boot {
                evidence.proof.append(
                    "\(package.name) \(package.version) was installed before the host started, which loads microcode")
            } else {
                evidence.gaps.append(
                    "the processor's microcode: \(package.name) \(package.version) was installed since the host started, "
                        + "and whether it has newer microcode for this processor was not examined")
            }
        }
    }

    private func examineInit(_ survey: ProcessSurvey, _ evidence: inout Evidence) {
        switch survey.initFiles {
        case .unknown(let why): evidence.gaps.append("process 1: \(why)")
        case .known(let files) where files.isEmpty:
            evidence.proof.append("process 1 runs no file that was replaced")
        case .known(let files):
            evidence.reason(.serviceManager, "process 1 still runs the former \(listed(files))")
        }
    }

    private func examineMessageBus(_ survey: ProcessSurvey, _ evidence: inout Evidence) {
        let names = ["dbus.service", "dbus-broker.service", "dbus-daemon", "dbus-broker"]
        let bus = survey.needs.filter {
            ($0.kind == .unit || $0.kind == .process) && names.contains($0.name)
        }
        for need in bus {
            evidence.reason(.messageBus, "\(need.name) still runs the former \(listed(need.files))")
        }
        guard bus.isEmpty else { return }
        if survey.unread == 0 {
            evidence.proof.append("the message bus runs no file that was replaced")
        } else {
            // One of those may be the bus.
            let count = survey.unread == 1 ? "1 process" : "\(survey.unread) processes"
            evidence.gaps.append("the message bus: \(count) could not be read (\(survey.problem))")
        }
    }

    /// /run/reboot-required, which packages create in their scripts, and the list of those packages beside it.
    private func examineRequests(_ evidence: inout Evidence) {
        let file = ["/run/reboot-required", "/var/run/reboot-required"].first(where: exists)
        guard let file else {
            evidence.proof.append("no package asks for it in /run/reboot-required")
            return
        }
        let text = (try? self.text(file + ".pkgs", limit: 65_536)) ?? ""
        let packages = Set(text.split(whereSeparator: \.isNewline).map { trimmed($0) }.filter { !$0.isEmpty }).sorted()
        evidence.reason(
            .requested, packages.isEmpty ? "\(file) exists" : "\(file), asked for by \(listed(packages))")
    }

    /// The first few of a list.
    private func listed(_ items: [String]) -> String {
        items.prefix(5).joined(separator: ", ") + (items.count > 5 ? " and \(items.count - 5) more" : "")
    }
}
