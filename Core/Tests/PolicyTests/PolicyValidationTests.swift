import Gates
import JSON
import Policy
import Testing

@Suite struct PolicyValidationTests {
    private func problems(_ documents: [JSONValue], hosts: [PolicyHost]? = nil) throws -> [PolicyProblem] {
        let (set, wrong) = try PolicySamples.read(documents)
        #expect(wrong.isEmpty, "\(wrong.map(\.description))")
        return set.validate(PolicySamples.surroundings(hosts))
    }

    private let document = PolicySamples.document

    @Test func namesThatAreNotThere() throws {
        let found = try problems([
            document("HostGroup", "web", ["selector": "a=b"]),
            document(
                "Freeze", "f",
                ["reason": "r", "clocks": "UTC", "yearly": ["from": "12-20", "through": "01-06"], "groups": ["wbe"]]),
        ])
        #expect(
            found.contains {
                $0.severity == .error && $0.path == "spec.groups[0]" && $0.message.contains("did you mean web?")
            })
        #expect(found.contains { $0.severity == .warning && $0.message.contains("nothing refers to it") })
        let (_, twice) = try PolicySamples.read([PolicySamples.all[0], PolicySamples.all[0]])
        #expect(twice.count == 1 && twice[0].path == "metadata.name" && twice[0].message.contains("fleet.json:1:2"))
    }

    private func window(_ rule: String, _ more: [String: JSONValue] = [:]) -> JSONValue {
        document(
            "Window", "w",
            .object(
                ["rule": .string(rule), "start": "22:00", "duration": "4h", "clocks": "Europe/Berlin"].merging(more) {
                    $1
                }))
    }

    @Test func impossibleWindows() throws {
        func found(_ documents: JSONValue..., severity: PolicyProblem.Severity = .error) throws -> [String] {
            try problems(documents).filter { $0.severity == severity }.map(\.message)
        }
        #expect(try found(window("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30")).contains { $0.contains("never opens again") })
        #expect(try found(window("FREQ=DAILY;UNTIL=20200101")).contains { $0.contains("never opens again") })
        #expect(
            try found(window("monthly", ["duration": "20m"])).contains {
                $0.contains("the shortest change with its way back needs 30")
            })
        #expect(try found(window("monthly", ["clocks": "Europe/Berln"])).contains { $0.contains("there is no zone") })
        #expect(
            try found(window("FREQ=YEARLY;INTERVAL=8;BYMONTH=3", ["firstDay": "2030-03-01"]), severity: .warning)
                .contains { $0.contains("more than two years") })
        #expect(try found(window("FREQ=MONTHLY;BYMONTHDAY=31"), severity: .warning).contains { $0.contains("31") })
        let freeze = document(
            "Freeze", "winter",
            ["reason": "r", "clocks": "Europe/Berlin", "yearly": ["from": "12-20", "through": "01-06"]])
        #expect(
            try found(window("FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=24"), freeze).contains {
                $0.contains("lies in a freeze (winter)")
            })
        #expect(try found(window("FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=19"), freeze).isEmpty)
    }

    @Test func ordersThatWaitForOneAnother() throws {
        func order(_ name: String, _ first: String, _ then: String) -> JSONValue {
            document("Relation", name, ["order": ["first": .string(first), "then": .string(then)]])
        }
        let groups = ["a", "b", "c"].map { document("HostGroup", $0, ["selector": "x"]) }
        let fine = groups + [order("one", "a", "b"), order("two", "b", "c"), order("three", "a", "c")]
        #expect(try !problems(fine).contains { $0.severity == .error })
        let circle = try problems(fine + [order("four", "c", "a")]).filter { $0.severity == .error }
        #expect(circle.count == 4 && circle.allSatisfy { $0.message.contains("wait for one another") })
        #expect(
            circle.contains {
                $0.message.contains("(a after c after b after a)") || $0.message.contains("(a after c after a)")
            }, "\(circle.map(\.message))")
    }

    @Test func whatBitesPeopleIsAWarning() throws {
        let found = try problems([
            document("Script", "s", ["digest": .string(PolicySamples.digest), "idempotent": false]),
            document("Exception", "e", ["packages": ["a"], "owner": "o", "reason": "r", "expires": "2026-11-21"]),
            document("RingPlan", "r", ["rings": [["name": "all", "size": "rest"]]]),
            document(
                "CampaignRules", "c",
                ["rules": [["name": "kev", "when": ["exploited": true], "within": "1d", "rings": "r"]]]),
            document("Budget", "b", ["per": "campaign", "limit": "80%"]),
        ])
        #expect(found.allSatisfy { $0.severity == .warning })
        for part in ["add undo", "has run out", "one ring only", "add a last rule", "more than half"] {
            #expect(found.contains { $0.message.contains(part) }, "\(part): \(found.map(\.description))")
        }
        let two = try problems([document("Handling", "a", [:]), document("Handling", "b", [:])])
        #expect(two.contains { $0.severity == .error && $0.message.contains("for every host too") })
    }

    @Test func whatTheHostsSay() throws {
        let hosts = (0..<30).map {
            PolicyHost(
                id: "h\($0)", name: "h\($0)", labels: $0 < 2 ? ["ring": "test"] : [:],
                facts: [.os: $0 < 20 ? "debian-12" : "debian-11"])
        }
        let found = try problems(
            [
                document("HostGroup", "test", ["selector": "ring=test"]),
                document("HostGroup", "same", ["hosts": ["h1"]]),
                document("HostGroup", "none", ["selector": "ring=none"]),
                document(
                    "RingPlan", "r",
                    [
                        "stratifyBy": ["os"],
                        "rings": [
                            ["name": "a", "group": "test"], ["name": "b", "group": "same"],
                            ["name": "c", "group": "none"], ["name": "d", "size": "rest"],
                        ],
                    ]),
            ], hosts: hosts)
        #expect(found.allSatisfy { $0.severity == .warning })
        for part in ["no host is in the group", "are in the ring a already", "none is in the ring c", "debian-11 (10)"]
        {
            #expect(found.contains { $0.message.contains(part) }, "\(part): \(found.map(\.description))")
        }
    }

    @Test func groupsAskLabelsFactsAndNames() throws {
        let (set, _) = try PolicySamples.read(PolicySamples.all)
        let hosts = [
            PolicyHost(id: "1", name: "w1", labels: ["tier": "web"], facts: [.os: "debian-12", .site: "berlin"]),
            PolicyHost(id: "2", name: "w2", labels: ["tier": "web"], facts: [.os: "debian-12"]),
            PolicyHost(
                id: "3", name: "w3", labels: ["tier": "web", "canary": ""], facts: [.os: "debian-12", .site: "berlin"]),
            PolicyHost(id: "4", name: "w4", labels: ["tier": "api"], facts: [.os: "debian-12", .site: "lab"]),
            PolicyHost(id: "5", name: "test1", labels: ["tier": "database"]),
        ]
        // Of the second the site is not known: unknown is never a yes.
        #expect(set.members(of: "web", among: hosts)?.map(\.id) == ["1"])
        #expect(set.members(of: "database", among: hosts)?.map(\.id) == ["5"])
        #expect(set.members(of: "test", among: hosts)?.map(\.id) == ["5"])
        #expect(set.members(of: "gone", among: hosts) == nil)
    }

    @Test func gatesComeFromPolicies() throws {
        let (set, _) = try PolicySamples.read(PolicySamples.all)
        let gate = try #require(set.first(GatePolicy.self, named: "strict")).gate
        #expect(gate.monitor.acceptable == 0.01 && gate.coverage == 0.9 && gate.unusable.isEmpty)
        #expect(GatePolicy().gate == Gate())
    }

    @Test func plansShowWhatChanges() throws {
        let (before, _) = try PolicySamples.read(PolicySamples.all)
        let same = PolicyPlan(from: before.objects.map(\.json), to: before.objects.map(\.json))
        #expect(same.isEmpty && same.unchanged == before.objects.count)
        var documents = PolicySamples.all
        documents.removeAll { $0["kind"]?.string == "Freeze" }
        documents.append(document("HostGroup", "new", ["selector": "a"]))
        let index = try #require(documents.firstIndex { $0["kind"]?.string == "RingPlan" })
        documents[index] = document(
            "RingPlan", "standard",
            [
                "stratifyBy": ["os", "site"],
                "rings": [
                    ["name": "pilot", "size": "2%", "minimum": 5, "maximum": 50, "gate": "strict", "budget": 2],
                    ["name": "test", "group": "test", "soak": "4h", "cutoff": "2d", "approvals": 1],
                    ["name": "broad", "size": "rest"],
                ],
            ])
        let (after, problems) = try PolicySamples.read(documents)
        #expect(problems.isEmpty)
        let plan = PolicyPlan(from: before.objects.map(\.json), to: after.objects.map(\.json))
        #expect(
            plan.lines == [
                "- Freeze/audit", "- Freeze/christmas", "+ HostGroup/new", "~ RingPlan/standard",
                "    spec.rings[early]: {\"budget\":\"10%\",\"name\":\"early\",\"size\":60} -> (unset)",
                "    spec.rings[pilot].size: 1% -> 2%",
                "    spec.rings (order): test, pilot, broad -> pilot, test, broad",
                "    spec.rotate: false -> (unset)",
            ])
        let keeping = PolicyPlan(from: before.objects.map(\.json), to: after.objects.map(\.json), prunes: false)
        #expect(!keeping.lines.contains { $0.hasPrefix("-") })
        // Applied, there is nothing left to do.
        #expect(PolicyPlan(from: after.objects.map(\.json), to: after.objects.map(\.json)).isEmpty)
    }
}
