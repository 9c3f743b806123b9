public import Wire

/// Why a request to the server brought nothing.
public enum ExchangeError: Error, Hashable, Sendable, CustomStringConvertible {
    /// No connection came about.
    case unreachable(String)
    /// The deadline for the whole exchange passed; a server that drips never gets further.
    case timedOut(seconds: Int64)
    /// The server's certificate is not one to talk to: another authority, another name, out of date.
    case untrusted(String)
    /// The server did not take the host's certificate in the handshake.
    case certificateRefused(String)
    /// The answer exceeded a limit, in bytes.
    case tooLarge(part: String, limit: Int)
    /// The connection ended before the answer did.
    case closedEarly
    /// The answer is not what the protocol allows there.
    case malformed(String)
    /// The server said no.
    case refused(status: Int, problem: Problem?, retryAfter: Int64?)
    /// The answer is well-formed and cannot be true.
    case violation(ProtocolViolation)
    /// Something on this host failed: its disk, its key.
    case local(String)

    /// The problem's kind; empty for others.
    public var problemKind: String {
        if case .refused(_, let problem, _) = self { problem?.kind ?? "" } else { "" }
    }

    /// A short name under which the status counts it.
    public var name: String {
        switch self {
        case .unreachable: "unreachable"
        case .timedOut: "timed-out"
        case .untrusted: "untrusted-server"
        case .certificateRefused: "certificate-refused"
        case .tooLarge: "answer-too-large"
        case .closedEarly: "closed-early"
        case .malformed: "malformed-answer"
        case .refused(let status, let problem, _): problem?.kind ?? "http-\(status)"
        case .violation(let violation): violation.name
        case .local: "local"
        }
    }

    public var description: String {
        switch self {
        case .unreachable(let why): "The server cannot be reached: \(why)."
        case .timedOut(let seconds): "The server did not answer completely within \(seconds) s."
        case .untrusted(let why): "The server's certificate was refused: \(why)."
        case .certificateRefused(let why): "The server refused this host's certificate: \(why)."
        case .tooLarge(let part, let limit): "The server's \(part) is over \(limit) bytes and was refused."
        case .closedEarly: "The server closed the connection in the middle of its answer."
        case .malformed(let why): "The server's answer was refused: \(why)."
        case .refused(let status, let problem, _):
            if let problem {
                "The server refused (\(status) \(problem.kind)): \(problem.detail) \(problem.cure)"
            } else {
                "The server refused with status \(status)."
            }
        case .violation(let violation): "The server's answer was refused: \(violation)."
        case .local(let why): "This host: \(why)"
        }
    }
}

/// What a server can say in correct form that cannot be true. Nothing of such an answer is used.
public enum ProtocolViolation: Error, Hashable, Sendable, CustomStringConvertible {
    /// A desired state for another host or organisation.
    case otherHost(String)
    /// An epoch below the highest seen: the server was restored and must rise above it first.
    case epochBehind(seen: Int64, told: Int64)
    /// A version of the desired state below the one held, in the same epoch.
    case versionBehind(held: Int64, told: Int64)
    /// The entity tag is not that of the body.
    case entityTag(String)
    /// "Not modified" although nothing was held that could be.
    case nothingToNotModify
    /// An upload was asked for that no report of this host named.
    case askedForUnreported(String)
    /// A document was asked for again right after it was taken.
    case askedAgain(String)
    /// Reports were acknowledged that were never sent.
    case acknowledgedUnsent(expected: Int64, next: Int64)
    /// Reports were asked for that the server had acknowledged before, in the same epoch.
    case forgotAcknowledged(expected: Int64, first: Int64)
    /// Neither took the reports nor said what is missing.
    case noProgress
    /// The authorities to trust from now on contain none that is trusted now.
    case strangeAuthorities
    /// A grant that is not for this host.
    case grant(GrantError)

    /// A short name under which the status counts it.
    public var name: String {
        switch self {
        case .otherHost: "other-hosts-state"
        case .epochBehind: "epoch-behind"
        case .versionBehind: "version-behind"
        case .entityTag: "wrong-entity-tag"
        case .nothingToNotModify: "not-modified-without-state"
        case .askedForUnreported: "asked-for-unreported"
        case .askedAgain: "asked-again"
        case .acknowledgedUnsent: "acknowledged-unsent"
        case .forgotAcknowledged: "forgot-acknowledged"
        case .noProgress: "no-progress"
        case .strangeAuthorities: "strange-authorities"
        case .grant: "wrong-grant"
        }
    }

    public var description: String {
        switch self {
        case .otherHost(let host): "it is the state of host \(host), which this is not"
        case .epochBehind(let seen, let told):
            "its epoch \(told) is below \(seen), which was seen before; a restored server rises above it by itself"
        case .versionBehind(let held, let told): "it is version \(told) of the state, older than the \(held) held"
        case .entityTag(let tag): "its entity tag \(tag) is not that of its body"
        case .nothingToNotModify: "it says \"not modified\" where no state was held"
        case .askedForUnreported(let what): "it asks for \(what), which this host did not report"
        case .askedAgain(let what): "it asks again for \(what), which it has just taken"
        case .acknowledgedUnsent(let expected, let next):
            "it expects report \(expected), but number \(next) is the highest that may come next"
        case .forgotAcknowledged(let expected, let first):
            "it expects report \(expected), but has acknowledged all below \(first) before"
        case .noProgress: "it neither takes the reports nor says what it lacks"
        case .strangeAuthorities: "none of the authorities that it wants to be trusted is trusted now"
        case .grant(let error): "\(error)"
        }
    }
}
