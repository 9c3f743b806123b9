import Foundation
import JSON
import Testing

extension ServerTests {
    /// `fettle policy`, which needs no server.
    @Suite struct PolicyCommandTests {
        private let good = """
            apiVersion: fettle/v1
            kind: Window
            metadata: {name: night}
            spec: {rule: second-tuesday, start: 22:00, duration: 4h, clocks: Europe/Berlin}

            """

        private func policy(
            _ arguments: String..., input: String = ""
        ) async throws -> (status: Int32, output: String, errors: String) {
            let done = try await fettle(["policy"] + arguments, input: input)
            return (done.status, done.output, done.errors)
        }

        private func folder(_ files: [String: String]) throws -> URL {
            let folder = FileManager.default.temporaryDirectory.appending(path: "fettle-policies-\(UUID().uuidString)")
            for (name, text) in files {
                let file = folder.appending(path: name)
                try FileManager.default.createDirectory(
                    at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(text.utf8).write(to: file)
            }
            return folder
        }

        @Test func whatIsWrongIsNamedWithItsPlace() async throws {
            let fine = try await policy("validate", "-", input: good)
            #expect(
                fine.status == 0 && fine.output.isEmpty
                    && fine.errors.contains("1 object in 1 file: 0 errors, 0 warnings."), "\(fine)")
            let wrong = try await policy(
                "validate", "-", "-o", "json", input: good.replacingOccurrences(of: "clocks", with: "clock"))
            #expect(wrong.status == 1)
            let found = try JSONValue(parsing: Array(wrong.output.utf8), limits: .message)
            #expect(found[0]?["line"] == 4 && found[0]?["column"] == 58, "\(found)")
            #expect(found.array?.contains { $0["message"]?.string?.contains("did you mean clocks?") == true } == true)
            let table = try await policy("validate", "-", input: good.replacingOccurrences(of: "Berlin", with: "Berln"))
            #expect(
                table.status == 1 && table.output.contains("standard input:4:")
                    && table.output.contains("no zone Europe/Berln"), "\(table)")
            let warned = good.replacingOccurrences(of: "second-tuesday", with: "FREQ=MONTHLY;BYMONTHDAY=31")
            #expect(try await policy("validate", "-", input: warned).status == 0)
            #expect(try await policy("validate", "--strict", "-", input: warned).status == 1)
            #expect(try await policy("validate", "/nowhere.yaml").status == 3)
            #expect(try await policy("validate").status == 2)
        }

        @Test func foldersAreReadAndCompared() async throws {
            let group = "apiVersion: fettle/v1\nkind: HostGroup\nmetadata: {name: web}\nspec: {selector: tier=web}\n"
            let before = try folder([
                "windows.yaml": good, "groups/web.yml": group, ".git/x.yaml": "no: [", "notes.txt": "no: [",
            ])
            let after = try folder([
                "all.yaml": good.replacingOccurrences(of: "4h", with: "5h") + "---\n# moved\n" + group
            ])
            defer { for one in [before, after] { try? FileManager.default.removeItem(at: one) } }
            let shown = try await policy("show", before.path, "-o", "name")
            #expect(shown.output == "HostGroup/web\nWindow/night\n", "\(shown)")
            let one = try await policy("show", "--object", "Window/night", "-o", "yaml", before.path)
            #expect(one.output.contains("duration: \"4h\"") || one.output.contains("duration: 4h"), "\(one)")
            #expect(try await policy("show", "--object", "Window/day", before.path).status == 3)
            let diff = try await policy("diff", "--from", before.path, after.path)
            #expect(diff.status == 0 && diff.output == "~ Window/night\n    spec.duration: 4h -> 5h\n", "\(diff)")
            #expect(try await policy("diff", "--from", before.path, before.path).output == "Nothing changes.\n")
            let whole = try await policy("validate", before.path, after.path)
            #expect(whole.status == 1 && whole.output.contains("a second Window/night; the first is at"), "\(whole)")
        }

        @Test func theSchemaIsJSON() async throws {
            let schema = try JSONValue(
                parsing: Array(try await policy("schema").output.utf8),
                limits: JSONLimits(
                    maximumBytes: 1 << 22, maximumDepth: 64, maximumItems: 100_000, maximumStringBytes: 1 << 16))
            #expect(schema["$schema"] == "https://json-schema.org/draft/2020-12/schema")
            #expect(schema["$defs"]?["RingPlan"] != nil)
        }
    }
}
