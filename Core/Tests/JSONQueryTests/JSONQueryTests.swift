import Foundation
import JSON
import JSONQuery
import Testing

@Suite struct JSONQueryTests {
    static let document = """
        {"a": {"b": {"c": [1, 2.5, -3, 1e3], "d-e": "x"}, "n": null, "f": false, "empty": {}, "e": [], "s": ""},
         "hosts": [
           {"hostname": "web1", "labels": {"site": "berlin", "tier": "web"}, "pending": {"value": {"total": 7, "security": 2}}, "silent": false, "seen": "2026-11-21T08:00:00Z"},
           {"hostname": "web2", "labels": {"site": "potsdam"}, "pending": {"unknown": "silent"}, "silent": true, "seen": "2026-11-20T08:00:00Z"},
           {"hostname": "db1", "labels": {}, "pending": {"value": {"total": 0, "security": 0}}, "silent": false, "seen": "2026-11-21T09:00:00Z"},
           {"hostname": "äö€😀", "labels": {"site": "berlin"}, "pending": {"value": {"total": 12, "security": 0}}, "silent": false, "seen": "2026-11-21T07:00:00Z"}],
         "matrix": [[1, 2, [3]], [4], 5, [], [null, 6]], "numbers": [3, 1, 2.5, -7, 0], "words": ["b", "a", "ä", "B", ""],
         "mixed": [1, "a", null, true, [1], {"k": 1}], "one": 1, "text": "hello world", "float": 1.5, "true": true}
        """

