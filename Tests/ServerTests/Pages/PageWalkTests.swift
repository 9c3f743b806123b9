import Access
import Foundation
import HTTPTypes
import JSON
import NIOHTTP1
import Store
import Testing
import Timestamps

@testable import Server

extension ServerTests {
    /// Every page and form, for every role, in one's own organisation and in another's.
    @Suite struct PageWalkTests {
        /// Who walks: a role in the organisation `ours`.
        private static func person(_ role: Role, _ server: TestServer) async throws -> PageBrowser {
            let name = "\(role.rawValue)@ours"
            _ = try await server.server.state.people.createUser(
                name: name, grants: [Grant(role, organisation: "ours")], by: .socket)
            let browser = PageBrowser(server)
            try await browser.comeIn(name)
            return browser
        }

        private static func organisations(_ server: TestServer) async throws {
            let now = server.clock.clock.now()
            try await server.server.state.store.write { transaction in
                for id in ["ours", "theirs"] {
                    _ = try transaction.organisations.create(
                        Organisation(id: id, name: id.uppercased(), createdAt: now))
                }
            }
        }

        /// A path with names filled in.
        private static func path(
            _ page: PageDeclaration, host: String, campaign: String = "c-none"
        ) -> String {
            let parts = page.path.split(separator: "/").map { part in
                switch part {
                case "{host}": "/\(host)"
                case "{campaign}": "/\(campaign)"
                default: part.hasPrefix("{") ? "/none" : "/\(part)"
                }
            }
            return parts.isEmpty ? "/" : parts.joined()
        }

        private static func enrol(_ server: TestServer, _ organisation: String) async throws -> String {
            let host = try await TestHost.enrol(server, token: server.token(organisation: organisation))
            return host.id
        }

        /// A campaign that awaits approval.
        private static func campaign(
            _ server: TestServer, _ organisation: String, _ host: String
        ) async throws -> String {
            let made = try await server.api(
                .POST, "campaigns?organisation=\(organisation)",
                [
                    "title": .string("campaign of \(organisation)"), "packages": ["kind": "security"],
                    "hosts": ["ids": [.string(host)]],
                    "window": ["start": .string(server.nextMonth), "minutes": 60, "zone": "UTC"],
                ])
            return try #require(made.json["id"]?.string, "\(made.text)")
        }

