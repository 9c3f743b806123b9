import Inventory
import JSON
import Testing
import Timestamps

@Suite struct PackageFactsTests {
    static let facts = PackageFacts(
        abnormal: [
            AbnormalPackage(package: "zsh:amd64", version: "5.9-4", state: "unpacked", needsReinstall: false),
            AbnormalPackage(package: "libssl3:amd64", version: "3.0.1", state: "half-installed", needsReinstall: true),
        ],
        holds: ["b:all", "a:all", "b:all"], residualConfiguration: ["old:amd64"],
        manuallyInstalled: .known(["vim:amd64", "bash:amd64"]), interruptedTransaction: true,
        lastUpdate: .known(Timestamp(seconds: 1_700_000_000)),
        indexProblems: [IndexProblem(kind: .expired, subject: "Debian bookworm/main", detail: "since yesterday")],
        repositoriesConfigured: 3)

    @Test func listsAreSortedAndUnique() {
        #expect(Self.facts.holds == ["a:all", "b:all"])
        #expect(Self.facts.manuallyInstalled == .known(["bash:amd64", "vim:amd64"]))
        #expect(Self.facts.abnormal.map(\.package) == ["libssl3:amd64", "zsh:amd64"])
    }

    @Test func readsBackWhatItWrote() throws {
        #expect(try PackageFacts(JSONObject(Self.facts.json)) == Self.facts)
        let unknown = PackageFacts(manuallyInstalled: .unknown("no file"), lastUpdate: .unknown("never"))
        #expect(try PackageFacts(JSONObject(unknown.json)) == unknown)
    }

    @Test func refusesWhatItDoesNotKnow() throws {
        guard case .object(var members) = Self.facts.json else { return }
        members["more"] = true
        #expect(throws: JSONError.self) { try PackageFacts(JSONObject(.object(members))) }
        members["more"] = nil
        members["holds"] = [1]
        #expect(throws: JSONError.self) { try PackageFacts(JSONObject(.object(members))) }
        members["holds"] = []
        members["indexProblems"] = [["kind": "rotten", "subject": "x", "detail": ""]]
        #expect(throws: JSONError.self) { try PackageFacts(JSONObject(.object(members))) }
    }
}
