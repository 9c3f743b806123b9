public import Digest
public import JSON
public import Orders
public import Timestamps

/// `POST /agent/vN/check-in`: all that a host with nothing new has to say.
public struct CheckIn: WireMessage, Hashable {
    /// The current exchange token; a copy of the host's disk betrays itself by an older one.
    public var exchangeToken: String
    /// The running boot; nil where it could not be read.
    public var bootID: String?
    /// The highest server epoch that the agent has seen.
    public var epoch: Int64
    /// The version of the desired state that the agent holds; 0 for none.
    public var stateVersion: Int64
    /// Chosen at random when the agent's report queue was made; numbers count within it.
    public var incarnation: String
    /// The number that the agent's next report will bear; the server learns from it what it must have seen.
    public var nextReport: Int64
    /// What was last scanned; nil before the first scan.
    public var digests: HostDigests?
    /// The agent's version.
    public var agentVersion: String
    /// The agent's clock. Protocol 2; nil in protocol 1.
    public var clock: Timestamp?
    /// Whole seconds since the beginning of the last scan that succeeded and found what ``digests`` names, counted by a clock
    /// that nobody can set. Protocol 2; nil where no scan has succeeded since the agent started, and in protocol 1.
    public var scanAge: Int64?

    /// The longest ``scanAge`` that may be told: a hundred years.
    public static let maximumScanAge: Int64 = 3_155_760_000

    /// A check-in with these fields.
    public init(
        exchangeToken: String, bootID: String?, epoch: Int64, stateVersion: Int64, incarnation: String,
        nextReport: Int64, digests: HostDigests?, agentVersion: String, clock: Timestamp?, scanAge: Int64? = nil
    ) {
        self.exchangeToken = exchangeToken
        self.bootID = bootID
        self.epoch = epoch
        self.stateVersion = stateVersion
        self.incarnation = incarnation
        self.nextReport = nextReport
        self.digests = digests
        self.agentVersion = agentVersion
        self.clock = clock
        self.scanAge = scanAge
    }

    public func json(_ version: ProtocolVersion) -> JSONValue {
        var fields: [String: JSONValue] = [
            "exchangeToken": .string(exchangeToken), "epoch": .integer(epoch), "stateVersion": .integer(stateVersion),
            "incarnation": .string(incarnation), "nextReport": .integer(nextReport),
            "agentVersion": .string(agentVersion),
        ]
        if let bootID { fields["bootID"] = .string(bootID) }
        if let digests { fields["digests"] = digests.json }
        if version >= .two, let clock { fields["clock"] = .string(clock.description) }
        if version >= .two, let scanAge { fields["scanAge"] = .integer(scanAge) }
        return .object(fields)
    }

    public init(json: JSONValue, _ version: ProtocolVersion) throws(JSONError) {
        var object = try JSONObject(json)
        self.init(
            exchangeToken: try object.string("exchangeToken", maximumBytes: 64),
            bootID: try object.optionalString("bootID", maximumBytes: 64),
            epoch: try object.integer("epoch", in: 0...Int64.max),
            stateVersion: try object.integer("stateVersion", in: 0...Int64.max),
            incarnation: try object.string("incarnation", maximumBytes: 64),
            nextReport: try object.integer("nextReport", in: 1...Int64.max),
            digests: nil, agentVersion: try object.string("agentVersion", maximumBytes: 64), clock: nil)
        if let digests = try object.optionalObject("digests") { self.digests = try HostDigests(digests) }
        if version >= .two {
            self.clock = try object.timestamp("clock")
            self.scanAge = try object.optionalInteger("scanAge", in: 0...Self.maximumScanAge)
        }
        try object.finish()
    }
}

/// The answer to a ``CheckIn``.
public struct CheckInReply: WireMessage, Hashable {
    /// The server's clock.
    public var serverTime: Timestamp
    /// Seconds until the next check-in, before phase and jitter; 5 to 86,400.
    public var interval: Int64
    /// The current epoch.
    public var epoch: Int64
    /// The current version of the host's desired state; another than the agent's means: fetch it.
    public var stateVersion: Int64
    /// The number of the report that the server expects next.
    public var expectedReport: Int64
    /// A new exchange token to present from now on; the one before stays valid until this one is used.
    public var exchangeToken: String?
    /// Whether the agent is to send a report with all its digests although nothing changed there
    /// (the server was restored and lacks what the host last reported).
    public var reportAll: Bool

    /// A reply with these fields.
    public init(
        serverTime: Timestamp, interval: Int64, epoch: Int64, stateVersion: Int64, expectedReport: Int64,
        exchangeToken: String?, reportAll: Bool
    ) {
        self.serverTime = serverTime
        self.interval = interval
        self.epoch = epoch
        self.stateVersion = stateVersion
        self.expectedReport = expectedReport
        self.exchangeToken = exchangeToken
        self.reportAll = reportAll
    }

