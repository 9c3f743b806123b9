import Inventory
import Policy
import Store

/// What policies ask of a host's facts.
struct PolicyFacts: Sendable, Hashable {
    /// Those that are known.
    var facts: [HostGroup.Fact: String] = [:]
    /// The host's zone; nil where it has not said it.
    var zone: String?

    /// Nothing is known.
    init() {}

    /// What a report says.
    init(_ reported: HostFacts) {
        zone = reported.timeZone.value
        if let system = reported.operatingSystem.value {
            facts[.distribution] = system.id
            facts[.os] = system.distribution
        }
        if let kernel = reported.kernel.value {
            facts[.kernel] = kernel.flavour.isEmpty ? nil : kernel.flavour
            // Of a kernel of Debian the last word of its release is the processor's.
            if let last = kernel.running.split(separator: "-").last.map(String.init), Self.processors.contains(last) {
                facts[.architecture] = last
            }
        }
        switch reported.virtualisation.value {
        case "none"?, ""?: facts[.hardware] = reported.hardware.value?.product
        case let hypervisor?: facts[.hardware] = hypervisor
        case nil: break
        }
    }

    private static let processors: Set = [
        "amd64", "arm64", "armmp", "i386", "686", "ppc64el", "s390x", "riscv64", "mips64el",
    ]
}

/// The hosts of an organisation as policies see them.
struct PolicyHosts {
    let transaction: Transaction
    let cache: PolicyCache

    /// One host.
    func host(_ record: HostRecord) throws -> (host: PolicyHost, zone: String?) {
        var known = PolicyFacts()
        if let digests = record.digests {
            known = try cache.facts(digests.facts) {
                try transaction.documents.facts(organisation: record.organisation, digests.facts)
            }
        }
        // What a label says of a host is known by it; the rest is not assumed.
        for (fact, label) in [
            (HostGroup.Fact.site, "site"), (.exposure, "exposure"), (.criticality, "criticality"),
        ] {
            if let value = record.labels[label], !value.isEmpty { known.facts[fact] = value }
        }
        return (
            PolicyHost(id: record.id, name: record.hostname, labels: record.labels, facts: known.facts), known.zone
        )
    }

    /// All that are active, by name.
    func active(organisation: String) throws -> [PolicyHost] {
        var hosts: [PolicyHost] = []
        var next: HostPageKey?
        repeat {
            let page = try transaction.hosts.list(
                organisation: organisation, filter: HostFilter(status: .active), after: next,
                limit: Hosts.largestPage)
            for record in page.hosts { hosts.append(try host(record).host) }
            next = page.next
        } while next != nil
        return hosts
    }
}
