public import HTML
import Timestamps

extension Samples {
    /// Every page with made-up data, by a name for its file.
    public var pages: [(name: String, page: HTML)] {
        let context = context
        let settings = Set(SettingsTab.allCases)
        let events = Location("events")
        var zero = context
        zero.notice = Notice(.good, text("Saved"), text("The labels of web-01 are changed."))
        zero.alert = Alert(
            Notice(.critical, text("No host gets orders"), text("A host has seen more than this server.")),
            verb: text("Dismiss the claim"), to: Location("settings", "restore", "dismiss"))
        var pages: [(name: String, page: HTML)] = [
            ("today", todayPage(today, context, events: events)),
            ("today-calm", todayPage(calm, zero, events: events)),
            ("today-first", todayPage(firstRun, context, events: nil)),
            ("hosts", hostsPage(hostList, context, events: events)),
            ("hosts-none", hostsPage(HostsModel(query: HostsQuery(["q": text("nothing")])), context, events: nil)),
        ]
        pages += HostTab.allCases.map { ("host-\($0.rawValue)", hostPage(host($0), context, events: events)) }
        pages += [
            ("patches", patchesPage(patchList, context, events: events)),
            ("patch", patchPage(patch, context, events: events)),
            ("activity", activityPage(activityModel, context)),
            ("search", searchPage(search, context)),
            ("account", accountPage(account, context, settings)),
            ("sessions", sessionsPage(sessions, context, settings)),
            ("tokens", tokensPage(tokens, context, settings)),
            ("enrolment", enrolmentPage(enrolment, context, settings)),
            ("people", peoplePage(people, context, settings)),
            (
                "person",
                personPage(PersonModel(row: people.rows[1], mayWrite: true, places: people.places), context, settings)
            ),
            ("organisations", organisationsPage(organisations, context, settings)),
            ("labels", labelsPage(host: hosts[0], text: text("site=berlin"), error: text("wrong"), context)),
            ("confirm", confirmPage(confirm, context, current: .hosts)),
            ("login", loginPage(login(.password), stranger)),
            ("login-code", loginPage(login(.code(ticket: "t")), stranger)),
            ("login-link", loginPage(login(.link(code: "c")), stranger)),
            ("device", devicePage(device, context)),
            (
                "error-404",
                errorPage(
                    ErrorModel(
                        status: 404, title: "There is nothing here",
                        text: text("No page has this address, or it is not yours to see.")), context)
            ),
            (
                "error-500",
                errorPage(
                    ErrorModel(
                        status: 500, title: "The server failed",
                        text: "It is not your doing. The server's log has what happened.", request: text("r-81f2")),
                    stranger)
            ),
            ("style", stylePage(context)),
        ]
        return pages + riskPages + campaignPages
    }

    var firstRun: TodayModel {
        var model = TodayModel()
        model.firstRun = FirstRun(hasPassword: true, hasToken: false, hasHost: false, mayEnrol: true)
        return model
    }

    var patchList: PatchesModel {
        var model = PatchesModel()
        model.text = text("")
        model.rows = patches
        model.total = patches.count
        model.securityCount = 38
        model.otherCount = 120
        model.active = 231
        model.unjudged = 7
        model.mayPatch = true
        return model
    }

    var patch: PatchModel {
        var model = PatchModel(name: text("openssl"))
        model.candidates = [patches[0]]
        model.hosts = hosts.prefix(5).map { ($0, updates[0]) }
        model.total = 84
        model.next = "cursor"
        return model
    }

    var activityModel: ActivityModel {
        var model = ActivityModel()
        model.rows = activity
        model.mayExport = true
        model.actor = text("")
        model.next = "cursor"
        return model
    }

    var search: SearchModel {
        var model = SearchModel(text: text("web"))
        model.hosts = hosts.prefix(3).map { ($0.id, $0.name, "name", $0.name) }
        model.hostCount = 3
        model.packages = [(text("libwebp7"), 12, 140), (text("webhook"), 0, 2)]
        model.packageCount = 2
        model.vulnerabilities = [(text("CVE-2026-0911"), text("OpenSSL: a crafted certificate"), 84)]
        return model
    }

    var account: AccountModel {
        var model = AccountModel(
            name: text("ada"), displayName: text("Ada Byron"), email: text("ada@example.org"), hasPassword: true,
            passwordChangedAt: before(40 * 86_400), hasSecondFactor: false)
        model.roles = [("admin", text("the whole installation")), ("auditor", text("Northwind Traders"))]
        model.enrolment = SecondFactor(
            secret: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
            uri: "otpauth://totp/Fettle:ada?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Fettle")
        model.errors = ["again": text("The two are not the same.")]
        return model
    }

