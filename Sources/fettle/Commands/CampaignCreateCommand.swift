import ArgumentParser
import Glibc
import JSON
import Timestamps

/// `fettle campaign create`.
struct CampaignCreateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Plan a campaign, and ask for approval of the exact plan.",
        discussion: """
            Packages and hosts are frozen: exact versions, a fixed list of hosts, one window. --dry-run shows the plan and \
            makes nothing: what changes on which host, the windows in UTC and local time, reboots, the way back, and what \
            is refused and why.

            Examples:
              fettle campaign create "Security updates" --security --labels site=berlin --dry-run
              fettle campaign create "OpenSSL" --package openssl --package libssl3 --hosts web1 web2
              fettle campaign create "Kernel" --package linux-image-amd64=6.1.158-1 --hosts web1 --start 2026-11-21T22:00 --zone Europe/Berlin --minutes 180
              fettle campaign create "nginx" --package nginx --labels tier=web --budget 2 --check-unit nginx.service --check-http 127.0.0.1:80/health
            """)
    @OptionGroup var changing: Changing
    @OptionGroup var organisation: OrganisationOption
    @OptionGroup var output: OutputOption
    @OptionGroup(title: "What") var what: CampaignPackagesOption
    @OptionGroup(title: "Where and when") var place: CampaignPlaceOption
    @OptionGroup(title: "How") var how: CampaignActionsOption
    @Argument(help: "What people call it.") var title: String
    @Flag(help: "Keep it as a draft; submit it later: fettle campaign submit.") var draft = false

    func run() async throws {
        let client = try changing.data.client
        let (window, actions) = (place.window, try how.json())
        let body: JSONValue = [
            "title": .string(title), "packages": what.json, "hosts": try place.selection(), "window": window,
            "budget": .integer(Int64(place.budget)), "actions": actions,
        ]
        let query = [
            ("dryRun", changing.dryRun ? "true" : nil), ("submit", changing.dryRun || draft ? nil : "true"),
            organisation.query(client),
        ]
        let answer = try await client.post("/api/v1/campaigns" + OperatorClient.query(query), body)
        if changing.dryRun { return try show(answer, window) }
        try output.show(answer) { emit($0.text("id") + "\n") }
        if draft {
            say("\(campaignTitle(answer)) is a draft; submit it: fettle campaign submit \(answer.text("id"))")
        } else {
            try tellSubmitted(answer)
        }
    }

    private func show(_ preview: JSONValue, _ window: JSONValue) throws {
        let errors = (preview["errors"]?.array ?? []).compactMap(\.string)
        try output.show(preview) { preview in
            var text = ""
            if preview["plan"]?.object != nil {
                let hosts = preview["hosts"]?.array ?? []
                text += lines([
                    ("Hosts", preview["plan"]?.text("hostCount") ?? ""), ("Window", windowText(window)),
                    ("Budget", "\(place.budget) at a time"),
                    (
                        "Approvals",
                        preview["approvalsRequired"]?.integer == 0
                            ? "none is asked for in this organisation"
                            : "\(preview.text("approvalsRequired")) by others than you"
                    ),
                ])
                text += planText(preview["plan"]) + "\n" + plannedHostsText(hosts)
            }
            emit(text)
        }
        for note in preview["notes"]?.array ?? [] { say("note: \(note.string ?? "")") }
        guard errors.isEmpty else {
            throw CommandFailure.failed("this cannot be a plan:\n" + errors.joined(separator: "\n"))
        }
        say("dry run: nothing was made")
    }
}

/// Which packages a campaign brings.
struct CampaignPackagesOption: ParsableArguments {
    @Flag(help: "Every security update that the hosts wait for.") var security = false
    @Flag(help: "Every update that the hosts wait for.") var all = false
    @Option(
        name: [.customShort("p"), .customLong("package")],
        help: ArgumentHelp(
            "This package, at the version that is offered; with =VERSION at exactly that. Several times for several.",
            valueName: "name[=version]"))
    var packages: [String] = []

    func validate() throws {
        guard [security, all, !packages.isEmpty].filter({ $0 }).count == 1 else {
            throw ValidationError("say one of --security, --all and --package NAME")
        }
        let exact = packages.filter { $0.contains("=") }
        guard exact.isEmpty || exact.count == packages.count else {
            throw ValidationError("say a version for each package, or for none")
        }
    }

