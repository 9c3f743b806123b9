import Rollout
import Timestamps

/// The timers of campaigns, rings and jobs: rows that wake the server.
extension World {
    private func arm(_ due: Timestamp) {
        if timersDue.insert(due.milliseconds).inserted { add(at: due, .timers) }
    }

    /// Wakes the server when a timer that changed is due.
    func armTimers(_ facts: [Fact]) {
        for case .job(let id, _, _, _, _, _) in facts {
            if let timer = store.jobs[id]?.timer { arm(timer.due) }
        }
        for campaign in store.campaigns {
            if let timer = campaign.timer { arm(timer.due) }
            for ring in campaign.rings { if let timer = ring.timer { arm(timer.due) } }
        }
    }

    func fireTimers() {
        guard isServerUp else { return }
        for index in store.campaigns.indices {
            if let timer = store.campaigns[index].timer, timer.due <= now, isServerUp {
                transact("timer \(timer.kind.rawValue) of campaign \(index)") { store, facts in
                    self.handle(.timer(timer.kind), index, &store, &facts)
                    return []
                }
            }
            for ring in store.campaigns[index].rings.indices {
                if let timer = store.campaigns[index].rings[ring].timer, timer.due <= now, isServerUp {
                    transact("timer \(timer.kind.rawValue) of ring \(ring)") { store, facts in
                        self.handle(.ring(ring, .timer(timer.kind)), index, &store, &facts)
                        return []
                    }
                }
            }
        }
        let due = store.jobs.values.filter { $0.timer.map { $0.due <= now } ?? false }
        for job in due.sorted(by: { $0.id < $1.id }) where isServerUp {
            if let timer = store.jobs[job.id]?.timer, timer.due <= now {
                transact("timer \(timer.kind.rawValue) of \(job.id.prefix(6))") { store, facts in
                    self.handle(.timer(timer.kind), job.id, &store, &facts)
                    return []
                }
            }
        }
        timersDue = timersDue.filter { $0 > now.milliseconds }
        for id in store.jobs.keys.sorted() { if let timer = store.jobs[id]?.timer { arm(max(timer.due, now)) } }
        armTimers([])
    }
}
