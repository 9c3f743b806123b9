import ArgumentParser
import Digest
import JSON
import Orders

/// What every decision about one campaign has.
struct CampaignAct: ParsableArguments {
    @OptionGroup var changing: Changing
    @OptionGroup var organisation: OrganisationOption
    @OptionGroup var output: OutputOption
    @Argument(help: "Its id, the beginning of it, or its title.", completion: campaignNames) var campaign: String

    /// Looks the campaign up, asks where that is to be, decides, and says what happens next.
    ///
    /// - Parameters:
    ///   - what: of the question and of a dry run: `halt`.
    ///   - body: what is sent, made of the campaign as it is.
    func run(
        _ verb: String, _ what: String, confirming: Confirming? = nil, showsPlan: Bool = false,
        _ body: (JSONValue) throws -> JSONValue?
    ) async throws {
        let desk = CampaignClient(try changing.data.client, organisation)
        let found = try await desk.find(campaign)
        let body = try body(found)
        if showsPlan, confirming?.yes != true || changing.dryRun {
            let hosts = try await desk.hosts(found.text("id"), limit: 500)
            say(campaignText(found, hosts: hosts, jobs: [], wide: false))
        }
        let jobs = (found["jobs"]?.object ?? [:]).filter { ($0.value.integer ?? 0) > 0 }.sorted { $0.key < $1.key }
            .map { "\($0.value.integer ?? 0) \($0.key)" }.joined(separator: ", ")
        let sum = "\(what) \(campaignTitle(found)), which is \(found.text("state"))\(jobs.isEmpty ? "" : ": \(jobs)")"
        guard changing.goesOn(sum) else { return }
        try confirming?.confirm(sum)
        let changed = try await desk.post(found.text("id"), verb, body)
        if output.output != .table || output.query != nil { try output.show(changed) { _ in } }
        say("\(campaignTitle(changed)) is \(changed.text("state")). \(changed.text("next"))")
    }
}

/// `--reason`.
struct ReasonOption: ParsableArguments {
    @Option(help: "Why; it enters the audit log.") var reason: String

    func validate() throws {
        guard !reason.isEmpty else { throw ValidationError("--reason takes a sentence: it enters the audit log") }
    }

    var json: JSONValue { ["reason": .string(reason)] }
}

/// A decision that takes a reason, and asks first.
struct ReasonedAct: ParsableArguments {
    @OptionGroup var act: CampaignAct
    @OptionGroup var confirming: Confirming
    @OptionGroup var why: ReasonOption

    /// - Parameter body: what is sent with the reason, made of the campaign as it is.
    func run(
        _ verb: String, _ what: String, with body: (JSONValue) -> [String: JSONValue] = { _ in [:] }
    ) async throws {
        try await act.run(verb, what, confirming: confirming) { campaign in
            .object(body(campaign).merging(["reason": .string(why.reason)]) { $1 })
        }
    }
}

/// `fettle campaign approve`.
struct CampaignApproveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "approve", abstract: "Approve the plan of a campaign that somebody else made.",
        discussion: """
            Shows the plan and asks. What is approved is the plan that was shown: where it has changed meanwhile nothing is \
            done. In an organisation that asks for no approval this releases the plan.

            Examples:
              fettle campaign approve c-4f7a
              fettle campaign approve c-4f7a --plan 0d5f2c… --yes
              fettle campaign approve c-4f7a --key work
            """)
    @OptionGroup var act: CampaignAct
    @OptionGroup var confirming: Confirming
    @Option(help: "Only where its plan has this digest, or one that begins so: what you have read.") var plan: String?
    @Option(help: "Sign with your key of this name. Default: the one named default, where there is one.")
    var key: String?
    @Flag(help: "Do not sign with a key of your own.") var noSignature = false

    func run() async throws {
        try await act.run("approve", "approve the plan of", confirming: confirming, showsPlan: true) { campaign in
            let digest = campaign.text("planDigest")
            guard !digest.isEmpty else {
                throw CommandFailure.failed(
                    "\(campaignTitle(campaign)) has no plan yet: it is \(campaign.text("state")). \(campaign.text("next"))"
                )
            }
            guard plan.map({ digest.hasPrefix($0.lowercased()) && $0.utf8.count >= 8 }) ?? true else {
                throw CommandFailure.failed(
                    "its plan is \(digest), not \(plan ?? ""): it has changed. Read it again: fettle campaign show "
                        + campaign.text("id"))
            }
            var body: [String: JSONValue] = ["plan": .string(digest)]
            if let signature = try signature(of: digest) { body["signature"] = signature }
            return .object(body)
        }
    }
}

extension CampaignApproveCommand {
    /// The plan's digest, signed with the approver's own key; nil where they have none.
    fileprivate func signature(of digest: String) throws -> JSONValue? {
        guard !noSignature, let digest = SHA256Digest(hex: digest) else { return nil }
        guard let own = try ApproverKey.find(key ?? ApproverKey.defaultName) else {
            guard let key else { return nil }
            throw CommandFailure.notFound("you have no key \"\(key)\"; make one: fettle keys create \(key)")
        }
        let signature = try own.sign(planDigest: digest)
        say("signed with your key \"\(own.name)\" (\(own.keyID))")
        return ["keyid": .string(signature.keyID), "sig": .string(Base64.encode(signature.bytes))]
    }
}

