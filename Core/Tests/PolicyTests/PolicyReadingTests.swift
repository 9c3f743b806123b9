import JSON
import Policy
import Schedule
import Testing

@Suite struct PolicyReadingTests {
    private func problems(_ text: String) throws -> [PolicyProblem] {
        PolicySet.read(try PolicyNode.documents(json: Array(text.utf8), file: "f")).problems
    }

    @Test func everyKindIsReadWithoutAProblem() throws {
        let (set, problems) = try PolicySamples.read(PolicySamples.all)
        #expect(problems.isEmpty, "\(problems.map(\.description))")
        #expect(set.objects.count == PolicySamples.all.count)
        #expect(Set(set.objects.map(\.kind)) == Set(PolicyKinds.all.map { $0.kind }))
        let found = set.validate(PolicySamples.surroundings())
        #expect(!found.contains { $0.severity == .error }, "\(found.map(\.description))")
    }

    /// The canonical form is read as the same, and says nothing that is the default.
    @Test func theCanonicalFormIsReadAsTheSame() throws {
        let (set, _) = try PolicySamples.read(PolicySamples.all)
        let (again, problems) = try PolicySamples.read(set.objects.map(\.json))
        #expect(problems.isEmpty)
        #expect(again.json == set.json && again.digest == set.digest)
        #expect(zip(set.objects, again.objects).allSatisfy { $0.digest == $1.digest })
        // Every sample is canonical already, but for what another writing says as well.
        let plain = PolicySamples.document("Handling", "plain", [:])
        let spelled = PolicySamples.document(
            "Handling", "plain", ["reboot": "when-needed", "settle": "60s", "passes": 3])
        #expect(try PolicySamples.read([plain]).set.digest == PolicySamples.read([spelled]).set.digest)
        let hours = PolicySamples.document(
            "Window", "w", ["rule": "LAST-FRIDAY", "start": "02:00", "duration": "120m", "clocks": "host"])
        #expect(try PolicySamples.read([hours]).set.objects[0].json["spec"]?["duration"] == "2h")
        #expect(try PolicySamples.read([hours]).set.objects[0].json["spec"]?["rule"] == "last-friday")
    }

