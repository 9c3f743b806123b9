import Agent
import Crypto
import Digest
import Glibc
import JSON
import NIOSSL
import SwiftASN1
import Testing
import Timestamps
import Wire
import X509

private let checkIn = CheckIn(
    exchangeToken: "t", bootID: "b", epoch: 1, stateVersion: 0, incarnation: "i", nextReport: 1, digests: nil,
    agentVersion: "0.1.0", clock: Timestamp(seconds: 1_795_000_000))

private let reply = CheckInReply(
    serverTime: Timestamp(seconds: 1_795_000_000), interval: 300, epoch: 1, stateVersion: 1, expectedReport: 1,
    exchangeToken: nil, reportAll: false)

private func state(host: String = "host1", authorities: [String]) -> DesiredState {
    DesiredState(
        host: host, organisation: "org1", epoch: 1, version: 1, interval: 300, salt: "s", scanInterval: 3600,
        scanRequest: 0, renewRequest: 0, authorities: authorities)
}

/// Limits small enough for a test.
private func impatient() -> ExchangeLimits {
    var limits = ExchangeLimits()
    limits.exchange = 2
    limits.connect = 2
    limits.answer = 100_000
    return limits
}

/// The real client against real TLS servers with something wrong about them.
@Suite(.serialized) struct LyingServerTests {
    private let authority: TestAuthority

    init() throws { authority = try TestAuthority() }

    private func error(
        _ answer: LyingServer.Answer, _ call: (ServerLink, Identity) throws -> Void
    ) throws -> ExchangeError? {
        let server = try LyingServer(authority.server(), clientsOf: authority.pem) { _ in answer }
        let link = ServerLink(limits: impatient())
        do {
            try call(link, try authority.identity(port: server.port))
            return nil
        } catch let error as ExchangeError {
            return error
        }
    }

    private func checkInError(_ answer: LyingServer.Answer) throws -> ExchangeError? {
        try error(answer) { link, identity in _ = try link.checkIn(checkIn, identity, .two) }
    }

    @Test func anHonestServerIsHeard() throws {
        let reply = reply
        let server = try LyingServer(authority.server(), clientsOf: authority.pem) { _ in .json(reply.encoded()) }
        let link = ServerLink(limits: impatient())
        let identity = try authority.identity(port: server.port)
        for _ in 0..<3 { #expect(try link.checkIn(checkIn, identity, .two) == reply) }
        #expect(server.requests.map(\.path) == Array(repeating: "/agent/v2/check-in", count: 3))
        #expect(try CheckIn(decoding: server.requests[0].body) == checkIn)
    }

    @Test func endlessBodiesAndHeadersAreCutOff() throws {
        #expect(try checkInError(.endlessBody)?.name == "answer-too-large")
        #expect(try checkInError(.endlessHeaders) != nil)
    }

    @Test func whatAnEndlessBodyCostsIsBounded() throws {
        let server = try LyingServer(authority.server(), clientsOf: authority.pem) { _ in .endlessBody }
        let link = ServerLink(limits: impatient())
        #expect(throws: ExchangeError.self) {
            try link.checkIn(checkIn, try authority.identity(port: server.port), .two)
        }
        usleep(300_000)
        // What the kernel's buffers hold, not what the server wanted to send.
        #expect(server.bytesWritten < 20 << 20)
    }

    @Test func aDripAndSilenceMeetTheDeadline() throws {
        for answer in [LyingServer.Answer.drip, .silence] {
            let start = Moment.now().uptime
            #expect(try checkInError(answer) == .timedOut(seconds: 2))
            #expect(Moment.now().uptime - start < 4000)
        }
    }

    @Test func aCutAnswerIsNoAnswer() throws {
        #expect(try checkInError(.cut) == .closedEarly)
    }

    @Test func wrongContentIsRefusedWithItsReason() throws {
        let html = LyingServer.Answer.reply(
            status: 200, headers: ["Content-Type": "text/html"], body: Array("<p>Log in</p>".utf8))
        #expect(try checkInError(html)?.name == "malformed-answer")
        #expect(try checkInError(.json(Array("{}".utf8)))?.name == "malformed-answer")
        #expect(try checkInError(.json(reply.encoded(), status: 201))?.name == "malformed-answer")
        var wrong = reply
        wrong.interval = 4
        #expect(try checkInError(.json(wrong.encoded()))?.name == "malformed-answer")
        wrong.interval = 86_401
        #expect(try checkInError(.json(wrong.encoded()))?.name == "malformed-answer")
    }

    @Test func aStateMustBearItsOwnTagAndSomethingToNotModify() throws {
        let right = state(authorities: [authority.pem])
        func fetch(_ answer: LyingServer.Answer, held: DesiredState? = nil) throws -> ExchangeError? {
            try error(answer) { link, identity in _ = try link.state(held: held, identity, .two) }
        }
        #expect(try fetch(.json(right.encoded(), ["ETag": right.entityTag])) == nil)
        #expect(try fetch(.json(right.encoded(), ["ETag": "\"1.2\""]))?.name == "wrong-entity-tag")
        #expect(try fetch(.json(right.encoded()))?.name == "wrong-entity-tag")
        let unchanged = LyingServer.Answer.reply(status: 304, headers: [:], body: [])
        #expect(try fetch(unchanged)?.name == "not-modified-without-state")
        #expect(try fetch(unchanged, held: right) == nil)
    }