/// `fettle campaign deny`.
struct CampaignDenyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deny", abstract: "Say no to a plan, for good.",
        discussion: """
            Examples:
              fettle campaign deny c-4f7a --reason "not before the release on Friday" --yes
            """)
    @OptionGroup var act: ReasonedAct

    func run() async throws {
        try await act.run("deny", "deny the plan of") { ["plan": $0["planDigest"] ?? .null] }
    }
}

/// `fettle campaign pause`.
struct CampaignPauseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Let no further host begin; those that have begun go on.",
        discussion: """
            Examples:
              fettle campaign pause c-4f7a --reason "deployment in the way"
            """)
    @OptionGroup var act: CampaignAct
    @Option(help: "Why; it enters the audit log.") var reason: String?

    func run() async throws {
        try await act.run("pause", "pause") { _ in reason.map { ["reason": .string($0)] } }
    }
}

/// `fettle campaign resume`.
struct CampaignResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Let a campaign go on.",
        discussion: """
            After a halt this is an approval: by others than the author, who repeat the reason of the halt.

            Examples:
              fettle campaign resume c-4f7a
              fettle campaign resume c-4f7a --reason "checkout is slow" --yes
            """)
    @OptionGroup var act: CampaignAct
    @OptionGroup var confirming: Confirming
    @Option(help: "After a halt: its reason, once more.") var reason: String?

    func run() async throws {
        try await act.run("resume", "resume", confirming: nil) { campaign in
            let isHalted = campaign.text("state") == "halted"
            guard isHalted, reason == nil else { return reason.map { ["reason": .string($0)] } }
            say("It was halted: \(campaign.text("reason"))")
            if !act.changing.dryRun {
                try confirming.confirm("let it go on all the same")
            }
            return ["reason": .string(campaign.text("reason"))]
        }
    }
}

/// `fettle campaign halt`.
struct CampaignHaltCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "halt", abstract: "Stop a campaign; what is past its point of no return goes on to its end.",
        discussion: """
            To go on afterwards takes another person's approval.

            Examples:
              fettle campaign halt c-4f7a --reason "checkout is slow" --yes
            """)
    @OptionGroup var act: ReasonedAct

    func run() async throws { try await act.run("halt", "halt") }
}

/// `fettle campaign cancel`.
struct CampaignCancelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "End a campaign for good.",
        discussion: """
            Examples:
              fettle campaign cancel c-4f7a --reason "superseded by 3.0.19" --yes
            """)
    @OptionGroup var act: ReasonedAct

    func run() async throws { try await act.run("cancel", "cancel") }
}

/// `fettle campaign rollback`.
struct CampaignRollbackCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback", abstract: "Take the hosts that changed back to what they were, and verify it.",
        discussion: """
            Of a campaign that was halted, is being verified or has ended; hosts whose way back did not begin are asked once \
            more. What a later campaign changed on top goes first.

            Examples:
              fettle campaign rollback c-4f7a --reason "3.0.18 breaks checkout" --yes
            """)
    @OptionGroup var act: ReasonedAct
    @Flag(
        help: "Do not count later jobs that were given up and of which nobody knows what they did; that is on record.")
    var overWrittenOff = false

    func run() async throws {
        try await act.run("rollback", "roll back") { _ in overWrittenOff ? ["overWrittenOff": true] : [:] }
    }
}

/// `fettle campaign close`.
struct CampaignCloseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "close", abstract: "Close a halted campaign as failed; its hosts stay as they are.",
        discussion: """
            Examples:
              fettle campaign close c-4f7a --reason "planned anew as c-81aa" --yes
            """)
    @OptionGroup var act: ReasonedAct

    func run() async throws { try await act.run("close", "close as failed") }
}

/// `fettle campaign write-off`.
struct CampaignWriteOffCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "write-off", abstract: "Give up on a host that fell silent: its place in the budget is free.",
        discussion: """
            Examples:
              fettle campaign write-off c-4f7a web3 --reason "its disk died" --yes
            """)
    @OptionGroup var changing: Changing
    @OptionGroup var output: OutputOption
    @OptionGroup var organisation: OrganisationOption
    @OptionGroup var confirming: Confirming
    @OptionGroup var why: ReasonOption
    @Argument(help: "The campaign's id, the beginning of it, or its title.", completion: campaignNames)
    var campaign: String
    @Argument(help: "The host's name or id, or a job's id.", completion: hostNames) var host: String

    func run() async throws {
        let desk = CampaignClient(try changing.data.client, organisation)
        let found = try await desk.find(campaign)
        let job = try await desk.job(found.text("id"), host)
        let sum = "give up on \(job.text("hostname")) in \(campaignTitle(found)), where it is \(job.text("state"))"
        guard changing.goesOn(sum) else { return }
        try confirming.confirm(sum)
        let path = organisation.path(desk.client, "campaigns", found.text("id"), "jobs", job.text("id"), "write-off")
        let changed = try await desk.client.post(path, why.json)
        try output.tell(
            changed, "\(changed.text("hostname")) is \(changed.text("state")). \(changed.text("sentence"))")
    }
}
