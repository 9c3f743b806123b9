import Digest
import Inventory
import JSON
import Store
import Timestamps

/// A host as the operator API shows it.
struct HostJSON: Sendable {
    let state: ServerState
    let now: Timestamp

    /// What lists show.
    func summary(_ host: HostRecord, _ transaction: Transaction) throws -> [String: JSONValue] {
        let judgement = Judgement(host, state, offers: try state.freshness.verdict(host, transaction), now: now)
        var fields: [String: JSONValue] = [
            "id": .string(host.id), "organisation": .string(host.organisation), "hostname": .string(host.hostname),
            "status": .string(host.status.rawValue), "agentVersion": .string(host.agentVersion),
            "protocol": .integer(host.protocolVersion), "enrolled": .string(host.enrolledAt.description),
            "lastSeen": time(judgement.lastSeen), "lastReport": time(host.reportedAt),
            "lastScan": time(judgement.lastScan),
            "silent": .bool(judgement.silent),
            "pending": judgement.pending(host), "reboot": judgement.fact(judgement.summary?["reboot"]),
            "operatingSystem": host.operatingSystem.isEmpty
                ? ["unknown": "the host has not reported it"] : ["value": ["name": .string(host.operatingSystem)]],
            "labels": .object(host.labels.mapValues { .string($0) }),
        ]
        if !host.statusReason.isEmpty { fields["statusReason"] = .string(host.statusReason) }
        return fields
    }

    /// All that is known of one host, and what is not.
    func detail(_ host: HostRecord, _ transaction: Transaction) throws -> JSONValue {
        var fields = try summary(host, transaction)
        let judgement = Judgement(host, state, offers: try state.freshness.verdict(host, transaction), now: now)
        var unknowns: [JSONValue] = []
        func unknown(_ what: String, _ why: String) { unknowns.append(["what": .string(what), "why": .string(why)]) }
        if let why = judgement.unknown { unknown("updates", why) }

        fields["clockOffset"] =
            judgement.clockOffset.map { ["value": .integer($0 / 1000)] }
            ?? ["unknown": "the agent has not told its clock; protocol 1 does not"]
        fields["observed"] = time(host.observedAt)
        fields["offers"] = .array(
            try transaction.pendingUpdates.list(organisation: host.organisation, host: host.id).map { update in
                if update.status == "unknown" { unknown("status of \(update.name)", update.reason) }
                return Self.update(update)
            })
        if let digests = host.digests {
            fields["digests"] = [
                "set": .string(digests.set.hex), "offers": .string(digests.offers.hex),
                "facts": .string(digests.facts.hex),
            ]
            do {
                if let offers = try transaction.documents.offerSet(organisation: host.organisation, digests.offers) {
                    fields["indexes"] = .array(offers.indexes.map { index(of: $0) })
                }
            } catch is LineDocumentError {
                // Said already: it is why the updates are not known.
                fields["indexes"] = []
            }
            do {
                if let bytes = try transaction.documents.facts(organisation: host.organisation, digests.facts) {
                    let facts = try HostFacts(parsing: bytes)
                    fields["facts"] = facts.json
                    fields["operatingSystem"] = facts.json["operatingSystem"]
                    fields["reboot"] = judgement.fact(reboot(facts))
                    fields["restarts"] = judgement.fact(facts.json["restarts"])
                    for (name, why) in facts.unknowns { unknown(name, why) }
                }
            } catch let error as JSONError {
                let why = "the facts that are stored of the host cannot be read: \(error)"
                unknown("facts", why)
                for name in ["reboot", "restarts", "operatingSystem"] { fields[name] = ["unknown": .string(why)] }
            }
        }
        if let offset = judgement.clockOffset, abs(offset) > 30_000 {
            unknown("clock", "the host's clock is \(offset / 1000) seconds off the server's")
        }
        fields["unknowns"] = .array(unknowns)
        if let certificate = try transaction.hosts.certificates(organisation: host.organisation, host: host.id).first {
            fields["certificate"] = [
                "serial": .string(certificate.serial), "notAfter": .string(certificate.notAfter.description),
                "revoked": time(certificate.revokedAt),
            ]
        }
        fields["likelyDuplicates"] = .array(try duplicates(host, transaction))
        return .object(fields)
    }

    /// The verdict with a member that says it outright.
    private func reboot(_ facts: HostFacts) -> JSONValue? {
        guard let verdict = facts.reboot.value, case .object(var value)? = facts.json["reboot"]?["value"] else {
            return facts.json["reboot"]
        }
        value["required"] = .bool(verdict.required)
        return ["value": .object(value)]
    }

    static func update(_ update: PendingUpdate) -> JSONValue {
        [
            "host": .string(update.host), "hostname": .string(update.hostname), "name": .string(update.name),
            "architecture": .string(update.architecture), "installed": .string(update.installed),
            "candidate": .string(update.candidate), "origin": .string(update.origin),
            "security": .bool(update.security), "status": .string(update.status), "reason": .string(update.reason),
        ]
    }

    private func index(of index: RepositoryIndex) -> JSONValue {
        [
            "name": .string(index.origin.displayName), "site": .string(index.origin.site),
            "security": .bool(index.origin.security), "released": time(index.released),
            "validUntil": time(index.validUntil), "expired": .bool(index.validUntil.map { $0 < now } ?? false),
        ]
    }

    private func duplicates(_ host: HostRecord, _ transaction: Transaction) throws -> [JSONValue] {
        let evidence = try transaction.assets.evidence(organisation: host.organisation, asset: host.asset)
        guard let machineID = evidence.first(where: { $0.kind == "machine-id" })?.value,
            let productUUID = evidence.first(where: { $0.kind == "product-uuid" })?.value
        else { return [] }
        return try transaction.hosts.matching(
            organisation: host.organisation, machineID: machineID, productUUID: productUUID
        ).filter { $0.id != host.id }.map {
            [
                "id": .string($0.id), "hostname": .string($0.hostname), "status": .string($0.status.rawValue),
                "evidence": "machine id and product UUID",
            ]
        }
    }
}

/// A time, or null.
func time(_ time: Timestamp?) -> JSONValue { time.map { .string($0.description) } ?? .null }
