import Agent
import Digest
import JSON
import Testing
import Timestamps
import Wire

private func digests(_ number: Int) -> HostDigests {
    HostDigests(
        set: SHA256.hash(Array("set\(number)".utf8)), offers: SHA256.hash(Array("offers\(number)".utf8)),
        facts: SHA256.hash(Array("facts\(number)".utf8)))
}

extension ReportQueue {
    fileprivate mutating func append(_ number: Int) throws {
        try append(
            observed: Timestamp(seconds: Int64(number)), bootID: "boot", digests: digests(number), cause: "changed")
    }
}

@Suite struct ReportQueueTests {
    private let temporary = TemporaryFolder()

    @Test func reportsSurviveReopening() throws {
        var queue = try ReportQueue(temporary.folder)
        for number in 1...5 { try queue.append(number) }
        try queue.acknowledge(below: 3)
        let again = try ReportQueue(temporary.folder)
        #expect(again.incarnation == queue.incarnation)
        #expect(again.first == 3)
        #expect(again.next == 6)
        #expect(again.reports == queue.reports)
        #expect(again.reports.map(\.digests) == [3, 4, 5].map(digests))
    }

    @Test func numbersGoOnAfterEverythingWasAcknowledged() throws {
        var queue = try ReportQueue(temporary.folder)
        for number in 1...3 { try queue.append(number) }
        try queue.acknowledge(below: 4)
        var again = try ReportQueue(temporary.folder)
        #expect(again.reports.isEmpty)
        #expect(again.next == 4)
        try again.append(4)
        #expect(try ReportQueue(temporary.folder).reports.map(\.sequence) == [4])
    }

    /// The file cut at every byte, as a crash in the middle of an append leaves it.
    @Test func cutAtEveryByteItKeepsEveryWholeReportAndInventsNone() throws {
        let folder = try temporary.folder
        var queue = try ReportQueue(folder)
        for number in 1...4 { try queue.append(number) }
        let bytes = try #require(try folder.read("reports", limit: 1 << 20))
        let lineEnds = bytes.indices.filter { bytes[$0] == 0x0A }
        for length in 0...bytes.count {
            try folder.replace("reports", with: Array(bytes.prefix(length)))
            let whole = max(0, lineEnds.filter { $0 < length }.count - 1)
            let read = try ReportQueue(folder)
            #expect(read.reports.map(\.digests) == (0..<whole).map { digests($0 + 1) }, "cut at \(length)")
            #expect(read.reports.map(\.sequence) == (0..<whole).map { Int64($0) + 1 })
            // Without its header the numbers may have been used: another incarnation.
            #expect((read.incarnation == queue.incarnation) == (length > lineEnds[0]), "cut at \(length)")
            // And it can be added to, which a torn end must not spoil.
            var more = read
            try more.append(9)
            let reopened = try ReportQueue(folder)
            #expect(reopened.reports.map(\.digests) == (0..<whole).map { digests($0 + 1) } + [digests(9)])
            #expect(reopened.damaged == 0)
        }
    }

    @Test func everyDamagedByteIsRecognised() throws {
        let folder = try temporary.folder
        var queue = try ReportQueue(folder)
        for number in 1...3 { try queue.append(number) }
        let bytes = try #require(try folder.read("reports", limit: 1 << 20))
        let known = (1...3).map(digests)
        for index in bytes.indices {
            var damaged = bytes
            damaged[index] ^= 0x04
            try folder.replace("reports", with: damaged)
            let read = try ReportQueue(folder)
            let rest = read.reports.map(\.digests)
            #expect(rest.allSatisfy(known.contains))
            #expect(rest.count >= 1)
            if rest.count < 3, index < bytes.count - 1 {
                #expect(read.incarnation != queue.incarnation)
                #expect(read.damaged > 0)
                #expect(read.reports.first?.cause == "repaired")
                #expect(read.reports.map(\.sequence) == (0..<rest.count).map { Int64($0) + 1 })
            }
        }
    }

