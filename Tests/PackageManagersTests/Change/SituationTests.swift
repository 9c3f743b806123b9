import Foundation
import PackageManagers
import Testing

/// Every situation of the repository on a real root: how it ends, what dpkg says then, what the operator reads; and the
/// table of them in docs/failures.md.
@Suite struct SituationTests {
    private static let document = "\(HeldRoot.repository)/docs/failures.md"

    @Test func everySituationEndsAsDesigned() async throws {
        let rows = await withTaskGroup(of: (Int, String).self) { group in
            let gate = DispatchSemaphore(value: 4)
            for (index, situation) in Situation.all.enumerated() {
                group.addTask {
                    await withCheckedContinuation { continuation in
                        // Threads of their own: these calls block.
                        Thread.detachNewThread {
                            gate.wait()
                            let row = Self.row(situation)
                            gate.signal()
                            continuation.resume(returning: (index, row))
                        }
                    }
                }
            }
            var rows = [String](repeating: "", count: Situation.all.count)
            for await (index, row) in group { rows[index] = row }
            return rows
        }
        let text = Self.heading + rows.joined(separator: "\n") + "\n"
        if ProcessInfo.processInfo.environment["FETTLE_WRITE_DOCS"] != nil {
            try text.write(toFile: Self.document, atomically: true, encoding: .utf8)
        }
        let written = (try? String(contentsOfFile: Self.document, encoding: .utf8)) ?? ""
        let wrong = zip(
            written.split(separator: "\n", omittingEmptySubsequences: false),
            text.split(separator: "\n", omittingEmptySubsequences: false)
        ).first { $0 != $1 }
        #expect(
            written == text,
            "docs/failures.md is not what the tests find; write it anew with FETTLE_WRITE_DOCS=1. It has \(wrong?.0 ?? "another length") where the tests find \(wrong?.1 ?? "")"
        )
    }

    private static func row(_ situation: Situation) -> String {
        do {
            let held = try HeldRoot(size: situation.size, setup: situation.setup)
            for (package, version) in situation.published { try held.publish(package, version) }
            let trial = try Trial(
                held, goals(situation.order), seconds: situation.seconds, isWell: situation.isWell)
            let name = situation.name
            #expect(trial.ending == situation.ending, "\(name): \(trial.message)")
            #expect(trial.plan.refusal?.code == situation.code, "\(name): \(trial.message)")
            for (package, version) in situation.after {
                #expect(try held.dpkg(package) == version, "\(name): \(package); \(trial.message)")
            }
            for words in situation.says { #expect(trial.message.contains(words), "\(name): \(trial.message)") }
            #expect(trial.differences == [], "\(name)")
            // Whatever happened, the next change finds a database that works.
            #expect(held.change.audit() == [], "\(name)")
            #expect(
                try held.sh("apt-get -s -q install tb-ok 2>&1 | tail -n 1", check: false).contains("E:") == false,
                "\(name)")
            let state = situation.after.sorted { $0.key < $1.key }
                .map {
                    "`\($0.key)` \($0.value.isEmpty ? "absent" : $0.value.replacingOccurrences(of: " installed", with: ""))"
                }
                .joined(separator: ", ")
            let cells = [name, situation.about, trial.ending.rawValue, state, trial.message, situation.cure]
            return "| " + cells.map { $0.replacingOccurrences(of: "|", with: "\\|") }.joined(separator: " | ") + " |"
        } catch {
            Issue.record("\(situation.name): \(error)")
            return "| \(situation.name) | error |"
        }
    }

    private static let heading = """
        # What happens when a change goes wrong

        Written by the tests from real runs: each line is a package of `Testbed/make-deb-repo` on a throw-away Debian root,
        ordered from version 1.0 to the one named, and carried out as the agent does it. `scripts/test --filter
        SituationTests` compares, with `FETTLE_WRITE_DOCS=1` in the environment it writes this page anew.

        *Refused* and *not begun*: nothing was changed. *Rolled back*: dpkg proves the old versions, marks and
        configuration files. After every line dpkg and apt find nothing wrong, and the next change can begin.

        Three more have nothing to do with packages. *An agent older than the server* (before protocol 3) cannot read the release
        that takes hosts back: the job of the way back stays *offered*, says so and names the host; upgrade fettle-agent there.
        *Something that came since needs the newer version*: a way back of a host that is well is *refused* and nothing has
        changed; take that back first. *dpkg's database cannot be read* (`standing-unknown`): a way back is *refused* and nothing
        has changed, for nobody knows what would be taken away; mend it (`dpkg --audit`, `/var/lib/dpkg/status-old`), then roll
        back again. A host whose packages are broken goes back all the same.

        | situation | about | ends as | state of the host | message | what to do |
        |---|---|---|---|---|---|

        """
}
