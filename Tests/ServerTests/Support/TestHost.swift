import Crypto
import Digest
import Foundation
import Inventory
import JSON
import NIOHTTP1
import NIOSSL
import Server
import SwiftASN1
import Testing
import Timestamps
import Wire
import X509

/// A host as the wire knows one: a key, an identity, a report queue.
struct TestHost: Sendable {
    var server: TestServer
    var key: P256.Signing.PrivateKey
    var grant: IdentityGrant
    var token: String
    var bootID: String
    var incarnation = "i-\(UUID().uuidString)"
    var sequence: Int64 = 1
    var version = ProtocolVersion.current

    static func request(
        _ key: P256.Signing.PrivateKey, _ token: EnrolmentToken, hostname: String, bootID: String,
        machineID: String? = nil, productUUID: String? = nil
    ) throws -> EnrolmentRequest {
        EnrolmentRequest(
            tokenID: token.id, secret: token.secret, certificateRequest: try certificateRequest(key),
            evidence: MachineEvidence(
                machineID: machineID, productUUID: productUUID, hostname: hostname, bootID: bootID),
            agentVersion: "0.1.0")
    }

    static func certificateRequest(_ key: P256.Signing.PrivateKey) throws -> String {
        let privateKey = Certificate.PrivateKey(key)
        return try CertificateSigningRequest(
            version: .v1, subject: DistinguishedName { CommonName("not what the server will say") },
            privateKey: privateKey, attributes: CertificateSigningRequest.Attributes(),
            signatureAlgorithm: .ecdsaWithSHA256
        ).serializeAsPEM().pemString
    }

    /// Enrols a new host.
    static func enrol(
        _ server: TestServer, organisation: String = "default", hostname: String = "web1", machineID: String? = nil,
        productUUID: String? = nil, token: EnrolmentToken? = nil, bootID: String = UUID().uuidString
    ) async throws -> TestHost {
        let key = P256.Signing.PrivateKey()
        let token = if let token { token } else { try await server.token(organisation: organisation) }
        let client = try await server.enrolmentClient()
        let answer = try await client.send(
            .POST, "/agent/v2/enrol",
            body: try request(
                key, token, hostname: hostname, bootID: bootID, machineID: machineID, productUUID: productUUID
            ).encoded())
        await client.close()
        #expect(answer.status == 201, "\(answer.text)")
        let grant = try IdentityGrant(decoding: answer.body)
        return TestHost(server: server, key: key, grant: grant, token: grant.exchangeToken, bootID: bootID)
    }

    var id: String { grant.host }

    /// A new connection to the agent listener with the host's certificate.
    func connect() async throws -> TestClient {
        try await Self.connect(server, certificate: grant.certificate, key: key)
    }

    static func connect(
        _ server: TestServer, certificate: String?, key: P256.Signing.PrivateKey
    ) async throws -> TestClient {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .certificates(try server.authorities())
        if let certificate {
            configuration.certificateChain = [
                .certificate(try NIOSSLCertificate(bytes: Array(certificate.utf8), format: .pem))
            ]
            configuration.privateKey = .privateKey(
                try NIOSSLPrivateKey(bytes: Array(key.pemRepresentation.utf8), format: .pem))
        }
        return try await TestClient.connect(
            .tls(port: server.port("agents"), NIOSSLContext(configuration: configuration)))
    }

    /// One request on a connection of its own.
    func send(
        _ method: HTTPMethod, _ path: String, headers: HTTPHeaders = [:], body: [UInt8]? = nil
    ) async throws -> Answer {
        let client = try await connect()
        defer { Task { await client.close() } }
        return try await client.send(method, "/agent/v\(version.rawValue)/\(path)", headers: headers, body: body)
    }

    func checkInMessage(
        epoch: Int64? = nil, stateVersion: Int64 = 1, nextReport: Int64? = nil, digests: HostDigests? = nil,
        clock: Timestamp? = nil, scanAge: Int64? = 0
    ) -> CheckIn {
        CheckIn(
            exchangeToken: token, bootID: bootID, epoch: epoch ?? grant.epoch, stateVersion: stateVersion,
            incarnation: incarnation, nextReport: nextReport ?? sequence, digests: digests, agentVersion: "0.1.0",
            clock: version >= .two ? clock ?? server.clock.clock.now() : nil,
            scanAge: version >= .two && digests != nil ? scanAge : nil)
    }

