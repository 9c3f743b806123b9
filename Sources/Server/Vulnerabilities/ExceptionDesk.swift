import Access
import Feeds
import Matching
import Priority
import Store
import Timestamps
import Wire

/// Accepted risks of one organisation: asked for by one person, approved by another, ended by time, by exploitation or by
/// somebody. The API and the pages work on it.
struct ExceptionDesk: Sendable {
    let state: ServerState
    let organisation: String
    /// Which hosts the caller may know of.
    let reach: Reach
    /// Who asks, as the audit log names them: the person, not the token.
    let actor: String
    /// Other names of whoever asks, by which an owner may be written.
    let names: Set<String>
    let now: Timestamp

    /// What somebody asks for.
    struct Draft: Sendable {
        /// Any id of the vulnerability.
        var vulnerability: String
        /// A host's id or name; nil for all that the selector selects.
        var host: String?
        /// A label selector; nil for all hosts.
        var selector: String?
        /// A package or source package; nil for all.
        var package: String?
        /// Who answers for it; nil for whoever asks.
        var owner: String?
        var reason: String
        var compensatingControl: String
        var expires: Timestamp
    }

    /// An exception as it is shown.
    struct Shown: Sendable {
        var stored: StoredException
        var standing: RiskException.Standing
        /// Whether its vulnerability is known to be exploited, which would open it again.
        var exploitation: ExploitationStatus
        /// The name of the host that it is for; nil where it is for several.
        var hostname: String?

        /// In a word.
        var state: String {
            switch standing {
            case .requested: "requested"
            case .active: "active"
            case .expired: "expired"
            case .reopened: "reopened"
            case .revoked: "revoked"
            case .incomplete: "incomplete"
            }
        }

        /// How it was revoked: before anybody had approved it, it was refused, or withdrawn by who had asked for it.
        var revocation: String {
            guard stored.approvedBy == nil else { return "revoked" }
            return stored.revokedBy == stored.requestedBy ? "withdrawn" : "refused"
        }

        /// In a sentence.
        var sentence: String {
            switch standing {
            case .requested: "nobody has approved it\(doubt)"
            case .active(let until): "accepted until \(until.description.prefix(10))\(doubt)"
            case .expired(let when): "it ran out on \(when.description.prefix(10))"
            case .reopened(let when): "open again: known to be exploited since \(when.description.prefix(10))"
            case .revoked(let when):
                "\(revocation) on \(when.description.prefix(10)) by \(stored.revokedBy ?? ""): \(stored.revocationReason)"
            case .incomplete(let what): what
            }
        }

        /// What nobody can tell, and what to do about it; empty where it is known.
        private var doubt: String {
            guard case .unknown(let why) = exploitation else { return "" }
            return "; whether it is known to be exploited is unknown: \(why)"
        }
    }

    /// All within reach, the newest first.
    ///
    /// - Parameter vulnerability: only those of it, by any of its ids.
    func list(vulnerability: String? = nil) async throws -> [Shown] {
        let (stored, hosts) = try await state.store.read { sql in
            (
                try sql.exceptions.list(organisation: organisation),
                try reach == .all ? [] : sql.verdicts.hosts(organisation: organisation)
            )
        }
        let ids = vulnerability.map { state.vulnerabilities.ids(of: $0) }
        return stored.filter { exception in
            let scope = exception.scope
            return (ids?.contains(exception.vulnerability.uppercased()) ?? true)
                && (reach == .all || hosts.contains { reach.includes($0.labels) && scope.includes($0) })
        }.map(shown)
    }

    /// One; refused as missing where there is none within reach.
    func find(_ id: String) async throws -> Shown {
        guard let found = try await list().first(where: { $0.stored.id == id }) else {
            throw Refusal(.missing("exception", id))
        }
        return found
    }

