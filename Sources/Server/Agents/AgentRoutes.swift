import Digest
import Hummingbird
import Inventory
import JSON
import Logging
import Store
import Timestamps
import Wire

/// The agent listener: every request comes with a host's certificate.
///
/// Who the host is and whether it may talk is read from memory, so a check-in with nothing new never touches the
/// database.
struct AgentRoutes: Sendable {
    let state: ServerState

    func respond(_ request: Request, _ exchange: Exchange) async throws -> (String, Response) {
        let path = request.pathParts
        guard path.count >= 3, path[0] == "agent" else { throw Refusal(.notFound(request.uri.path)) }
        let version = try protocolVersion(path[1])
        let route = String(path[2])
        let isLong = route == "documents" || route == "jobs"
        guard path.count == (isLong ? 5 : 3) else { throw Refusal(.notFound(request.uri.path)) }
        let limits = state.configuration.limits
        return try await named(route) {
            let host = try await admitted(exchange)
            switch (request.method, route) {
            case (.post, "check-in"):
                let message = try CheckIn(decoding: try await request.bytes(upTo: limits.messageBytes), version)
                return .message(try await checkIn(message, version, host), version)
            case (.get, "state"):
                return try await desiredState(host, request.headers[.ifNoneMatch], version)
            case (.post, "reports"):
                let bytes = try await uploaded(request, upTo: limits.messageBytes, host)
                let message = try ReportBatch(decoding: bytes, version)
                return .message(try await reports(message, host), version)
            case (.put, "documents"):
                let name = try documentName(path[3], path[4])
                let bytes = try await uploaded(request, upTo: limits.documentBytes, host)
                return try await upload(name, bytes, type: request.headers[.contentType] ?? "", host)
            case (.post, "changelogs") where version >= .two:
                // One reading may have 150 kB, and what a host is offered as much again.
                let bytes = try await uploaded(request, upTo: max(limits.messageBytes, 1 << 20), host)
                return .message(try await changelogs(ChangelogReport(decoding: bytes, version), host), version)
            case (.post, "renew"):
                let message = try RenewalRequest(decoding: try await request.bytes(upTo: limits.messageBytes), version)
                return .message(try await renew(message, host), version)
            case (.post, "jobs") where ["claim", "confirm", "entries"].contains(path[4]):
                return try await job(String(path[3]), String(path[4]), request, version, host)
            case (_, "jobs") where !["claim", "confirm", "entries"].contains(path[4]):
                throw Refusal(.notFound(request.uri.path))
            case (_, "changelogs") where version < .two: throw Refusal(.notFound(request.uri.path))
            case (_, "jobs"), (_, "check-in"), (_, "state"), (_, "reports"), (_, "documents"), (_, "renew"),
                (_, "changelogs"):
                throw Refusal(.methodNotAllowed(request.method.rawValue, request.uri.path))
            default: throw Refusal(.notFound(request.uri.path))
            }
        }
    }

    /// The host behind the connection's certificate, if it may talk to the server now.
    private func admitted(_ exchange: Exchange) async throws -> HostRecord {
        guard let peer = exchange.peer?.identity else { throw Refusal(.unauthorized) }
        guard peer.notAfter > state.clock.now() else { throw Refusal(.certificateExpired) }
        if let entry = state.directoryEntry(peer) { return try Self.admit(entry, peer) }
        // Another server on the same database may have enrolled it a moment ago.
        if state.store.isShared { try await state.store.refreshDirectory() }
        guard let entry = state.directoryEntry(peer) else {
            await state.auditNoise(
                action: "certificate.unknown-host", subject: "host:\(peer.identity.host)",
                detail: ["serial": .string(peer.serial)], address: exchange.address)
            throw Refusal(.hostUnknown)
        }
        return try Self.admit(entry, peer)
    }

    private static func admit(_ entry: HostDirectory.Entry, _ peer: PeerIdentity) throws(Refusal) -> HostRecord {
        if let certificate = entry.certificates.first(where: { $0.serial == peer.serial }),
            certificate.revokedAt != nil
        {
            throw Refusal(.certificateRevoked)
        }
        try entry.host.status.admit()
        return entry.host
    }

