import Access
import Digest
import Inventory
import JSON
import NIOHTTP1
import NIOSSL
import Store
import Testing
import Wire

@testable import Server

/// Two organisations of one shape, and somebody with a role in both. Whatever is only theirs has a canary's text.
struct TwoOrganisations: Sendable {
    static let ours = "home-org-a"
    static let theirs = "canary-org-b"

    /// Somebody or something that sends requests.
    struct Sender: Sendable {
        let name: String
        var headers: [String: String] = [:]
        var isBrowser = false

        static let nobody = Sender(name: "nobody")
    }

    let server: TestServer
    let senders: [Sender]
    let admin: Sender
    let theirAdmin: Sender
    /// What a path or field of that name may hold, of each organisation.
    let ourValues: [String: [String]]
    let theirValues: [String: [String]]
    /// What nobody of ours may ever be told, unless they said it themselves.
    let canaries: [String]
    let ourHost: TestHost

    // MARK: - Making them

    init(_ server: TestServer) async throws {
        self.server = server
        var values: [String: [String: [String]]] = [:]
        var canaries: [String] = []
        var agents: [String: TestHost] = [:]
        for (organisation, mark) in [(Self.ours, "homely"), (Self.theirs, "canary")] {
            var found: [String: [String]] = ["organisation": [organisation]]
            _ = try await server.api(
                .POST, "organisations", ["id": .string(organisation), "name": .string("\(mark)title")])
            for (number, site) in ["near", "far"].enumerated() {
                let label = organisation == Self.theirs ? "\(mark)\(site)" : site
                let answer = try await server.api(
                    .POST, "enrolment-tokens?organisation=\(organisation)",
                    [
                        "uses": 100, "expiresIn": 3600, "note": .string("\(mark)note\(number)"),
                        "labels": ["site": .string(label)],
                    ])
                let token = try EnrolmentToken(parsing: try #require(answer.json["token"]?.string, "\(answer.text)"))
                let name = "\(mark)host\(number)"
                var host = try await TestHost.enrol(
                    server, organisation: organisation, hostname: name, token: token)
                let truth = Self.truth(mark, number)
                try await host.reported(truth)
                agents[organisation] = agents[organisation] ?? host
                found["host", default: []] += [host.id, name]
                found["token", default: []].append(token.id)
                found["text", default: []] += [name, "\(mark)package", label, "host:\(host.id)", host.id]
                found["name", default: []].append("\(mark)package")
                found["candidate", default: []].append("9.\(mark)")
                if organisation == Self.theirs {
                    canaries += [host.id, name, token.id, label, "canarynote\(number)"]
                    canaries += truth.documents.map { truth.digests[$0.0].hex }
                    canaries += [host.incarnation, host.bootID]
                }
            }
            values[organisation] = found
        }

        for (organisation, mark) in [(Self.ours, "homely"), (Self.theirs, "canary")] {
            let host = try #require(agents[organisation]?.id)
            let made = try await server.api(
                .POST, "campaigns?submit=true&organisation=\(organisation)",
                [
                    "title": .string("\(mark)campaign"), "packages": ["kind": "named", "names": ["\(mark)package"]],
                    "hosts": ["ids": [.string(host)]],
                    "window": ["start": .string(server.nextMonth), "minutes": 60, "zone": "UTC"],
                ])
            let campaign = try #require(made.json["id"]?.string, "\(made.text)")
            values[organisation]?["campaign"] = [campaign]
            values[organisation]?["package"] = ["\(mark)package"]
            values[organisation]?["text", default: []].append("campaign:\(campaign)")
            if organisation == Self.theirs {
                canaries += [campaign, "canarycampaign", made.json["planDigest"]?.string ?? "canarydigest"]
            }
        }

        func grant(_ role: Role, _ organisation: String, _ selector: String = "") -> JSONValue {
            [
                "role": .string(role.rawValue), "organisation": .string(organisation),
                "selector": .string(selector),
            ]
        }
        var senders = [Sender.nobody]
        for role in Role.allCases {
            senders.append(
                try await Self.sender(server, "\(role)@\(Self.ours)", [grant(role, Self.ours)]).sender)
        }
        senders.append(
            try await Self.sender(
                server, "limited@\(Self.ours)", [grant(.operator, Self.ours, "site=near")]
            ).sender)
        let both = try await Self.sender(
            server, "both@\(Self.ours)", [grant(.viewer, Self.ours), grant(.admin, Self.theirs)])
        let spare = try await Self.sender(server, "spare@\(Self.ours)", [grant(.viewer, Self.ours)])
        let theirAdmin = try await Self.sender(
            server, "canaryadmin@\(Self.theirs)", [grant(.admin, Self.theirs)])
        let theirViewer = try await Self.sender(
            server, "canaryviewer@\(Self.theirs)", [grant(.viewer, Self.theirs)])
        self.admin = try #require(senders.first { $0.name.hasPrefix("admin") })
        self.theirAdmin = theirAdmin.sender

        // Tokens of ours; and one of each of the others' to be taken, revoked and looked for.
        for (owner, scopes) in [("admin", nil), ("viewer", nil), ("admin", "hosts:read"), ("auditor", "audit:read")] {
            let browser = try await server.browser("\(owner)@\(Self.ours)")
            var body: [String: JSONValue] = ["name": "walker"]
            if let scopes { body["scopes"] = [.string(scopes)] }
            let made = try await browser.send(.POST, "/api/v1/api-tokens", .object(body))
            let text = try #require(made.json["token"]?.string, "\(made.text)")
            senders.append(
                Sender(name: "token of \(owner) \(scopes ?? "")", headers: ["authorization": "Bearer \(text)"]))
        }
        self.senders = senders

        for (person, organisation) in [
            (spare, Self.ours), (both, Self.theirs), (theirAdmin, Self.theirs), (theirViewer, Self.theirs),
        ] {
            let isTheirs = organisation == Self.theirs
            let made = try await person.browser.send(.POST, "/api/v1/api-tokens", ["name": "canarytoken"])
            let token = try #require(made.json["id"]?.string, "\(made.text)")
            let sessions = try await person.browser.send(.GET, "/api/v1/sessions").json["items"]?.array ?? []
            let session = try #require(sessions.first?["id"]?.string)
            let user = try await server.api(.GET, "users/\(person.id)").json
            let grants = (user["grants"]?.array ?? []).filter { $0["organisation"]?.string == organisation }
                .compactMap { $0["id"]?.string }
            values[organisation]?["token", default: []].append(token)
            values[organisation]?["session", default: []].append(session)
            values[organisation]?["grant", default: []] += grants
            if isTheirs { canaries += [token, session] + grants }
            // Who has a role here is known here, by name.
            let home = person.id == both.id ? Self.ours : organisation
            values[home]?["user", default: []].append(person.id)
            values[home]?["text", default: []].append("user:\(person.id)")
            if home == Self.theirs {
                canaries += [person.id, person.sender.name]
                values[home]?["person", default: []].append(person.sender.name)
            }
        }
        canaries += [Self.theirs, "canarytitle", "canarypackage", "9.canary", "1.canary", "canarytoken"]
        // Both ours have a token of that name of their own.
        canaries.removeAll { $0 == "canarytoken" }

        // What they were told: places in lists, entity tags; and what they said: keys of requests.
        for list in ["hosts", "patches", "campaigns", "audit", "enrolment-tokens", "users"] {
            for (browser, organisation) in [
                (try await server.browser("admin@\(Self.ours)"), Self.ours), (theirAdmin.browser, Self.theirs),
            ] {
                let answer = try await browser.send(.GET, "/api/v1/\(list)?limit=1")
                if let next = answer.json["next"]?.string {
                    values[organisation]?["cursor", default: []].append(next)
                    values[organisation]?["cursor of \(list)", default: []].append(next)
                    if organisation == Self.theirs { canaries.append(next) }
                }
                if let tag = answer.headers.first(name: "etag") {
                    values[organisation]?["tag", default: []].append(tag)
                    if organisation == Self.theirs { canaries.append(String(tag.dropFirst().dropLast())) }
                }
            }
        }
        let key = "canarykey-of-b"
        let keyed = try await theirAdmin.browser.send(
            .POST, "/api/v1/enrolment-tokens", ["uses": 1, "expiresIn": 60], headers: ["idempotency-key": key])
        #expect(keyed.status == 201, "\(keyed.text)")
        values[Self.theirs]?["key"] = [key]
        if let id = keyed.json["id"]?.string { canaries.append(id) }
        for organisation in [Self.ours, Self.theirs] {
            let log = try await server.api(.GET, "audit?limit=500&organisation=\(organisation)")
            let items = log.json["items"]?.array ?? []
            values[organisation]?["event"] = items.compactMap { $0["id"]?.integer.map(String.init) }
            if organisation == Self.theirs { canaries += items.compactMap { $0["hash"]?.string } }
        }
        self.ourValues = values[Self.ours] ?? [:]
        self.theirValues = values[Self.theirs] ?? [:]
        self.canaries = canaries
        self.ourHost = try #require(agents[Self.ours])
    }

    private static func sender(
        _ server: TestServer, _ name: String, _ grants: [JSONValue]
    ) async throws -> (sender: Sender, browser: TestBrowser, id: String) {
        let id = try await server.user(name, grants: grants)
        let browser = try await server.browser(name)
        let cookie = browser.cookies.map { "\($0.key)=\($0.value)" }.joined(separator: "; ")
        let headers = ["cookie": cookie, "x-csrf-token": browser.csrf ?? ""]
        return (Sender(name: name, headers: headers, isBrowser: true), browser, id)
    }

    /// A host with a package, an update and facts that only its organisation has, beside five that everybody has.
    static func truth(_ mark: String, _ number: Int) -> Truth {
        var truth = Truth(hostname: "\(mark)host\(number)")
        let own = SoftwarePackage(
            scheme: "deb", distribution: "debian-12", name: "\(mark)package", architecture: "amd64",
            version: "1.\(mark)")
        let others = (0..<5).map {
            SoftwarePackage(
                scheme: "deb", distribution: "debian-12", name: "package\($0)", architecture: "amd64",
                version: $0 == 0 ? "1.0-1" : "2.\($0)-1")
        }
        truth.set = SoftwareSet(others + [own])
        let origin = PackageOrigin(
            origin: "Debian", label: "Debian-Security", suite: "oldstable-security", codename: "bookworm-security",
            component: "main", site: "security.debian.org", security: true)
        truth.offers = OfferSet(
            indexes: [RepositoryIndex(origin: origin, released: nil, validUntil: nil)],
            offers: [
                Offer(
                    name: "\(mark)package", architecture: "amd64", installed: "1.\(mark)", candidate: "9.\(mark)",
                    origins: [0], security: true, status: .upgradable),
                Offer(
                    name: "package0", architecture: "amd64", installed: "1.0-1", candidate: "9.9-1", origins: [0],
                    security: true, status: .upgradable),
            ], installedFrom: [:])
        return truth
    }

    // MARK: - What is theirs in the database

    /// Columns that change as time goes by, and tables that hold nothing else.
    private static let clocks: Set<String> = [
        "last_seen", "clock_offset", "seen_at", "last_used_at", "claimed_until", "claimed_by", "done_at", "attempts",
        "due_at",
    ]
    private static let clockTables: Set<String> = ["host_presence", "audit_checkpoints", "audit_tiles"]

    /// Every row of every table that is theirs, the columns by name.
    func everythingOfTheirs(_ engine: TestEngine) async throws -> [String] {
        let columns =
            switch engine {
            case .sqlite:
                """
                SELECT m.name, p.name FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table'
                """
            case .postgresql:
                """
                SELECT CAST(table_name AS text), CAST(column_name AS text) FROM information_schema.columns
                WHERE table_schema = current_schema() AND table_name <> 'pending_updates'
                """
            }
        let people = "SELECT user_id FROM user_grants WHERE organisation = '\(Self.theirs)'"
        return try await server.server.state.store.read { transaction in
            var tables: [String: [String]] = [:]
            for (table, column) in try transaction.rows(columns, read: { (try $0.text(), try $0.text()) }) {
                tables[table, default: []].append(column)
            }
            var result: [String] = []
            for (table, columns) in tables.sorted(by: { $0.key < $1.key }) where !Self.clockTables.contains(table) {
                let condition: String
                if columns.contains("organisation") {
                    condition = "organisation = '\(Self.theirs)'"
                } else if columns.contains("user_id") {
                    condition = "user_id IN (\(people))"
                } else if table == "organisations" {
                    condition = "id = '\(Self.theirs)'"
                } else if table == "users" {
                    condition = "id IN (\(people))"
                } else {
                    continue
                }
                // A role of ours, given to somebody with roles in both, changes the version of their record.
                let kept = columns.filter { !Self.clocks.contains($0) && !(table == "users" && $0 == "version") }
                    .sorted()
                let rows = try transaction.rows(
                    "SELECT \(kept.joined(separator: ", ")) FROM \(table) WHERE \(condition)"
                ) { row in
                    try kept.map { "\($0)=\(try row.value())" }.joined(separator: " ")
                }
                result += rows.map { "\(table): \($0)" }
            }
            return result.sorted()
        }
    }

    /// Waits until the audit log's records have their numbers.
    func settle() async throws {
        let store = server.server.state.store
        #expect(try await eventually { try await !store.read { try $0.audit.hasUnsequenced() } })
    }
}
