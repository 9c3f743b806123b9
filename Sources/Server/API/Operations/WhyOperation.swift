import Access
import HTTPTypes
import Inventory
import JSON
import Store

/// Why a package is not at its new version on a host.
enum WhyOperation {
    static let all: [Operation] = [why]

    private static let reason: Schema = .object([
        .required(
            "code", .text(1...64),
            "up-to-date, not-installed, held, pinned, phased, kept-back, resolver-unknown, broken-index, stale-index, vetoed, held-back, no-campaign, awaiting-approval, outside-window, waiting-for-permit, paused, halted, running, failed, quarantined, silent or upgradable."
        ),
        .required("sentence", .anyText), .required("cure", .anyText, "What to do; empty where nothing is to be done."),
    ])

    static let component = Schema.Component(
        "WhyNotUpdated",
        .object([
            .required("host", .text(1...64)), .required("hostname", .anyText), .required("package", .anyText),
            .required("sentence", .anyText, "The most decisive reason."),
            .required("cure", .anyText, "What to do about it."),
            .required("installed", .map(.anyText), "Versions by architecture."),
            .required("candidate", .map(.anyText), "What is offered, by architecture."),
            .required("reasons", .array(reason), "All reasons, the most decisive first."),
            .required(
                "findings", .nullable(.array(.component(VulnerabilitySchema.finding), count: 0...1000)),
                "What is open in it; null where no feeds are there, or the host was not judged."),
            .required(
                "changelogs", .nullable(.array(.component(ChangelogOperations.component), count: 0...100)),
                "What the offered version closes by its changelog, for each architecture; null where the organisation does not have changelogs read. Empty: nobody has read it yet."
            ),
            .required(
                "unknown", .nullable(.anyText),
                "Why its vulnerabilities are not all known, such as where it came from; null where they are."),
            .required("campaigns", .array(.component(CampaignSchema.summary)), "Open ones that bring it to this host."),
            .required("jobs", .array(.component(CampaignJobSchema.summary)), "The host's parts of these."),
        ]))

    private static let why: Operation = Operation(
        .get, "/api/v1/hosts/{host}/why/{package}", id: "getWhy", tag: .hosts,
        summary: "Say why a package is not at its new version on a host, and what to do.",
        access: .permission(.campaignsRead),
        parameters: [HostOperations.hostParameter, .path("package", .text(1...256), "The package's name.")],
        responses: [
            .ok(.component(component)), .problem(.conflict, "Several hosts match; `detail` names them."),
        ]
    ) { call in
        let host = try await call.state.store.read { try call.host($0) }
        // It tells what the host is like as well.
        guard call.caller.principal.reach(.hostsRead, organisation: call.organisation).includes(host.labels) else {
            throw Refusal(.missing("host", try call.path("host")))
        }
        let why = try await call.campaigns.why(host: host.id, package: call.path("package"))
        let reach = call.caller.principal.reach(.hostsRead, organisation: call.organisation)
        let (steps, isEnabled) = try await ChangelogOperations.json(
            call.state,
            .init(organisation: call.organisation, reach: reach, host: host.id, package: call.path("package")))
        // Asked for is the package, not what else was built of a source of its name.
        let name = why.package
        let own = steps.filter { $0["package"]?.string == name }.prefix(100)
        return .json(
            json(why, try await known(call, host.id, reach), isEnabled ? Array(own) : nil, call))
    }

    /// What is known of the package there.
    private struct Known {
        /// What is open in it; nil where nobody can tell.
        var findings: [ShownFinding]?
        /// Why not all is known of it; nil where it is.
        var unknown: String?
    }

    private static func known(_ call: Call, _ host: String, _ reach: Reach) async throws -> Known {
        guard call.state.vulnerabilities.knowledge != nil, call.state.vulnerabilities.risk(call.organisation) != nil
        else {
            return Known(unknown: "no feeds are in use, or nothing was judged yet")
        }
        let view = try await RiskView.of(call.state, organisation: call.organisation, reach: reach, now: call.now)
        guard let known = view.risk.hosts.first(where: { $0.host.id == host }), let packages = known.packages else {
            return Known(unknown: "the host was not judged yet")
        }
        let name = try call.path("package")
        let why = packages.compactMap { view.risk.packages[$0] }.first {
            !$0.unknown.isEmpty && ($0.package.name == name || $0.package.source == name)
        }
        return Known(
            findings: try view.findings(FindingFilter(host: host, package: name), from: 0, limit: 1000).items,
            unknown: why?.unknown)
    }

    private static func json(
        _ why: WhyInputs, _ known: Known, _ changelogs: [JSONValue]?, _ call: Call
    ) -> JSONValue {
        [
            "changelogs": changelogs.map { .array($0) } ?? .null,
            "findings": known.findings.map { .array($0.map(VulnerabilitySchema.json)) } ?? .null,
            "unknown": known.unknown.map { .string($0) } ?? .null,
            "host": .string(why.host), "hostname": .string(why.hostname), "package": .string(why.package),
            "sentence": .string(why.reasons.first?.sentence ?? ""), "cure": .string(why.reasons.first?.cure ?? ""),
            "installed": .object(why.installed.mapValues { .string($0) }),
            "candidate": .object(why.candidate.mapValues { .string($0) }),
            "reasons": .array(
                why.reasons.map {
                    ["code": .string($0.code), "sentence": .string($0.sentence), "cure": .string($0.cure)]
                }), "campaigns": .array(why.campaigns.map { .object(CampaignSchema.json($0, call.now)) }),
            "jobs": .array(why.jobs.map { .object(CampaignJobSchema.json($0)) }),
        ]
    }
}

extension CampaignDesk {
    /// Why a package is not at its new version on a host; campaigns beyond reach are not told of.
    func why(host: String, package: String) async throws -> WhyInputs {
        var why = try await engine.why(organisation: organisation, host: host, package: package)
        guard reach != .all else { return why }
        var seen: Set<String> = []
        for campaign in why.campaigns
        where try await includes(try await engine.show(organisation: organisation, campaign.id)) {
            seen.insert(campaign.id)
        }
        why.keep(campaigns: seen)
        return why
    }
}