    /// The body of what a host reports, within that many bytes and within what one host may send in an hour.
    func uploaded(_ request: Request, upTo maximum: Int, _ host: HostRecord) async throws -> [UInt8] {
        let announced = request.headers[.contentLength].flatMap { Int($0) } ?? 0
        if let excess = state.uploads.excess(host.id, adding: max(0, announced), now: state.clock.now()) {
            let limit = state.configuration.limits.uploadBytesPerHour
            if excess.isFirst {
                state.logger.warning("upload quota exceeded", metadata: ["host": "\(host.id)", "bytes": "\(limit)"])
                await state.audit(
                    organisation: host.organisation, actor: "server", action: "host.upload-quota-exceeded",
                    subject: "host:\(host.id)", detail: ["bytesPerHour": .integer(Int64(limit))])
            }
            throw Refusal(.uploadQuota(limit), retryAfter: excess.seconds + flattened(60))
        }
        do {
            let bytes = try await request.bytes(upTo: maximum)
            state.uploads.add(host.id, bytes.count, now: state.clock.now())
            return bytes
        } catch let refusal as Refusal {
            // Too large: it was read up to there. A line that broke costs the host nothing.
            state.uploads.add(host.id, maximum, now: state.clock.now())
            throw refusal
        }
    }

    private func desired(_ host: HostRecord) -> DesiredState {
        DesiredState(
            host: host.id, organisation: host.organisation, epoch: state.epoch, version: host.stateVersion,
            interval: interval(host), salt: host.salt, scanInterval: host.scanInterval, scanRequest: host.scanRequest,
            renewRequest: host.renewRequest, authorities: state.authorities.authorities.pems)
    }

    private func desiredState(
        _ host: HostRecord, _ known: String?, _ version: ProtocolVersion
    ) async throws -> Response {
        var desired = desired(host)
        // Where the two differ, memory may be the older one: another server may have told the host of a new version.
        if state.store.isShared, known != desired.entityTag { desired = self.desired(try await latest(host)) }
        if known == desired.entityTag {
            return Response(status: .notModified, headers: [.eTag: desired.entityTag])
        }
        if version >= .two {
            // Read after the version: what is newer than that is told again with the next one.
            (desired.roles, desired.jobs) = try await RolloutEngine(state: state).offers(host, version)
        }
        return .message(desired, version, headers: [.eTag: desired.entityTag])
    }

    private func renew(_ request: RenewalRequest, _ host: HostRecord) async throws -> IdentityGrant {
        let key = try requestedKey(pem: request.certificateRequest, pointer: "/certificateRequest")
        let now = state.clock.now()
        let issued = try state.issue(HostIdentity(organisation: host.organisation, host: host.id), key, now)
        let rotated = state.mayRotate(host, now)
        let token = state.exchangeTokens.token(host: host.id, rotatedAt: rotated ? now : host.exchangeRotatedAt)
        try await state.store.write { transaction in
            try transaction.hosts.addCertificate(
                organisation: host.organisation, host: host.id, issued.record(key: key), actor: "host:\(host.id)",
                now: now)
            if rotated {
                try transaction.hosts.rotateExchangeToken(
                    organisation: host.organisation, host: host.id, to: ExchangeTokens.digest(token), now: now)
            }
        }
        state.metrics.count(.identities, "occasion=\"renewal\",result=\"granted\"")
        return state.grant(host.organisation, host.id, issued, token: token)
    }
}

extension ServerState {
    /// The host that a certificate names; nil where it is not registered in the organisation that the certificate names.
    func directoryEntry(_ peer: PeerIdentity) -> HostDirectory.Entry? {
        // By id, not serial: a certificate issued after the backup that this server was restored from is still ours.
        guard let entry = store.directory.host(peer.identity.host),
            entry.host.organisation == peer.identity.organisation
        else { return nil }
        if let owner = store.directory.host(serial: peer.serial), owner.entry.host.id != peer.identity.host {
            return nil
        }
        return entry
    }

    /// Whether the host may be given a new exchange token, or still has a recent one.
    ///
    /// Also where the key in the data folder was lost: then the current token cannot be said again.
    func mayRotate(_ host: HostRecord, _ now: Timestamp) -> Bool {
        now.seconds(since: host.exchangeRotatedAt) >= configuration.exchangeRotation
            || ExchangeTokens.digest(exchangeTokens.token(host: host.id, rotatedAt: host.exchangeRotatedAt))
                != host.exchangeCurrent
    }
}
