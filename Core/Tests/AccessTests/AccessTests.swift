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

    /// Kubernetes' own examples, with empty values as it reads them.
    @Test(
        arguments: [
            ("x in ()", ["x": ""], true), ("x in (,)", ["x": "a"], false), ("x in (a,)", ["x": ""], true),
            ("x notin (,a)", ["x": ""], false), ("x in(a)", ["x": "a"], true), ("  x  ,  ! y ", ["x": "1"], true),
            ("x=a,x!=b,y notin (c)", ["x": "a"], true), ("x notin (a)", ["x": "b"], true),
        ] as [(String, [String: String], Bool)])
    func readsWhatKubernetesReads(text: String, labels: [String: String], expected: Bool) throws {
        #expect(try LabelSelector(text).selects(labels) == expected)
    }

    /// Random selectors select as a plain reading of their requirements does, and are written so that they read the same.
    @Test func randomSelectorsReadAsTheyAreWritten() throws {
        var state: UInt64 = 11
        func next(_ count: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(count))
        }
        let keys = ["a", "b", "in", "notin", "x.y/z", "not-in", "inn"]
        let values = ["", "1", "web", "in", "a.b_c-D"]
        for _ in 0..<3000 {
            var requirements: [LabelSelector.Requirement] = []
            for _ in 0..<next(4) {
                let key = keys[next(keys.count)]
                let some = (0...next(3)).map { _ in values[next(values.count)] }
                switch next(4) {
                case 0: requirements.append(.isIn(key: key, values: some))
                case 1: requirements.append(.isNotIn(key: key, values: some))
                case 2: requirements.append(.exists(key: key))
                default: requirements.append(.isAbsent(key: key))
                }
            }
            let selector = LabelSelector(requirements)
            #expect(try LabelSelector(selector.description) == selector, "\(selector)")
            var labels: [String: String] = [:]
            for key in keys where next(2) == 0 { labels[key] = values[next(values.count)] }
            let expected = requirements.allSatisfy { requirement in
                switch requirement {
                case .isIn(let key, let some): labels[key] != nil && some.contains { $0 == labels[key] }
                case .isNotIn(let key, let some): labels[key] == nil || !some.contains { $0 == labels[key] }
                case .exists(let key): labels.keys.contains(key)
                case .isAbsent(let key): !labels.keys.contains(key)
                }
            }
            #expect(selector.selects(labels) == expected, "\(selector) \(labels)")
        }
    }

    /// Whatever becomes of a selector, it is read or refused at a place within it.
    @Test func damagedSelectorsAreRefusedAtAPlace() {
        let text = Array("site=berlin,tier in (web, api),!canary,x notin (a),y!=b,z".utf8)
        var state: UInt64 = 12
        for _ in 0..<4000 {
            var bytes = text
            for _ in 0..<3 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let at = Int((state >> 33) % UInt64(bytes.count))
                if state >> 60 < 8 {
                    bytes.remove(at: at)
                } else {
                    bytes[at] = Array("(),!= \"&in1".utf8)[Int((state >> 40) % 11)]
                }
            }
            let damaged = String(decoding: bytes, as: UTF8.self)
            do throws(LabelSelectorError) {
                let selector = try LabelSelector(damaged)
                #expect((try? LabelSelector(selector.description)) == selector, "\(damaged)")
            } catch {
                #expect((0...bytes.count).contains(error.offset), "\(damaged)")
                #expect(error.description.contains("character \(error.offset + 1)"))
            }
        }
    }
}
