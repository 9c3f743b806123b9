import Digest
import Inventory
import JSON
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
public import Wire

/// The agent protocol's requests, over both listeners. Calls block; it is used by one thread.
public final class ServerLink {
    private let group: MultiThreadedEventLoopGroup
    private let limits: ExchangeLimits
    private var agentListener: HTTPSClient?
    private var enrolmentListener: HTTPSClient?

    /// A link that is not yet connected. Its one event-loop thread lives until the process ends.
    public init(limits: ExchangeLimits = ExchangeLimits()) {
        self.limits = limits
        self.group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    }

    deinit { group.shutdownGracefully { _ in } }

    /// Ends the connections; the next request opens new ones, with the identity it is given.
    public func disconnect() {
        agentListener?.close()
        enrolmentListener?.close()
        agentListener = nil
        enrolmentListener = nil
    }

    // MARK: The enrolment listener

    /// `POST enrol`: trusts only an authority that `token` pins.
    public func enrol(
        _ request: EnrolmentRequest, token: EnrolmentToken, address: ServerAddress, _ version: ProtocolVersion
    ) throws(ExchangeError) -> IdentityGrant {
        let authority = try PinnedAuthority.fetch(from: address, pins: token.pins, group: group, limits: limits)
        let client = try HTTPSClient(
            address, Self.configuration(trusting: [authority]), group: group, limits: limits)
        defer { client.close() }
        return try post("enrol", request, version, client, status: 201)
    }

    /// `POST challenge` and `POST return`: a known host whose certificate expired while it was away.
    public func comeBack(
        _ identity: Identity, evidence: MachineEvidence, _ version: ProtocolVersion
    ) throws(ExchangeError) -> IdentityGrant {
        let client = try enrolmentClient(identity)
        let empty = HTTPRequest(
            method: .POST, path: "/agent/v\(version.rawValue)/challenge", answerLimit: limits.answer,
            deadline: limits.exchange)
        let challenge = try decode(ReturnChallenge.self, exchange(empty, on: client, 200), version)
        let request: String
        let signature: String
        do {
            request = try identity.key.certificateRequest()
            signature = try identity.key.signature(
                over: ReturnRequest.signedBytes(nonce: challenge.nonce, certificateRequest: request))
        } catch {
            throw ExchangeError.local("the host's key cannot sign: \(error)")
        }
        let message = ReturnRequest(
            certificate: identity.grant.certificate, nonce: challenge.nonce, signature: signature,
            certificateRequest: request, evidence: evidence)
        return try post("return", message, version, client, status: 200)
    }

    // MARK: The agent listener

    /// `POST check-in`.
    public func checkIn(
        _ message: CheckIn, _ identity: Identity, _ version: ProtocolVersion
    ) throws(ExchangeError) -> CheckInReply {
        try post("check-in", message, version, agentClient(identity), status: 200)
    }

    /// `POST reports`.
    public func report(
        _ batch: ReportBatch, _ identity: Identity, _ version: ProtocolVersion
    ) throws(ExchangeError) -> ReportReply {
        try post("reports", batch, version, agentClient(identity), status: 200)
    }

    /// `POST renew`, with a request for the same key: a new one would need two files to change at once.
    public func renew(_ identity: Identity, _ version: ProtocolVersion) throws(ExchangeError) -> IdentityGrant {
        let request: String
        do {
            request = try identity.key.certificateRequest()
        } catch {
            throw ExchangeError.local("the host's key cannot sign: \(error)")
        }
        return try post(
            "renew", RenewalRequest(certificateRequest: request), version, agentClient(identity), status: 200)
    }

