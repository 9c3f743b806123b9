import Access
import HTTPTypes
import JSON
import Priority
import Store
import Timestamps
import Wire

/// By what deadlines are set, and what stops their clocks.
enum PriorityOperations {
    static let all: [Operation] = [show, change, pauses, pause, endPause]

    private static let path: PathTemplate = "/api/v1/organisations/{organisation}/priority-policy"
    private static let parameter: Parameter = .path("organisation", OrganisationSchema.id, "The organisation's id.")
    private static let words: Schema = .matching(#"^[^\u0000-\u0008\u000B-\u001F\u007F]*$"#, 1...2000)

    private static let rule = Schema.object([
        .required("name", .text(1...64), "Shown wherever it decides."),
        .required("selector", .text(0...1000), "Labels of the hosts: zone=dmz, or nothing for all."),
        .optional("exposure", .nullable(.oneOf(AssetFacts.Exposure.self))),
        .optional("criticality", .nullable(.oneOf(AssetFacts.Criticality.self))),
        .optional("safety", .nullable(.oneOf(AssetFacts.Safety.self))),
        .optional("mitigation", .nullable(.text(1...200)), "What is in force there: half the reach."),
    ])

    private static let unreadable: ResponseDeclaration = .problem(
        .conflict, "The policy that is stored cannot be read any more.")

    static let component = Schema.Component(
        "PriorityPolicy",
        .object([
            .required(
                "policy", .oneOf(PolicyChoice.ids),
                "A standard policy, a rule of law or contract, or `own` with a table of one's own."),
            .required("version", .count, "Grows with every change."),
            .required("title", .anyText), .required("table", .anyText, "Comma-separated values; empty unless `own`."),
            .required("questions", .array(.anyText), "What the table asks; empty for a rule."),
            .required(
                "outcomes",
                .array(
                    .object([
                        .required("outcome", .anyText), .required("term", .nullable(.anyText)),
                        .required("evidenceFirst", .boolean),
                    ])),
                "What it answers, and how long that may stay open; empty for a rule, of which each finding tells."),
            .required("terms", .map(.anyText, maximum: 1000), "Those that the organisation has chosen."),
            .required("clockStart", .oneOf(DeadlinePolicy.ClockStart.self)),
            .required("pauses", .array(.oneOf(SLAPause.Reason.self)), "What stops clocks."),
            .required(
                "rules", .array(rule), "What gives hosts their exposure and worth where their labels do not say it."),
        ]))

    private static let show: Operation = Operation(
        .get, path, id: "showPriorityPolicy", tag: .organisations, summary: "Show by what deadlines are set.",
        access: .permission(.organisationRead), parameters: [parameter],
        responses: [.ok(.component(component)), unreadable]
    ) { call in .json(json(try await call.state.vulnerabilities.policy(call.organisation, call.state.store))) }

    private static let change: Operation = Operation(
        .patch, path, id: "changePriorityPolicy", tag: .organisations, summary: "Choose by what deadlines are set.",
        description: """
            A table of one's own is comma-separated values as CERT/CC publishes them: questions, the outcome last; every \
            combination of answers has one row. Another policy begins without terms and table. Dates, and what holds hosts \
            back, change at once; lists have what rules give hosts as soon as these were judged anew, in seconds. What is \
            stored and cannot be read any more is replaced with `If-Match: *`.
            """, access: .permission(.organisationManage),
        parameters: [parameter, .query("dryRun", .boolean, "Change nothing; answer with what would be chosen.")],
        body: BodyDeclaration(
            .object([
                .optional("policy", .oneOf(PolicyChoice.ids)),
                .optional("table", .string(.init(minimum: 1, maximum: 256 << 10))),
                .optional(
                    "terms", .map(.text(1...64), names: .init(minimum: 1, maximum: 200), maximum: 200),
                    "By outcome: 3 days, 1 month, 48 hours, never."),
                .optional("clockStart", .oneOf(DeadlinePolicy.ClockStart.self)),
                .optional("pauses", .array(.oneOf(SLAPause.Reason.self), count: 0...16)),
                .optional(
                    "rules", .array(rule, count: 0...AssetRuleTexts.maximumCount),
                    "The first that selects a host and gives a property decides it; a host's own labels come before."),
            ]), mediaType: "application/merge-patch+json", maximumBytes: 512 << 10),
        responses: [.ok(.component(component), "It is chosen.")], traits: [.conditional]
    ) { call in
        let body = call.body
        let (organisation, now, actor) = (call.organisation, call.now, call.caller.principal.id)
        let isDry = call.bool("dryRun") ?? false
        let changed = try await call.state.store.write { sql throws -> PolicyChoice.Chosen? in
            let stored = try sql.settings.value(PolicyChoice.setting, organisation: organisation)
            let present = try? PolicyChoice.Chosen(stored)
            if let present {
                try call.requireMatch(json(present))
            } else {
                // Nobody can have seen it: it is replaced whole, by whoever says so.
                try call.requireMatch(.null)
                guard body["policy"] != nil else {
                    throw Refusal(
                        .unprocessable([
                            .init(
                                pointer: "/policy", detail: "The policy that is stored cannot be read any more.",
                                cure: "Say which policy takes its place.")
                        ]))
                }
            }
            var choice = present?.choice ?? PolicyChoice()
            if present == nil { choice.version = PolicyChoice.version(of: stored) }
            if let id = body["policy"]?.string, id != choice.id {
                (choice.id, choice.table, choice.terms) = (id, "", [:])
                // Pauses of before would be refused with a rule, which none stops; a start was of the policy before.
                if DeadlinePolicy.compliance.contains(where: { $0.id == id }) {
                    (choice.pauses, choice.clockStart) = ([], nil)
                }
            }
            if let table = body["table"]?.string { choice.table = table }
            if let terms = body["terms"]?.object { choice.terms = terms.compactMapValues(\.string) }
            if let start = body["clockStart"]?.string { choice.clockStart = DeadlinePolicy.ClockStart(rawValue: start) }
            if let pauses = body["pauses"]?.array {
                choice.pauses = Set(pauses.compactMap { $0.string.flatMap(SLAPause.Reason.init) })
            }
            if let rules = body["rules"]?.array {
                do throws(DecisionTableFault) {
                    choice.rules = try AssetRuleTexts(json: rules).json
                    let count = JSONValue.array(choice.rules).canonicalBytes().count
                    guard count <= PolicyChoice.maximumRuleBytes else {
                        throw DecisionTableFault(
                            "rules", "they have \(count) bytes, and at most \(PolicyChoice.maximumRuleBytes) are taken")
                    }
                } catch {
                    throw Refusal(
                        .unprocessable([
                            .init(pointer: "/rules", detail: error.description, cure: "See docs/priority.md for rules.")
                        ]))
                }
            }
            guard choice != present?.choice else { return present }
            choice.version += 1
            let bytes = choice.json.canonicalBytes()
            let made: PolicyChoice.Chosen
            do {
                // What is stored is what can be read again.
                made = try PolicyChoice.Chosen(bytes)
            } catch {
                let pointer = choice.id == PolicyChoice.own ? "/table" : "/terms"
                throw Refusal(
                    .unprocessable([
                        .init(pointer: pointer, detail: "\(error)", cure: "See docs/priority.md for tables.")
                    ]))
            }
            if isDry { return made }
            try sql.settings.set(PolicyChoice.setting, bytes, organisation: organisation, now: now)
            try sql.audit.append(
                organisation: organisation, actor: actor, action: "priority.policy-changed",
                subject: "organisation:\(organisation)",
                detail: choice.audited, now: now)
            return made
        }
        if isDry, let changed { return .json(json(changed)) }
        return .json(json(try await call.state.vulnerabilities.policy(organisation, call.state.store)))
    }

    private static func json(_ chosen: PolicyChoice.Chosen) -> JSONValue {
        let (choice, policy) = (chosen.choice, chosen.policy)
        let table = policy.rule == nil ? policy.table : nil
        return [
            "policy": .string(choice.id), "version": .integer(choice.version),
            "title": .string(policy.rule.map { ComplianceRule($0).title } ?? policy.table.title),
            "table": .string(choice.table), "questions": .array((table?.points ?? []).map { .string($0.name) }),
            "outcomes": .array(
                (table?.outcomes ?? []).map { outcome in
                    [
                        "outcome": .string(outcome),
                        "term": policy.term(of: outcome).map { .string($0.description) } ?? .null,
                        "evidenceFirst": .bool(policy.evidenceFirst.contains(outcome)),
                    ]
                }), "terms": .object(choice.terms.mapValues { .string($0) }),
            "clockStart": .string(policy.clockStart.rawValue),
            "pauses": .array(policy.pauses.map(\.rawValue).sorted().map { .string($0) }),
            "rules": .array(choice.rules),
        ]
    }

    // MARK: - Pauses

    private static let pauseComponent = Schema.Component(
        "Pause",
        .object([
            .required("id", .text(1...64)), .required("reason", .oneOf(SLAPause.Reason.self)),
            .required("counts", .boolean, "Whether the policy lets it stop clocks."),
            .required("host", .nullable(.anyText)), .required("selector", .anyText),
            .required("vulnerability", .anyText), .required("note", .anyText), .required("from", .time),
            .required("until", .nullable(.time)), .required("startedBy", .anyText),
            .required("endedBy", .nullable(.anyText)),
        ]))

    private static func json(_ pause: StoredPause, _ policy: DeadlinePolicy) -> JSONValue {
        [
            "id": .string(pause.id), "reason": .string(pause.reason),
            "counts": .bool(SLAPause.Reason(rawValue: pause.reason).map(policy.pauses.contains) ?? false),
            "host": pause.host.isEmpty ? .null : .string(pause.host), "selector": .string(pause.selector),
            "vulnerability": .string(pause.vulnerability), "note": .string(pause.note),
            "from": .string(pause.from.description), "until": pause.until.map { .string($0.description) } ?? .null,
            "startedBy": .string(pause.startedBy), "endedBy": pause.endedBy.map { .string($0) } ?? .null,
        ]
    }

    private static let pauses: Operation = Operation(
        .get, "/api/v1/pauses", id: "listPauses", tag: .vulnerabilities,
        summary: "List the times in which clocks of findings stand still, the latest first.",
        access: .permission(.hostsRead), responses: [.ok(.page(of: .component(pauseComponent))), unreadable],
        traits: [.paginated]
    ) { call in
        let policy = try await call.state.vulnerabilities.policy(call.organisation, call.state.store).policy
        let (all, hosts) = try await call.state.store.read { sql in
            (
                try sql.findingClocks.pauses(organisation: call.organisation),
                try call.reach == .all ? [] : sql.verdicts.hosts(organisation: call.organisation)
            )
        }
        let seen = all.filter { pause in
            let scope = pause.scope
            return call.reach == .all || hosts.contains { call.reach.includes($0.labels) && scope.includes($0) }
        }
        let rest = seen.drop { pause in
            guard let time = call.cursor?[0]?.integer, let id = call.cursor?[1]?.string else { return false }
            return (-pause.from.milliseconds, pause.id) <= (-time, id)
        }
        let page = rest.prefix(call.limit)
        return .page(
            page.map { json($0, policy) },
            next: rest.count > page.count ? page.last.map { [.integer($0.from.milliseconds), .string($0.id)] } : nil)
    }

    private static let pause: Operation = Operation(
        .post, "/api/v1/pauses", id: "createPause", tag: .vulnerabilities,
        summary: "Let the clocks of findings stand still for a reason.",
        description: "Only what the policy allows (`counts`) moves dates. That a host is away is noted without this.",
        access: .permission(.exceptionsApprove),
        body: BodyDeclaration(
            .object([
                .required("reason", .oneOf(SLAPause.Reason.self)),
                .required("note", words, "Why; it enters the audit log."),
                .optional("host", .text(1...255), "Only on this host: its id or name."),
                .optional("selector", .text(1...2048), "Only on hosts that this label selector selects."),
                .optional("vulnerability", .text(1...255), "Only of this vulnerability."),
                .optional("from", .time, "From when; now by default."),
                .required("until", .time, "Until when: within 366 days."),
            ])), responses: [.created(.component(pauseComponent), "It stands."), unreadable]
    ) { call in
        let body = call.body
        let from = body["from"]?.string.flatMap { Timestamp(rfc3339: $0) } ?? call.now
        let until = body["until"]?.string.flatMap { Timestamp(rfc3339: $0) } ?? call.now
        @Sendable func refusal(_ pointer: String, _ detail: String, _ cure: String) -> Refusal {
            Refusal(.unprocessable([.init(pointer: pointer, detail: detail, cure: cure)]))
        }
        guard from < until, until.seconds(since: call.now) <= Int64(RiskException.maximumDays) * 86_400 else {
            throw refusal(
                "/until", "It runs from \(from) to \(until).", "Choose an end after its start, within 366 days.")
        }
        if let selector = body["selector"]?.string {
            do {
                _ = try LabelSelector(selector)
            } catch {
                throw refusal("/selector", "\(error)", "Write for example site=berlin.")
            }
        }
        let made = try await call.state.store.write { sql throws -> StoredPause in
            var pause = StoredPause(
                id: RandomID.make("pause"), organisation: call.organisation, reason: body["reason"]?.string ?? "",
                from: from, until: until, startedBy: call.caller.actor)
            pause.note = body["note"]?.string ?? ""
            pause.selector = body["selector"]?.string ?? ""
            pause.vulnerability = body["vulnerability"]?.string ?? ""
            if let name = body["host"]?.string {
                let matches = try sql.verdicts.hosts(organisation: call.organisation)
                    .filter { $0.id == name || $0.hostname == name }
                guard matches.count == 1 else {
                    throw refusal("/host", "\(matches.count) hosts are named \"\(name)\".", "Give one host's id.")
                }
                pause.host = matches[0].id
            }
            try sql.findingClocks.begin(pause, now: call.now)
            return pause
        }
        let policy = try await call.state.vulnerabilities.policy(call.organisation, call.state.store).policy
        return .created(json(made, policy), at: "/api/v1/pauses")
    }

    private static let endPause: Operation = Operation(
        .post, "/api/v1/pauses/{pause}/end", id: "endPause", tag: .vulnerabilities,
        summary: "Let clocks that stand still go on from now.", access: .permission(.exceptionsApprove),
        parameters: [.path("pause", .text(1...64), "The pause's id.")],
        responses: [.ok(.component(pauseComponent), "It has ended."), unreadable]
    ) { call in
        let id = try call.path("pause")
        let ended = try await call.state.store.write { sql throws -> StoredPause in
            guard let found = try sql.findingClocks.pause(organisation: call.organisation, id: id) else {
                throw Refusal(.missing("pause", id))
            }
            // The server would begin it anew at its next look.
            guard found.startedBy != "server" else {
                throw Refusal(
                    .unprocessable([
                        .init(
                            pointer: "/pause", detail: "The server keeps this pause while the host is away.",
                            cure: "Choose a policy without the pause: fettle priority policy set.")
                    ]))
            }
            // One that is to come ends before it began: it never was.
            _ = try sql.findingClocks.end(
                organisation: call.organisation, id: id, at: max(call.now, found.from), by: call.caller.actor,
                now: call.now)
            return try sql.findingClocks.pause(organisation: call.organisation, id: id) ?? found
        }
        let policy = try await call.state.vulnerabilities.policy(call.organisation, call.state.store).policy
        return .json(json(ended, policy))
    }
}