        @Test(arguments: TestEngine.allCases) func everyPageForEveryRole(_ engine: TestEngine) async throws {
            try await TestServer.with(engine) { server in
                try await Self.organisations(server)
                let ours = try await Self.enrol(server, "ours")
                let theirs = try await Self.enrol(server, "theirs")
                let campaigns = (
                    ours: try await Self.campaign(server, "ours", ours),
                    theirs: try await Self.campaign(server, "theirs", theirs)
                )
                for role in Role.allCases {
                    let browser = try await Self.person(role, server)
                    for page in PageTable.all where page.method == .get && page.name != "events" && page.access != .open
                    {
                        let answer = try await browser.open(
                            Self.path(page, host: ours, campaign: campaigns.ours))
                        let isAllowed =
                            switch page.access {
                            case .open, .signedIn: true
                            case .permission(let permission): role.permissions.contains(permission)
                            case .installation: false
                            }
                        let expected: Set<Int> = isAllowed ? [200, 303, 404, 409] : [403]
                        #expect(expected.contains(answer.status), "\(role) \(page.path): \(answer.status)")
                        #expect(answer.headers["cache-control"].first == "no-store", "\(page.path)")
                        #expect(
                            !answer.text.contains(theirs), "\(role) \(page.path) tells of another organisation's host")
                        if page.path == "/campaigns/{campaign}" || page.path == "/campaigns/{campaign}/edit" {
                            #expect(answer.status == (isAllowed ? 200 : 403), "\(role) \(page.path)")
                        }
                        #expect(
                            !answer.text.contains("campaign of theirs") && !answer.text.contains(campaigns.theirs),
                            "\(role) \(page.path) tells of another organisation's campaign")
                        #expect(!answer.text.contains("THEIRS"), "\(role) \(page.path) names another organisation")
                        for link in Self.forbiddenLinks(role) {
                            #expect(!answer.text.contains("href=\"\(link)\""), "\(role) \(page.path) links to \(link)")
                        }
                    }
                    // Another organisation is exactly as one that there is not, and so is its host.
                    for page in PageTable.all where page.method == .get && page.name != "events" && page.access != .open
                    {
                        let foreign = try await browser.open(
                            Self.path(page, host: theirs, campaign: campaigns.theirs) + "?organisation=theirs")
                        let missing = try await browser.open(Self.path(page, host: "h-none") + "?organisation=none")
                        #expect(foreign.status == 404, "\(role) \(page.path)")
                        #expect(foreign.body == missing.body, "\(role) \(page.path)")
                        if page.path.contains("{host}") {
                            let host = try await browser.open(Self.path(page, host: theirs))
                            let none = try await browser.open(Self.path(page, host: "h-none"))
                            #expect(host.status == none.status && host.body == none.body, "\(role) \(page.path)")
                        }
                    }
                    for page in PageTable.all
                    where page.path.contains("{campaign}") && page.method == .get && page.name != "events" {
                        let foreign = try await browser.open(
                            Self.path(page, host: ours, campaign: campaigns.theirs))
                        let none = try await browser.open(Self.path(page, host: ours))
                        #expect(
                            foreign.status == none.status && foreign.body == none.body, "\(role) \(page.path)")
                    }
                    try await forms(role, browser, ours: ours, theirs: theirs, campaigns)
                }
            }
        }

        /// Forms that a role may not send do nothing and say so; none works without the session's token.
        private func forms(
            _ role: Role, _ browser: PageBrowser, ours: String, theirs: String,
            _ campaigns: (ours: String, theirs: String)
        ) async throws {
            try await browser.open("/settings/account")
            for page in PageTable.all where page.method == .post && page.access != .open && page.name != "logout" {
                let path = Self.path(page, host: ours, campaign: campaigns.ours)
                let bare = try await browser.submit(path, csrf: "")
                #expect(bare.status == 403, "\(role) POST \(path) without the token: \(bare.status)")
                if case .permission(let permission) = page.access, !role.permissions.contains(permission) {
                    let answer = try await browser.submit(path)
                    #expect(answer.status == 403, "\(role) POST \(path): \(answer.status)")
                }
                if page.path.contains("{campaign}"), case .permission(let permission) = page.access,
                    role.permissions.contains(permission)
                {
                    let foreign = try await browser.submit(
                        Self.path(page, host: ours, campaign: campaigns.theirs), [("reason", "x")])
                    let missing = try await browser.submit(Self.path(page, host: ours), [("reason", "x")])
                    #expect(foreign.status == 404 && foreign.body == missing.body, "\(role) POST \(path)")
                }
                if page.path.contains("{host}"), case .permission(let permission) = page.access,
                    role.permissions.contains(permission)
                {
                    let foreign = try await browser.submit(Self.path(page, host: theirs))
                    let missing = try await browser.submit(Self.path(page, host: "h-none"))
                    #expect(foreign.status == 404 && foreign.body == missing.body, "\(role) POST \(path)")
                }
            }
        }

        private static func forbiddenLinks(_ role: Role) -> [String] {
            var links: [String] = []
            if !role.permissions.contains(.auditRead) { links.append("/activity") }
            if !role.permissions.contains(.auditExport) { links.append("/activity.csv") }
            if !role.permissions.contains(.peopleRead) { links.append("/settings/people") }
            if !role.permissions.contains(.campaignsRead) { links.append("/campaigns") }
            if !role.permissions.contains(.campaignsWrite) { links.append("/campaigns/new") }
            if !role.permissions.contains(.enrolmentRead) { links.append("/settings/enrolment") }
            return links
        }

        @Test func strangersSeeNothing() async throws {
            try await TestServer.with { server in
                let stranger = PageBrowser(server)
                for page in PageTable.all where page.access != .open {
                    let path = Self.path(page, host: "h-none")
                    let answer = page.method == .get ? try await stranger.open(path) : try await stranger.submit(path)
                    #expect(answer.status == 303, "\(page.method) \(path): \(answer.status)")
                    #expect(answer.headers["location"].first?.hasPrefix("/login") == true, "\(path)")
                }
                let unknown = try await stranger.open("/no/such/page")
                #expect(unknown.status == 303, "a stranger cannot tell what there is")
                let method = try await stranger.open("/logout")
                #expect(method.status == 405)
                #expect(method.headers["allow"].first == "POST")
            }
        }

        @Test func everyPageSaysWhoMay() {
            for page in PageTable.all {
                #expect(page.method == .get || page.method == .post, "\(page.path)")
                if page.access == .open {
                    #expect(
                        ["login", "login-code", "login-link", "asset"].contains(page.name),
                        "\(page.path) is open to everybody: is it meant?")
                }
            }
        }

        /// A host beyond the labels that somebody's role selects is not there for them.
        @Test func labelsLimitWhatIsSeen() async throws {
            try await TestServer.with { server in
                try await Self.organisations(server)
                let near = try await Self.enrol(server, "ours")
                let far = try await Self.enrol(server, "ours")
                let now = server.clock.clock.now()
                try await server.server.state.store.write { transaction in
                    try transaction.hosts.setLabels(
                        organisation: "ours", host: near, ["site": "berlin"], actor: "test", now: now)
                }
                _ = try await server.server.state.people.createUser(
                    name: "grace@ours",
                    grants: [Grant(.operator, organisation: "ours", selector: LabelSelector("site=berlin"))],
                    by: .socket)
                let browser = PageBrowser(server)
                try await browser.comeIn("grace@ours")
                let list = try await browser.open("/hosts")
                #expect(list.text.contains(near) && !list.text.contains(far))
                #expect(try await browser.open("/hosts/\(near)").status == 200)
                let beyond = try await browser.open("/hosts/\(far)")
                let none = try await browser.open("/hosts/h-none")
                #expect(beyond.status == 404 && beyond.body == none.body)
                #expect(try await browser.submit("/hosts/\(far)/scan").status == 404)
                let moved = try await browser.submit("/hosts/\(near)/labels", [("labels", "site=paris")])
                #expect(moved.status == 403, "whose rights end at labels must not move them")
            }
        }
    }
}
