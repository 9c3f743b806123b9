import JSON
import Rollout
import Timestamps

/// Every event goes through here: the production reducers, and the reducers that are broken on purpose.
extension World {
    /// Gives a job an event; nil when it is refused.
    @discardableResult
    func handle(
        _ event: HostJob.Event, _ id: String, _ store: inout ServerStore, _ facts: inout [Fact], now: Timestamp? = nil
    ) -> [HostJob.Effect]? {
        guard var job = store.jobs[id] else { return nil }
        let before = job
        do {
            let effects = try job.handle(event, now: now ?? self.now)
            if effects.isEmpty { return effects }
            record(
                effects.count { if case .audit = $0 { true } else { false } }, event.word, "job \(id)", &store, &facts)
            if options.mutation == .permitsLeak, job.permit?.state == .returned { job = changed(job, "permit", "held") }
            if options.mutation == .timersLost, job.timer?.kind == .phase { job = changed(job, "timer", nil) }
            store.jobs[id] = job
            facts.append(
                .job(
                    id: id, campaign: store.campaignOf[id] ?? 0, ring: job.ring.map(Int.init), from: before.state,
                    to: job.state, batch: job.batch))
            if before.state.word != job.state.word { cover("job: \(before.state.word) → \(job.state.word)") }
            if case .cancel = event, before.state.phase != nil, job.isCancelRequested {
                cover("job: cancel while running")
            }
            if options.mutation == .permitsLeak, job.permit?.state == .held { return effects }
            for case .permit(let state) in effects where state != .held || before.permit != nil {
                facts.append(.permit(job: id, state))
            }
            if !job.state.isTerminal, job.state != .planned, job.timer == nil {
                invariants.fail(34, "job \(id) in \(job.state.word) has no timer")
            }
            return effects
        } catch {
            note("server refuses: \(error)")
            isFork = error.code == .brokenChain
            return nil
        }
    }

    private func record(
        _ audits: Int, _ word: String, _ subject: String, _ store: inout ServerStore, _ facts: inout [Fact]
    ) {
        if audits != 1 { return invariants.fail(18, "\(audits) audit records for \(word)") }
        if options.mutation == .auditDropped, store.audits % 7 == 3 { return }
        facts.append(store.audit(word, of: subject))
    }

    /// A broken reducer: its state with one field changed.
    private func changed(_ job: HostJob, _ key: String, _ value: String?) -> HostJob {
        guard var fields = job.json.object else { return job }
        fields[key] = value.map(JSONValue.string)
        return (try? HostJob(json: .object(fields))) ?? job
    }

    private func broken(_ campaign: Campaign) -> Campaign {
        guard var fields = campaign.json.object else { return campaign }
        switch options.mutation {
        case .runsUnapproved? where campaign.state == .awaitingApproval:
            fields["state"] = "running"
            fields["signed"] = true
        case .emergencyByOne? where campaign.state == .awaitingApproval && campaign.emergency != nil:
            fields["approvalsRequired"] = 1
        case .opensEarly? where campaign.rings.first?.state == .soaking && campaign.rings.count > 1:
            guard case .array(var rings)? = fields["rings"], case .object(var ring) = rings[1] else { return campaign }
            ring["state"] = "open"
            ring["timer"] = ["kind": "cutoff", "due": .string(endsAt.description)]
            rings[1] = .object(ring)
            fields["rings"] = .array(rings)
        default: return campaign
        }
        return (try? Campaign(json: .object(fields))) ?? campaign
    }

    @discardableResult
    func handle(
        _ event: Campaign.Event, _ index: Int, _ store: inout ServerStore, _ facts: inout [Fact]
    ) -> Bool {
        var campaign = store.campaigns[index]
        do {
            let before = campaign
            let effects = try campaign.handle(event, now: now)
            record(
                effects.count { if case .audit = $0 { true } else { false } }, event.word, "campaign \(index)", &store,
                &facts)
            campaign = broken(campaign)
            if case .approve(let person, let plan) = event {
                facts.append(.approved(campaign: index, person: person, plan: plan, epoch: before.epoch))
            }
            if before.state != campaign.state {
                cover("campaign: \(before.state.rawValue) → \(campaign.state.rawValue)")
            }
            for (ring, after) in campaign.rings.enumerated() {
                let from = before.rings.indices.contains(ring) ? before.rings[ring].state : .pending
                if from != after.state { cover("ring: \(from.rawValue) → \(after.state.rawValue)") }
            }
            if case .ring(_, .promote) = event { cover("ring: promoted by a person") }
            if case .ring(_, .withdraw) = event { cover("ring: a go is withdrawn") }
            if case .supersede = event { cover("campaign: superseded") }
            if !campaign.state.isTerminal,
                ![.draft, .freezing, .halted, .halting, .cancelling].contains(campaign.state),
                campaign.timer == nil, !campaign.isTailOpen, now < campaign.endsAt ?? .init(milliseconds: .max)
            {
                // Past its end the jobs' own timers carry it.
                invariants.fail(34, "campaign \(index) in \(campaign.state.rawValue) has no timer")
            }
            for (number, ring) in campaign.rings.enumerated()
            where campaign.state == .running && now < campaign.endsAt ?? now {
                if [.open, .soaking, .needsDecision].contains(ring.state), ring.timer == nil {
                    invariants.fail(34, "ring \(number) of campaign \(index) is \(ring.state.rawValue) without a timer")
                }
            }
            facts.append(.campaign(index, before: before, after: campaign))
            if case .ring(let ring, .judged(let judgement)) = event {
                facts.append(.judged(index, ring: ring, judgement))
            }
            store.campaigns[index] = campaign
            for effect in effects { perform(effect, index, &store, &facts) }
            return true
        } catch {
            note("server refuses: \(error)")
            return false
        }
    }
}