    var sessions: [SessionRow] {
        [
            SessionRow(
                id: "ses-1", agent: text("Firefox on Linux"), address: text("192.0.2.7"), method: text("password"),
                createdAt: before(7200), seenAt: before(10), isThis: true),
            SessionRow(
                id: "ses-2", agent: text("Chrome on macOS"), address: text("198.51.100.9"), method: text("link"),
                createdAt: before(90_000), seenAt: before(50_000), isThis: false),
        ]
    }

    var tokens: TokensModel {
        var model = TokensModel()
        model.rows = [
            TokenRow(
                id: text("tok-1"), name: text("Nightly export"), scopes: [text("hosts:read")],
                createdAt: before(86_400), expiresAt: now.adding(seconds: 8_000_000), lastUsedAt: before(3000),
                revokedAt: nil),
            TokenRow(
                id: text("tok-2"), name: text("Old pipeline"), scopes: nil, createdAt: before(9_000_000),
                expiresAt: before(86_400), lastUsedAt: nil, revokedAt: nil),
        ]
        model.made = text("fettle_7Q2M_0123456789abcdef")
        model.scopes = ["hosts:read", "hosts:operate", "audit:read"]
        return model
    }

    var enrolment: EnrolmentModel {
        var model = EnrolmentModel()
        model.rows = [
            EnrolmentRow(
                id: text("fet-7"), note: text("Web servers, rack 4"), labels: [(text("site"), text("berlin"))],
                createdBy: text("Ada Byron"), createdAt: before(9000), expiresAt: now.adding(seconds: 70_000),
                usesLeft: 8, usesTotal: 12, lastUsedAt: before(1500), revokedAt: nil),
            EnrolmentRow(
                id: text("fet-3"), note: text("First host"), labels: [], createdBy: text("Ada Byron"),
                createdAt: before(900_000), expiresAt: before(800_000), usesLeft: 0, usesTotal: 1,
                lastUsedAt: before(890_000), revokedAt: nil),
        ]
        model.command = text(
            "fettle-agent enroll fettle1.eyJhIjoiZmV0dGxlLmV4YW1wbGUub3JnOjg0NDQiLCJwIjpbIjBmM2E4YzQyIl0sImkiOiJmZXQtOCIsInMiOiJrNVhwIn0"
        )
        model.mayWrite = true
        return model
    }

    var people: PeopleModel {
        var model = PeopleModel()
        model.rows = [
            PersonRow(
                id: "u-1", name: text("ada"), displayName: text("Ada Byron"),
                roles: [("g-1", "admin", text("the whole installation"), "")], hasPassword: true, hasSecondFactor: true,
                isDisabled: false, lastLoginAt: before(7200)),
            PersonRow(
                id: "u-2", name: text("grace"), displayName: text("Grace Hopper"),
                roles: [
                    ("g-2", "operator", text("Acme GmbH"), text("site=berlin")),
                    ("g-3", "viewer", text("Northwind"), ""),
                ], hasPassword: true, hasSecondFactor: false, isDisabled: false, lastLoginAt: before(400_000)),
            PersonRow(
                id: "u-3", name: text("edsger"), displayName: text("Edsger Dijkstra"), roles: [], hasPassword: false,
                hasSecondFactor: false, isDisabled: true, lastLoginAt: nil),
        ]
        model.mayWrite = true
        model.places = [("", text("The whole installation")), ("acme", text("Acme GmbH"))]
        model.link = (text("Grace Hopper"), text("https://fettle.example.org:8080/login/link#k3F9"))
        return model
    }

    var organisations: OrganisationsModel {
        var model = OrganisationsModel()
        model.rows = [
            (text("acme"), text("Acme GmbH"), before(9_000_000), 231),
            (text("northwind"), text("Northwind Traders"), before(80_000), 12),
        ]
        model.mayWrite = true
        model.approvals = (text("Acme GmbH"), 2, true)
        return model
    }

    var confirm: ConfirmModel {
        ConfirmModel(
            title: text("Retire db-primary.berlin"), question: text("Retire db-primary.berlin?"),
            consequences: [
                "Its certificates are revoked at once.", "Its history stays.",
                "It can be enrolled again with a new token.",
            ],
            verb: "Retire", isDangerous: true, action: Location("hosts", "h-1", "retire"),
            back: Location("hosts", "h-1"),
            typed: text("db-primary.berlin"), asksReason: true)
    }

    func login(_ step: LoginModel.Step) -> LoginModel {
        var model = LoginModel(step, action: Location("login"))
        model.name = text("ada")
        if case .code = step { model.error = text("The code is not right.") }
        return model
    }

    var device: DeviceModel {
        var model = DeviceModel(code: text("WDJB-MJHT"))
        model.machine = text("ada's laptop")
        model.address = text("192.0.2.7")
        model.askedAt = before(20)
        return model
    }
}
