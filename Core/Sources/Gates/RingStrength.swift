/// What a ring of so many hosts can prove at all (rollouts.md, 3.5).
public enum RingStrength {
    /// Below so many hosts a ring is a smoke test.
    public static let smallest = 30

    /// The chance that a fault which hits that share of hosts is seen on one of them at least.
    public static func detection(share: Double, hosts: Int) -> Double {
        guard hosts > 0, share > 0 else { return 0 }
        return 1 - Logarithms.exp(Double(hosts) * Logarithms.ln(1 - min(share, 1)))
    }

    /// How many hosts without a failure show with that confidence that fewer than `share` of a fleet fail.
    ///
    /// - Parameter fleet: How many there are in all; nil: so many that it does not matter.
    /// - Returns: nil where share or confidence is none, or more than ``FailureCount/maximum`` were needed.
    public static func hostsNeeded(share: Double, confidence: Double = 0.95, fleet: Int? = nil) -> Int? {
        guard share > 0, share < 1, confidence > 0, confidence < 1 else { return nil }
        guard let fleet else {
            let needed = Logarithms.ln(1 - confidence) / Logarithms.ln(1 - share)
            guard needed >= 0, needed <= Double(FailureCount.maximum) else { return nil }
            return Int((needed - 1e-9).rounded(.up))
        }
        guard (1...FailureCount.maximum).contains(fleet) else { return nil }
        let bad = Int((share * Double(fleet) - 1e-9).rounded(.up))
        // The chance that none of the bad ones is among those drawn, one by one.
        var log = 0.0
        for drawn in 1...fleet {
            guard fleet - bad - drawn + 1 > 0 else { return drawn }
            log += Logarithms.ln(Double(fleet - bad - drawn + 1)) - Logarithms.ln(Double(fleet - drawn + 1))
            if log <= Logarithms.ln(1 - confidence) { return drawn }
        }
        return fleet
    }

    /// What a person needs to know of a small ring; nil where it is large enough.
    public static func sentence(hosts: Int) -> String? {
        guard hosts < smallest else { return nil }
        let percent = Int((detection(share: 0.05, hosts: hosts) * 100).rounded())
        return
            "This ring has \(hosts) \(hosts == 1 ? "host" : "hosts") and proves little: a fault that breaks one host in twenty "
            + "shows here in \(percent) of 100 cases. It is a smoke test; let it soak and have a person approve, or make it "
            + "\(hostsNeeded(share: 0.05) ?? 59) hosts to be 95 % sure."
    }
}