    /// Checks in; the answer as it came.
    func checkIn(
        epoch: Int64? = nil, stateVersion: Int64 = 1, nextReport: Int64? = nil, digests: HostDigests? = nil,
        scanAge: Int64? = 0
    ) async throws -> Answer {
        try await send(
            .POST, "check-in",
            body: checkInMessage(
                epoch: epoch, stateVersion: stateVersion, nextReport: nextReport, digests: digests, scanAge: scanAge
            ).encoded(version))
    }

    /// Checks in and takes the new exchange token, as an agent does.
    mutating func checkedIn(
        epoch: Int64? = nil, stateVersion: Int64 = 1, digests: HostDigests? = nil, scanAge: Int64? = 0
    ) async throws -> CheckInReply {
        let answer = try await checkIn(
            epoch: epoch, stateVersion: stateVersion, digests: digests, scanAge: scanAge)
        #expect(answer.status == 200, "\(answer.text)")
        let reply = try CheckInReply(decoding: answer.body, version)
        if let token = reply.exchangeToken { self.token = token }
        return reply
    }

    func upload(
        _ document: HostDocument, _ digest: String, _ bytes: [UInt8], type: String = "application/vnd.fettle.document"
    ) async throws -> Answer {
        try await send(
            .PUT, "documents/\(document.rawValue)/\(digest)", headers: ["content-type": type], body: bytes)
    }

    /// Uploads all three documents.
    func upload(_ truth: Truth) async throws {
        for (document, bytes) in truth.documents {
            let answer = try await upload(document, truth.digests[document].hex, bytes)
            #expect(answer.status == 201 || answer.status == 200, "\(answer.text)")
        }
    }

    func batch(_ reports: [Report]) -> ReportBatch {
        ReportBatch(exchangeToken: token, incarnation: incarnation, reports: reports)
    }

    func report(_ truth: Truth, sequence: Int64, observed: Timestamp? = nil) -> Report {
        Report(
            sequence: sequence, observed: observed ?? server.clock.clock.now(), bootID: bootID, digests: truth.digests,
            cause: "changed")
    }

    /// Uploads and reports, as an agent does.
    ///
    /// - Parameter observed: when it was scanned; nil for now.
    mutating func reported(_ truth: Truth, observed: Timestamp? = nil) async throws {
        try await upload(truth)
        let reports = batch([report(truth, sequence: sequence, observed: observed)])
        let answer = try await send(.POST, "reports", body: reports.encoded(version))
        #expect(answer.status == 200, "\(answer.text)")
        let reply = try ReportReply(decoding: answer.body, version)
        #expect(reply.expectedReport == sequence + 1)
        #expect(reply.needed.isEmpty)
        sequence += 1
    }
}

/// What a host may look like.
struct Truth: Sendable {
    var set: SoftwareSet
    var offers: OfferSet
    var facts: HostFacts

    var digests: HostDigests { HostDigests(set: set.digest, offers: offers.digest, facts: facts.digest) }

    /// When this run of the tests began: two truths of it have one digest.
    static let today = ServerClock.system.now()

    var documents: [(HostDocument, [UInt8])] {
        [(.set, set.document.bytes), (.offers, offers.document.bytes), (.facts, facts.bytes)]
    }

    /// A Debian host with so many packages, of which one has a security update.
    init(
        packages: Int = 5, version: String = "1.0-1", hostname: String = "web1", validUntil: Timestamp? = nil,
        fetched: Fact<Timestamp> = .known(Self.today)
    ) {
        set = SoftwareSet(
            (0..<packages).map { number in
                SoftwarePackage(
                    scheme: "deb", distribution: "debian-12", name: "package\(number)", architecture: "amd64",
                    version: number == 0 ? version : "2.\(number)-1")
            })
        let origin = PackageOrigin(
            origin: "Debian", label: "Debian-Security", suite: "oldstable-security", codename: "bookworm-security",
            component: "main", site: "security.debian.org", security: true)
        offers = OfferSet(
            indexes: [RepositoryIndex(origin: origin, released: nil, validUntil: validUntil)],
            offers: version == "9.9-1"
                ? []
                : [
                    Offer(
                        name: "package0", architecture: "amd64", installed: version, candidate: "9.9-1", origins: [0],
                        security: true, status: .upgradable)
                ], installedFrom: [:])
        facts = HostFacts(agentVersion: "0.1.0")
        facts.hostname = .known(hostname)
        facts.packages = .known(PackageFacts(manuallyInstalled: .known([]), lastUpdate: fetched))
        facts.operatingSystem = .known(
            OperatingSystem(id: "debian", versionID: "12", codename: "bookworm", name: "Debian GNU/Linux 12 (bookworm)")
        )
        facts.reboot = .known(RebootVerdict(reasons: [], proof: ["the newest kernel runs"]))
    }
}