    @Test func problemsAreReadWithTheirWait() throws {
        let problem = Problem("overloaded", title: "t", status: 503, detail: "Too many.\u{1B}[2J", cure: "Wait.")
        let refusal = try checkInError(.problem(problem, ["Retry-After": "17"]))
        guard case .refused(503, let read?, 17) = refusal else {
            Issue.record("\(String(describing: refusal))")
            return
        }
        #expect(read.kind == "overloaded")
        // What a server says ends in a terminal: it must not steer it.
        #expect(!read.detail.unicodeScalars.contains { $0.value < 0x20 })
    }

    @Test func aForeignAuthorityIsRefused() throws {
        let foreign = try TestAuthority("Foreign")
        let server = try LyingServer(foreign.server()) { _ in .silence }
        let failure = #expect(throws: ExchangeError.self) {
            try ServerLink(limits: impatient()).checkIn(checkIn, try authority.identity(port: server.port), .two)
        }
        #expect(failure?.name == "untrusted-server")
        #expect(server.requests.isEmpty)
    }

    @Test func anExpiredServerIsRefused() throws {
        let server = try LyingServer(authority.server(expired: true)) { _ in .silence }
        let failure = #expect(throws: ExchangeError.self) {
            try ServerLink(limits: impatient()).checkIn(checkIn, try authority.identity(port: server.port), .two)
        }
        #expect(failure?.name == "untrusted-server")
        #expect(server.requests.isEmpty)
    }

    @Test(arguments: [
        [GeneralName.dnsName("other.example")], [.ipAddress(ASN1OctetString(contentBytes: [127, 0, 0, 2]))],
        [.dnsName("127.0.0.1")],
    ])
    func aServerOfAnotherNameIsRefused(names: [GeneralName]) throws {
        let server = try LyingServer(authority.server(names: names)) { _ in .silence }
        let failure = #expect(throws: ExchangeError.self) {
            try ServerLink(limits: impatient()).checkIn(checkIn, try authority.identity(port: server.port), .two)
        }
        #expect(failure?.name == "untrusted-server")
        #expect(server.requests.isEmpty)
    }

    @Test func aServerThatRefusesTheCertificateIsUnderstood() throws {
        let foreign = try TestAuthority("Foreign")
        let server = try LyingServer(authority.server(), clientsOf: foreign.pem) { _ in .silence }
        let failure = #expect(throws: ExchangeError.self) {
            try ServerLink(limits: impatient()).checkIn(checkIn, try authority.identity(port: server.port), .two)
        }
        #expect(failure?.name == "certificate-refused")
    }

    @Test func aDeltaWithoutBaseIsSentWholeAndOtherConflictsAreErrors() throws {
        let document = NeededDocument(document: .set, digest: SHA256.hash([1]))
        func upload(
            _ kind: String, delta: Bool, status: Int = 409
        ) throws -> Result<ServerLink.UploadResult, ExchangeError> {
            let answer = LyingServer.Answer.problem(
                Problem(kind, title: "t", status: status, detail: "d", cure: "c"))
            let server = try LyingServer(authority.server(), clientsOf: authority.pem) { _ in answer }
            let identity = try authority.identity(port: server.port)
            return Result { () throws(ExchangeError) in
                try ServerLink(limits: impatient()).upload(document, bytes: [1], isDelta: delta, identity, .two)
            }
        }
        #expect(try upload("base-unknown", delta: true) == .success(.baseUnknown))
        #expect(throws: ExchangeError.self) { try upload("base-unknown", delta: false).get() }
        #expect(throws: ExchangeError.self) { try upload("other", delta: true).get() }
        // A document that is bad stays bad; of a delta only the delta may be.
        #expect(try upload("bad-document", delta: true, status: 422) == .success(.baseUnknown))
        #expect(try upload("bad-document", delta: false, status: 422) == .success(.rejected("t: d")))
    }
}

/// Enrolment against servers that are not the token's, and grants that are not the host's.
@Suite(.serialized) struct EnrolmentTests {
    private let authority: TestAuthority
    private let temporary = TemporaryFolder()
    private let evidence = MachineEvidence(machineID: "m", productUUID: nil, hostname: "h", bootID: "b")

    init() throws { authority = try TestAuthority() }

    private func enrol(
        pins: [[UInt8]]? = nil, server: LyingServer
    ) throws -> IdentityGrant {
        let token = EnrolmentToken(
            address: "127.0.0.1:\(server.port)", pins: try (pins ?? [authority.der]).map { SHA256.hash($0) }, id: "tok",
            secret: SHA256.hash([1]).hex)
        let request = EnrolmentRequest(
            tokenID: token.id, secret: token.secret, certificateRequest: try HostKey().certificateRequest(),
            evidence: evidence, agentVersion: "0.1.0")
        guard let address = ServerAddress(token.address) else { throw ExchangeError.local("address") }
        return try ServerLink(limits: impatient()).enrol(request, token: token, address: address, .two)
    }