    static let expressions = [
        "a", "a.b.c", "a.b.\"d-e\"", "a.x.y", "@", "*", "*.b", "a.*", "a.*.c", "hosts[0]", "hosts[-1].hostname",
        "hosts[9]",
        "hosts[*].hostname", "hosts[].hostname", "hosts[*].pending.value", "hosts[*].labels.*", "hosts[].labels.* | []",
        "hosts[1:3].hostname", "hosts[::2].hostname", "hosts[::-1].hostname", "hosts[-2:].hostname", "hosts[5:]",
        "hosts[:-9]", "hosts[3:0:-2].hostname", "numbers[1:100:3]", "numbers[-100:2]", "numbers[::-3]", "text[0]",
        "text[0:2]",
        "hosts[?silent].hostname", "hosts[?!silent].hostname", "hosts[?labels.site=='berlin'].hostname",
        "hosts[?pending.value.security > `0`].hostname", "hosts[?pending.value.total >= `7` && !silent].hostname",
        "hosts[?silent || labels.tier=='web'].hostname", "hosts[?seen > '2026-11-21T07:30:00Z'].hostname",
        "hosts[?labels].hostname", "hosts[?contains(hostname, 'web')].hostname",
        "hosts[?hostname == 'äö€😀'] | [0].labels",
        "hosts[*].{host: hostname, n: pending.value.total}", "hosts[].[hostname, silent]", "{a: one, b: text}",
        "[one, text]",
        "hosts[*].[hostname][]", "matrix[]", "matrix[][]", "matrix[*][0]", "matrix[][0]", "matrix[] | [0]", "mixed[]",
        "mixed[*].k",
        "mixed[?@ == `1`]", "mixed[?@]", "a || one", "a.n || one", "a.e || 'x'", "a.f || a.s || a.empty || one",
        "a && one",
        "a.n && one", "!a.n", "!!one", "!a.empty", "one == `1`", "one != `1`", "one == `1.0`", "text < 'z'",
        "one <= float",
        "float > one", "a.n == `null`", "a.e == `[]`", "hosts[0] == hosts[0]", "true == `true`", "one == `true`",
        "`[1, 2]`", "`\"a\\`b\"`", "'a\\'b'", "'a\\\\b'", "'a\\nb'", "\"a\".b.c", "\"\\u0061\".f", "`{\"x\": 1}`.x",
        "abs(numbers[3])", "avg(numbers)", "avg(a.e)", "ceil(float)", "floor(float)", "ceil(`-1.5`)", "floor(`-1.5`)",
        "contains(text, 'lo w')", "contains(text, '')", "contains(words, 'a')", "contains(numbers, `1`)",
        "ends_with(text, 'world')",
        "starts_with(text, 'hello')", "join(',', words)", "join('', hosts[*].hostname)", "keys(a)", "length(keys(a.b))",
        "length(text)", "length(hosts)", "length(a)", "length(hosts[3].hostname)", "map(&hostname, hosts)",
        "map(&pending.value.total, hosts)", "max(numbers)", "max(words)", "max(a.e)", "min(numbers)", "min(words)",
        "max_by(hosts, &seen).hostname", "min_by(hosts, &seen).hostname",
        "max_by(hosts[?pending.value], &pending.value.total).hostname",
        "merge(a.b, {c: one})", "merge(a.empty, `{}`)", "not_null(a.n, a.x, one)", "not_null(a.n)", "reverse(numbers)",
        "reverse(text)",
        "sort(numbers)", "sort(words)", "sort_by(hosts, &hostname)[].hostname",
        "sort_by(hosts, &seen)[*].hostname | [0]",
        "sort_by(hosts, &length(hostname))[].hostname", "sum(numbers)", "sum(a.e)", "to_array(one)",
        "to_array(numbers)",
        "to_string(one)", "to_string(text)", "to_string(a.e)", "to_number('12')", "to_number('1.5')", "to_number('x')",
        "to_number(one)", "to_number(a.n)", "to_number(`true`)", "mixed[*].type(@)", "type(a)", "values(a.empty)",
        "length(hosts[?silent])", "hosts[].labels | [].site", "hosts[*].labels | [?site].site", "hosts[0].labels.*",
        "a.b.c[?@ > `1`]",
        "a.b.*[]", "*[]", "hosts[*].*[]", "hosts[*][0]", "[*]", "[0]", "[]", "*.*", "(hosts[*].hostname)[0]",
        "(one || two) && text",
        "hosts[? silent == `false` ] | [*] . hostname", "one == one && float == float || a", "a.b | c | [0]",
        "foo.bar[].baz[?x].{y: z}",
        // What both refuse
        "", "a.", ".a", "a..b", "a[", "a]", "a[?", "a[?b", "[a", "{a", "{a:}", "{a: b", "{a: b,}", "{}", "a b", "a[b]",
        "foo(", "foo()",
        "length()", "length(a, b)", "length(one)", "abs(text)", "sum(words)", "join(',', numbers)", "sort(mixed)",
        "sort_by(hosts, &pending.value.total)", "sort_by(hosts, hostname)", "keys(one)", "'a", "`a", "\"a", "a = b",
        "a[0", "hosts[::0]",
        "a[1:2:3:4]", "&a", "a.&b", "#", "a?b", "max_by(hosts, `1`)", "\"foo\"(a)", "@(a)", "a[*", "*a", "a**", "!",
        "a ||", "&& a",
        "hosts[*].hostname.", "a.[", "a.{", "a.1", "1", "-", "a[-]", "[1 2]", "merge()", "not_null()", "avg(one)",
        "contains(one, `1`)",
    ]

    @Test func agreesWithTheReferenceImplementation() throws {
        let script = """
            import sys, json, jmespath
            document, expressions = json.load(sys.stdin)
            out = []
            for e in expressions:
                try:
                    value = {"value": jmespath.search(e, document)}
                    json.dumps(value)
                    out.append(value)
                except Exception as error:
                    out.append({"error": str(error)})
            json.dump(out, sys.stdout)
            """
        let document = try JSONValue(parsing: Array(Self.document.utf8), limits: .message)
        let input: JSONValue = [document, .array(Self.expressions.map { .string($0) })]
        let answers = try python(script, input: input)
        for (index, expression) in Self.expressions.enumerated() {
            let expected = try #require(answers[index])
            do {
                let result = try JSONQuery(expression).evaluate(document)
                guard let value = expected["value"] else {
                    Issue.record("\(expression): \(result), and the reference refuses: \(expected)")
                    continue
                }
                #expect(unordered(result) == unordered(value), "\(expression)")
            } catch {
                #expect(expected["error"] != nil, "\(expression): \(error), and the reference answers \(expected)")
            }
        }
    }

