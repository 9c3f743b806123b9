import Digest
import Feeds
import Inventory
import Logging
import Matching
import Priority
import ServiceLifecycle
import Store
import Timestamps

/// Follows hosts and feeds, and keeps what every organisation is exposed to: it judges only packages that are new, for all
/// organisations once, and looks only at hosts that changed.
///
/// Of several servers on one database one writes verdicts down; the others judge for their own answers and read the clocks.
actor FleetJudge {
    private let state: ServerState
    private var desk: VulnerabilityDesk { state.vulnerabilities }

    /// Hosts that changed since are still to be looked at; nil before the first look.
    private var watermark: Int64?
    private var organisations: [String: OrganisationJudge] = [:]
    /// Organisations that could not be judged: since when not, and when they are tried again.
    private var retries: [String: (count: Int, at: Timestamp)] = [:]
    private var judgements: [Int64: JudgedOnce] = [:]
    private var judgedBy: SHA256Digest?
    private var heldUntil: Timestamp?
    private var keptAt: Timestamp?
    private var notedAwayAt: Timestamp?
    private var faults = StandingFaults()

    /// A package as the feeds have it, for every organisation.
    struct JudgedOnce: Sendable {
        private(set) var judgement: Matching.Judgement
        private(set) var ledger: VerdictLedger.Judged
        /// The number of the package as its distribution's own; its own number where it has no other.
        let base: Int64

        init(_ judgement: Matching.Judgement, of subject: Verdicts.Subject) {
            self.judgement = judgement
            base = subject.base
            var isUnknown = false
            if case .unknown = subject.origin { isUnknown = true }
            ledger = VerdictLedger.Judged(judgement, isOfUnknownOrigin: isUnknown)
        }

        /// The same with another judgement.
        func with(_ judgement: Matching.Judgement) -> JudgedOnce {
            var copy = self
            copy.judgement = judgement
            copy.ledger = VerdictLedger.Judged(judgement, isOfUnknownOrigin: ledger.isOfUnknownOrigin)
            return copy
        }
    }

    /// The name of the right to write verdicts, and for how many seconds it is held.
    private static let lease = (name: "verdicts", seconds: Int64(30))

    init(_ state: ServerState) { self.state = state }

    /// Looks once at what has changed.
    func step(_ now: Timestamp) async {
        guard let knowledge = desk.knowledge else { return }
        do {
            if judgedBy != knowledge.digest {
                judgements = [:]
                judgedBy = knowledge.digest
            }
            let since = watermark
            let isShared = state.store.isShared
            let (changed, mark, names, revisions, claims, policies) = try await state.store.read { sql in
                // At first everything is read below, after this watermark: nothing falls between.
                let (changed, mark) = try sql.verdicts.changedHosts(since: since ?? .max)
                return (
                    changed, mark, try sql.organisations.list().map(\.id),
                    try isShared ? sql.verdicts.revisions() : [:], try ChangelogEvidence.stamps(sql),
                    try sql.settings.all(PolicyChoice.setting)
                )
            }
            let isWriter = try await isWriter(now)
            let byOrganisation = Dictionary(grouping: changed, by: \.organisation)
            for name in names where !Task.isCancelled {
                if let retry = retries[name], now < retry.at {
                    // What changes meanwhile is read with all the rest.
                    organisations[name] = nil
                    continue
                }
                await update(
                    name, byOrganisation[name] ?? [], knowledge, isWriter: isWriter, revision: revisions[name] ?? 0,
                    claims: claims[name] ?? 0, policy: policies[name], now)
            }
            for name in organisations.keys where !names.contains(name) { organisations[name] = nil }
            watermark = mark
            desk.note(unjudged: retries.count)
            try await keep(isWriter: isWriter, now)
            faults.clear("step")
        } catch {
            log("could not judge packages", error, of: "step")
        }
    }

    /// Gives the right to write back, so that another server goes on at once.
    func stop() async {
        guard heldUntil != nil else { return }
        let name = state.serverName
        try? await state.store.write { try $0.leases.give(back: Self.lease.name, by: name) }
    }

    /// - Parameter subject: what it is about: a fault is told once, until it is over or another one.
    private func log(_ what: String, _ error: any Error, of subject: String) {
        guard faults.isNew("\(error)", of: subject) else { return }
        state.logger.error("\(what)", metadata: ["error": "\(error)"])
    }

    // MARK: - Who writes

    /// Whether this server writes: always where it is the only one of its database.
    private func isWriter(_ now: Timestamp) async throws -> Bool {
        guard state.store.isShared else { return true }
        // Held for much longer than it is asked for again.
        if let heldUntil, heldUntil.seconds(since: now) > 2 * Self.lease.seconds / 3 { return true }
        let name = state.serverName
        let holder = try await state.store.read { try $0.leases.holder(Self.lease.name, now: now) }
        guard holder == nil || holder == name else {
            heldUntil = nil
            return false
        }
        let isHeld = try await state.store.write {
            try $0.leases.take(Self.lease.name, by: name, seconds: Self.lease.seconds, now: now)
        }
        heldUntil = isHeld ? now.adding(seconds: Self.lease.seconds) : nil
        return isHeld
    }

    // MARK: - One organisation

    private func update(
        _ name: String, _ changes: [Verdicts.ChangedHost], _ knowledge: VulnerabilityDesk.Knowledge, isWriter: Bool,
        revision: Int64, claims: Int64, policy: [UInt8]?, _ now: Timestamp
    ) async {
        do {
            var judge: OrganisationJudge
            if let known = organisations[name] {
                judge = known
                try await judge.take(changes, state.store, now)
            } else {
                judge = try await OrganisationJudge.load(name, state.store, now)
            }
            if isWriter { try await judge.recordOrigins(state.store) }
            let isOld = judge.risk?.catalogue != knowledge.digest
            // Scores depend on the day.
            let isStale = judge.fullAt.map { now.seconds(since: $0) > 86_400 } ?? true
            let isFollowing = state.store.isShared && !isWriter && revision != judge.revision
            let isTakingOver = isWriter && !judge.isReconciled
            let isRead = judge.changelogStamp != claims
            let isRuled = try takeRules(of: policy, &judge)
            guard isOld || isStale || isFollowing || isTakingOver || isRead || isRuled || judge.hasChanges else {
                organisations[name] = judge
                return
            }
            if isFollowing || (isTakingOver && judge.risk != nil) { try await judge.readOpen(state.store) }
            try await judge.readDocuments(state.store)
            try await judgeNew(judge.packages, knowledge)
            try await judge.readChangelogs(state.store, state.changelogs, stamp: claims)
            let isFull = isOld || isStale || isFollowing || isTakingOver || isRuled
            let output = judge
            let judgedOnce = self.judgements
            // Off the actor: this may take a while, and nothing else waits for it.
            let work = Task.detached(priority: .utility) {
                var judge = output
                let judgements = judge.overlaid(judgedOnce, isNew: isOld)
                let ledger = judge.compare(judgements, isFull: isFull, now: now)
                return (judge, judgements, ledger)
            }
            let judgements: OverlaidJudgements
            let ledger: VerdictLedger
            (judge, judgements, ledger) = await work.value
            if isWriter { try await write(ledger, &judge, knowledge.digest, now) }
            judge.isReconciled = isWriter
            if !isWriter { judge.revision = revision }
            let final = judge
            let risk = try await Task.detached(priority: .utility) { () throws -> OrganisationJudge in
                var judge = final
                try judge.publish(judgements, knowledge, isFull: isFull, now: now)
                return judge
            }.value
            organisations[name] = risk
            retries[name] = nil
            faults.clear("organisation \(name)")
            if let published = risk.risk { desk.publish(name, published) }
        } catch is NotTheWriter {
            // Read anew at the next look, as one that follows: nothing is wrong.
            heldUntil = nil
            organisations[name] = nil
        } catch {
            // From the beginning, a little later each time.
            organisations[name] = nil
            let count = min((retries[name]?.count ?? 0) + 1, 8)
            retries[name] = (count, now.adding(seconds: 1 << Int64(count)))
            log("could not judge the packages of \(name)", error, of: "organisation \(name)")
        }
    }

    /// Takes the rules that an organisation has chosen. Where they cannot be read whoever asks is told so: those that it was
    /// judged by go on, and without any it is not judged, since hosts would be shown with another exposure and worth.
    ///
    /// - Returns: whether they are others than before.
    private func takeRules(of policy: [UInt8]?, _ judge: inout OrganisationJudge) throws -> Bool {
        let name = judge.organisation
        do {
            let rules = try desk.policy(of: name, policy).rules
            faults.clear("policy of \(name)")
            defer { judge.rules = rules }
            return rules != judge.rules
        } catch {
            guard judge.risk != nil else { throw UnreadablePolicy(why: "\(error)") }
            log("could not read the policy of \(name)", error, of: "policy of \(name)")
            return false
        }
    }

    private struct UnreadablePolicy: Error, CustomStringConvertible {
        var why: String
        var description: String {
            "the policy that is stored cannot be read: \(why); choose it anew (fettle priority policy set)"
        }
    }

    /// Judges packages that no organisation had so far.
    private func judgeNew(_ wanted: Set<Int64>, _ knowledge: VulnerabilityDesk.Knowledge) async throws {
        let missing = wanted.filter { judgements[$0] == nil }.sorted()
        for start in stride(from: 0, to: missing.count, by: 5000) {
            let part = Array(missing[start..<min(start + 5000, missing.count)])
            let subjects = try await state.store.read { try $0.verdicts.subjects(part) }
            let matcher = knowledge.matcher
            let judged = try await withThrowingTaskGroup(of: [(Int64, JudgedOnce)].self) { group in
                let half = (part.count + 1) / 2
                for ids in [part.prefix(half), part.dropFirst(half)] where !ids.isEmpty {
                    group.addTask(priority: .utility) {
                        var list: [(Int64, JudgedOnce)] = []
                        for id in ids {
                            try Task.checkCancellation()
                            guard let subject = subjects[id] else { continue }
                            let judgement = try matcher.judge(
                                MatchSubject(subject.package, origin: subject.origin), verdicts: [.affected, .unknown])
                            list.append((id, JudgedOnce(judgement, of: subject)))
                        }
                        return list
                    }
                }
                var all: [(Int64, JudgedOnce)] = []
                for try await list in group { all += list }
                return all
            }
            for (id, judgement) in judged { judgements[id] = judgement }
        }
    }

    private func write(
        _ ledger: VerdictLedger, _ judge: inout OrganisationJudge, _ catalogue: SHA256Digest, _ now: Timestamp
    ) async throws {
        let (organisation, server, isShared) = (judge.organisation, state.serverName, state.store.isShared)
        let clock = state.clock
        // Judging may have taken longer than the lease lasts: each write asks for it at its own time.
        @Sendable func holdLease(_ sql: Transaction) throws {
            guard isShared else { return }
            let now = clock.now()
            guard try sql.leases.take(Self.lease.name, by: server, seconds: Self.lease.seconds, now: now) else {
                throw NotTheWriter()
            }
        }
        let changes = ledger.changes
        var start = 0
        while start < changes.count {
            // What concerns one package is one transaction: a finding that changed its name never loses its clock between.
            var end = min(start + 2000, changes.count)
            while end < changes.count, changes[end].key.package == changes[end - 1].key.package { end += 1 }
            let part = Array(changes[start..<end])
            judge.revision = try await state.store.write { sql in
                try holdLease(sql)
                return try sql.verdicts.record(organisation: organisation, part, catalogue: catalogue)
            }
            start = end
        }
        let fixes = ledger.fixes
        if !fixes.isEmpty {
            judge.revision = try await state.store.write { sql in
                try holdLease(sql)
                try sql.verdicts.noteFixes(organisation: organisation, fixes)
                return try sql.verdicts.record(organisation: organisation, [], catalogue: catalogue)
            }
        }
    }

    /// Another server has taken over between a look and a write.
    private struct NotTheWriter: Error, CustomStringConvertible {
        var description: String { "another server writes verdicts now; this one goes on reading" }
    }

    // MARK: - What goes on by itself

    /// Ends exceptions whose time is over or whose vulnerability became known to be exploited, and notes hosts that are away.
    private func keep(isWriter: Bool, _ now: Timestamp) async throws {
        guard isWriter, keptAt.map({ now.seconds(since: $0) >= 10 || now < $0 }) ?? true else { return }
        keptAt = now
        let exceptions = try await state.store.read { try $0.exceptions.open() }
        faults.keep("exception ", only: Set(exceptions.map { "exception \($0.id)" }))
        for exception in exceptions {
            // One that cannot be looked at stops none of the others.
            do {
                try await endIfOver(exception, now)
                faults.clear("exception \(exception.id)")
            } catch {
                log("could not look at the exception \(exception.id)", error, of: "exception \(exception.id)")
            }
        }
        guard notedAwayAt.map({ now.seconds(since: $0) >= 60 || now < $0 }) ?? true else { return }
        notedAwayAt = now
        let away = AwayHosts(state)
        for name in organisations.keys.sorted() {
            do {
                let isPaused = try await desk.policy(name, state.store).policy.pauses.contains(.offline)
                let hosts = organisations[name]?.hosts.keys.sorted() ?? []
                try await away.note(organisation: name, hosts: hosts, isPaused: isPaused, now)
                faults.clear("away \(name)")
            } catch {
                log("could not look which hosts of \(name) are away", error, of: "away \(name)")
            }
        }
        let forgotten = now.adding(seconds: -VerdictLedger.memory)
        try await state.store.write {
            try $0.verdicts.forgetClosed(before: forgotten)
            try $0.packageArrivals.forget(before: forgotten)
        }
    }

    private struct CannotTell: Error, CustomStringConvertible {
        var why: String
        var description: String { "whether it is known to be exploited is unknown: \(why)" }
    }

    private func endIfOver(_ exception: StoredException, _ now: Timestamp) async throws {
        let exploitation = desk.exploitation(exception.vulnerability)
        let end: StoredException.End
        let why: String
        switch exception.standing(at: now, knownExploited: exploitation.since) {
        case .expired(let when): (end, why) = (.expired, "its time was over at \(when)")
        case .reopened(let when): (end, why) = (.knownExploited, "known to be exploited since \(when)")
        default:
            // That it is not known to be exploited was not read.
            if case .unknown(let why) = exploitation, desk.knowledge?.hasExploited ?? false {
                throw CannotTell(why: why)
            }
            return
        }
        _ = try await state.store.write {
            try $0.exceptions.end(
                organisation: exception.organisation, id: exception.id, as: end, why: why, now: now)
        }
    }
}

/// Follows feeds and hosts, and judges what has changed, in the background.
struct VulnerabilityKeeper: Service {
    let state: ServerState

    /// From here on what waits for the feeds waits for this.
    init(state: ServerState) {
        self.state = state
        state.vulnerabilities.begin()
    }

    func run() async throws {
        let judge = FleetJudge(state)
        var tick = 0
        repeat {
            if tick % 15 == 0 { state.vulnerabilities.followFeeds(state.logger, state.clock) }
            await judge.step(state.clock.now())
            tick += 1
        } while await slept()
        state.vulnerabilities.stop()
        await judge.stop()
    }

    /// Sleeps two seconds; false where the server stops.
    private func slept() async -> Bool {
        await cancelWhenGracefulShutdown {
            do {
                try await Task.sleep(for: .seconds(2))
                return !Task.isCancelled
            } catch {
                return false
            }
        }
    }
}