    @Test func tooManyAreMergedFromTheMiddleAndSayIt() throws {
        var queue = try ReportQueue(temporary.folder)
        let before = queue.incarnation
        for number in 1...20 { try queue.append(number) }
        try queue.mergeMiddle()
        #expect(queue.incarnation != before)
        #expect(queue.reports.first?.digests == digests(1))
        #expect(queue.reports.suffix(10).map(\.digests) == (11...20).map(digests))
        #expect(queue.reports.count == 15)
        #expect(queue.reports.map(\.sequence) == (1...15).map { Int64($0) })
        #expect(queue.reports.filter { $0.cause == "merged" }.count == 5)
        #expect(try ReportQueue(temporary.folder).reports == queue.reports)
    }

    @Test func renumberingKeepsWhatIsSaid() throws {
        var queue = try ReportQueue(temporary.folder)
        for number in 1...3 { try queue.append(number) }
        try queue.acknowledge(below: 2)
        try queue.renumber(from: 40, newIncarnation: false)
        #expect(queue.reports.map(\.sequence) == [40, 41])
        #expect(queue.reports.map(\.digests) == [2, 3].map(digests))
        #expect(queue.next == 42)
        #expect(try ReportQueue(temporary.folder).next == 42)
    }
}

@Suite struct DurableFolderTests {
    private let temporary = TemporaryFolder()

    @Test func aFileIsReplacedWholeWithItsPermissions() throws {
        let folder = try temporary.folder
        try folder.replace("a", with: [1, 2, 3])
        try folder.replace("a", with: [4])
        #expect(try folder.read("a", limit: 10) == [4])
        #expect(try folder.names() == ["a"])
        #expect(try folder.read("absent", limit: 10) == nil)
    }

    @Test func aFileOverItsLimitIsAnError() throws {
        let folder = try temporary.folder
        try folder.replace("a", with: Array(repeating: 1, count: 11))
        #expect(throws: SystemError.self) { try folder.read("a", limit: 10) }
    }

    @Test func aDamagedDocumentIsNoDocument() throws {
        let documents = try DocumentFolder(in: temporary.folder)
        let bytes = Array("document\n".utf8)
        let digest = SHA256.hash(bytes)
        try documents.keep(bytes, digest)
        #expect(try documents.read(digest) == bytes)
        let raw = try DurableFolder(temporary.path + "/documents")
        for length in 0..<bytes.count {
            try raw.replace(digest.hex, with: Array(bytes.prefix(length)))
            #expect(try documents.read(digest) == nil)
            try documents.keep(bytes, digest)
            #expect(try documents.read(digest) == bytes)
        }
    }
}

@Suite struct AgentMemoryTests {
    @Test func survivesTheDiskAndIsRefusedWhenCut() throws {
        var memory = AgentMemory(exchangeToken: "token", epoch: 3)
        memory.enrolled = Timestamp(seconds: 1_795_000_000)
        memory.certificate = SHA256.hash([1]).hex
        memory.previousToken = "before"
        memory.state = DesiredState(
            host: "h", organisation: "o", epoch: 3, version: 2, interval: 300, salt: "s", scanInterval: 3600,
            scanRequest: 1, renewRequest: 0, authorities: ["a"])
        memory.digests = digests(1)
        memory.acknowledged = digests(2)
        let bytes = memory.json.canonicalBytes()
        #expect(try AgentMemory(json: JSONValue(parsing: bytes, limits: .message)) == memory)
        for length in 0..<bytes.count {
            #expect(throws: (any Error).self) {
                try AgentMemory(json: JSONValue(parsing: Array(bytes.prefix(length)), limits: .message))
            }
        }
    }
}

@Suite struct UnprivilegedUserTests {
    @Test func isFoundInPasswdAndNeverRoot() {
        let text = "root:x:0:0::/root:/bin/sh\nfettle-agent:x:998:997::/:/usr/sbin/nologin\n"
        let found = UnprivilegedUser.find(inPasswd: text)
        #expect(found.uid == 998)
        #expect(found.gid == 997)
        #expect(UnprivilegedUser.find(inPasswd: "fettle-agent:x:0:0::/:/bin/sh\n") == .nobody)
        #expect(UnprivilegedUser.find(inPasswd: "fettle-agent:x:998\nbroken") == .nobody)
        #expect(UnprivilegedUser.find(inPasswd: "") == .nobody)
    }
}
