import Access
import Testing

@Suite struct AccessTests {
    @Test func nobodyMayAnythingByDefault() {
        let nobody = Principal(id: "user:1", grants: [])
        for permission in Permission.allCases {
            #expect(nobody.reach(permission, organisation: "a") == .none)
            #expect(nobody.reach(permission, organisation: nil) == .none)
        }
    }

    @Test(arguments: Role.allCases) func aGrantInOneOrganisationGivesNothingElsewhere(role: Role) {
        let principal = Principal(id: "user:1", grants: [Grant(role, organisation: "a")])
        for permission in Permission.allCases {
            let expected = role.permissions.contains(permission) && !permission.isOfInstallation
            #expect(principal.may(permission, organisation: "a") == expected, "\(permission)")
            #expect(!principal.may(permission, organisation: "b"), "\(permission)")
            #expect(!principal.may(permission, organisation: nil), "\(permission)")
        }
        #expect(principal.knows(organisation: "a") && !principal.knows(organisation: "b"))
    }

    @Test func labelsLimitHostsAndGiveNothingElse() throws {
        let berlin = try LabelSelector("site=berlin")
        let principal = Principal(id: "user:1", grants: [Grant(.admin, organisation: "a", selector: berlin)])
        #expect(principal.reach(.hostsManage, organisation: "a") == .selected([berlin]))
        #expect(principal.reach(.hostsManage, organisation: "a").includes(["site": "berlin"]))
        #expect(!principal.reach(.hostsManage, organisation: "a").includes(["site": "paris"]))
        #expect(!principal.reach(.hostsManage, organisation: "a").includes([:]))
        #expect(!principal.may(.peopleWrite, organisation: "a"))
        #expect(!principal.may(.auditRead, organisation: "a"))
    }

    @Test func tokensNeverExceedTheirScopes() {
        let principal = Principal(id: "token:1", grants: [Grant(.admin, organisation: nil)], scopes: [.hostsRead])
        #expect(principal.reach(.hostsRead, organisation: "a") == .all)
        #expect(!principal.may(.hostsOperate, organisation: "a"))
    }

    @Test func nobodyGivesMoreThanTheyHave() throws {
        let admin = Principal(id: "user:1", grants: [Grant(.admin, organisation: "a")])
        #expect(admin.mayGrant(Grant(.admin, organisation: "a")))
        #expect(admin.mayGrant(Grant(.viewer, organisation: "a", selector: try LabelSelector("x=y"))))
        #expect(!admin.mayGrant(Grant(.viewer, organisation: "b")))
        #expect(!admin.mayGrant(Grant(.viewer, organisation: nil)))
        #expect(
            !Principal(id: "user:2", grants: [Grant(.operator, organisation: "a")])
                .mayGrant(Grant(.viewer, organisation: "a")))
        #expect(
            Principal(id: "user:3", grants: [Grant(.admin, organisation: nil)])
                .mayGrant(Grant(.admin, organisation: nil)))
    }

    @Test(
        arguments: [
            ("", [:], true), ("site=berlin", ["site": "berlin"], true), ("site==berlin", ["site": "paris"], false),
            ("site!=berlin", [:], true), ("site != berlin", ["site": "berlin"], false),
            ("tier in (web, api)", ["tier": "api"], true), ("tier in (web,api)", [:], false),
            ("tier notin (web)", [:], true), ("canary", ["canary": ""], true), ("!canary", ["canary": ""], false),
            ("site=berlin,!canary", ["site": "berlin"], true), ("a.b/c=d", ["a.b/c": "d"], true),
            ("x=", ["x": ""], true),
            ("input", ["input": "1"], true), ("inx in (in)", ["inx": "in"], true),
        ] as [(String, [String: String], Bool)])
    func selects(text: String, labels: [String: String], expected: Bool) throws {
        let selector = try LabelSelector(text)
        #expect(selector.selects(labels) == expected)
        #expect(try LabelSelector(selector.description) == selector)
    }

    @Test(arguments: [("=x", 0), ("a,,b", 2), ("a in web", 5), ("a in (web", 9), ("a=b c", 4), ("a&b", 1)])
    func saysWhereASelectorIsWrong(text: String, offset: Int) {
        let error = #expect(throws: LabelSelectorError.self) { try LabelSelector(text) }
        #expect(error?.offset == offset)
    }
}