    /// Asks for one.
    func create(_ draft: Draft) async throws -> Shown {
        @Sendable func refusal(_ pointer: String, _ detail: String, _ cure: String) -> Refusal {
            Refusal(.unprocessable([.init(pointer: pointer, detail: detail, cure: cure)]))
        }
        for (pointer, text) in [
            ("/reason", draft.reason), ("/compensatingControl", draft.compensatingControl),
            ("/owner", draft.owner ?? actor), ("/vulnerability", draft.vulnerability),
        ] where !text.contains(where: { !$0.isWhitespace }) {
            throw refusal(pointer, "It says nothing.", "Write what an auditor could check.")
        }
        guard draft.expires > now,
            draft.expires.seconds(since: now) <= Int64(RiskException.maximumDays) * 86_400
        else {
            throw refusal(
                "/expires", "It ends at \(draft.expires).",
                "Choose a time to come, within \(RiskException.maximumDays) days.")
        }
        if let selector = draft.selector {
            do {
                _ = try LabelSelector(selector)
            } catch {
                throw refusal("/selector", "\(error)", "Write for example site=berlin,tier in (web,api).")
            }
        }
        if let knowledge = state.vulnerabilities.knowledge,
            try knowledge.catalogue.vulnerabilities(named: draft.vulnerability).isEmpty
        {
            throw refusal("/vulnerability", "No feed knows it.", "Give its CVE, or an id of an advisory about it.")
        }
        let (organisation, now, actor) = (organisation, now, actor)
        let stored = try await state.store.write { sql throws -> StoredException in
            var exception = StoredException(
                id: RandomID.make("x"), organisation: organisation, vulnerability: draft.vulnerability,
                owner: draft.owner ?? actor, reason: draft.reason, compensatingControl: draft.compensatingControl,
                requestedBy: actor, requestedAt: now, expires: draft.expires)
            exception.selector = draft.selector ?? ""
            exception.package = draft.package ?? ""
            if let host = draft.host {
                let matches = try sql.verdicts.hosts(organisation: organisation)
                    .filter { $0.id == host || $0.hostname == host }
                guard let found = matches.first else {
                    throw refusal("/host", "No host is named \"\(host)\".", "List them: fettle hosts list.")
                }
                guard matches.count == 1 else {
                    throw refusal("/host", "\(matches.count) hosts have this name.", "Give the host's id.")
                }
                exception.host = found.id
            }
            try sql.exceptions.create(exception)
            return exception
        }
        return shown(stored)
    }

    /// Approves what another person asked for.
    ///
    /// - Parameter coversExploitation: whether it holds although the vulnerability is known to be exploited.
    func approve(_ id: String, coversExploitation: Bool) async throws -> Shown {
        let found = try await find(id)
        if found.stored.requestedBy == actor || names.contains(found.stored.owner) || found.stored.owner == actor {
            throw Refusal(
                Problem(
                    "own-exception", title: "Nobody accepts a risk of their own", status: 409,
                    detail: "You asked for \(id), or you own it.", cure: "Another person approves it."))
        }
        if let since = found.exploitation.since, since <= now, !coversExploitation {
            throw Refusal(
                Problem(
                    "known-exploited", title: "The vulnerability is known to be exploited", status: 409,
                    detail:
                        "\(found.stored.vulnerability) is in CISA's catalogue since \(since.description.prefix(10)).",
                    cure: "If the risk is to be taken all the same, approve it with coversExploitation."))
        }
        if case .unknown(let why) = found.exploitation, !coversExploitation,
            state.vulnerabilities.knowledge?.hasExploited ?? false
        {
            throw Refusal(
                Problem(
                    "exploitation-unknown", title: "Nobody can tell whether it is known to be exploited", status: 409,
                    detail: why,
                    cure: "Mend the feeds (fettle feeds status), or take the risk all the same with coversExploitation."
                ))
        }
        let (organisation, now, actor) = (organisation, now, actor)
        let isDone = try await state.store.write {
            try $0.exceptions.approve(
                organisation: organisation, id: id, by: actor, coversExploitation: coversExploitation, now: now)
        }
        guard isDone else { throw Refusal(Self.over(found)) }
        return try await find(id)
    }

    /// Ends one, whether approved or not.
    func revoke(_ id: String, reason: String) async throws -> Shown {
        let found = try await find(id)
        let (organisation, now, actor) = (organisation, now, actor)
        let isDone = try await state.store.write {
            try $0.exceptions.revoke(organisation: organisation, id: id, by: actor, reason: reason, now: now)
        }
        guard isDone else { throw Refusal(Self.over(found)) }
        return try await find(id)
    }

