import Audit
import Digest
import Hummingbird
import JSON
import Logging
import Store
import SwiftASN1
import Timestamps
import Wire
import X509

import enum Crypto.P256

/// The enrolment listener: hosts without a valid certificate come here, with a token or with proof of their old key.
struct EnrolmentRoutes: Sendable {
    let state: ServerState

    func respond(_ request: Request, _ exchange: Exchange) async throws -> (String, Response) {
        let path = request.pathParts
        guard path.count == 3, path[0] == "agent" else { throw Refusal(.notFound(request.uri.path)) }
        let version = try protocolVersion(path[1])
        guard ["enrol", "challenge", "return"].contains(path[2]) else { throw Refusal(.notFound(request.uri.path)) }
        guard request.method == .post else {
            throw Refusal(.methodNotAllowed(request.method.rawValue, request.uri.path))
        }
        return try await named(String(path[2])) {
            guard state.enrolments.take() else { throw Refusal(.tooManyRequests, retryAfter: flattened(4)) }
            let body = try await request.bytes(upTo: 64 << 10)
            switch path[2] {
            case "enrol": return try await enrol(try EnrolmentRequest(decoding: body, version), version, exchange)
            case "return": return try await comeBack(try ReturnRequest(decoding: body, version), version, exchange)
            default: return try challenge(version)
            }
        }
    }

    // MARK: - Enrolment

    private func enrol(
        _ request: EnrolmentRequest, _ version: ProtocolVersion, _ exchange: Exchange
    ) async throws -> Response {
        let key = try requestedKey(pem: request.certificateRequest, pointer: "/certificateRequest")
        let now = state.clock.now()
        let id = RandomID.make("h")
        let token = state.exchangeTokens.token(host: id, rotatedAt: now)
        let state = state
        do {
            let (host, issued) = try await state.store.write { transaction in
                let enrolment = try transaction.tokens.consume(
                    id: request.tokenID, secretDigest: ExchangeTokens.digest(request.secret), now: now)
                let identity = HostIdentity(organisation: enrolment.organisation, host: id)
                let issued = try state.issue(identity, key, now)
                let host = try transaction.hosts.enrol(
                    NewHost(
                        id: id, organisation: enrolment.organisation, hostname: request.evidence.hostname,
                        evidence: request.evidence.identity, labels: enrolment.labels, token: enrolment.id,
                        certificate: issued.record(key: key), exchangeToken: ExchangeTokens.digest(token),
                        interval: state.configuration.interval, scanInterval: state.configuration.scanInterval,
                        salt: RandomID.make("s"), bootID: request.evidence.bootID, agentVersion: request.agentVersion,
                        protocolVersion: Int64(version.rawValue)), now: now)
                try Self.noteDuplicates(of: host, request.evidence, transaction, now)
                return (host, issued)
            }
            state.metrics.count(.identities, "occasion=\"enrolment\",result=\"granted\"")
            state.logger.info(
                "host enrolled",
                metadata: ["host": "\(id)", "hostname": "\(host.hostname)", "organisation": "\(host.organisation)"])
            return .message(
                state.grant(host.organisation, id, issued, token: token), version, status: .created)
        } catch let refusal as TokenRefusal {
            state.metrics.count(.identities, "occasion=\"enrolment\",result=\"refused\"")
            await auditRefused(request, refusal, exchange)
            throw Refusal(refusal.problem)
        }
    }

    /// The same machine under two host ids: its disk was copied, or it was enrolled again. People decide.
    private static func noteDuplicates(
        of host: HostRecord, _ evidence: MachineEvidence, _ transaction: Transaction, _ now: Timestamp
    ) throws {
        guard let machineID = evidence.machineID, let productUUID = evidence.productUUID else { return }
        let others = try transaction.hosts.matching(
            organisation: host.organisation, machineID: machineID, productUUID: productUUID
        ).filter { $0.id != host.id && $0.status != .retired }
        guard !others.isEmpty else { return }
        try transaction.events.record(
            organisation: host.organisation, kind: "host.likely-duplicate", subject: "host:\(host.id)",
            payload: ["others": .array(others.map { .string($0.id) })], now: now)
    }

    private func auditRefused(_ request: EnrolmentRequest, _ refusal: TokenRefusal, _ exchange: Exchange) async {
        let detail: JSONValue = ["problem": .string(refusal.problem.kind)]
        let personal: [String: JSONValue] = [
            "hostname": .string(request.evidence.hostname), "address": .string(exchange.address),
        ]
        state.logger.warning(
            "enrolment refused", metadata: ["problem": "\(refusal.problem.kind)", "address": "\(exchange.address)"])
        guard refusal != .unknown else {
            return await state.auditNoise(
                action: "enrolment.refused", subject: "token:unknown", detail: detail, address: exchange.address)
        }
        // Only now is it certain that whoever asks knows the token, so its organisation is told.
        let organisation = try? await state.store.read { transaction in
            try transaction.organisations.list().first { organisation in
                try transaction.tokens.list(organisation: organisation.id).contains { $0.id == request.tokenID }
            }?.id
        }
        await state.audit(
            organisation: organisation ?? AuditEvent.installation, actor: "token:\(request.tokenID)",
            action: "enrolment.refused", subject: "token:\(request.tokenID)", detail: detail, personal: personal)
    }

