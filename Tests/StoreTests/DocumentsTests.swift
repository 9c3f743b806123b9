import Digest
import Inventory
import Store
import Testing
import Timestamps

extension StoreTests {
    @Suite struct DocumentsTests {
        @Test func numbersRoundTrip() {
            var random = SeededGenerator(1)
            for _ in 0..<500 {
                let count = Int.random(in: 0...300, using: &random)
                let bound = [10, 1000, 1 << 40, Int64.max].randomElement(using: &random)!
                let ids = Set((0..<count).map { _ in Int64.random(in: 1...bound, using: &random) }).sorted()
                #expect(PackageIDs.decode(PackageIDs.encode(ids)) == ids)
            }
            #expect(PackageIDs.encode([1, 2, 3, 4, 5, 9]) == [0, 5, 4])
            // As sets were stored before there were runs.
            #expect(PackageIDs.decode([1, 1, 1, 1, 1, 4]) == [1, 2, 3, 4, 5, 9])
            #expect(PackageIDs.decode([0x00, 0x00]) == nil)
            #expect(PackageIDs.decode([0x00, 0xFF, 0xFF, 0xFF, 0x7F]) == nil)
            #expect(PackageIDs.decode([0x80]) == nil)
            #expect(PackageIDs.decode([0x00]) == nil)
            #expect(PackageIDs.decode([UInt8](repeating: 0xFF, count: 20)) == nil)
        }

        @Test(arguments: TestEngine.allCases) func setsComeBackByteForByte(engine: TestEngine) async throws {
            let address = try await engine.newDatabase()
            var store = try await Store.open(address, program: "test", now: t0)
            try await store.write { _ = try $0.organisations.create(Organisation(id: "a", name: "A", createdAt: t0)) }
            var random = SeededGenerator(2)
            var sets: [SoftwareSet] = []
            for round in 0..<30 {
                let count = Int.random(in: 0...400, using: &random)
                let packages = (0..<count).map { _ in
                    SoftwarePackage(
                        scheme: "deb", distribution: "debian-1\(Int.random(in: 2...3, using: &random))",
                        name: "p\(Int.random(in: 0..<500, using: &random))",
                        architecture: ["amd64", "all"].randomElement(using: &random)!,
                        version: "1.\(Int.random(in: 0..<5, using: &random))-ä",
                        source: Bool.random(using: &random) ? "src" : nil,
                        sourceVersion: Bool.random(using: &random) ? "2:1" : nil)
                }
                let set = SoftwareSet(packages)
                sets.append(set)
                try await store.write {
                    try $0.documents.put(
                        organisation: "a", DocumentName(.set, set.digest), bytes: set.document.bytes, now: t0)
                }
                if round == 15 {
                    // With nothing in memory.
                    await store.close()
                    store = try await Store.open(address, program: "test", now: t0)
                }
            }
            for set in sets {
                let read = try await store.read { try $0.documents.softwareSet(organisation: "a", set.digest) }
                #expect(read == set)
            }
            let keyed = try await store.read { sql throws in
                try sql.first("SELECT count(*) FROM packages WHERE version_key IS NULL") { row in try row.integer() }
            }
            // "1.0-ä" is no Debian version: its key is unknown, and nothing else is lost by it.
            #expect(keyed ?? 0 > 0)
            await store.close()
        }

