public import Inventory

extension HostTree {
    /// Everything that is read besides the package manager's own files; ``HostFacts/packages`` and
    /// ``HostFacts/offers`` are the caller's to fill.
    ///
    /// - Parameters:
    ///   - set: the host's packages, among them its kernels.
    ///   - previous: the facts of the scan before, so that an amount on the border of two steps stays in its step.
    ///   - agentVersion: what the facts name as the reader.
    public func facts(set: SoftwareSet, previous: HostFacts? = nil, agentVersion: String) -> HostFacts {
        var facts = HostFacts(agentVersion: agentVersion)
        facts.operatingSystem = operatingSystem()
        facts.hostname = hostname()
        facts.bootID = bootID()
        facts.virtualisation = virtualisation()
        facts.container = container()
        facts.kernel = kernel(set: set, container: facts.container)
        let survey = processSurvey()
        facts.restarts = survey.restarts
        facts.reboot = reboot(
            kernel: facts.kernel, container: facts.container, survey: survey, set: set,
            virtualisation: facts.virtualisation)
        facts.disks = disks(previous: previous?.disks.value ?? [])
        facts.memory = memory(previous: previous?.memory.value)
        facts.processors = processors()
        facts.clock = clock()
        facts.timeZone = timeZone()
        facts.addresses = addresses()
        facts.hardware = hardware()
        facts.veto = .known(veto())
        facts.snapshot = snapshots()
        return facts
    }
}
