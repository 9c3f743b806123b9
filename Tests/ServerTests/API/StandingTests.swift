import Foundation
import JSON
import Logging
import NIOHTTP1
import Store
import Testing
import Timestamps
import Wire

@testable import Server

/// A fault is told once, until it is over or another one.
@Suite struct StandingFaultsTests {
    @Test func eachIsToldOnce() {
        var faults = StandingFaults()
        func told(_ fault: String, _ subject: String) -> Bool { faults.isNew(fault, of: subject) }
        let asked = [
            told("full", "step"), told("full", "step"), told("full", "away a"), told("gone", "step"),
            told("full", "step"),
        ]
        #expect(asked == [true, false, true, true, true], "it stands; another subject; another fault; the first again")
        faults.clear("step")
        let again = told("full", "step")
        #expect(again, "it was over meanwhile")
    }

    @Test func whatIsNoMoreIsForgotten() {
        var faults = StandingFaults()
        for subject in ["exception a", "exception b", "step"] { _ = faults.isNew("broken", of: subject) }
        faults.keep("exception ", only: ["exception b"])
        let told = ["exception a", "exception b", "step"].map { faults.isNew("broken", of: $0) }
        #expect(told == [true, false, false], "what is left, and what is of another kind, stands")
    }
}

extension ServerTests {
    /// What goes on by itself: hosts that are away, and what nobody can tell of exploitation.
    @Suite struct StandingTests {
        @Test(arguments: TestEngine.allCases) func aHostThatIsAwayIsNoted(engine: TestEngine) async throws {
            let clock = TestClock()
            let server = try await TestServer.start(engine, clock: clock)
            let host = try await TestHost.enrol(server)
            let state = server.server.state
            let away = AwayHosts(state)
            func note(_ isPaused: Bool = true) async throws {
                try await away.note(
                    organisation: "default", hosts: [host.id, "h-none"], isPaused: isPaused, state.clock.now())
            }
            func pauses() async throws -> [StoredPause] {
                try await state.store.read { try $0.findingClocks.pauses(organisation: "default") }
            }
            func touch() -> Timestamp {
                let seen = state.clock.now()
                state.store.directory.touch(host: host.id, at: seen)
                return seen
            }
            // Nobody could be seen while the server was down itself: its own start counts.
            state.store.directory.touch(host: host.id, at: state.clock.now().adding(seconds: -10_000))
            try await note()
            #expect(try await pauses().isEmpty)
            let seen = touch()
            clock.advance(800)
            try await note()
            #expect(try await pauses().isEmpty, "three intervals, a quarter of an hour at least")
            clock.advance(200)
            try await note(false)
            #expect(try await pauses().isEmpty, "the policy does not pause for it")
            try await note()
            try await note()
            var found = try await pauses()
            #expect(found.count == 1 && found[0].host == host.id && found[0].reason == "offline")
            #expect(found.first?.from == seen && found.first?.until == nil, "from when it was seen last")
            let back = touch()
            try await note()
            found = try await pauses()
            #expect(found.count == 1 && found.first?.until == back, "until it was seen again")
            // A pause that the policy has no more ends where the host is away still.
            clock.advance(1000)
            try await note()
            clock.advance(50)
            try await note(false)
            found = try await pauses()
            #expect(found.count == 2 && found.allSatisfy { $0.until != nil }, "\(found)")
            let audit = try await server.audit()
            #expect(!audit.contains { $0.hasPrefix("pause.") }, "nobody has done anything")
            try await server.stop()
        }

        /// Whether it is known to be exploited: what cannot be read is unknown, never "not listed".
        @Test(arguments: ["", "{", "{\"title\": \"CISA\"}", "half"])
        func anUnreadableListOfTheExploitedIsNoNo(_ text: String) async throws {
            let folder = try temporaryFolder()
            let listed = ExceptionTests.exploited
            try ExceptionTests.write(ExceptionTests.debian, "debian", in: folder)
            try ExceptionTests.write(
                text == "half" ? String(listed.prefix(listed.utf8.count * 2 / 3)) : text, "kev", in: folder)
            let server = try await TestServer.start(folder: folder)
            var host = try await TestHost.enrol(server)
            try await host.reported(Truth())
            for _ in 0..<100 where server.server.state.vulnerabilities.knowledge == nil {
                server.server.state.vulnerabilities.followFeeds(Logger(label: "test"), server.server.state.clock)
                try await Task.sleep(for: .milliseconds(50))
            }
            // Where the folder cannot be read at all, nothing is said of any vulnerability.
            if server.server.state.vulnerabilities.knowledge != nil {
                _ = try await ExceptionTests.until(server, "vulnerabilities") { $0["total"] == 1 }
                let one = try await server.api(.GET, "vulnerabilities/CVE-2026-0001").json
                #expect(one["knownExploitedStatus"] == "unknown", "\(one)")
            }
            guard case .unknown = server.server.state.vulnerabilities.exploitation("CVE-2026-0001") else {
                Issue.record("it is \(server.server.state.vulnerabilities.exploitation("CVE-2026-0001"))")
                return try await server.stop()
            }
            // A list that can be read, and does not have it.
            try ExceptionTests.write(
                listed.replacingOccurrences(of: "CVE-2026-0001", with: "CVE-2026-0009"), "kev", in: folder)
            _ = try await ExceptionTests.until(server, "vulnerabilities/CVE-2026-0001") {
                $0["knownExploitedStatus"] == "not-listed"
            }
            try ExceptionTests.write(listed, "kev", in: folder)
            _ = try await ExceptionTests.until(server, "vulnerabilities/CVE-2026-0001") {
                $0["knownExploitedStatus"] == "listed"
            }
            try await server.stop()
            try? FileManager.default.removeItem(atPath: folder)
        }
    }
}