    var json: JSONValue {
        if security { return ["kind": "security"] }
        if all { return ["kind": "everything"] }
        guard packages.contains(where: { $0.contains("=") }) else {
            return ["kind": "named", "names": .array(packages.map { .string($0) })]
        }
        return ["kind": "exact", "versions": .array(packages.map(Self.version))]
    }

    /// `NAME=VERSION` or `NAME:ARCHITECTURE=VERSION`.
    private static func version(_ text: String) -> JSONValue {
        let pair = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let name = pair[0].split(separator: ":", maxSplits: 1).map(String.init)
        var fields: [String: JSONValue] = ["name": .string(name.first ?? ""), "version": .string(pair.last ?? "")]
        if name.count > 1 { fields["architecture"] = .string(name[1]) }
        return .object(fields)
    }
}

/// On which hosts, and when.
struct CampaignPlaceOption: ParsableArguments {
    @Option(
        parsing: .upToNextOption, help: "These hosts: names, ids or the beginnings of ids.", completion: hostNames)
    var hosts: [String] = []
    @Option(
        help: ArgumentHelp("Every active host with these labels: site=berlin,tier in (web,api).", valueName: "selector")
    )
    var labels: String?
    @Flag(help: "Every active host.") var everywhere = false
    @Option(
        help: ArgumentHelp(
            "When the window begins, in local time of the zone: 2026-11-21T22:00. Default: now.", valueName: "time"))
    var start: String?
    @Option(help: "How long the window is, in minutes: 5 to 10080.") var minutes = 240
    @Option(help: "The zone of the start: an IANA name (Europe/Berlin), UTC, or host for each host's own.")
    var zone = "UTC"
    @Flag(
        help:
            "No window of its own: each host in its own windows, by the policies on the server; with --start (UTC) after that."
    )
    var hostWindows = false
    @Option(help: "How many hosts may be disturbed at the same time.") var budget = 1

    func validate() throws {
        guard [!hosts.isEmpty, labels != nil, everywhere].filter({ $0 }).count == 1 else {
            throw ValidationError("say one of --hosts HOST…, --labels SELECTOR and --everywhere")
        }
        guard (5...10_080).contains(minutes) else { throw ValidationError("--minutes takes 5 to 10080") }
        guard (1...100_000).contains(budget) else { throw ValidationError("--budget takes 1 to 100000") }
        guard !hostWindows || zone == "UTC" else {
            throw ValidationError(
                "--host-windows takes the windows of the policies; leave out --zone, --start is in UTC")
        }
        guard start != nil || zone == "UTC" else {
            throw ValidationError("--zone needs --start: without it the window begins now, which is told in UTC")
        }
    }

    /// The window; from this minute on where nobody said when.
    var window: JSONValue {
        [
            "start": .string(start ?? String(now().description.prefix(16))),
            "minutes": .integer(Int64(hostWindows && minutes == 240 ? 10_080 : minutes)),
            "zone": .string(hostWindows ? "policies" : zone),
        ]
    }

    func selection() throws -> JSONValue {
        if everywhere { return ["selector": ""] }
        if let labels { return ["selector": .string(labels)] }
        return ["ids": .array(hosts.flatMap { $0.split(separator: ",") }.map { .string(String($0)) })]
    }
}