    // MARK: - Return after expiry

    private func challenge(_ version: ProtocolVersion) throws -> Response {
        guard let nonce = state.challenges.make(now: state.clock.now()) else {
            throw Refusal(.tooManyRequests, retryAfter: flattened(30))
        }
        return .message(ReturnChallenge(nonce: nonce), version)
    }

    private func comeBack(
        _ request: ReturnRequest, _ version: ProtocolVersion, _ exchange: Exchange
    ) async throws -> Response {
        let now = state.clock.now()
        let (peer, oldKey) = try provenPeer(request, now)
        let key = try requestedKey(pem: request.certificateRequest, pointer: "/certificateRequest")
        let identity = peer.identity
        let issued = try state.issue(identity, key, now)
        let token = state.exchangeTokens.token(host: identity.host, rotatedAt: now)
        do {
            try await state.store.write { transaction in
                guard let host = try transaction.hosts.show(organisation: identity.organisation, id: identity.host)
                else { throw Refusal(.hostUnknown) }
                try host.status.admit()
                // A certificate issued after the backup that this server was restored from is not known: its
                // signature still is ours, and revoked it cannot be.
                if let known = try transaction.hosts.find(serial: peer.serial) {
                    guard known.host.id == identity.host, known.certificate.revokedAt == nil,
                        known.certificate.keyDigest == keyDigest(oldKey)
                    else { throw Refusal(.certificateRevoked) }
                }
                try transaction.hosts.addCertificate(
                    organisation: identity.organisation, host: identity.host, issued.record(key: key),
                    actor: "host:\(identity.host)", now: now)
                try transaction.hosts.seedExchangeToken(
                    organisation: identity.organisation, host: identity.host, to: ExchangeTokens.digest(token), now: now
                )
                try transaction.audit.append(
                    organisation: identity.organisation, actor: "host:\(identity.host)", action: "host.returned",
                    subject: "host:\(identity.host)", detail: ["certificate": .string(peer.serial)],
                    personal: ["address": .string(exchange.address)], now: now)
            }
        } catch let refusal as Refusal {
            state.metrics.count(.identities, "occasion=\"return\",result=\"refused\"")
            await state.audit(
                organisation: identity.organisation, actor: "host:\(identity.host)", action: "return.refused",
                subject: "host:\(identity.host)", detail: ["problem": .string(refusal.problem.kind)],
                personal: ["address": .string(exchange.address)])
            throw refusal
        }
        state.metrics.count(.identities, "occasion=\"return\",result=\"granted\"")
        return .message(state.grant(identity.organisation, identity.host, issued, token: token), version)
    }

    /// The host whose key signed the nonce; its certificate must be ours, and may have expired.
    private func provenPeer(
        _ request: ReturnRequest, _ now: Timestamp
    ) throws(Refusal) -> (PeerIdentity, P256.Signing.PublicKey) {
        guard let certificate = try? Certificate(pemEncoded: request.certificate), let peer = PeerIdentity(certificate),
            let key = P256.Signing.PublicKey(certificate.publicKey)
        else {
            throw Refusal(.malformed("this is not a host's certificate in PEM", pointer: "/certificate"))
        }
        guard state.authorities.authorities.trusted.contains(where: { $0.signed(certificate) }) else {
            state.handshakeRefused("return", "a returning host's certificate is not one of ours")
            throw Refusal(.hostUnknown)
        }
        guard let signature = bytes(hexadecimal: request.signature),
            let parsed = try? P256.Signing.ECDSASignature(derRepresentation: signature)
        else {
            throw Refusal(.malformed("the signature is not DER in hexadecimal", pointer: "/signature"))
        }
        guard state.challenges.take(request.nonce, now: now) else {
            throw Refusal(
                .malformed(
                    "the nonce is not open: it was used, is over five minutes old, or not ours", pointer: "/nonce"))
        }
        let signed = ReturnRequest.signedBytes(nonce: request.nonce, certificateRequest: request.certificateRequest)
        guard key.isValidSignature(parsed, for: signed) else {
            throw Refusal(.malformed("the signature is not by the certificate's key", pointer: "/signature"))
        }
        return (peer, key)
    }
}

/// `v2` as a version.
func protocolVersion(_ part: Substring) throws(Refusal) -> ProtocolVersion {
    guard part.first == "v", let number = Int(part.dropFirst()), let version = ProtocolVersion(rawValue: number) else {
        throw Refusal(.protocolUnsupported(String(part.prefix(16))))
    }
    return version
}

/// The bytes of hexadecimal digits; nil for anything else.
func bytes(hexadecimal text: String) -> [UInt8]? {
    let digits = Array(text.utf8)
    guard digits.count.isMultiple(of: 2) else { return nil }
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: digits.count, by: 2) {
        guard let byte = UInt8(String(decoding: digits[index..<index + 2], as: UTF8.self), radix: 16) else {
            return nil
        }
        bytes.append(byte)
    }
    return bytes
}
