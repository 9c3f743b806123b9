import Access
import Audit
import Digest
import HTTPTypes
import JSON
import Store
import Timestamps
import Wire

/// The server itself: its state, its authorities, its epoch.
enum ServerOperations {
    static let all: [Operation] = [show, acknowledgeRestore, authorities, rotate]

    private static let show: Operation = Operation(
        .get, "/api/v1/server", id: "showServer", tag: .server, summary: "Show how the server is.",
        access: .permission(.serverRead), about: .installation, responses: [.ok(.component(component))]
    ) { call in
        let state = call.state
        let counts = try await state.census.current(state).counts(nil)
        var hosts = FleetCensus.statuses(state).mapValues { JSONValue.integer(Int64($0)) }
        hosts["silent"] = .integer(Int64(counts.silent))
        hosts["stale"] = .integer(Int64(counts.stale))
        hosts["unjudged"] = .integer(Int64(counts.unjudged))
        let authority = state.authorities.authorities.current
        let metrics = state.readiness.address("metrics") ?? state.configuration.metrics
        return .json([
            "version": .string(state.configuration.version), "started": .string(state.started.description),
            "database": .string(state.store.engineVersion), "epoch": .integer(state.epoch),
            "restored": .bool(state.restore != nil),
            "restoredReason": state.restore.map { .string($0.reason) } ?? .null,
            "agentAddress": .string(state.agentAddress.description),
            "enrolmentAddress": .string(state.enrolmentAddress.description),
            "metricsAddress": .string(metrics.description), "hosts": .object(hosts),
            "authority": .string("\(authority.number), until \(authority.notAfter)"),
            "feeds": feeds(state.vulnerabilities.status),
        ])
    }

    private static func feeds(_ status: VulnerabilityDesk.Status) -> JSONValue {
        [
            "catalogue": status.digest.map { .string($0.hex) } ?? .null,
            "advisories": .integer(Int64(status.advisories)), "building": .bool(status.isBuilding),
            "kept": .bool(status.notKept == nil), "notKept": status.notKept.map { .string($0) } ?? .null,
            "fault": status.fault.map { .string($0) } ?? .null,
            "retry": status.retryAt.map { .string($0.description) } ?? .null,
            "unjudged": .integer(Int64(status.unjudged)),
        ]
    }

    private static let acknowledgeRestore: Operation = Operation(
        .post, "/api/v1/server/acknowledge-restore", id: "acknowledgeRestore", tag: .server,
        summary: "Confirm that the server was restored from a backup.",
        description: "A new epoch begins above all that was seen.", access: .permission(.serverWrite),
        about: .installation,
        responses: [
            .ok(.object([.required("epoch", .count, "The new epoch.")])),
            .problem(.conflict, "There is nothing to confirm."),
        ]
    ) { call in
        .json(["epoch": .integer(try await call.state.acknowledgeRestore(actor: call.caller.principal.id))])
    }

    private static let authorities: Operation = Operation(
        .get, "/api/v1/authorities", id: "listAuthorities", tag: .server,
        summary: "List the certificate authorities that hosts trust.", access: .permission(.serverRead),
        about: .installation,
        responses: [
            .ok(
                .list(
                    of: .object([
                        .required("number", .count), .required("role", .oneOf(["issues", "next", "previous"])),
                        .required("notAfter", .time), .required("pin", .digest, "SHA-256 of its public key."),
                    ])))
        ]
    ) { call in
        let set = call.state.authorities.authorities
        return .json([
            "items": .array(
                set.trusted.map { authority in
                    let role =
                        authority.number == set.current.number
                        ? "issues" : authority.number == set.next.number ? "next" : "previous"
                    return [
                        "number": .integer(Int64(authority.number)), "role": .string(role),
                        "notAfter": .string(authority.notAfter.description), "pin": .string(authority.pin.hex),
                    ]
                })
        ])
    }

    private static let rotate: Operation = Operation(
        .post, "/api/v1/authorities/rotate", id: "rotateAuthority", tag: .server,
        summary: "Let the next authority issue from now on.",
        description: "The one before stays trusted until the next rotation.", access: .permission(.serverWrite),
        about: .installation,
        body: BodyDeclaration(
            .object([
                .required(
                    "current", .integer(1...1_000_000), "The one that issues, so that no repetition rotates twice.")
            ])),
        responses: [
            .ok(.object([.required("number", .count, "The one that issues now.")])),
            .problem(.conflict, "Another one issues by now."),
        ]
    ) { call in
        let state = call.state
        let before = Int(call.body["current"]?.integer ?? 0)
        let issuing = state.authorities.authorities.current.number
        let stale = Refusal(
            Problem(
                "conflict", title: "Another authority issues by now", status: 409,
                detail: "Authority \(before) does not issue: it was rotated already, or is not known.",
                cure: "See which one issues: fettle authority list. Rotate again only when every host has renewed."))
        guard issuing == before else { throw stale }
        // On record before the files change: a server that dies between leaves no rotation that nobody knows of.
        try await state.store.write { transaction in
            try transaction.audit.append(
                organisation: AuditEvent.installation, actor: call.caller.principal.id,
                action: "authority.rotation-begun", subject: "authority:\(before)", now: call.now)
        }
        guard try state.authorities.rotate(from: before) else { throw stale }
        _ = try state.credentials.renewIfDue()
        let number = state.authorities.authorities.current.number
        try await state.store.write { transaction in
            try transaction.hosts.bumpAllStates(now: call.now)
            try transaction.audit.append(
                organisation: AuditEvent.installation, actor: call.caller.principal.id,
                action: "authority.rotated", subject: "authority:\(number)", now: call.now)
        }
        return .json(["number": .integer(Int64(number))])
    }

    private static let component = Schema.Component(
        "Server",
        .object([
            .required("version", .anyText), .required("started", .time), .required("database", .anyText),
            .required("epoch", .count), .required("restored", .boolean, "Whether a restore waits to be confirmed."),
            .required("restoredReason", .nullable(.anyText)), .required("agentAddress", .anyText),
            .required("enrolmentAddress", .anyText), .required("metricsAddress", .anyText),
            .required("hosts", .map(.count, maximum: 20), "Hosts by status, and how many are silent or not judged."),
            .required("authority", .anyText, "The one that issues."),
            .required(
                "feeds",
                .object([
                    .required("catalogue", .nullable(.digest), "Names what feeds say; null before there are any."),
                    .required("advisories", .count), .required("building", .boolean),
                    .required(
                        "kept", .boolean, "Whether the catalogue is in a file, so that a start need not read feeds."),
                    .required("notKept", .nullable(.anyText), "Why it is not."),
                    .required("fault", .nullable(.anyText), "Why there is no catalogue, or no newer one."),
                    .required("retry", .nullable(.time), "When that is tried again."),
                    .required("unjudged", .count, "Organisations whose hosts could not be judged."),
                ]), "What is known of vulnerabilities."),
        ]))
}
