import Inventory
import JSON
import Wire

extension ScanChild {
    /// Scans this machine.
    ///
    /// - Parameter facts: the file with the facts of the scan before; it may be absent.
    public static func scanMachine(previousFacts facts: String) throws -> Result {
        let slash = facts.lastIndex(of: "/") ?? facts.startIndex
        let folder = try? DurableFolder(String(facts[..<slash]), create: false)
        let bytes = try? folder?.read(String(facts[slash...].dropFirst()), limit: 32 << 20)
        let previous = bytes.flatMap { try? HostFacts(parsing: $0) }
        let now = Moment.now().wall
        let scan = try HostScan.run(now: now, previous: previous, agentVersion: AgentVersion.text)
        return Result(
            documents: [.set: scan.set.document.bytes, .offers: scan.offers.document.bytes, .facts: scan.facts.bytes],
            observation: Observation(observed: now, bootID: MachineEvidence.read().bootID))
    }
}