    @Test func columnsAreThoseOfTheLastHash() throws {
        #expect(try JSONQuery("[].{z: a, b: c}").columns == ["z", "b"])
        #expect(try JSONQuery("sort_by([?x].{z: a, b: c}, &z)").columns == ["z", "b"])
        #expect(try JSONQuery("[].a").columns == nil)
    }

    @Test func faultsNameTheirPlace() {
        for (text, offset) in [("a.b c", 4), ("a[?b", 4), ("foo(a)", 3), ("a = b", 2), ("", 0), ("a.#", 2)] {
            do {
                _ = try JSONQuery(text)
                Issue.record("\(text) was read")
            } catch {
                #expect(error.offset == offset, "\(text): \(error)")
            }
        }
    }

    @Test func whatIsBeyondMeasureIsRefused() throws {
        let deep = String(repeating: "(", count: 5000) + "a" + String(repeating: ")", count: 5000)
        #expect(throws: JSONQueryError.self) { _ = try JSONQuery(deep) }
        #expect(throws: JSONQueryError.self) { _ = try JSONQuery(String(repeating: "!", count: 5000) + "a") }
        #expect(throws: JSONQueryError.self) { _ = try JSONQuery("a" + String(repeating: ".a", count: 4000)) }
        #expect(throws: JSONQueryError.self) { _ = try JSONQuery(String(repeating: " ", count: 9000) + "a") }
        // Each step multiplies: 100 × 100 × 100 × 100 values.
        let many = JSONValue.array(Array(repeating: 1, count: 100))
        let query = try JSONQuery("map(&to_array(@), @) | [*].[@, @] | []")
        _ = try query.evaluate(many)
        for _ in 0..<2000 {
            var generator = SystemRandomNumberGenerator()
            let parts = [
                "a", ".", "[", "]", "*", "?", "(", ")", "'x'", "`1`", "&", "|", "{", "}", ":", ",", "!", "1", "-", "\"",
                "\\", "ä",
            ]
            let text = (0..<Int.random(in: 1...20, using: &generator)).map { _ in
                parts.randomElement(using: &generator) ?? ""
            }.joined()
            if let query = try? JSONQuery(text) { _ = try? query.evaluate(["a": [1, ["a": "b"], "x"]]) }
        }
    }
}

/// Lists in any order: the specification leaves open in which order an object's members come.
private func unordered(_ value: JSONValue) -> JSONValue {
    switch value {
    case .array(let elements):
        .array(
            elements.map(unordered).sorted {
                String(decoding: $0.canonicalBytes(), as: UTF8.self)
                    < String(decoding: $1.canonicalBytes(), as: UTF8.self)
            })
    case .object(let members): .object(members.mapValues(unordered))
    case .string(let text): .string(text)
    default: value
    }
}

/// Runs Python with JSON on both ends; the first that has what the script imports.
func python(_ script: String, input: JSONValue) throws -> JSONValue {
    var last = ""
    for path in ["/usr/bin/python3", "/usr/local/bin/python3"] where FileManager.default.isExecutableFile(atPath: path)
    {
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = ["-c", script]
        let file = FileManager.default.temporaryDirectory.appending(path: "python-\(UUID().uuidString).json")
        try Data(input.canonicalBytes()).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        process.standardInput = try FileHandle(forReadingFrom: file)
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        last = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        if process.terminationStatus == 0 { return try JSONValue(parsing: Array(bytes), limits: .facts) }
    }
    throw PythonFailed(reason: last)
}

struct PythonFailed: Error { let reason: String }