        @Test(arguments: TestEngine.allCases) func racingUploadsInternEachPackageOnce(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<12 {
                        group.addTask {
                            let set = SoftwareSet((0..<200).map { package("p\(($0 * 7 + number) % 210)", "1.0-1") })
                            try await store.write {
                                try $0.documents.put(
                                    organisation: "a", DocumentName(.set, set.digest), bytes: set.document.bytes,
                                    now: t0)
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                let counts = try await store.read { sql throws in
                    try sql.first("SELECT count(*), count(DISTINCT name), count(version_key) FROM packages") { row in
                        [try row.integer(), try row.integer(), try row.integer()]
                    }
                }
                #expect(counts == [210, 210, 210])
            }
        }

        @Test(arguments: TestEngine.allCases) func aRolledBackSetLeavesNoNumbersBehind(engine: TestEngine) async throws
        {
            struct Stop: Error {}
            try await engine.withStore { store throws in
                let look = HostLook(["a": "1", "b": "2"])
                await #expect(throws: Stop.self) {
                    try await store.write { sql throws in
                        try look.put("a", in: sql)
                        throw Stop()
                    }
                }
                try await store.write { try look.put("a", in: $0) }
                #expect(
                    try await store.read { try $0.documents.softwareSet(organisation: "a", look.set.digest) }
                        == look.set)
            }
        }

        @Test(arguments: TestEngine.allCases) func deltasApplyToWhatIsHeld(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                let old = packageSet(["a": "1", "b": "1", "c": "1"])
                let new = packageSet(["a": "1", "b": "2", "d": "1"])
                let delta = LineDelta(from: old.document, to: new.document)
                func put(_ name: SHA256Digest) async throws {
                    try await store.write {
                        try $0.documents.put(organisation: "a", DocumentName(.set, name), delta: delta, now: t0)
                    }
                }
                await #expect(throws: DocumentError.unknownBase(old.digest)) { try await put(new.digest) }
                try await store.write {
                    try $0.documents.put(
                        organisation: "a", DocumentName(.set, old.digest), bytes: old.document.bytes, now: t0)
                }
                await #expect(throws: DocumentError.wrongDigest(.set, announced: old.digest, found: new.digest)) {
                    try await put(old.digest)
                }
                try await put(new.digest)
                #expect(try await store.read { try $0.documents.softwareSet(organisation: "a", new.digest) } == new)
                // Another organisation's base is not a base.
                await #expect(throws: DocumentError.unknownBase(old.digest)) {
                    try await store.write {
                        try $0.documents.put(organisation: "b", DocumentName(.set, new.digest), delta: delta, now: t0)
                    }
                }
            }
        }

        @Test(arguments: TestEngine.allCases) func malformedUploadsNameTheirPlace(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                let look = HostLook(["a": "1"])
                func put(_ name: DocumentName, _ bytes: [UInt8]) async throws {
                    try await store.write { try $0.documents.put(organisation: "a", name, bytes: bytes, now: t0) }
                }
                await #expect(throws: DocumentError.self) {
                    try await put(DocumentName(.set, digest("other")), look.set.document.bytes)
                }
                await #expect(throws: LineDocumentError.self) {
                    try await put(DocumentName(.set, look.set.digest), look.set.document.bytes.dropLast())
                }
                let strange = LineDocument(header: SoftwareSet.header, lines: ["deb\ttoo few"])
                let error = await #expect(throws: LineDocumentError.self) {
                    try await put(DocumentName(.set, strange.digest), strange.bytes)
                }
                #expect(error?.line == 2)
                #expect(
                    try await store.read { sql throws in
                        try sql.documents.unknown(organisation: "a", look.digests.names)
                    } == look.digests.names)
            }
        }

        @Test(arguments: TestEngine.allCases) func whatNobodyNamesIsCollected(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                let host = try await store.enrol("web1")
                let used = HostLook(["a": "1"], facts: "{\"a\":1}")
                let unused = HostLook(["b": "1"], offers: [("b", "1", "2", false)], facts: "{\"b\":1}")
                try await store.report(host, used, 1)
                try await store.write { try unused.put("a", in: $0) }
                #expect(try await store.write { try $0.documents.collect(storedBefore: t0) } == 0)
                #expect(try await store.write { try $0.documents.collect(storedBefore: t0.adding(seconds: 1)) } == 3)
                try await store.read { sql throws in
                    #expect(try sql.documents.unknown(organisation: "a", used.digests.names).isEmpty)
                    #expect(try sql.documents.unknown(organisation: "a", unused.digests.names).count == 3)
                }
            }
        }
    }
}
