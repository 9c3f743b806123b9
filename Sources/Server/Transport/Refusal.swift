import HTTPTypes
public import Wire

/// Thrown by whatever refuses a request: the problem to answer with.
public struct Refusal: Error, Sendable {
    /// The answer's body.
    public let problem: Problem
    /// Seconds for Retry-After.
    public let retryAfter: Int?

    /// Other header fields of the answer.
    let headers: HTTPFields

    /// A refusal with that problem.
    public init(_ problem: Problem, retryAfter: Int? = nil) {
        self.init(problem, retryAfter: retryAfter, headers: [:])
    }

    init(_ problem: Problem, retryAfter: Int? = nil, headers: HTTPFields) {
        self.problem = problem
        self.retryAfter = retryAfter
        self.headers = headers
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

    static func invalid(_ faults: [Fault]) -> Problem {
        let first = faults.first
        let place = first?.parameter ?? first?.pointer.map { $0.isEmpty ? "the body" : $0 } ?? "the request"
        let more = faults.count > 1 ? " And \(faults.count - 1) more: see errors." : ""
        var problem = Problem(
            "malformed", title: "The request is not as described", status: 400,
            detail: "\(place): \(first?.detail ?? "it cannot be read.")\(more)",
            cure: first?.cure ?? "See /api/v1/openapi.json.", pointer: first?.pointer)
        problem.errors = faults
        return problem
    }

    /// What has the form that is described, but no meaning here: a cursor of another list, a selector that cannot be read.
    static func unprocessable(_ faults: [Fault]) -> Problem {
        var problem = invalid(faults)
        problem.type = Problem("unprocessable", title: "", status: 422, detail: "", cure: "").type
        problem.title = "A value has no meaning here"
        problem.status = 422
        return problem
    }

    static let signInRequired = Problem(
        "sign-in-required", title: "Sign in first", status: 401,
        detail: "This needs a session or an API token, and the request has none that is valid.",
        cure: "Send Authorization: Bearer TOKEN, or log in: fettle login.")

    static func forbidden(_ detail: String) -> Problem {
        Problem(
            "forbidden", title: "This is not yours to do", status: 403, detail: detail,
            cure: "Ask whoever administers Fettle for a role that includes it; fettle whoami shows yours.")
    }

    static func methodNotAllowed(_ method: String, _ path: String, allow: [String] = []) -> Problem {
        Problem(
            "method-not-allowed", title: "This cannot be done here", status: 405,
            detail: "\(method) is not defined for \(path).",
            cure: allow.isEmpty ? "Use another method." : "Use \(allow.joined(separator: ", ")).")
    }

    static func notAcceptable(_ available: [String]) -> Problem {
        Problem(
            "not-acceptable", title: "No such form", status: 406,
            detail: "The request accepts none of the forms that there are.",
            cure: "Accept \(available.joined(separator: " or ")).")
    }

    static func unsupportedMediaType(_ expected: String) -> Problem {
        Problem(
            "unsupported-media-type", title: "The body has another type", status: 415,
            detail: "Only \(expected) is read here.", cure: "Send Content-Type: \(expected).")
    }

    static let preconditionRequired = Problem(
        "precondition-required", title: "If-Match is required", status: 428,
        detail: "A change needs the ETag of what it changes, so that nobody overwrites what they did not see.",
        cure: "GET it first, and send its ETag as If-Match.")

    static let stale = Problem(
        "stale", title: "It has changed meanwhile", status: 412,
        detail: "If-Match names another version than the current one.",
        cure: "GET it again, and send the change with the new ETag.")

    static let csrf = Problem(
        "csrf", title: "The CSRF token is missing or wrong", status: 403,
        detail: "A change that is authenticated by a cookie needs the session's CSRF token.",
        cure: "Send it as X-CSRF-Token; GET /api/v1/me has it.")

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

    static func jobRecordQuota(_ count: Int) -> Problem {
        Problem(
            "job-record-quota", title: "Too many records of jobs", status: 429,
            detail: "This host has sent over \(count) records of its jobs' journals within the hour.",
            cure:
                "Wait as Retry-After says; the host keeps its journals. If it stays, look at the host: no job of ours "
                + "writes that much.")
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

    static func noFeeds(_ reason: String?) -> Problem {
        Problem(
            "no-feeds", title: "Nothing is known of vulnerabilities yet", status: 409,
            detail: reason ?? "The feeds are being read, or hosts are being judged.",
            cure: reason == nil
                ? "Ask again in a minute." : "An operator runs: fettle feeds sync, or fettle feeds import PATH.")
    }

    static func unreadablePolicy(_ reason: String) -> Problem {
        Problem(
            "policy-unreadable", title: "The policy that sets deadlines cannot be read", status: 409,
            detail: "What is stored cannot be read any more: \(reason)",
            cure: "An admin chooses it anew: fettle priority policy set POLICY.")
    }

    static let restored = Problem(
        "server-restored", title: "The server was restored from a backup", status: 503,
        detail: "Hosts have seen later states than this server knows; changes wait for an operator.",
        cure: "An operator runs: fettle server acknowledge-restore.")

    static let internalError = Problem(
        "internal", title: "The server failed", status: 500, detail: "An unexpected error; the server's log has it.",
        cure: "Send the request again; if it stays, report it with the log.")
}
