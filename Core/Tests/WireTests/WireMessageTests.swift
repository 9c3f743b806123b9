import Digest
import JSON
import Testing
import Timestamps
import Wire

private let digests = HostDigests(set: SHA256.hash([1]), offers: SHA256.hash([2]), facts: SHA256.hash([3]))

private let checkIn = CheckIn(
    exchangeToken: "t", bootID: "b", epoch: 3, stateVersion: 7, incarnation: "i", nextReport: 12, digests: digests,
    agentVersion: "0.1.0", clock: Timestamp(milliseconds: 1_795_248_000_123), scanAge: 77)

@Suite struct WireMessageTests {
    @Test(arguments: ProtocolVersion.allCases)
    func everyMessageSurvivesTheWay(version: ProtocolVersion) throws {
        func survives<Message: WireMessage & Equatable>(_ message: Message) throws {
            #expect(try Message(decoding: message.encoded(version), version) == message)
        }
        var checkIn = checkIn
        if version == .one { (checkIn.clock, checkIn.scanAge) = (nil, nil) }
        try survives(checkIn)
        checkIn.scanAge = nil
        try survives(checkIn)
        try survives(
            CheckInReply(
                serverTime: Timestamp(seconds: 1), interval: 300, epoch: 1, stateVersion: 2, expectedReport: 3,
                exchangeToken: nil, reportAll: true))
        let evidence = MachineEvidence(machineID: "m", productUUID: nil, hostname: "web1", bootID: "b")
        try survives(
            EnrolmentRequest(
                tokenID: "a", secret: "b", certificateRequest: "c", evidence: evidence, agentVersion: "0.1.0"))
        try survives(
            IdentityGrant(
                host: "h", organisation: "o", certificate: "c", authorities: ["x", "y"], agentAddress: "a:1",
                enrolmentAddress: "a:2", exchangeToken: "t", epoch: 4))
        try survives(RenewalRequest(certificateRequest: "c"))
        try survives(ReturnChallenge(nonce: "n"))
        try survives(
            ReturnRequest(certificate: "c", nonce: "n", signature: "s", certificateRequest: "r", evidence: evidence))
        try survives(
            DesiredState(
                host: "h", organisation: "o", epoch: 1, version: 2, interval: 300, salt: "s", scanInterval: 3600,
                scanRequest: 1, renewRequest: 0, authorities: ["a"]))
        let report = Report(
            sequence: 12, observed: Timestamp(seconds: 5), bootID: nil, digests: digests, cause: "interval")
        try survives(ReportBatch(exchangeToken: "t", incarnation: "i", reports: [report]))
        try survives(
            ReportReply(expectedReport: 13, needed: [NeededDocument(document: .offers, digest: digests.offers)]))
    }

    @Test func theOlderVersionKnowsNoClockAndNoScan() throws {
        let old = try CheckIn(decoding: checkIn.encoded(.one), .one)
        #expect(old.clock == nil && old.scanAge == nil)
        #expect(throws: JSONError.self) { try CheckIn(decoding: checkIn.encoded(.two), .one) }
        #expect(throws: JSONError.self) { try CheckIn(decoding: checkIn.encoded(.one), .two) }
    }

    /// The number after a report's must exist: the server computes it.
    @Test func aReportNumberWithoutASuccessorIsRefused() throws {
        var report = Report(
            sequence: Report.maximumSequence, observed: Timestamp(seconds: 5), bootID: nil, digests: digests, cause: "x"
        )
        #expect(try Report(json: report.json) == report)
        report.sequence = .max
        #expect(throws: JSONError.self) { try Report(json: report.json) }
    }

    @Test func anUnknownFieldIsRefusedByName() throws {
        guard case .object(var fields) = checkIn.json(.two) else { return }
        fields["surprise"] = 1
        let error = #expect(throws: JSONError.self) { try CheckIn(json: .object(fields), .two) }
        #expect("\(try #require(error))".contains("surprise"))
    }
}

@Suite struct EnrolmentTokenTests {
    private let token = EnrolmentToken(
        address: "[2001:db8::1]:8444", pins: [SHA256.hash([1]), SHA256.hash([2])], id: "tok1",
        secret: SHA256.hash([3]).hex)

    @Test func survivesCopying() throws {
        let read = try EnrolmentToken(parsing: "  \(token)\n")
        #expect(read == token)
        #expect(read.host == "2001:db8::1")
        #expect(read.port == 8444)
    }

    @Test func aTokenCutAnywhereIsRefused() {
        let text = token.description
        for length in 0..<text.count {
            #expect(throws: EnrolmentTokenError.self) { try EnrolmentToken(parsing: String(text.prefix(length))) }
        }
    }
}
