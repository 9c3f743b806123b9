public import Wire

/// Thrown by whatever refuses a request: the problem to answer with.
public struct Refusal: Error, Sendable {
    /// The answer's body.
    public let problem: Problem
    /// Seconds for Retry-After.
    public let retryAfter: Int?

    /// A refusal with that problem.
    public init(_ problem: Problem, retryAfter: Int? = nil) {
        self.problem = problem
        self.retryAfter = retryAfter
    }
}

/// The kinds of problem that this server answers with; `docs` lists them, agents and people act on ``Problem/kind``.
extension Problem {
    static func malformed(_ detail: String, pointer: String? = nil) -> Problem {
        Problem(
            "malformed", title: "The request cannot be read", status: 400, detail: detail,
            cure:
                "Correct what is named; if an agent sent this, it and the server disagree on the protocol: report it.",
            pointer: pointer)
    }

    static func notFound(_ path: String) -> Problem {
        Problem(
            "not-found", title: "There is nothing here", status: 404, detail: "No resource has the path \(path).",
            cure: "Check the path and the version in it.")
    }

    static func missing(_ what: String, _ name: String) -> Problem {
        Problem(
            "not-found", title: "There is no such \(what)", status: 404, detail: "No \(what) is named \"\(name)\".",
            cure: "List them to see the names.")
    }

    static func ambiguous(_ name: String, _ matches: [String]) -> Problem {
        Problem(
            "ambiguous", title: "Several hosts match", status: 409,
            detail: "\"\(name)\" may mean \(matches.joined(separator: ", ")).",
            cure: "Give more of the id.")
    }

    static func methodNotAllowed(_ method: String, _ path: String) -> Problem {
        Problem(
            "method-not-allowed", title: "This cannot be done here", status: 405,
            detail: "\(method) is not defined for \(path).", cure: "Use another method.")
    }

    static func protocolUnsupported(_ asked: String) -> Problem {
        let versions = ProtocolVersion.allCases.map { String($0.rawValue) }.joined(separator: " and ")
        return Problem(
            "protocol-unsupported", title: "This protocol version is not spoken", status: 426,
            detail: "The agent asked for version \(asked); this server speaks \(versions).",
            cure: "Upgrade whichever of agent and server is older.")
    }

    static func bodyTooLarge(_ maximum: Int) -> Problem {
        Problem(
            "body-too-large", title: "The body is too large", status: 413,
            detail: "At most \(maximum) bytes are taken here.", cure: "Send less, or in parts.")
    }

    static func requestTimeout() -> Problem {
        Problem(
            "request-timeout", title: "The request took too long", status: 408,
            detail: "The request did not arrive in time.", cure: "Send it again over a better line.")
    }

    static let unauthorized = Problem(
        "certificate-required", title: "A host's certificate is required", status: 401,
        detail: "The connection has no client certificate that names a host of this installation.",
        cure: "Enrol the host: fettle-agent enroll TOKEN.")

    static let certificateExpired = Problem(
        "certificate-expired", title: "The certificate has expired", status: 401,
        detail: "The connection was opened with a certificate that has expired since.",
        cure: "Return through the enrolment listener, then connect again.")

    static let certificateRevoked = Problem(
        "certificate-revoked", title: "The certificate is revoked", status: 403,
        detail: "An operator has revoked this host's certificates.",
        cure: "If the host is to come back, enrol it again with a new token.")

    static let hostUnknown = Problem(
        "host-unknown", title: "The host is not known", status: 403,
        detail: "The certificate is genuine, but no such host is registered in its organisation.",
        cure: "If the server was restored from a backup older than the host, enrol the host again.")

    static let hostQuarantined = Problem(
        "host-quarantined", title: "The host is in quarantine", status: 403,
        detail: "Two machines have used this host's identity: one is a copy of the other's disk.",
        cure: "Enrol the copy with a token of its own, then an operator runs: fettle hosts release HOST.")

    static let hostRetired = Problem(
        "host-unknown", title: "The host is retired", status: 403, detail: "An operator has retired this host.",
        cure: "If the machine is back in service, enrol it again with a new token.")

    static let exchangeTokenStale = Problem(
        "exchange-token-stale", title: "The exchange token is out of date", status: 409,
        detail: "Another machine may use this host's identity: the token presented is not one of the last two.",
        cure: "The host is in quarantine now; an operator decides which copy stays: fettle hosts show HOST.")

    static let tokenUnknown = Problem(
        "token-unknown", title: "The enrolment token is not valid", status: 403,
        detail: "No token of this installation has this id and secret.",
        cure: "Copy the token whole, or make a new one: fettle tokens create.")

    static func token(_ kind: String, _ title: String, _ detail: String) -> Problem {
        Problem(
            "token-\(kind)", title: title, status: 403, detail: detail, cure: "Make a new one: fettle tokens create.")
    }

    static let tooManyRequests = Problem(
        "too-many-requests", title: "Too many at once", status: 429,
        detail: "More enrolments arrive per second than the server takes.", cure: "Wait as Retry-After says.")

    static let tooManyFromPeer = Problem(
        "too-many-requests", title: "Too many at once", status: 429,
        detail: "This host, or this address, has more requests in work than the server takes of one.",
        cure: "Wait as Retry-After says.")

    static func uploadQuota(_ bytes: Int) -> Problem {
        Problem(
            "upload-quota", title: "Too much was sent", status: 429,
            detail: "This host has sent over \(bytes) bytes of reports and documents within the hour.",
            cure: "Wait as Retry-After says; what still waits is kept. If it stays, something on the host changes all "
                + "the time: compare its history with \"fettle hosts show\".")
    }

    static let databaseBusy = Problem(
        "overloaded", title: "The database is busy", status: 503,
        detail: "Others hold what this request needs in the database, for longer than it could wait.",
        cure: "Wait as Retry-After says; the operator finds the cause in the server's log.")

    static let overloaded = Problem(
        "overloaded", title: "The server is overloaded", status: 503,
        detail: "More is in work than the server can hold.",
        cure: "Wait as Retry-After says.")

    static let stopping = Problem(
        "overloaded", title: "The server is stopping", status: 503, detail: "The server is being stopped or restarted.",
        cure: "Wait as Retry-After says.")

    static func databaseUnavailable() -> Problem {
        Problem(
            "database-unavailable", title: "The database does not answer", status: 503,
            detail: "The server could not read or write its database.",
            cure: "Wait as Retry-After says; the operator finds the cause in the server's log.")
    }

    static let restored = Problem(
        "server-restored", title: "The server was restored from a backup", status: 503,
        detail: "Hosts have seen later states than this server knows; changes wait for an operator.",
        cure: "An operator runs: fettle server acknowledge-restore.")

    static let internalError = Problem(
        "internal", title: "The server failed", status: 500, detail: "An unexpected error; the server's log has it.",
        cure: "Send the request again; if it stays, report it with the log.")
}
