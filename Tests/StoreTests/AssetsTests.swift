import Store
import Testing
import Timestamps

extension StoreTests {
    @Suite struct AssetsTests {
        /// Overlapping statements about an attribute, each recorded later than the one before; the model asks the last
        /// statement, known by then, that covers the instant.
        @Test(arguments: TestEngine.allCases) func bothTimesEqualAModel(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                let host = try await store.enrol("web1")
                var random = SeededGenerator(4)
                var model: [(from: Int64, to: Int64?, recorded: Int64, value: String)] = []
                for step in 1...Int64(40) {
                    let from = Int64.random(in: 0...90, using: &random)
                    let to = Bool.random(using: &random) ? nil : from + Int64.random(in: 1...30, using: &random)
                    model.append((from, to, step, "v\(step)"))
                    try await store.write { sql throws in
                        try sql.assets.setAttribute(
                            organisation: "a", asset: host.asset, name: "owner", value: "v\(step)", source: "cmdb",
                            validFrom: t0.adding(seconds: from), validTo: to.map { t0.adding(seconds: $0) },
                            now: t0.adding(seconds: step))
                    }
                }
                for time in stride(from: Int64(-1), through: 125, by: 3) {
                    for known in [Int64(0), 1, 7, 20, 39, 40, 100] {
                        let expected = model.last { statement in
                            statement.recorded <= known && statement.from <= time
                                && (statement.to.map { time < $0 } ?? true)
                        }?.value
                        let found = try await store.read { sql throws in
                            try sql.assets.attribute(
                                organisation: "a", asset: host.asset, name: "owner", at: t0.adding(seconds: time),
                                asKnownAt: t0.adding(seconds: known))?.value
                        }
                        #expect(found == expected, "at \(time) as known at \(known)")
                    }
                }
            }
        }

        @Test(arguments: TestEngine.allCases) func aMergeCanBeUndone(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                let one = try await store.enrol("web1")
                let two = try await store.enrol("web2")
                let id = try await store.write {
                    try $0.assets.merge(
                        organisation: "a", absorbed: one.asset, into: two.asset, reason: "one box", actor: "u", now: t0)
                }
                #expect(
                    try await store.read { try $0.assets.resolve(organisation: "a", asset: one.asset) } == two.asset)
                try await store.write { try $0.assets.undoMerge(organisation: "b", id: id, actor: "u", now: t0) }
                #expect(
                    try await store.read { try $0.assets.resolve(organisation: "a", asset: one.asset) } == two.asset)
                try await store.write { try $0.assets.undoMerge(organisation: "a", id: id, actor: "u", now: t0) }
                #expect(
                    try await store.read { try $0.assets.resolve(organisation: "a", asset: one.asset) } == one.asset)
                // An asset of another organisation cannot be named.
                let other = try await store.enrol("web3", organisation: "b")
                await #expect(throws: StoreError.self) {
                    try await store.write {
                        try $0.assets.merge(
                            organisation: "a", absorbed: one.asset, into: other.asset, reason: "", actor: "u", now: t0)
                    }
                }
            }
        }
    }
}
