import Feeds
import Inventory
import Timestamps

extension Matcher {
    /// Weighs what is said of one vulnerability.
    ///
    /// - Parameters:
    ///   - isOfSystem: whether the distribution's feeds name everything of the package.
    ///   - isPaid: whether the package is a build of a channel that is paid for.
    func decide(
        _ vulnerability: Int, _ list: [CompactVoice], _ streams: [String], isOfSystem: Bool, isPaid: Bool
    ) throws(CatalogueError) -> Decision {
        var voices = list
        let top = voices.reduce(0) { max($0, $1.precedence) }
        var isInformational = true
        for voice in voices {
            if try layers[voice.layer].reader.word(.advisories, voice.advisory, 2) & 2 == 0 { isInformational = false }
        }
        for index in voices.indices where voices[index].precedence < top {
            voices[index].overruled =
                voices[index].precedence == 0
                ? "a CPE is weak evidence, and another source knows the package"
                : top == 3 ? "a VEX statement decides" : "the distribution's own data decides"
        }
        if isPaid { overruleByPaidChannel(&voices, streams) }
        if top == 3 { try overruleOlderVEX(&voices) }
        try overruleRanges(&voices, isVEX: top == 3)
        let deciding = voices.filter { $0.overruled.isEmpty }
        let order: [Verdict] = [.affected, .unknown, .fixed, .notAffected]
        let verdict = order.first { verdict in deciding.contains { $0.answer.verdict == verdict } } ?? .notAffected
        var decided = verdict
        var reason = ""
        if isOfSystem, top == 0, verdict != .notAffected, try couldBeNamed(voices, in: streams) {
            decided = .notAffected
            reason = "the distribution's feed names every vulnerability of its packages, and this is not among them"
            for index in voices.indices { voices[index].overruled = "the distribution's own data decides" }
        }
        Self.sort(&voices, decided)
        return Decision(
            vulnerability: vulnerability, verdict: decided, isWeak: top == 0 && decided == .affected,
            isInformational: isInformational, reason: reason, voices: voices)
    }

    private static func sort(_ voices: inout [CompactVoice], _ decided: Verdict) {
        let order: [Verdict] = [decided, .affected, .unknown, .fixed, .notAffected]
        func place(_ voice: CompactVoice) -> Int {
            (voice.overruled.isEmpty ? 0 : 10) + (order.firstIndex(of: voice.answer.verdict) ?? 5)
        }
        voices.sort { left, right in
            let (a, b) = (place(left), place(right))
            if a != b { return a < b }
            if left.layer != right.layer { return left.layer < right.layer }
            return (left.advisory, left.statement) < (right.advisory, right.statement)
        }
    }

    /// A build of a paid channel has the fixes of that channel, which the release's own stream does not know.
    private func overruleByPaidChannel(_ voices: inout [CompactVoice], _ streams: [String]) {
        func isPaid(_ voice: CompactVoice) -> Bool {
            voice.stream < streams.count && PackageStreams.isPaid(streams[voice.stream])
        }
        guard voices.contains(where: { $0.overruled.isEmpty && isPaid($0) }) else { return }
        for index in voices.indices where voices[index].precedence == 2 && !isPaid(voices[index]) {
            voices[index].overruled = "the package is a build of a channel that is paid for, which speaks of it"
        }
    }

    /// Of documents that say different things the newest counts, whoever wrote it (OpenVEX 0.2.0, section 3.3): one that
    /// corrects another names it by being later.
    private func overruleOlderVEX(_ voices: inout [CompactVoice]) throws(CatalogueError) {
        var dates: [Int: Timestamp] = [:]
        // The date of several documents is that of the newest, which may be about another product: it clears nothing.
        var unclear: Set<Int> = []
        for index in voices.indices where voices[index].overruled.isEmpty {
            let reader = layers[voices[index].layer].reader
            let flags = try reader.word(.advisories, voices[index].advisory, 2)
            guard let column = flags & 8 != 0 ? 5 : flags & 4 != 0 ? 3 : nil else { continue }
            dates[index] = try reader.date(.advisories, voices[index].advisory, column)
            let verdict = voices[index].answer.verdict
            if flags & CatalogueWriter.datesDiffer != 0, verdict != .affected, verdict != .unknown {
                unclear.insert(index)
            }
        }
        guard let newest = dates.filter({ !unclear.contains($0.key) }).values.max() else { return }
        for (index, date) in dates where date < newest {
            voices[index].overruled = "a newer VEX document decides, of \(newest.description.prefix(10))"
        }
    }