    /// `GET state`; nil for "not modified".
    public func state(
        held: DesiredState?, _ identity: Identity, _ version: ProtocolVersion
    ) throws(ExchangeError) -> DesiredState? {
        let request = HTTPRequest(
            method: .GET, path: "/agent/v\(version.rawValue)/state", ifNoneMatch: held?.entityTag,
            answerLimit: limits.state, deadline: limits.exchange)
        let answer = try exchange(request, on: agentClient(identity), 200, 304)
        if answer.status == 304 {
            guard held != nil else { throw ExchangeError.violation(.nothingToNotModify) }
            return nil
        }
        let state = try decode(DesiredState.self, answer, version, limits: .facts)
        guard answer.entityTag == state.entityTag else {
            throw ExchangeError.violation(.entityTag(String((answer.entityTag ?? "none").prefix(80))))
        }
        return state
    }

    /// `POST jobs/{job}/claim` and `confirm`: asks for a grant or a ticket.
    public func ask(
        _ question: RelayedQuestion, exchangeToken: String, _ identity: Identity, _ version: ProtocolVersion
    ) throws(ExchangeError) -> JobAnswer {
        let message = JobQuestion(exchangeToken: exchangeToken, nonce: question.nonce, fence: question.fence)
        return try post(
            "jobs/\(question.job)/\(question.kind.rawValue)", message, version, agentClient(identity), status: 200)
    }

    /// `POST jobs/{job}/entries`: delivers what is new of a job.
    public func deliver(
        _ progress: RelayedProgress, exchangeToken: String, _ identity: Identity, _ version: ProtocolVersion
    ) throws(ExchangeError) -> JobProgressReply {
        var message = progress.progress
        message.exchangeToken = exchangeToken
        return try post("jobs/\(progress.job)/entries", message, version, agentClient(identity), status: 200)
    }

    /// `POST changelogs`: what could be read, and what was.
    public func tellChangelogs(
        _ report: ChangelogReport, _ identity: Identity, _ version: ProtocolVersion
    ) throws(ExchangeError) -> ChangelogReply {
        try post("changelogs", report, version, agentClient(identity), status: 200)
    }

    /// What became of an upload.
    public enum UploadResult: Sendable, Hashable {
        /// The server has it.
        case taken
        /// The server does not hold the base of the delta: send the document whole.
        case baseUnknown
        /// The server finds the whole document bad, and always will; the text says why.
        case rejected(String)
    }

    /// `PUT documents/…`: a document whole, or the delta that makes it.
    public func upload(
        _ document: NeededDocument, bytes: [UInt8], isDelta: Bool, _ identity: Identity, _ version: ProtocolVersion
    ) throws(ExchangeError) -> UploadResult {
        let kind = isDelta ? "delta" : "document"
        let request = HTTPRequest(
            method: .PUT,
            path: "/agent/v\(version.rawValue)/documents/\(document.document.rawValue)/\(document.digest.hex)",
            contentType: "application/vnd.fettle.\(kind)", body: bytes, answerLimit: limits.answer,
            deadline: limits.upload)
        do {
            _ = try exchange(request, on: agentClient(identity), 200, 201)
            return .taken
        } catch ExchangeError.refused(409, let problem, _) where isDelta && problem?.kind == "base-unknown" {
            return .baseUnknown
        } catch ExchangeError.refused(422, let problem, _) {
            // Of a delta the fault may be the delta's.
            if isDelta { return .baseUnknown }
            return .rejected(problem.map { "\($0.title): \($0.detail)" } ?? "the server does not say why")
        }
    }

    // MARK: Common parts

    private func agentClient(_ identity: Identity) throws(ExchangeError) -> HTTPSClient {
        if let agentListener { return agentListener }
        var configuration = Self.configuration(trusting: try Self.certificates(identity.grant.authorities))
        do {
            let certificate = try NIOSSLCertificate(bytes: Array(identity.grant.certificate.utf8), format: .pem)
            let key = try NIOSSLPrivateKey(bytes: Array(identity.key.pem.utf8), format: .pem)
            configuration.certificateChain = [.certificate(certificate)]
            configuration.privateKey = .privateKey(key)
        } catch {
            throw ExchangeError.local("the host's certificate cannot be used: \(error)")
        }
        let client = try HTTPSClient(
            try address(identity.grant.agentAddress), configuration, group: group, limits: limits)
        agentListener = client
        return client
    }

