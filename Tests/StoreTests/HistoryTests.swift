import Inventory
import Store
import Testing
import Timestamps

extension StoreTests {
    @Suite struct HistoryTests {
        /// Reports arrive late and out of the order of the host's clock; a list of what was sent is the model.
        @Test(arguments: TestEngine.allCases) func statesAndDifferencesEqualAModel(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                let host = try await store.enrol("web1")
                var random = SeededGenerator(3)
                var model: [(observed: Int64, recorded: Int64, sequence: Int64, packages: [String: String])] = []
                for sequence in 1...Int64(40) {
                    var packages: [String: String] = [:]
                    for number in 0..<6 where Bool.random(using: &random) {
                        packages["p\(number)"] = "\(Int.random(in: 1...3, using: &random))"
                    }
                    let observed = Int64.random(in: 0...500, using: &random)
                    let recorded = sequence * 20
                    model.append((observed, recorded, sequence, packages))
                    try await store.report(
                        host, HostLook(packages), sequence, at: t0.adding(seconds: observed),
                        now: t0.adding(seconds: recorded))
                }
                func expected(_ time: Int64, _ known: Int64) -> [String: String]? {
                    model.filter { $0.observed <= time && $0.recorded <= known }
                        .max { ($0.observed, $0.recorded) < ($1.observed, $1.recorded) }?.packages
                }
                for _ in 0..<60 {
                    let time = Int64.random(in: -10...520, using: &random)
                    let known = Int64.random(in: 0...900, using: &random)
                    let found = try await store.read { sql throws in
                        try sql.history.state(
                            organisation: "a", host: host.id, at: t0.adding(seconds: time),
                            asKnownAt: t0.adding(seconds: known))
                    }
                    #expect(found?.digests.set == expected(time, known).map { packageSet($0).digest })
                    let later = Int64.random(in: -10...520, using: &random)
                    let difference = try await store.read { sql throws in
                        try sql.history.difference(
                            organisation: "a", host: host.id, from: t0.adding(seconds: time),
                            to: t0.adding(seconds: later))
                    }
                    guard let old = expected(time, .max), let new = expected(later, .max) else {
                        #expect(difference == nil)
                        continue
                    }
                    #expect(difference?.added.map(\.name) == new.keys.filter { old[$0] == nil }.sorted())
                    #expect(difference?.removed.map(\.name) == old.keys.filter { new[$0] == nil }.sorted())
                    let changed = old.keys.filter { new[$0] != nil && new[$0] != old[$0] }.sorted()
                    #expect(difference?.changed.map(\.from.name) == changed)
                    #expect(difference?.changed.map(\.to.version) == changed.map { new[$0]! })
                }
            }
        }

        @Test func severalVersionsOfOnePackageComeAndGo() {
            let old = SoftwareSet([package("kernel", "1"), package("kernel", "2"), package("bash", "1")])
            let new = SoftwareSet([package("kernel", "2"), package("kernel", "3"), package("kernel", "4")])
            let difference = SetDifference(from: old, to: new)
            #expect(difference.removed == [package("bash", "1"), package("kernel", "1")])
            #expect(difference.added == [package("kernel", "3"), package("kernel", "4")])
            #expect(difference.changed.isEmpty)
        }
    }
}