/// What else is done.
struct CampaignActionsOption: ParsableArguments {
    @Option(help: "When a host is started anew: when-needed, never, always.") var reboot = "when-needed"
    @Option(
        help: "What must be there to come back to: best, required (a snapshot, else refuse), none (downgrade only).")
    var snapshot = "best"
    @Flag(help: "Leave a host as it is when a check fails, flagged, instead of taking it back.") var noRollback = false
    @Option(
        name: .customLong("check-unit"),
        help: "A systemd unit that must be active afterwards. Several times for several.")
    var checkUnits: [String] = []
    @Option(
        name: .customLong("check-command"),
        help: "A command for /bin/sh -c that must exit with 0 afterwards. Several times for several.")
    var checkCommands: [String] = []
    @Option(
        name: .customLong("check-tcp"),
        help: ArgumentHelp("A port of the host that must take connections.", valueName: "address:port"))
    var checkPorts: [String] = []
    @Option(
        name: .customLong("check-http"),
        help: ArgumentHelp("An address that must answer 200 over plain HTTP.", valueName: "address:port/path"))
    var checkPages: [String] = []
    @Option(help: "Seconds after the change within which checks may still fail.") var settle = 60
    @Option(name: .customLong("stop-unit"), help: "A systemd unit that is stopped before and started afterwards.")
    var stopUnits: [String] = []
    @Option(name: .customLong("restart-unit"), help: "A systemd unit that is restarted afterwards in any case.")
    var restartUnits: [String] = []
    @Option(
        name: .customLong("pre-script"), help: "A script that runs before, as root. Its text becomes part of the plan.",
        completion: .file())
    var preScripts: [String] = []
    @Option(
        name: .customLong("post-script"),
        help: "A script that runs afterwards, as root. Its text becomes part of the plan.",
        completion: .file())
    var postScripts: [String] = []
    @Option(help: "A command on the host that has an external backup or hypervisor make a snapshot.")
    var snapshotHook: String?

    func validate() throws {
        guard ["when-needed", "never", "always"].contains(reboot) else {
            throw ValidationError("--reboot takes when-needed, never or always")
        }
        guard ["best", "required", "none"].contains(snapshot) else {
            throw ValidationError("--snapshot takes best, required or none")
        }
        for port in checkPorts where Self.port(port) == nil {
            throw ValidationError("--check-tcp takes ADDRESS:PORT, not \"\(port)\"")
        }
        for page in checkPages where Self.page(page) == nil {
            throw ValidationError("--check-http takes ADDRESS:PORT/PATH, not \"\(page)\"")
        }
    }

    func json() throws -> JSONValue {
        var fields: [String: JSONValue] = [
            "reboot": .string(reboot), "snapshot": .string(snapshot), "rollBack": .bool(!noRollback),
            "settleTime": .integer(Int64(settle)), "stopServices": .array(stopUnits.map { .string($0) }),
            "restartServices": .array(restartUnits.map { .string($0) }),
        ]
        var checks: [JSONValue] = checkUnits.map { ["name": .string($0), "kind": "unit", "unit": .string($0)] }
        checks += checkCommands.map {
            ["name": .string(String($0.prefix(64))), "kind": "command", "command": .string($0)]
        }
        checks += checkPorts.compactMap { text in
            Self.port(text).map {
                ["name": .string(text), "kind": "tcp", "address": .string($0.address), "port": .integer($0.port)]
            }
        }
        checks += checkPages.compactMap { text in
            Self.page(text).map {
                [
                    "name": .string(String(text.prefix(64))), "kind": "http", "address": .string($0.address),
                    "port": .integer($0.port), "path": .string($0.path), "status": 200,
                ]
            }
        }
        fields["healthChecks"] = .array(checks)
        fields["preScripts"] = .array(try preScripts.map(Self.script))
        fields["postScripts"] = .array(try postScripts.map(Self.script))
        if let snapshotHook { fields["snapshotHook"] = .string(snapshotHook) }
        return .object(fields)
    }

    private static func port(_ text: String) -> (address: String, port: Int64)? {
        guard let colon = text.lastIndex(of: ":"), let port = Int64(text[text.index(after: colon)...]),
            (1...65_535).contains(port), colon > text.startIndex
        else { return nil }
        return (String(text[..<colon]), port)
    }

    private static func page(_ text: String) -> (address: String, port: Int64, path: String)? {
        let slash = text.firstIndex(of: "/") ?? text.endIndex
        guard let place = port(String(text[..<slash])) else { return nil }
        return (place.address, place.port, slash == text.endIndex ? "/" : String(text[slash...]))
    }

    private static func script(_ path: String) throws -> JSONValue {
        guard let file = fopen(path, "r") else {
            throw CommandFailure.failed("cannot read \(path): \(String(cString: strerror(errno)))")
        }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 65_537)
        let count = fread(&bytes, 1, bytes.count, file)
        guard count > 0, count <= 65_536, let text = String(validating: bytes[..<count], as: UTF8.self) else {
            throw CommandFailure.failed("\(path) is no script: it is empty, over 64 KiB, or not UTF-8")
        }
        let name = path.split(separator: "/").last.map(String.init) ?? path
        return ["name": .string(String(name.prefix(64))), "text": .string(text)]
    }
}
