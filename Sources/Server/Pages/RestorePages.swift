import Access
import HTML
import Hummingbird
import Pages
import Store

/// A claim that the server was restored from a backup, while it waits for a person: no host gets orders until then.
enum RestorePages {
    static let all: [PageDeclaration] = [
        PageDeclaration(
            .get, "/settings/restore/dismiss", "restore", access: .installation(.serverWrite)
        ) { call in
            guard let evidence = call.state.restore else { throw Refusal(.notRestored) }
            return try await ask(evidence, call)
        },
        PageDeclaration(
            .post, "/settings/restore/dismiss", "restore", access: .installation(.serverWrite)
        ) { call in
            guard let evidence = call.state.restore else { throw Refusal(.notRestored) }
            let reason = try CampaignPages.reason(call, isRequired: true)
            // What is dismissed is what was read: another host's claim may have come meanwhile.
            guard call.field("claim") == name(evidence) else {
                return try await ask(evidence, call)
            }
            _ = try await call.state.dismissRestore(reason: reason, actor: call.person.actor)
            return call.done(.restore, "settings", "organisations")
        },
    ]

    /// What every page says of it, to whoever may do something about it.
    static func alert(_ call: PageCall) -> Alert? {
        guard let evidence = call.state.restore,
            call.caller?.principal.may(.serverWrite, organisation: nil) == true
        else { return nil }
        return Alert(
            Notice(
                .critical, "No host gets orders: this server seems to be restored from a backup",
                "\(evidence.reason). If it was restored, confirm it: fettle server acknowledge-restore. If not, the claim is "
                    + "false."),
            verb: "Dismiss the claim", to: Location("settings", "restore", "dismiss"))
    }

    private static func ask(_ evidence: RestoreEvidence, _ call: PageCall) async throws -> Response {
        let name = try await call.state.store.read { sql in
            try evidence.host.flatMap { try sql.hosts.show(organisation: evidence.organisation, id: $0)?.hostname }
        }
        let model = ConfirmModel(
            title: "Dismiss a claim of a restore", question: "Was this server not restored from a backup?",
            consequences: [
                "The claim: \(evidence.reason).",
                "It is taken for false, and orders to all other hosts go on.",
                name.map { "\($0), which made it, is put into quarantine: it would only make it again." }
                    ?? "Which host made it is not known any more; none is put into quarantine.",
                "If the server was restored, do not go on: confirm it with fettle server acknowledge-restore.",
            ], verb: "Dismiss the claim", isDangerous: true, action: Location("settings", "restore", "dismiss"),
            back: call.context().to("settings", "organisations"), asksReason: true,
            fields: [("claim", Self.name(evidence))])
        return call.html(confirmPage(model, call.context(), current: .settings))
    }

    /// Which claim it is.
    private static func name(_ evidence: RestoreEvidence) -> String {
        "\(evidence.organisation) \(evidence.host ?? "") \(evidence.fence)"
    }
}
