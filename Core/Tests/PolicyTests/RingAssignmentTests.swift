import JSON
import Policy
import Testing

@Suite struct RingAssignmentTests {
    private func hosts(_ count: Int, _ random: inout PolicyRandom, from: Int = 0) -> [PolicyHost] {
        (from..<from + count).map { number in
            PolicyHost(
                id: "h\(number)", name: "host\(number)", labels: [:],
                facts: [
                    .os: ["debian-11", "debian-12", "debian-12", "debian-12", "ubuntu-24.04"].randomElement(
                        using: &random) ?? "",
                    .hardware: ["kvm", "metal"].randomElement(using: &random) ?? "",
                    .site: ["berlin", "paris", "berlin"].randomElement(using: &random) ?? "",
                ])
        }
    }

    private func plan(_ sizes: [RingPlan.Size], rotates: Bool = true) -> RingPlan {
        var plan = RingPlan()
        plan.rotates = rotates
        plan.rings = sizes.enumerated().map { index, size in
            var ring = RingPlan.Ring()
            ring.name = "r\(index)"
            ring.size = size
            return ring
        }
        return plan
    }

    private func percent(_ text: String) -> RingPlan.Size { .amount(.share(Share(text) ?? Share(millionths: 0))) }

    /// Every host is in exactly one ring, each ring has its share to within a host, and of each stratum too.
    @Test func disjointCompleteAndStratified() {
        var random = PolicyRandom(state: 1)
        for _ in 0..<60 {
            let members = hosts(Int.random(in: 0...900, using: &random), &random)
            let shares = ["1%", "5%", "20%"].shuffled(using: &random)
            let plan = plan(shares.map(percent) + [.rest])
            let drawn = RingAssignment(plan, hosts: members.shuffled(using: &random), campaign: "c\(random.next())")
            let all = drawn.rings.flatMap { $0 }
            #expect(all.count == members.count && Set(all) == Set(members.map(\.id)))
            for (index, text) in shares.enumerated() {
                let share = Share(text)?.fraction ?? 0
                #expect(abs(Double(drawn.rings[index].count) - share * Double(members.count)) <= 0.5)
                // Each stratum's share, to within what its own rounding and the ring's leave open.
                let inRing = Set(drawn.rings[index])
                let strata = Dictionary(grouping: members) { RingAssignment.stratum(of: $0, by: plan.stratifyBy) }
                for (name, own) in strata {
                    let found = Double(own.filter { inRing.contains($0.id) }.count)
                    #expect(abs(found - share * Double(own.count)) <= 2, "\(name): \(found) of \(own.count) at \(text)")
                }
            }
        }
    }

    /// Hosts that are added move nobody who has a ring, and fill the rings up to their share.
    @Test func addedHostsMoveNobody() {
        var random = PolicyRandom(state: 2)
        for round in 0..<30 {
            let first = hosts(Int.random(in: 1...400, using: &random), &random)
            let plan = plan([percent("1%"), percent("5%"), percent("20%"), .rest])
            let before = RingAssignment(plan, hosts: first, campaign: "c\(round)")
            let all = first + hosts(Int.random(in: 0...300, using: &random), &random, from: 1000)
            let after = RingAssignment(plan, hosts: all, campaign: "c\(round)", keeping: before)
            for host in first { #expect(after.ring(of: host.id) == before.ring(of: host.id)) }
            #expect(Set(after.rings.flatMap { $0 }).count == all.count)
            #expect(after.rings.map(\.count).reduce(0, +) == all.count)
            for (index, text) in ["1%", "5%", "20%"].enumerated() {
                let wanted = (Share(text)?.fraction ?? 0) * Double(all.count)
                // Nobody leaves a ring, so that one may be as large as before; otherwise it is filled while there are new hosts.
                #expect(Double(after.rings[index].count) <= max(wanted + 0.5, Double(before.rings[index].count)))
            }
            // Without the earlier assignment few are drawn anew: about one a stratum and ring.
            if let extra = hosts(1, &random, from: 5000).first {
                let again = RingAssignment(plan, hosts: first + [extra], campaign: "c\(round)")
                let moved = first.filter { again.ring(of: $0.id) != before.ring(of: $0.id) }.count
                #expect(moved <= 3 * 6, "\(moved) of \(first.count)")
            }
        }
    }

    /// The same input gives the same rings in whatever order; another campaign has other hosts first, unless it must not.
    @Test func rotatedByCampaignAndOtherwiseFixed() {
        var random = PolicyRandom(state: 3)
        let members = hosts(500, &random)
        let turning = plan([percent("5%"), .rest])
        let one = RingAssignment(turning, hosts: members, campaign: "2026-11")
        #expect(one == RingAssignment(turning, hosts: members.shuffled(using: &random), campaign: "2026-11"))
        var first: [String: Int] = [:]
        for month in 0..<60 {
            for id in RingAssignment(turning, hosts: members, campaign: "m\(month)").rings[0] {
                first[id, default: 0] += 1
            }
        }
        // 60 campaigns of 25 hosts: three each on average; nobody is always first, and most have had their turn.
        #expect((first.values.max() ?? 0) < 15)
        #expect(first.count > 430)
        let fixed = plan([percent("5%"), .rest], rotates: false)
        #expect(
            RingAssignment(fixed, hosts: members, campaign: "a") == RingAssignment(fixed, hosts: members, campaign: "b")
        )
    }