    public func json(_ version: ProtocolVersion) -> JSONValue {
        var fields: [String: JSONValue] = [
            "serverTime": .string(serverTime.description), "interval": .integer(interval), "epoch": .integer(epoch),
            "stateVersion": .integer(stateVersion), "expectedReport": .integer(expectedReport),
            "reportAll": .bool(reportAll),
        ]
        if let exchangeToken { fields["exchangeToken"] = .string(exchangeToken) }
        return .object(fields)
    }

    public init(json: JSONValue, _ version: ProtocolVersion) throws(JSONError) {
        var object = try JSONObject(json)
        self.init(
            serverTime: try object.timestamp("serverTime"), interval: try object.integer("interval", in: 5...86_400),
            epoch: try object.integer("epoch", in: 0...Int64.max),
            stateVersion: try object.integer("stateVersion", in: 0...Int64.max),
            expectedReport: try object.integer("expectedReport", in: 1...Int64.max),
            exchangeToken: try object.optionalString("exchangeToken", maximumBytes: 64),
            reportAll: try object.bool("reportAll"))
        try object.finish()
    }
}

/// `GET /agent/vN/state`: what the server wants of the host. Conditional: its ETag is `"epoch.version"`.
public struct DesiredState: WireMessage, Hashable {
    /// The host it is for; an agent refuses another's.
    public var host: String
    /// The host's organisation.
    public var organisation: String
    /// The server's epoch.
    public var epoch: Int64
    /// Grows with every change within an epoch; an agent refuses a lower one than it has seen.
    public var version: Int64
    /// Seconds between check-ins, before phase and jitter; 5 to 86,400.
    public var interval: Int64
    /// Spreads the hosts over the interval: phase = hash(host, salt) mod interval.
    public var salt: String
    /// Seconds between scans; 60 to 604,800.
    public var scanInterval: Int64
    /// A higher number than the one last seen asks for a scan now.
    public var scanRequest: Int64
    /// A higher number than the one last seen asks for a renewal of the certificate now.
    public var renewRequest: Int64
    /// The CA certificates to trust, PEM, the current one first.
    public var authorities: [String]
    /// The signed ``RolesDocument``: whose signatures the host acts on. Protocol 2; nil where no orders are given.
    public var roles: Envelope?
    /// The jobs for the host that have not ended, or whose end the server does not know yet; at most 8. Protocol 2.
    public var jobs: [JobOffer]

    /// A state with these fields.
    public init(
        host: String, organisation: String, epoch: Int64, version: Int64, interval: Int64, salt: String,
        scanInterval: Int64, scanRequest: Int64, renewRequest: Int64, authorities: [String], roles: Envelope? = nil,
        jobs: [JobOffer] = []
    ) {
        self.host = host
        self.organisation = organisation
        self.epoch = epoch
        self.version = version
        self.interval = interval
        self.salt = salt
        self.scanInterval = scanInterval
        self.scanRequest = scanRequest
        self.renewRequest = renewRequest
        self.authorities = authorities
        self.roles = roles
        self.jobs = jobs
    }

    /// The most jobs of a host at a time.
    public static let maximumJobs = 8

    /// The entity tag (RFC 9110, section 8.8.3).
    public var entityTag: String { "\"\(epoch).\(version)\"" }

    public func json(_ version: ProtocolVersion) -> JSONValue {
        var fields: [String: JSONValue] = [
            "host": .string(host), "organisation": .string(organisation), "epoch": .integer(epoch),
            "version": .integer(self.version), "interval": .integer(interval), "salt": .string(salt),
            "scanInterval": .integer(scanInterval), "scanRequest": .integer(scanRequest),
            "renewRequest": .integer(renewRequest), "authorities": .array(authorities.map { .string($0) }),
        ]
        if version >= .two {
            if let roles { fields["roles"] = roles.json }
            fields["jobs"] = .array(jobs.map(\.json))
        }
        return .object(fields)
    }

    public init(json: JSONValue, _ version: ProtocolVersion) throws(JSONError) {
        var object = try JSONObject(json)
        self.init(
            host: try object.string("host", maximumBytes: 64),
            organisation: try object.string("organisation", maximumBytes: 64),
            epoch: try object.integer("epoch", in: 0...Int64.max),
            version: try object.integer("version", in: 0...Int64.max),
            interval: try object.integer("interval", in: 5...86_400), salt: try object.string("salt", maximumBytes: 64),
            scanInterval: try object.integer("scanInterval", in: 60...604_800),
            scanRequest: try object.integer("scanRequest", in: 0...Int64.max),
            renewRequest: try object.integer("renewRequest", in: 0...Int64.max),
            authorities: try object.strings("authorities", maximumCount: 4, maximumBytes: 8192))
        if version >= .two {
            if let roles = object.optionalValue("roles") { self.roles = try Envelope(json: roles, at: "/roles") }
            for (index, job) in try object.array("jobs", maximumCount: Self.maximumJobs).enumerated() {
                jobs.append(try JobOffer(json: job, at: "/jobs/\(index)"))
            }
        }
        try object.finish()
    }
}