    /// Whatever key of whatever kind is changed: a name that is not there, and a value of another type, are refused there.
    @Test func everyKeyIsReadStrictly() throws {
        var tried = 0
        for sample in PolicySamples.all {
            for (path, value) in Self.values(sample, []) {
                let odd: JSONValue = value.object == nil && value.array == nil ? [["odd": 1]] : 7.5
                let (_, wrong) = try PolicySamples.read([Self.replacing(sample, path[...], by: odd)])
                #expect(!wrong.isEmpty, "\(path) may be \(odd)")
                if case .object(var members) = value {
                    members["zzzz"] = 1
                    let (_, unknown) = try PolicySamples.read([Self.replacing(sample, path[...], by: .object(members))])
                    #expect(
                        unknown.contains { $0.message.contains("there is no key \"zzzz\"") || $0.path == "kind" },
                        "\(path)")
                }
                tried += 1
            }
        }
        #expect(tried > 250)
    }

    @Test(arguments: [
        (#"{"kind": "HostGroup"}"#, 1, 1, "apiVersion is missing"),
        (#"{"apiVersion": "fettle/v9", "kind": "HostGroup"}"#, 1, 16, "reads no other version"),
        ("{\"apiVersion\": \"fettle/v1\",\n \"kind\": \"HostGruop\"}", 2, 10, "did you mean HostGroup?"),
        (
            "{\"apiVersion\": \"fettle/v1\", \"kind\": \"HostGroup\",\n \"metadata\": {\"name\": \"a\"},\n  \"spec\": {\"selektor\": \"a=b\"}}",
            3, 12, "did you mean selector?"
        ),
        (
            "{\"apiVersion\": \"fettle/v1\", \"kind\": \"HostGroup\",\n \"metadata\": {\"name\": \"a\"},\n  \"spec\": {\"selector\": \"a in b\"}}",
            3, 24, "character 6"
        ),
        (
            "{\"apiVersion\": \"fettle/v1\", \"kind\": \"HostGroup\",\n \"metadata\": {\"name\": \"Ä\", \"name\": \"a\"}}",
            2, 28, "a second time"
        ),
        ("[\n  7]", 2, 3, "expected a document"), ("{", 1, 2, "no JSON"),
    ])
    func problemsHaveLineColumnAndCure(_ text: String, _ line: Int, _ column: Int, _ cure: String) throws {
        var found: [PolicyProblem] = []
        do { found = try problems(text) } catch let problem as PolicyProblem { found = [problem] }
        #expect(
            found.contains { $0.place.line == line && $0.place.column == column && $0.message.contains(cure) },
            "\(found.map(\.description))")
    }

    private func spec(_ kind: String, _ spec: JSONValue, _ path: String, _ part: String) throws {
        let (_, found) = try PolicySamples.read([PolicySamples.document(kind, "x", spec)])
        #expect(found.contains { $0.path == path && $0.message.contains(part) }, "\(kind): \(found.map(\.description))")
    }

    @Test func contradictionsAreRefused() throws {
        try spec("RingPlan", ["rings": [["name": "a", "size": "5%"]]], "spec.rings[0]", "size: rest")
        try spec(
            "RingPlan", ["rings": [["name": "a", "size": "rest"], ["name": "b", "size": "rest"]]], "spec.rings[0].size",
            "only the last")
        try spec(
            "RingPlan",
            ["rings": [["name": "a", "group": "g"], ["name": "b", "group": "g"], ["name": "c", "size": "rest"]]],
            "spec.rings[1].group", "two rings")
        try spec(
            "RingPlan",
            ["rings": [["name": "a", "size": "60%"], ["name": "b", "size": "60%"], ["name": "c", "size": "rest"]]],
            "spec.rings", "more than 100%")
        try spec(
            "RingPlan",
            ["rings": [["name": "a", "size": 5, "minimum": 9, "maximum": 2], ["name": "c", "size": "rest"]]],
            "spec.rings[0].minimum", "exchange")
        try spec(
            "RingPlan", ["rings": [["name": "a", "size": 5, "group": "g"], ["name": "c", "size": "rest"]]],
            "spec.rings[0]", "exclude one another")
        try spec(
            "Window", ["rule": "FREQ=HOURLY", "start": "22:00", "duration": "4h", "clocks": "host"], "spec.rule",
            "FREQ=HOURLY")
        try spec(
            "Window", ["rule": "FREQ=DAILY;INTERVAL=2", "start": "22:00", "duration": "4h", "clocks": "host"],
            "spec.rule", "first day")
        try spec("Window", ["start": "22:00", "duration": "4h", "clocks": "host"], "spec", "rule, dates")
        try spec(
            "Window", ["rule": "monthly", "start": "24:00", "duration": "4h", "clocks": "Mars Base"], "spec.start",
            "22:00")
        try spec(
            "Window", ["rule": "monthly", "start": "23:00", "duration": "4x", "clocks": "host"], "spec.duration", "90m")
        try spec("PackageRule", ["packages": ["a"], "action": "pin", "reason": "r"], "spec.action", "add version")
        try spec(
            "PackageRule", ["packages": ["a"], "action": "hold", "version": "1", "reason": "r"], "spec.version",
            "only a pin")
        try spec("Budget", ["per": "label", "limit": 1], "spec.per", "add label")
        try spec("Budget", ["per": "site", "healthy": "100%"], "spec.healthy", "less than 100%")
        try spec("Budget", ["per": "site", "limit": 0], "spec.limit", "from 1")
        try spec("Script", ["digest": "sha256:12", "idempotent": true], "spec.digest", "sha256sum")
        try spec(
            "Script", ["digest": .string(PolicySamples.digest), "idempotent": true, "file": "../x"], "spec.file",
            "leads out")
        try spec(
            "CampaignRules",
            ["rules": [["name": "a", "cadence": "m"], ["name": "b", "cadence": "m", "when": ["severity": "high"]]]],
            "spec.rules[1]", "never decides")
        try spec(
            "CampaignRules", ["rules": [["name": "a", "rings": "r", "emergency": ["approvers": 1]]]],
            "spec.rules[0].emergency.approvers", "from 2 to 5")
        try spec(
            "CampaignRules", ["rules": [["name": "a", "rings": "r", "emergency": ["expires": "2d"]]]],
            "spec.rules[0].emergency.expires", "out of bounds")
        try spec(
            "Freeze",
            ["reason": "r", "clocks": "UTC", "between": ["from": "2027-01-02T00:00", "to": "2027-01-01T00:00"]],
            "spec.between.to", "exchange")
        try spec(
            "Exception", ["vulnerabilities": ["CVE-1"], "owner": "a", "reason": "r"], "spec", "expires is missing")
        try spec("Gate", ["acceptable": "60%"], "spec.acceptable", "out of bounds")
        try spec("HealthCheck", ["tcp": ["port": 70_000]], "spec.tcp.port", "65535")
    }

    @Test func plainScalarsAreOfYAMLsCoreSchema() {
        #expect(["", "~", "null", "Null"].allSatisfy { PolicyNode.plain($0) == .null })
        #expect(PolicyNode.plain("true") == .bool(true) && PolicyNode.plain("FALSE") == .bool(false))
        for text in ["1", "-7", "+3", "1.10", ".5", "1e3", "6.", "0o17", "0xFf", ".inf", "-.INF", ".nan"] {
            #expect(PolicyNode.plain(text) == .number(text), "\(text)")
        }
        for text in ["no", "22:00", "2026-12-01", "1.2.3", "0x", "0o8", "e3", "-", ".", "+", "1e", "12h", "5%"] {
            #expect(PolicyNode.plain(text) == .text(text, isPlain: true), "\(text)")
        }
    }

    /// Where a text is meant a number, or a word that some programs take for a Boolean, must stand in quotation marks.
    @Test func textsThatMightBeSomethingElse() {
        let place = PolicyPlace(file: "f", line: 1, column: 1)
        func document(_ version: PolicyNode.Content) -> PolicyNode {
            func map(_ members: [(String, PolicyNode.Content)]) -> PolicyNode.Content {
                .map(members.map { .init(name: $0, place: place, value: PolicyNode($1, at: place)) })
            }
            func text(_ text: String) -> PolicyNode.Content { .text(text, isPlain: true) }
            return PolicyNode(
                map([
                    ("apiVersion", text("fettle/v1")), ("kind", text("PackageRule")),
                    ("metadata", map([("name", text("x"))])),
                    (
                        "spec",
                        map([
                            ("packages", .list([PolicyNode(text("a"), at: place)])), ("action", text("pin")),
                            ("reason", text("r")), ("version", version),
                        ])
                    ),
                ]), at: place)
        }
        #expect(PolicySet.read([document(.text("1.10", isPlain: false))]).problems.isEmpty)
        #expect(
            PolicySet.read([document(PolicyNode.plain("1.10"))]).problems.first?.message.contains("\"1.10\"") == true)
        #expect(
            PolicySet.read([document(PolicyNode.plain("no"))]).problems.first?.message.contains("quotation marks")
                == true)
        #expect(PolicySet.read([document(.text("no", isPlain: false))]).problems.isEmpty)
    }

    @Test func limitsHold() throws {
        let deep = String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
        #expect(throws: PolicyProblem.self) { try PolicyNode.documents(json: Array(deep.utf8), file: "f") }
        let large = [UInt8](repeating: 0x20, count: PolicyLimits.maximumBytes + 1)
        #expect(throws: PolicyProblem.self) { try PolicyNode.documents(json: large, file: "f") }
        let many = [JSONValue](repeating: PolicySamples.all[1], count: PolicyLimits.maximumDocuments + 1)
        let place = PolicyPlace(file: "f", line: 1, column: 1)
        let nodes = [PolicyNode](repeating: PolicyNode(.null, at: place), count: many.count)
        #expect(PolicySet.read(nodes).problems.contains { $0.message.contains("2000 are the most") })
    }

    /// Each value of a document with the way to it.
    static func values(_ value: JSONValue, _ path: [String]) -> [([String], JSONValue)] {
        var found = [(path, value)]
        switch value {
        case .object(let members):
            for key in members.keys.sorted() { found += values(members[key] ?? .null, path + [key]) }
        case .array(let elements):
            for (index, element) in elements.enumerated() { found += values(element, path + ["\(index)"]) }
        default: break
        }
        return found
    }

    static func replacing(_ value: JSONValue, _ path: ArraySlice<String>, by new: JSONValue) -> JSONValue {
        guard let first = path.first else { return new }
        switch value {
        case .object(var members):
            members[first] = replacing(members[first] ?? .null, path.dropFirst(), by: new)
            return .object(members)
        case .array(var elements):
            if let index = Int(first) { elements[index] = replacing(elements[index], path.dropFirst(), by: new) }
            return .array(elements)
        default: return value
        }
    }
}
