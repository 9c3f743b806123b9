import Rollout
import Timestamps

/// What people do: they submit, approve, pause, halt, decide on rings and answer for silent hosts.
extension World {
    func operate() {
        let isLate = now > start.adding(seconds: 6 * 3600)
        add(isLate ? 3600 : options.rings > 1 ? 600 : 120, .operate)
        guard isServerUp else { return }
        holdForFreeze()
        writeOff()
        for index in store.campaigns.indices where isServerUp {
            guard let event = wish(index, store.campaigns[index]) else { continue }
            transact("\(event.word) of campaign \(index)") { store, facts in
                self.handle(event, index, &store, &facts)
                return []
            }
        }
    }

    /// A freeze holds every ring while it is on.
    private func holdForFreeze() {
        for index in store.campaigns.indices {
            for (number, ring) in store.campaigns[index].rings.enumerated() where isServerUp {
                let isHeld = ring.holds.contains(.freeze)
                let event: Ring.Event
                if mustWait, !isHeld, ring.state == .open {
                    event = .hold(.freeze)
                } else if !mustWait, isHeld {
                    event = .unhold(.freeze)
                } else {
                    continue
                }
                transact("\(event.word) of ring \(number)") { store, facts in
                    self.handle(.ring(number, event), index, &store, &facts)
                    return []
                }
            }
        }
    }

    /// Now and then somebody answers for a host that has been silent.
    private func writeOff() {
        guard options.halts else { return }
        for id in store.jobs.keys.sorted() where isServerUp {
            guard case .suspect? = store.jobs[id]?.state, operatorRandom.chance(40) else { continue }
            transact("job \(id.prefix(6)) is written off") { store, facts in
                self.handle(.writeOff(by: "bob", reason: "I looked at it"), id, &store, &facts)
                return []
            }
        }
    }

    /// What people want of a campaign now.
    private func wish(_ index: Int, _ campaign: Campaign) -> Campaign.Event? {
        if let event = ringWish(campaign) { return event }
        let isCalm = !options.halts
        switch campaign.state {
        case .draft: return .submit(by: "ann")
        case .awaitingApproval:
            if !isCalm, operatorRandom.chance(20) { return .deny(by: "bob", reason: "no") }
            if !isCalm, operatorRandom.chance(30) { return .edit(by: "ann") }
            if !isCalm, operatorRandom.chance(10) { return .cancel(by: "ann", reason: "a mistake") }
            if !isCalm, campaign.halts == 0, isForgotten { return nil }
            let people = ["bob", "cy", "dan"].filter { person in !campaign.approvals.contains { $0.person == person } }
            return campaign.planDigest.flatMap { plan in people.first.map { .approve(by: $0, plan: plan) } }
        case .scheduled, .running, .verifying:
            guard options.halts else { return nil }
            if campaign.halts < 2, operatorRandom.chance(options.rings > 1 ? 25 : 150) {
                return campaign.state == .verifying && operatorRandom.chance(500)
                    ? nil : .halt(by: "bob", reason: "pager")
            }
            if campaign.state != .verifying, operatorRandom.chance(60) { return .pause(by: "bob", reason: "lunch") }
            if operatorRandom.chance(10) { return .cancel(by: "bob", reason: "over") }
            if operatorRandom.chance(15) { return .supersede(by: "bob", campaign: "newer") }
            return nil
        case .paused:
            if operatorRandom.chance(100) { return .halt(by: "bob", reason: "it is bad") }
            return operatorRandom.chance(500) ? .resume(by: "bob", haltReason: nil) : nil
        case .halted:
            switch operatorRandom.below(5) {
            case 0: return .close(by: "bob")
            case 1: return .rollBack(by: "bob", reason: "bad")
            case 2: return .cancel(by: "bob", reason: "over")
            default:
                guard now < endsAt, now < campaign.endsAt ?? endsAt else { return .close(by: "bob") }
                let person = campaign.resumeApprovals.contains { $0.person == "bob" } ? "cy" : "bob"
                return .resume(by: person, haltReason: campaign.reason)
            }
        case .completed, .completedWithExceptions:
            guard lateRollbacks > 0 else { return nil }
            lateRollbacks -= 1
            return .rollBack(by: "bob", reason: "a week later")
        default: return nil
        }
    }

    private func ringWish(_ campaign: Campaign) -> Campaign.Event? {
        guard campaign.state == .running else { return nil }
        for (number, ring) in campaign.rings.enumerated() {
            switch ring.state {
            case .armed where Int64(ring.approvals.count) < ring.rules.approvals:
                return .ring(number, .approve(by: "bob"))
            case .needsDecision:
                if options.halts, operatorRandom.chance(50) {
                    return .ring(number, .refuse(by: "bob", reason: "I do not like it"))
                }
                if operatorRandom.chance(200) { return .ring(number, .promote(by: "bob", reason: "I looked at it")) }
            case .passed where options.halts && !ring.isWithdrawn && operatorRandom.chance(12):
                return .ring(number, .withdraw(by: "bob", reason: "it leaks"))
            default: break
            }
        }
        return nil
    }
}