    @Test func groupsBoundsAndSmallFleets() {
        var random = PolicyRandom(state: 4)
        let members = hosts(100, &random)
        var grouped = plan([percent("1%"), percent("10%"), .rest])
        grouped.rings[0].size = nil
        grouped.rings[0].group = "test"
        grouped.rings[1].minimum = 30
        let drawn = RingAssignment(grouped, hosts: members, campaign: "c", groups: ["test": ["h1", "h2", "gone"]])
        #expect(Set(drawn.rings[0]) == ["h1", "h2"])
        #expect(drawn.rings.map(\.count) == [2, 30, 68])
        grouped.rings[1].minimum = nil
        grouped.rings[1].maximum = 4
        #expect(RingAssignment(grouped, hosts: members, campaign: "c").rings.map(\.count) == [0, 4, 96])
        let tiny = RingAssignment(
            plan([.amount(.count(5)), percent("50%"), .rest]), hosts: Array(members.prefix(3)), campaign: "c")
        #expect(tiny.rings.map(\.count) == [3, 0, 0])
        #expect(RingAssignment(plan([.rest]), hosts: [], campaign: "").rings == [[]])
        let twice = RingAssignment(plan([.rest]), hosts: [members[0], members[0]], campaign: "")
        #expect(twice.rings == [["h0"]])
    }

    /// Kinds of hosts without one in the first ring are listed, with how many there are.
    @Test func strataWithoutATestAreListed() {
        var all = (0..<40).map { PolicyHost(id: "a\($0)", name: "a\($0)", facts: [.os: "debian-12"]) }
        all += (0..<3).map { PolicyHost(id: "b\($0)", name: "b\($0)", facts: [.os: "ubuntu-24.04"]) }
        var plan = plan([.amount(.count(1)), .rest])
        plan.stratifyBy = [.os, .site]
        plan.rings[0].size = nil
        plan.rings[0].group = "test"
        let drawn = RingAssignment(plan, hosts: all, campaign: "c", groups: ["test": ["a1"]])
        #expect(drawn.untested.map { "\($0.name): \($0.hosts)" } == ["ubuntu-24.04 / ?: 3"])
        #expect(RingAssignment(plan, hosts: all, campaign: "c", groups: ["test": ["a1", "b1"]]).untested.isEmpty)
    }

    @Test func sharesAndAmounts() {
        #expect(Share("5%")?.millionths == 50_000 && Share("0.5%")?.millionths == 5000 && Share("100%")?.fraction == 1)
        #expect(Share("0.0001%")?.description == "0.0001%" && Share("12.50%")?.description == "12.5%")
        for text in ["", "%", "5", "101%", "-1%", "1.%", ".5%", "1e2%", "1.00001%", "5 %", "１%"] {
            #expect(Share(text) == nil, "\(text)")
        }
        #expect(Amount.share(Share(millionths: 50_000)).hosts(of: 90) == 5)
        #expect(Amount.share(Share(millionths: 50_000)).hosts(of: 89) == 4)
        #expect(Amount.count(7).hosts(of: 5) == 5)
        var quorum = Budget()
        quorum.healthy = .share(Share(millionths: 500_000))
        #expect([0, 1, 3, 4, 5].map(quorum.allowed) == [0, 0, 1, 2, 2])
        quorum.healthy = .count(2)
        #expect([1, 2, 3].map(quorum.allowed) == [0, 0, 1])
        var limit = Budget()
        limit.limit = .share(Share(millionths: 10_000))
        #expect([0, 1, 10, 1000].map(limit.allowed) == [0, 1, 1, 10])
    }
}