    @Test func aPinnedServerGrants() throws {
        let authority = authority
        let server = try LyingServer(authority.server()) { request in
            guard let asked = try? EnrolmentRequest(decoding: request.body),
                let grant = try? authority.grant(for: asked.certificateRequest, port: 1)
            else { return .silence }
            return .json(grant.encoded(), status: 201)
        }
        #expect(try enrol(server: server).host == "host1")
        #expect(server.requests.map(\.path) == ["/agent/v2/enrol"])
    }

    /// The secret must not reach a server that the token does not pin.
    @Test func anotherServerGetsNothing() throws {
        let foreign = try TestAuthority("Foreign")
        let server = try LyingServer(foreign.server()) { _ in .silence }
        let failure = #expect(throws: ExchangeError.self) { try enrol(server: server) }
        #expect(failure?.name == "untrusted-server")
        #expect(server.requests.isEmpty)
    }

    /// A server that presents the pinned authority's certificate behind a leaf that the authority never signed.
    @Test func presentingThePinnedAuthorityIsNotEnough() throws {
        let foreign = try TestAuthority("Foreign")
        let leaf = try foreign.server()
        let pinned = try NIOSSLCertificate(bytes: Array(authority.pem.utf8), format: .pem)
        let server = try LyingServer((chain: [leaf.chain[0], pinned], key: leaf.key)) { _ in .silence }
        let failure = #expect(throws: ExchangeError.self) { try enrol(server: server) }
        #expect(failure?.name == "untrusted-server")
        #expect(server.requests.isEmpty)
    }

    @Test func anotherNameGetsNothing() throws {
        let server = try LyingServer(authority.server(names: [.dnsName("other.example")])) { _ in .silence }
        let failure = #expect(throws: ExchangeError.self) { try enrol(server: server) }
        #expect(failure?.name == "untrusted-server")
        #expect(server.requests.isEmpty)
    }

    @Test func onlyGrantsForThisKeyHostAndTimeAreTaken() throws {
        let key = HostKey()
        let request = try key.certificateRequest()
        let now = Moment.now().wall
        func refusal(_ grant: IdentityGrant, after predecessor: Identity? = nil) -> GrantError? {
            do {
                _ = try Identity(verifying: grant, key: key, now: now, predecessor: predecessor)
                return nil
            } catch {
                return error
            }
        }
        let good = try authority.grant(for: request, port: 1)
        #expect(refusal(good) == nil)
        #expect(try refusal(authority.grant(for: HostKey().certificateRequest(), port: 1)) == .otherKey)
        #expect(try refusal(authority.grant(for: request, port: 1, usage: .serverAuth)) == .notForClients)
        let name = "urn:fettle:org:org1:host:other"
        #expect(
            try refusal(authority.grant(for: request, port: 1, name: name))
                == .otherName(expected: "urn:fettle:org:org1:host:host1"))
        if case .expired? = try refusal(authority.grant(for: request, port: 1, lifetime: 60, age: 120)) {
        } else {
            Issue.record("an expired certificate was taken")
        }
        var foreign = good
        foreign.authorities = [try TestAuthority("Foreign").pem]
        #expect(refusal(foreign) == .notIssuedByItsAuthorities)
        var address = good
        address.agentAddress = "nowhere"
        #expect(refusal(address) != nil)
        let before = try Identity(verifying: good, key: key, now: now)
        #expect(
            try refusal(authority.grant(for: request, host: "host2", port: 1), after: before) == .otherHost("host2"))
        #expect(before.trusting([authority.pem, try TestAuthority("Next").pem]) != nil)
        #expect(before.trusting([try TestAuthority("Foreign").pem]) == nil)
        #expect(before.trusting([]) == nil)
    }

    /// A crash after each step of a replacement leaves an identity whose key fits.
    @Test func aReplacementSurvivesACrashAfterEachStep() throws {
        let folder = try temporary.folder
        let store = IdentityStore(folder)
        let old = try authority.identity(port: 1)
        try store.prepare(old.key)
        try store.save(old, newKey: true)
        let key = HostKey()
        let new = try Identity(
            verifying: authority.grant(for: key.certificateRequest(), host: "host2", port: 1), key: key, now: nil)
        try store.prepare(key)
        #expect(try store.load()?.host == "host1")
        // The grant is on disk, its key not yet in its place.
        try folder.replace("identity.json", with: new.grant.encoded())
        #expect(try store.load()?.host == "host2")
        #expect(try store.load()?.host == "host2")
        #expect(!folder.contains("key.next.pem"))
        for name in ["identity.json", "key.pem"] {
            let bytes = try #require(try folder.read(name, limit: 1 << 20))
            for length in stride(from: 0, to: bytes.count, by: 7) {
                try folder.replace(name, with: Array(bytes.prefix(length)))
                #expect(throws: IdentityStoreError.self) { try store.load() }
            }
            try folder.replace(name, with: bytes)
        }
        #expect(try store.load()?.host == "host2")
    }
}
