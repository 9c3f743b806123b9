import Foundation
import JSON
import Testing
import YAML

@Suite struct YAMLTests {
    static let values: [JSONValue] = [
        nil, true, 1, -5, 1.5, 1e21, 1e-7, "", "a", "no", "Yes", "null", "~", "1", "1.0", "1e3", "0x1f", "0o7",
        "2026-11-21", "12:30:45",
        "a: b", "a #b", "- a", "a-b", "-a", "?", "a b ", " a", "\n", "a\nb\n", "\t", "\u{0}", "\u{1B}[31m", "\u{85}",
        "\u{2028}", "\u{FEFF}x",
        "äöü", "😀", "\u{202E}x", "\"", "'", "\\", "{a}", "[a]", "*a", "&a", "!a", "%a", "@a", "`a", "|", ">", "<<", "=",
        "y", "on", ".nan",
        ".inf", "---", "...", "a,b", "fettle/1.0", "h-4f7a9c2d", [], [:], [[]], [[[1], []], [:]],
        ["a": [], "b": [:], "c": [["d": 1, "e": [2]]]],
        ["no": "no", "1": 1, "": "", "a b": "c", "a: b": 1, "\u{7}": "\u{7}", "ä": "ä"],
        [["a": ["b": ["c": nil]]], "x"],
        [9_223_372_036_854_775_807, -9_223_372_036_854_775_808],
    ]

    @Test func pythonReadsWhatIsWritten() throws {
        let documents = Self.values.map { $0.yaml() }
        let input: JSONValue = [.array(documents.map { .string($0) }), .array(Self.values)]
        let script = """
            import sys, json, yaml
            documents, values = json.load(sys.stdin)
            out = []
            for document, value in zip(documents, values):
                try:
                    read = yaml.safe_load(document)
                    out.append("" if read == value and type(read) == type(value) else repr(read) + " is not " + repr(value))
                except Exception as error:
                    out.append(str(error))
            json.dump(out, sys.stdout)
            """
        let faults = try python(script, input: input).array ?? []
        #expect(faults.count == Self.values.count)
        for (fault, document) in zip(faults, documents) { #expect(fault == "", "\(document)") }
    }

    @Test func nothingThatSteersATerminalIsWritten() {
        for value in Self.values {
            let steers = value.yaml().unicodeScalars.contains {
                $0 != "\n"
                    && ($0.value < 0x20 || (0x7F..<0xA0).contains($0.value) || (0x202A...0x202E).contains($0.value))
            }
            #expect(!steers, "\(value)")
        }
    }

    @Test func looksAsPeopleWriteIt() {
        let value: JSONValue = [
            ["host": "web1", "labels": ["site": "berlin"], "offers": [["name": "tzdata"]], "silent": false]
        ]
        #expect(
            value.yaml() == """
                - host: web1
                  labels:
                    site: berlin
                  offers:
                    - name: tzdata
                  silent: false

                """)
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