    private func enrolmentClient(_ identity: Identity) throws(ExchangeError) -> HTTPSClient {
        if let enrolmentListener { return enrolmentListener }
        let configuration = Self.configuration(trusting: try Self.certificates(identity.grant.authorities))
        let client = try HTTPSClient(
            try address(identity.grant.enrolmentAddress), configuration, group: group, limits: limits)
        enrolmentListener = client
        return client
    }

    private func address(_ text: String) throws(ExchangeError) -> ServerAddress {
        guard let address = ServerAddress(text) else {
            throw ExchangeError.local("\"\(text)\" in identity.json is not HOST:PORT; enrol again")
        }
        return address
    }

    private static func certificates(_ texts: [String]) throws(ExchangeError) -> [NIOSSLCertificate] {
        do {
            return try texts.map { try NIOSSLCertificate(bytes: Array($0.utf8), format: .pem) }
        } catch {
            throw ExchangeError.local("an authority's certificate cannot be read: \(error)")
        }
    }

    private static func configuration(trusting authorities: [NIOSSLCertificate]) -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv13
        configuration.trustRoots = .certificates(authorities)
        configuration.certificateVerification = .fullVerification
        configuration.applicationProtocols = ["http/1.1"]
        configuration.shutdownTimeout = .seconds(1)
        return configuration
    }

    private func post<Message: WireMessage, Answer: WireMessage>(
        _ name: String, _ message: Message, _ version: ProtocolVersion, _ client: HTTPSClient, status: Int
    ) throws(ExchangeError) -> Answer {
        let request = HTTPRequest(
            method: .POST, path: "/agent/v\(version.rawValue)/\(name)", contentType: "application/json",
            body: message.encoded(version), answerLimit: limits.answer, deadline: limits.exchange)
        return try decode(Answer.self, exchange(request, on: client, status), version)
    }

    private func exchange(
        _ request: HTTPRequest, on client: HTTPSClient, _ expected: Int...
    ) throws(ExchangeError) -> HTTPAnswer {
        let answer = try client.exchange(request)
        if expected.contains(answer.status) { return answer }
        guard answer.status >= 300 else {
            throw ExchangeError.malformed("status \(answer.status) is none that belongs to \(request.path)")
        }
        let wait = answer.retryAfter.flatMap { RetryAfter.seconds($0, now: Moment.now().wall) }
        let body = try? JSONValue(parsing: answer.body, limits: .message)
        throw ExchangeError.refused(
            status: answer.status, problem: body.flatMap { Problem(json: $0) }?.bounded, retryAfter: wait)
    }

    private func decode<Answer: WireMessage>(
        _ type: Answer.Type, _ answer: HTTPAnswer, _ version: ProtocolVersion, limits: JSONLimits = .message
    ) throws(ExchangeError) -> Answer {
        guard answer.contentType?.lowercased().hasPrefix("application/json") == true else {
            let type = String((answer.contentType ?? "none").prefix(80))
            throw ExchangeError.malformed("its content type is \(type) where application/json belongs")
        }
        do {
            return try Answer(decoding: answer.body, version, limits: limits)
        } catch {
            throw ExchangeError.malformed("\(error)")
        }
    }
}

extension Problem {
    /// The problem with texts short enough for a status file and a terminal, without control characters.
    var bounded: Problem {
        func clean(_ text: String) -> String {
            String(text.unicodeScalars.prefix(500).map { $0.value < 0x20 || $0.value == 0x7F ? " " : Character($0) })
        }
        var copy = self
        copy.type = clean(type)
        copy.title = clean(title)
        copy.detail = clean(detail)
        copy.cure = clean(cure)
        return copy
    }
}
