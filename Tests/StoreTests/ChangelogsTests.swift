import Digest
import Store
import Testing
import Timestamps

extension StoreTests {
    @Suite struct ChangelogsTests {
        private func claim(_ number: Int, _ host: String, _ problem: String, at time: Timestamp) -> Changelogs.Claim {
            Changelogs.Claim(
                candidate: digest("file\(number)"), host: host, name: "tool", architecture: "amd64", version: "1",
                source: "tool", sourceVersion: "1", reading: nil, problem: problem, readAt: time)
        }

        /// Old claims, old questions, what one host has too much of, and readings that nobody names go.
        @Test(arguments: TestEngine.allCases) func storageIsBounded(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                let day: Int64 = 86_400
                try await store.write { sql throws in
                    var read = claim(0, "old", "", at: t0)
                    read.reading = digest("reading")
                    try sql.changelogs.put(organisation: "a", read, content: [1])
                    try sql.changelogs.ask(organisation: "a", claim(1, "old", "", at: t0))
                    for number in 0..<(Changelogs.mostOfHost + 5) {
                        let time = t0.adding(seconds: Int64(number))
                        try sql.changelogs.put(
                            organisation: "a", claim(number, "busy", "none", at: time), content: nil)
                    }
                    try sql.changelogs.prune(organisation: "a", host: "busy", now: t0.adding(seconds: day + 1))
                    #expect(try sql.changelogs.claims(organisation: "a", host: "old").count == 1, "the question went")
                    let kept = try sql.changelogs.claims(organisation: "a", host: "busy")
                    #expect(kept.count == Changelogs.mostOfHost)
                    #expect(kept[digest("file4")] == nil && kept[digest("file5")] != nil, "the oldest went")
                    #expect(try sql.changelogs.readings(organisation: "a").count == 1)

                    // Its later word is another: nobody names the reading any more.
                    try sql.changelogs.put(organisation: "a", claim(0, "old", "gone", at: t0), content: nil)
                    try sql.changelogs.prune(organisation: "a", now: t0.adding(seconds: day))
                    #expect(try sql.changelogs.readings(organisation: "a").isEmpty)

                    try sql.changelogs.prune(
                        organisation: "a", now: t0.adding(seconds: Changelogs.keptSeconds + 2 * day))
                    #expect(try sql.changelogs.claims(organisation: "a", host: "busy").isEmpty)
                    // Hosts that are none, or may not talk, say nothing.
                    try sql.changelogs.put(organisation: "a", claim(0, "nobody", "none", at: t0), content: nil)
                    #expect(try sql.changelogs.claims(organisation: "a").isEmpty)
                    #expect(try sql.changelogs.claims(organisation: "a", sources: ["tool"]).isEmpty)
                    #expect(try sql.changelogs.stamp(organisation: "a") == 0)
                    #expect(try sql.changelogs.stamps().isEmpty)
                }
            }
        }
    }
}
