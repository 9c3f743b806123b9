import Foundation
import JSON
import Policy
import PolicyFiles
import Schedule
import Testing
import Timestamps

@Suite struct PolicyYAMLTests {
    private func read(_ text: String) throws -> [PolicyNode] {
        try PolicyYAML.documents(Array(text.utf8), file: "fleet.yaml")
    }

    private func problem(_ text: String) -> PolicyProblem? {
        do {
            let found = PolicySet.read(try read(text)).problems
            return found.first
        } catch { return error as? PolicyProblem }
    }

    /// The documentation's examples are policies without a problem.
    @Test func theDocumentedExampleIsWhole() throws {
        let page = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/policy.md")
        let blocks = try String(contentsOf: page, encoding: .utf8).components(separatedBy: "```yaml\n").dropFirst()
            .compactMap { $0.components(separatedBy: "\n```").first }
        try #require(blocks.count == 2)
        for block in blocks {
            let (set, problems) = PolicySet.read(try read(block + "\n"))
            #expect(problems.isEmpty, "\(problems.map(\.description))")
            guard set.objects.count > 1 else { continue }
            #expect(
                Set(set.objects.map(\.kind)) == Set(PolicyKinds.all.map { $0.kind }), "the example shows every kind")
            let found = set.validate(
                PolicySurroundings(now: Timestamp(seconds: 1_795_305_600)) { name in
                    guard let data = try? Data(contentsOf: URL(filePath: "/usr/share/zoneinfo/\(name)")) else {
                        return nil
                    }
                    return try? Zone(name: name, tzif: Array(data))
                })
            #expect(found.isEmpty, "\(found.map(\.description))")
            // Written canonically as JSON, which is YAML, it is the same.
            let (again, none) = PolicySet.read(
                try PolicyYAML.documents(set.objects[0].json.canonicalBytes(), file: "canonical"))
            #expect(none.isEmpty && again.objects[0].digest == set.objects[0].digest)
        }
    }

    @Test func valuesHaveTheirPlaces() throws {
        let documents = try read(
            """
            # comment
            apiVersion: fettle/v1
            kind: HostGroup
            metadata:
              name: "wéb"
              note: >
                two
                lines
            spec: {hosts: [a, &b b], facts: *b}
            ---
            ---
            second: [1, true, ~, "1", 22:00]
            """)
        #expect(documents.count == 2)
        let first = documents[0]
        #expect(first.place == PolicyPlace(file: "fleet.yaml", line: 2, column: 1))
        #expect(first["metadata"]?["name"]?.content == .text("wéb", isPlain: false))
        #expect(first["metadata"]?["name"]?.place == PolicyPlace(file: "fleet.yaml", line: 5, column: 9))
        #expect(first["metadata"]?["note"]?.content == .text("two lines\n", isPlain: false))
        #expect(first["spec"]?["facts"]?.content == .text("b", isPlain: true))
        #expect(first["spec"]?["facts"]?.place == PolicyPlace(file: "fleet.yaml", line: 9, column: 33))
        guard case .list(let values)? = documents[1]["second"]?.content else { throw CocoaError(.coderInvalidValue) }
        #expect(
            values.map(\.content) == [
                .number("1"), .bool(true), .null, .text("1", isPlain: false), .text("22:00", isPlain: true),
            ])
    }

    @Test(arguments: [
        ("a: 1\na: 2", 2, 1, "a second time"), ("a: [1", 2, 1, "no YAML"), ("a:\n\t- b", 2, 1, "spaces"),
        ("a: !!str 1", 1, 4, "tag"), ("a: *x", 1, 4, "has no &x"), ("x: &a {b: 1}\nc: {<<: *a}", 2, 5, "merge keys"),
        ("1: 2", 1, 1, "a key must be a text"), ("a: &a [*a]", 1, 8, "has no &a"),
        (
            "apiVersion: fettle/v1\nkind: HostGroup\nmetadata: {name: a}\nspec:\n  selektor: b", 5, 3,
            "did you mean selector?"
        ),
        ("apiVersion: fettle/v1\nkind: HostGroup\nmetadata:\n  name: no\nspec: {hosts: [a]}", 4, 9, "quotation marks"),
    ])
    func whatIsWrongHasAPlaceAndACure(_ text: String, _ line: Int, _ column: Int, _ cure: String) {
        let found = problem(text)
        #expect(found?.place.line == line && found?.place.column == column, "\(found?.description ?? "nothing")")
        #expect(found?.message.contains(cure) == true, "\(found?.description ?? "nothing")")
    }

    @Test func limitsHold() throws {
        #expect(problem(String(repeating: "[", count: 5000))?.message.contains("16 deep") == true)
        #expect(problem(String(repeating: "- ", count: 5000))?.message.contains("16 deep") == true)
        #expect(
            problem("a: [" + String(repeating: "1,", count: 60_000) + "]")?.message.contains("50000 values") == true)
        #expect(
            problem(String(repeating: " ", count: PolicyLimits.maximumBytes + 1))?.message.contains("split it") == true)
        // Ten lines that would be a thousand million values.
        var bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            bomb +=
                "a\(level): &a\(level) [" + [String](repeating: "*a\(level - 1)", count: 10).joined(separator: ",")
                + "]\n"
        }
        #expect(problem(bomb)?.message.contains("50000 values") == true)
        let many = "a: &a 1\nb: [" + String(repeating: "*a ,", count: 1001) + "]"
        #expect(problem(many)?.message.contains("1000 aliases") == true)
        #expect(try read("").isEmpty && read("---\n---\n").isEmpty && read("# nothing\n").isEmpty)
        #expect(throws: PolicyProblem.self) { try PolicyYAML.documents([0x61, 0x3A, 0x20, 0xFF, 0xFE], file: "f") }
    }

    /// Whatever becomes of a file on its way: documents, or a problem with a place in it.
    @Test func damagedFilesNeverTrap() throws {
        let page = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/policy.md")
        let text = try String(contentsOf: page, encoding: .utf8).components(separatedBy: "```yaml\n")[2]
            .components(separatedBy: "\n```")[0]
        let whole = Array(text.utf8)
        var seed = UInt64(20_261_122)
        func next(_ count: Int) -> Int {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((seed >> 33) % UInt64(count))
        }
        for _ in 0..<1500 {
            var bytes = whole
            for _ in 0...next(4) {
                let at = next(bytes.count)
                switch next(4) {
                case 0: bytes[at] = UInt8(next(256))
                case 1: bytes.removeSubrange(at..<min(at + 1 + next(80), bytes.count))
                case 2: bytes.insert(contentsOf: bytes[at..<min(at + 1 + next(80), bytes.count)], at: next(bytes.count))
                default: bytes[at] = Array(":-{}[],&*!|>'\"%@`#? \n\t".utf8)[next(22)]
                }
                if bytes.isEmpty { bytes = [0x20] }
            }
            let lines = bytes.filter { $0 == 0x0A }.count + 2
            do throws(PolicyProblem) {
                let (set, problems) = PolicySet.read(try PolicyYAML.documents(bytes, file: "f"))
                for problem in problems {
                    #expect((1...lines).contains(problem.place.line) && !problem.message.isEmpty)
                }
                _ = set.validate(PolicySurroundings(now: Timestamp(seconds: 1_795_305_600)) { _ in .utc })
            } catch { #expect((1...lines).contains(error.place.line), "\(error)") }
        }
    }

    /// python3-yaml builds the same of the same text.
    @Test func pythonReadsTheSame() throws {
        let page = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/policy.md")
        let text = try String(contentsOf: page, encoding: .utf8).components(separatedBy: "```yaml\n")[2]
            .components(separatedBy: "\n```")[0]
        let file = FileManager.default.temporaryDirectory.appending(path: "fettle-policy-\(UUID().uuidString)")
        let answer = file.appendingPathExtension("out")
        defer { for one in [file, answer] { try? FileManager.default.removeItem(at: one) } }
        try Data(text.utf8).write(to: file)
        try Data().write(to: answer)
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/python3")
        // Every scalar as its text: what it is differs between versions of YAML.
        process.arguments = [
            "-c", "import sys, json, yaml\nprint(json.dumps(list(yaml.load_all(sys.stdin, Loader=yaml.BaseLoader))))",
        ]
        process.standardInput = try FileHandle(forReadingFrom: file)
        process.standardOutput = try FileHandle(forWritingTo: answer)
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        let theirs = try JSONValue(
            parsing: Array(Data(contentsOf: answer)),
            limits: JSONLimits(
                maximumBytes: 1 << 20, maximumDepth: 64, maximumItems: 100_000, maximumStringBytes: 1 << 16))
        func json(_ node: PolicyNode) -> JSONValue {
            switch node.content {
            case .null: ""
            case .bool(let value): .string("\(value)")
            case .number(let text), .text(let text, _): .string(text)
            case .list(let values): .array(values.map(json))
            case .map(let members): .object(Dictionary(members.map { ($0.name, json($0.value)) }) { $1 })
            }
        }
        #expect(try .array(read(text).map(json)) == theirs)
    }
}
