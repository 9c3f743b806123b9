import Glibc
import JSON
public import Wire

/// Enrols this host: makes its key, proves possession of a token, stores the verified grant.
public struct Enrolment {
    /// The host's state folder, below which `network` belongs to the unprivileged user.
    public var layout: StateLayout
    /// The token.
    public var token: EnrolmentToken
    /// Another address than the token's: for a server that this host sees under another name.
    public var address: ServerAddress?
    /// Whether an identity that exists may be replaced.
    public var replace: Bool
    /// The protocol to speak.
    public var version: ProtocolVersion

    /// An enrolment with that token.
    public init(
        layout: StateLayout, token: EnrolmentToken, address: ServerAddress? = nil, replace: Bool = false,
        version: ProtocolVersion = .current
    ) {
        self.layout = layout
        self.token = token
        self.address = address
        self.replace = replace
        self.version = version
    }

    /// Enrols. Ends as the unprivileged user where it was called by root: only call it in a process of its own.
    ///
    /// - Parameter evidence: what the machine says of itself, read while that needs no further rights.
    /// - Returns: the new identity, which is on disk then.
    public func run(evidence: MachineEvidence) throws -> Identity {
        guard let target = address ?? ServerAddress(token.address) else {
            throw EnrolmentError.badAddress(token.address)
        }
        // While this is still root: a new identity trusts its server's signing keys anew.
        if replace, access(layout.executor, F_OK) == 0 {
            try TrustStore.forget(in: DurableFolder(layout.executor, create: false))
        }
        // Read as the caller, decided before anything changes.
        let folder = try layout.enterNetworkFolder()
        let store = IdentityStore(folder)
        if store.exists, !replace { throw EnrolmentError.exists(try replacementLoss(store, folder)) }

        let key = HostKey()
        try store.prepare(key)
        let request = EnrolmentRequest(
            tokenID: token.id, secret: token.secret, certificateRequest: try key.certificateRequest(),
            evidence: evidence, agentVersion: AgentVersion.text)
        let link = ServerLink()
        let grant = try link.enrol(request, token: token, address: target, version)
        let identity: Identity
        do {
            identity = try Identity(verifying: grant, key: key, now: Moment.now().wall)
        } catch {
            throw ExchangeError.violation(.grant(error))
        }
        // What the old identity had been told and had queued is another host's. It goes before the new identity
        // comes: a crash between leaves the old identity with an empty memory, which it survives.
        if store.exists {
            try folder.remove(AgentMemory.file)
            try ReportQueue.remove(from: folder)
        }
        try store.save(identity, newKey: true)
        var memory = AgentMemory(exchangeToken: grant.exchangeToken, epoch: grant.epoch)
        memory.enrolled = Moment.now().wall
        try folder.replace(AgentMemory.file, with: memory.json.canonicalBytes())
        return identity
    }

    private func replacementLoss(_ store: IdentityStore, _ folder: DurableFolder) throws -> String {
        let identity = try? store.load()
        let waiting = (try? ReportQueue(folder))?.reports.count ?? 0
        let who = identity.map { "host \($0.host) of organisation \($0.grant.organisation)" } ?? "a damaged identity"
        return "\(who), with \(waiting) report\(waiting == 1 ? "" : "s") not yet delivered"
    }
}

/// Why a host was not enrolled, for reasons of its own.
public enum EnrolmentError: Error, Hashable, Sendable, CustomStringConvertible {
    /// It is enrolled already, as this.
    case exists(String)
    /// The C library would load name-service modules, which a static program must not.
    case nameLookups
    /// Where to enrol is not HOST:PORT.
    case badAddress(String)

    public var description: String {
        switch self {
        case .nameLookups:
            "the C library's name look-ups cannot be pinned to files and dns; this build does not fit the host"
        case .badAddress(let text): "\"\(text.prefix(80))\" is not HOST:PORT, as in fettle.example.org:8444"
        case .exists(let what):
            "this host is enrolled already: \(what). --replace would drop that identity and those reports; "
                + "the server keeps the old host until it is removed there."
        }
    }
}

extension Enrolment {
    /// Enrols from a command: pins name look-ups, reads the evidence while root still can, then ``run(evidence:)``.
    public func runAsCommand() throws -> Identity {
        guard SystemCalls.pinNameLookups() else {
            throw EnrolmentError.nameLookups
        }
        return try run(evidence: .read())
    }
}
