import Agent
import Digest
import Foundation
import Inventory
import NIOCore
import NIOHTTP1
import NIOSSL
import Timestamps
import Wire

/// An enrolled host of the benchmark, speaking the real protocol.
struct SyntheticAgent: Sendable {
    let host: SyntheticHost
    let grant: IdentityGrant
    /// Presents the host's certificate and trusts the server's authorities.
    let context: NIOSSLContext

    private static let path = "/agent/v\(ProtocolVersion.current.rawValue)"
    private static let incarnation = "bench"

    /// Enrols a host over an open connection to the enrolment listener.
    static func enrol(
        _ host: SyntheticHost, token: EnrolmentToken, over connection: ProtocolClient
    ) async throws -> SyntheticAgent {
        let key = HostKey()
        let request = EnrolmentRequest(
            tokenID: token.id, secret: token.secret, certificateRequest: try key.certificateRequest(),
            evidence: MachineEvidence(
                machineID: host.machineID, productUUID: nil, hostname: host.hostname, bootID: host.bootID),
            agentVersion: AgentVersion.text)
        let response = try await connection.send(.POST, path + "/enrol", body: request.encoded())
        guard response.status == 201 else { throw ServerRefused("enrol", response) }
        let grant = try IdentityGrant(decoding: response.body)
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv13
        configuration.trustRoots = .certificates(
            try grant.authorities.flatMap { try NIOSSLCertificate.fromPEMBytes(Array($0.utf8)) })
        configuration.certificateVerification = .noHostnameVerification
        configuration.certificateChain = try NIOSSLCertificate.fromPEMBytes(Array(grant.certificate.utf8)).map {
            .certificate($0)
        }
        configuration.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: Array(key.pem.utf8), format: .pem))
        return SyntheticAgent(host: host, grant: grant, context: try NIOSSLContext(configuration: configuration))
    }

    /// Connects to the agent listener.
    func connect(_ group: any EventLoopGroup) async throws -> ProtocolClient {
        guard let colon = grant.agentAddress.lastIndex(of: ":"),
            let port = Int(grant.agentAddress[grant.agentAddress.index(after: colon)...])
        else { throw BenchmarkError("the server told the agent address \"\(grant.agentAddress)\"") }
        return try await .connect(host: "127.0.0.1", port: port, context: context, group: group)
    }

    /// A check-in that tells nothing new.
    func checkIn(over connection: ProtocolClient) async throws {
        let response = try await connection.send(.POST, Self.path + "/check-in", body: checkInBody)
        guard response.status == 200 else { throw ServerRefused("check-in", response) }
    }

    /// What ``checkIn(over:)`` sends.
    var checkInBody: [UInt8] {
        CheckIn(
            exchangeToken: grant.exchangeToken, bootID: host.bootID, epoch: grant.epoch, stateVersion: 1,
            incarnation: Self.incarnation, nextReport: 2, digests: host.digests, agentVersion: AgentVersion.text,
            clock: .now
        ).encoded()
    }

    /// A full first report: the report, what the server asks for, the report again.
    func report(over connection: ProtocolClient) async throws {
        let batch = ReportBatch(
            exchangeToken: grant.exchangeToken, incarnation: Self.incarnation,
            reports: [
                Report(sequence: 1, observed: .now, bootID: host.bootID, digests: host.digests, cause: "start")
            ]
        ).encoded()
        let first = try await sendReports(batch, over: connection)
        guard first.expectedReport == 1, first.needed.count == 3 else {
            throw BenchmarkError("the server asked for \(first.needed.count) documents of a new host where it lacks 3")
        }
        for needed in first.needed {
            let bytes =
                switch needed.document {
                case .set: host.set.bytes
                case .offers: host.offers.document.bytes
                case .facts: host.facts
                }
            let response = try await connection.send(
                .PUT, Self.path + "/documents/\(needed.document.rawValue)/\(needed.digest.hex)",
                contentType: "application/vnd.fettle.document", body: bytes)
            guard response.status == 201 else { throw ServerRefused("documents", response) }
        }
        let second = try await sendReports(batch, over: connection)
        guard second.expectedReport == 2 else {
            throw BenchmarkError("the server did not take a report with its documents")
        }
    }

    private func sendReports(_ body: [UInt8], over connection: ProtocolClient) async throws -> ReportReply {
        let response = try await connection.send(.POST, Self.path + "/reports", body: body)
        guard response.status == 200 else { throw ServerRefused("reports", response) }
        return try ReportReply(decoding: response.body)
    }
}

/// The server answered with an error.
private struct ServerRefused: Error, CustomStringConvertible {
    let description: String

    init(_ what: String, _ response: ProtocolClient.Response) {
        description =
            "\(what): the server answered \(response.status) \(String(decoding: response.body.prefix(300), as: UTF8.self))"
    }
}

extension Timestamp {
    /// This machine's clock.
    static var now: Timestamp { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }
}
