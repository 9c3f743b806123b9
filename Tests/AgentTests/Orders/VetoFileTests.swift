import Agent
import Foundation
import Inventory
import Testing

@Suite struct VetoFileTests {
    private let fixture: ScanFixture
    private let path = HostTree.vetoPath

    init() throws { fixture = try ScanFixture() }

    private func veto(_ text: String) throws -> HostVeto { try fixture.write(path, text).tree.veto() }

    @Test func noFileForbidsNothing() throws {
        #expect(fixture.tree.veto() == HostVeto())
        #expect(HostVeto.Word.allCases.allSatisfy { !fixture.tree.veto().holds($0) })
    }

    @Test func wordsAreReadWithComments() throws {
        #expect(try veto("") == HostVeto())
        #expect(
            try veto("# ours\n\n  never-reboot # until the move\nno-scripts\n").words == [.neverReboot, .noScripts])
        #expect(try veto("security-only no-scripts").words == [.noScripts, .securityOnly])
        let nothing = try veto("nothing\n")
        #expect(nothing.words == [.nothing] && nothing.problem.isEmpty)
        #expect(HostVeto.Word.allCases.allSatisfy { nothing.holds($0) })
    }

    @Test func whatCannotBeUnderstoodForbidsEverything() throws {
        for text in ["never-reboots\n", "no-scripts\nfoo\n", "Nothing", "never-reboot,no-scripts"] {
            let veto = try veto(text)
            #expect(veto.words == [.nothing] && !veto.problem.isEmpty, "\(text)")
        }
        #expect(try veto("no-scripts\nfoo\n").problem.hasPrefix("line 2: \"foo\""))
        try Data([0xFF, 0xFE]).write(to: fixture.folder.appending(path: path))
        #expect(fixture.tree.veto().words == [.nothing])
        #expect(try veto(String(repeating: "#\n", count: 40_000)).words == [.nothing], "too large")
    }

    @Test func whatIsThereButCannotBeReadForbidsEverything() throws {
        try fixture.link(path, to: "/nowhere/at/all")
        #expect(fixture.tree.veto().words == [.nothing], "a dangling link")
        try FileManager.default.removeItem(at: fixture.folder.appending(path: path))
        try FileManager.default.createDirectory(
            at: fixture.folder.appending(path: path), withIntermediateDirectories: true)
        #expect(fixture.tree.veto().words == [.nothing], "a folder")
        try FileManager.default.removeItem(at: fixture.folder.appending(path: "etc/fettle-agent"))
        try fixture.write("etc/fettle-agent", "a file in the folder's place")
        #expect(fixture.tree.veto().words == [.nothing])
    }

    @Test func theFactsTellIt() throws {
        try fixture.write(path, "security-only\n")
        let facts = fixture.tree.facts(set: SoftwareSet([]), agentVersion: "1")
        #expect(facts.veto == .known(HostVeto([.securityOnly])))
        #expect(try HostFacts(parsing: facts.bytes).veto == facts.veto)
    }
}
