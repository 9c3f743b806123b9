import Foundation
import JSON
import Policy
import Testing

@Suite struct PolicySchemaTests {
    /// python3-jsonschema's word on each document, by the schema: `valid`, or the way to what is wrong.
    private func verdicts(_ documents: [JSONValue]) throws -> [String] {
        let program = """
            import sys, json, jsonschema
            schema, documents = json.load(sys.stdin)
            jsonschema.Draft202012Validator.check_schema(schema)
            check = jsonschema.Draft202012Validator(schema)
            for document in documents:
                error = next(check.iter_errors(document), None)
                print('valid' if error is None else ' '.join(('invalid ' + error.message).split())[:300])
            """
        let folder = FileManager.default.temporaryDirectory
        let input = folder.appending(path: "fettle-schema-\(UUID().uuidString)")
        let output = input.appendingPathExtension("out")
        defer { for file in [input, output] { try? FileManager.default.removeItem(at: file) } }
        try Data(JSONValue.array([PolicySchema.json, .array(documents)]).canonicalBytes()).write(to: input)
        try Data().write(to: output)
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/python3")
        process.arguments = ["-c", program]
        process.standardInput = try FileHandle(forReadingFrom: input)
        process.standardOutput = try FileHandle(forWritingTo: output)
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return try String(decoding: Data(contentsOf: output), as: UTF8.self).split(separator: "\n").map(String.init)
    }

    @Test func theSamplesAreValid() throws {
        let found = try verdicts(PolicySamples.all)
        #expect(found.count == PolicySamples.all.count && found.allSatisfy { $0 == "valid" }, "\(found)")
    }

    /// What the reader takes the schema takes; and what is wrong in form (keys, types, bounds) both refuse.
    @Test func readerAndSchemaAgree() throws {
        var random = PolicyRandom(state: 5)
        var documents: [JSONValue] = []
        var isForm: [Bool] = []
        for sample in PolicySamples.all {
            for (path, value) in PolicyReadingTests.values(sample, []) {
                // Taken out, of another type, with a key too much: form. Another text or number: perhaps more than form.
                if let last = path.last, Int(last) == nil, case .object(var members)? = Self.at(sample, path.dropLast())
                {
                    members[last] = nil
                    documents.append(PolicyReadingTests.replacing(sample, path.dropLast(), by: .object(members)))
                    isForm.append(true)
                }
                let others: [JSONValue] = [.null, true, 7.5, [], ["x": 1], 1_000_000_000]
                documents.append(
                    PolicyReadingTests.replacing(sample, path[...], by: others.randomElement(using: &random) ?? .null))
                isForm.append(true)
                if case .object(var members) = value {
                    members["zzzz"] = "x"
                    documents.append(PolicyReadingTests.replacing(sample, path[...], by: .object(members)))
                    isForm.append(true)
                }
                if let text = value.string {
                    for other in [text + "!", "", String(text.reversed()), "rest", String(repeating: "9", count: 4090)]
                    {
                        documents.append(PolicyReadingTests.replacing(sample, path[...], by: .string(other)))
                        isForm.append(false)
                    }
                }
            }
        }
        let found = try verdicts(documents)
        try #require(found.count == documents.count)
        var refused = 0
        for (index, document) in documents.enumerated() {
            let problems = try PolicySamples.read([document]).problems
            if problems.isEmpty {
                #expect(found[index] == "valid", "the reader takes \(document)")
            } else {
                refused += 1
                // Between keys the reader knows more than a schema can say.
                if isForm[index], found[index] == "valid" {
                    let known = [
                        "needs the", "leave it out", "leave approval out", "never decides", "no cadence and no rings",
                        "first day", "size: rest", "take it out", "no rule and no date",
                    ]
                    #expect(
                        problems.contains { problem in known.contains { problem.message.contains($0) } },
                        "the schema takes \(document): \(problems.map(\.description))")
                }
            }
        }
        #expect(refused > 500)
    }

    private static func at(_ value: JSONValue, _ path: ArraySlice<String>) -> JSONValue? {
        guard let first = path.first else { return value }
        if let index = Int(first), let element = value[index] { return at(element, path.dropFirst()) }
        return value[first].flatMap { at($0, path.dropFirst()) }
    }
}