    /// What is told of affected versions is a union; who says that the package never had it, or that the flaw is of another
    /// stream's build, is more exact than a range.
    private func overruleRanges(_ voices: inout [CompactVoice], isVEX: Bool) throws(CatalogueError) {
        let heard = voices.indices.filter { voices[$0].overruled.isEmpty }
        for index in heard where voices[index].answer.verdict == .affected || voices[index].answer.verdict == .unknown {
            for other in heard where voices[other].answer.verdict == .notAffected {
                let answer = voices[other].answer
                guard answer.rule == .everyVersion || answer.rule == .listed || answer.rule == .range,
                    voices[other].stream == voices[index].stream,
                    voices[other].subject == voices[index].subject || isVEX
                else { continue }
                // In one record, the part that says affected is as exact as the one that does not.
                if voices[other].advisory == voices[index].advisory, voices[other].layer == voices[index].layer {
                    continue
                }
                voices[index].overruled = "its own stream says that the package is not affected"
            }
            // A fix of the same minor release's channel is the one that this build has.
            for other in heard where voices[other].answer.verdict == .fixed && voices[index].answer.verdict == .affected
            {
                guard let fixed = voices[other].answer.fixed, let bound = voices[index].answer.fixed,
                    voices[other].subject == voices[index].subject,
                    let mine = RebuildFlavour.minorRelease(voices[index].version)
                else { continue }
                let own = try layers[voices[other].layer].reader.version(ofBound: fixed)
                let wanted = try layers[voices[index].layer].reader.version(ofBound: bound)
                if RebuildFlavour.minorRelease(own) == mine, let theirs = RebuildFlavour.minorRelease(wanted),
                    theirs != mine
                {
                    voices[index].overruled = "the fix of this minor release, \(mine), is installed"
                }
            }
        }
    }

    /// Nobody's word can be relied on for a package whose origin is not known, but the user's own: what is open stays to be
    /// looked into, and nothing is closed.
    static func doubt(_ decisions: inout [Decision], _ reason: String) {
        func isDecidedByUser(_ decision: Decision) -> Bool {
            decision.voices.contains { $0.precedence == 3 && $0.overruled.isEmpty }
        }
        decisions.removeAll { decision in
            !isDecidedByUser(decision) && decision.verdict != .affected && decision.verdict != .unknown
        }
        for index in decisions.indices where !isDecidedByUser(decisions[index]) {
            decisions[index].verdict = .unknown
            decisions[index].isWeak = false
            decisions[index].reason = reason
        }
    }

    /// A package of a language inside a package of the system: the distribution fixed it, or did not, in its own way.
    ///
    /// Only a package of the distribution itself, whose feeds name everything, can clear what is in it by silence. Where
    /// nobody says whose the owner is, that silence proves nothing, and the verdict is unknown.
    func leave(
        to owner: SoftwarePackage, _ origin: MatchSubject.Origin, _ decisions: inout [Decision]
    ) throws(CatalogueError) {
        switch origin {
        case .thirdParty, .unknown: return
        case .distribution, .assumed: break
        }
        let streams = streams(of: owner)
        guard isComplete(streams, owner, .distribution, isNamed: true) else { return }
        var collected: [CompactVoice] = []
        try collect(owner, streams, [], into: &collected)
        let voices = Dictionary(grouping: collected, by: \.vulnerability)
        let isPaid = PackageStreams.isOfPaidChannel(owner)
        for index in decisions.indices {
            // The user's own documents stand above both.
            if decisions[index].voices.contains(where: { $0.precedence == 3 && $0.overruled.isEmpty }) { continue }
            let list = voices[decisions[index].vulnerability]
            if list == nil, origin != .distribution {
                if decisions[index].verdict == .affected || decisions[index].verdict == .unknown {
                    decisions[index].verdict = .unknown
                    decisions[index].reason =
                        "it is part of \(owner.name), which the distribution's feed does not name for it; whether that package is the distribution's own is not known"
                }
                continue
            }
            // What is newer than the distribution's feed it could not name.
            if list == nil, try !couldBeNamed(decisions[index].voices, in: streams) { continue }
            for voice in decisions[index].voices.indices where decisions[index].voices[voice].overruled.isEmpty {
                decisions[index].voices[voice].overruled = "it is part of \(owner.name), whose distribution decides"
            }
            if let list {
                let decision = try decide(
                    decisions[index].vulnerability, list, streams, isOfSystem: true, isPaid: isPaid)
                decisions[index].verdict = decision.verdict
                decisions[index].reason = "the distribution's verdict on \(owner.name) \(owner.version)"
                decisions[index].voices = decision.voices + decisions[index].voices
            } else {
                decisions[index].verdict = .notAffected
                decisions[index].reason =
                    "it is part of \(owner.name), and the distribution's feed, which is complete, does not name it there"
            }
        }
    }
}