    /// Says no to one that waits for approval: for whoever may approve.
    func reject(_ id: String, reason: String) async throws -> Shown {
        let found = try await find(id)
        guard found.state == "requested" else { throw Refusal(Self.over(found)) }
        return try await revoke(id, reason: reason)
    }

    private static func over(_ found: Shown) -> Problem {
        Problem(
            "exception-decided", title: "This exception takes no such decision", status: 409,
            detail: "It is \(found.state): \(found.sentence).", cure: "Ask for a new one.")
    }

    private func shown(_ stored: StoredException) -> Shown {
        let host = stored.host.isEmpty ? nil : state.store.directory.host(stored.host)?.host.hostname ?? stored.host
        let exploitation = state.vulnerabilities.exploitation(stored.vulnerability)
        return Shown(
            stored: stored, standing: stored.standing(at: now, knownExploited: exploitation.since),
            exploitation: exploitation, hostname: host)
    }
}

extension StoredException {
    /// As deadlines ask for it.
    ///
    /// - Parameter name: the vulnerability's present name; an exception may have been asked for under another id.
    func exception(of name: String? = nil) -> RiskException {
        var exception = RiskException(
            id: id, vulnerability: name ?? vulnerability, owner: owner, reason: reason,
            compensatingControl: compensatingControl, expires: expires)
        exception.requester = requestedBy
        exception.approver = approvedBy
        exception.approved = approvedAt
        exception.coversExploitation = coversExploitation
        exception.revoked = revokedAt
        exception.package = package.isEmpty ? nil : package
        return exception
    }

    /// What it is worth. What has ended by itself stays ended, even where the vulnerability leaves the catalogue.
    func standing(at now: Timestamp, knownExploited: Timestamp?) -> RiskException.Standing {
        if let revokedAt, revokedAt <= now { return .revoked(revokedAt) }
        switch ended {
        case .expired: return .expired(expires)
        case .knownExploited: return .reopened(endedAt ?? now)
        case nil: break
        }
        if approvedAt == nil, expires <= now { return .expired(expires) }
        return exception().standing(at: now, knownExploited: knownExploited)
    }

    /// Whether it is about this package.
    func concerns(package name: String, source: String) -> Bool {
        package.isEmpty || package == name || package == source
    }
}

extension VulnerabilityDesk {
    /// All ids of a vulnerability in capitals; the one that was given where no feed knows it.
    func ids(of id: String) -> Set<String> {
        var ids: Set = [id.uppercased()]
        if let found = try? knowledge?.catalogue.vulnerabilities(named: id) {
            for vulnerability in found { ids.formUnion(vulnerability.ids.map { $0.uppercased() }) }
        }
        return ids
    }

    /// Whether a vulnerability is in CISA's catalogue.
    func exploitation(_ id: String) -> ExploitationStatus {
        guard let knowledge else { return .unknown("no feeds are in use; \"fettle feeds status\" says why") }
        return ExploitationStatus(id, in: knowledge.catalogue, hasExploited: knowledge.hasExploited)
    }
}

/// Whether a vulnerability is known to be exploited. What cannot be read is no "no".
enum ExploitationStatus: Sendable, Hashable {
    /// It is, since then.
    case listed(Timestamp)
    /// CISA's catalogue is there, and it is not in it.
    case notListed
    /// Nobody can tell: why, and what to do.
    case unknown(String)

    init(_ id: String, in catalogue: Catalogue, hasExploited: Bool) {
        do throws(CatalogueError) {
            let listed = try catalogue.vulnerabilities(named: id).flatMap(\.exploited)
                .filter { $0.source == VulnerabilityFacts.cisaCatalogue }.map(\.added).min()
            if let listed {
                self = .listed(listed)
            } else {
                self =
                    hasExploited
                    ? .notListed
                    : .unknown("CISA's catalogue is not among the feeds; \"fettle feeds sync kev\" fetches it")
            }
        } catch {
            self = .unknown(
                "the catalogue of feeds cannot be read (\(error)); \"fettle feeds sync\" writes it anew")
        }
    }

    /// Since when it is; nil where it is not, or where nobody can tell.
    var since: Timestamp? {
        if case .listed(let since) = self { return since }
        return nil
    }

    /// In a word, as for vulnerabilities.
    var word: String {
        switch self {
        case .listed: "listed"
        case .notListed: "not-listed"
        case .unknown: "unknown"
        }
    }
}
