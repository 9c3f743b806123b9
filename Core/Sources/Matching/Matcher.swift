import Feeds
public import Inventory
import Timestamps
import Versions

/// Judges packages against catalogues.
///
/// Several catalogues are layers: an advisory of a newer one replaces the advisory of the same source and id in all older
/// ones, so that a changed advisory is judged without writing the whole catalogue anew.
public struct Matcher: Sendable {
    /// The newest first.
    public let layers: [Catalogue]
    /// For each layer the rows of advisories that a newer one replaces.
    let replaced: [Set<UInt32>]
    /// For each layer its vulnerabilities' numbers in ``Decision/vulnerability``.
    private let groups: [[UInt32: Int]]
    private let knownStreams: Set<String>
    private let allStreams: [String]
    /// How much each stream's feeds name.
    let coverage: [String: FeedCoverage]
    /// Of streams whose feeds name everything: as of when.
    private let completeUntil: [String: Timestamp]

    /// - Parameter layers: the newest first.
    public init(_ layers: [Catalogue]) throws(CatalogueError) {
        self.layers = layers
        var hidden = [Set<UInt32>](repeating: [], count: layers.count)
        var groups = [[UInt32: Int]](repeating: [:], count: layers.count)
        // The oldest first: what a newer one takes its number from has its own by then.
        for (newer, layer) in layers.enumerated().dropLast().reversed() {
            let reader = layer.reader
            for row in 0..<layer.advisoryCount {
                let id = try reader.string(try reader.word(.advisories, row, 1))
                let source = try reader.string(try reader.word(.advisories, row, 0))
                for older in layers.indices where older > newer {
                    for match in try layers[older].advisories(id: id)
                    where try layers[older].reader.string(layers[older].reader.word(.advisories, match, 0)) == source {
                        hidden[older].insert(UInt32(match))
                    }
                }
            }
            // One vulnerability has one number: that of the oldest layer that knows one of its ids.
            for group in 0..<layer.vulnerabilityCount {
                for id in try reader.strings(try reader.list(.groups, group, 1)) {
                    for older in layers.indices.reversed() where older > newer {
                        if let other = try layers[older].groups(named: id).first {
                            groups[newer][UInt32(group)] =
                                groups[older][UInt32(other)] ?? (layers.count - 1 - older) << 40 | other
                            break
                        }
                    }
                    if groups[newer][UInt32(group)] != nil { break }
                }
            }
        }
        replaced = hidden
        self.groups = groups
        knownStreams = Set(layers.flatMap { $0.streamRows.keys })
        allStreams = knownStreams.sorted()
        var coverage: [String: FeedCoverage] = [:]
        var completeUntil: [String: Timestamp] = [:]
        for layer in layers {
            for stream in layer.streamRows.keys {
                let own = try layer.coverage(of: stream)
                coverage[stream] = max(coverage[stream] ?? .statements, own)
                guard own == .everything, let date = try layer.feedDate(ofStream: stream) else { continue }
                completeUntil[stream] = max(completeUntil[stream] ?? date, date)
            }
        }
        self.coverage = coverage
        self.completeUntil = completeUntil
    }

    /// A voice in numbers.
    struct CompactVoice {
        /// Of what it speaks, as ``Decision/vulnerability``.
        var vulnerability: Int
        var layer: Int
        var advisory: Int
        var statement: Int
        var package: Int
        /// What of the package it speaks of, equal in all layers: its source, its binary, each of its CPEs.
        var subject: Int
        var answer: StatementAnswer
        var precedence: Int
        var stream: Int
        var version: String
        /// Index of the voice that overrules it, and why.
        var overruled = ""
    }

    /// What holds of one vulnerability in one package, in numbers.
    struct Decision {
        /// The layer, counted from the oldest, in the bits from 40 on, the row of the vulnerability below: it stays the same
        /// when a newer layer is put on top.
        var vulnerability: Int
        var verdict: Verdict
        var isWeak: Bool
        var isInformational: Bool
        var reason: String
        var voices: [CompactVoice]
    }

    /// The streams that a package is judged by, with data.
    public func streams(of package: SoftwarePackage) -> [String] {
        // A line of text names the stream itself.
        if knownStreams.contains(package.distribution) { return [package.distribution] }
        return PackageStreams.streams(of: package, known: knownStreams.contains, all: allStreams)
    }

    /// A vulnerability's number in ``Decision/vulnerability``.
    func number(_ layer: Int, _ group: UInt32) -> Int {
        groups[layer][group] ?? (layers.count - 1 - layer) << 40 | Int(group)
    }

    /// The rows of a layer's vulnerabilities that have one of these numbers.
    func groupRows(_ layer: Int, of numbers: Set<Int>) -> [Int] {
        let remapped = groups[layer]
        let prefix = (layers.count - 1 - layer) << 40
        let own = numbers.compactMap { number in
            number & ~(1 << 40 - 1) == prefix && remapped[UInt32(number & (1 << 40 - 1))] == nil
                ? number & (1 << 40 - 1) : nil
        }
        return own + remapped.filter { numbers.contains($0.value) }.map { Int($0.key) }
    }

    /// - Parameters:
    ///   - only: nil for everything; else the vulnerabilities to decide, for a subject without CPEs and owner, which
    ///     make one verdict depend on others.
    ///   - verdicts: decisions that nobody asked for may be left out.
    func decide(
        _ subject: MatchSubject, only: MatchScope? = nil, verdicts: Set<Verdict>? = nil
    ) throws(CatalogueError) -> (streams: [String], unknown: String, [Decision]) {
        let package = subject.package
        let streams = streams(of: package)
        var voices: [CompactVoice] = []
        try collect(package, streams, subject.cpes, only: only, into: &voices)
        if case .thirdParty = subject.origin {
            // The distribution speaks of its own builds; the user's documents and CPEs speak of any.
            voices.removeAll { $0.precedence != 3 && $0.precedence != 0 }
        }
        let isNamed = voices.contains { $0.precedence == 2 }
        let isOfSystem = isComplete(streams, package, subject.origin, isNamed: isNamed)
        var decisions: [Decision] = []
        let isPaid = PackageStreams.isOfPaidChannel(package)
        // What doubt and an owner make of a decision depends on all of it.
        var asked = subject.owner == nil ? verdicts : nil
        if case .unknown = subject.origin { asked = nil }
        Self.sortByVulnerability(&voices)
        var start = 0
        while start < voices.count {
            let vulnerability = voices[start].vulnerability
            var end = start + 1
            while end < voices.count, voices[end].vulnerability == vulnerability { end += 1 }
            defer { start = end }
            if let asked, let verdict = Self.unanimous(voices[start..<end], isOfSystem: isOfSystem),
                !asked.contains(verdict)
            {
                continue
            }
            decisions.append(
                try decide(
                    vulnerability, Array(voices[start..<end]), streams, isOfSystem: isOfSystem, isPaid: isPaid))
        }
        if case .unknown(let why) = subject.origin { Self.doubt(&decisions, "its origin is not known: \(why)") }
        if let owner = subject.owner { try leave(to: owner, subject.ownerOrigin, &decisions) }
        return (streams, unknown(subject, streams), decisions)
    }

    /// Puts together what is said of one vulnerability, in the order in which it was said.
    private static func sortByVulnerability(_ voices: inout [CompactVoice]) {
        var isSorted = true
        for index in voices.indices.dropFirst() where voices[index].vulnerability < voices[index - 1].vulnerability {
            isSorted = false
            break
        }
        if isSorted { return }
        // Numbers are moved, not voices: those are large and hold texts.
        var order = voices.indices.map { (vulnerability: voices[$0].vulnerability, index: $0) }
        order.sort { $0 < $1 }
        voices = order.map { voices[$0.index] }
    }

    /// The verdict where all who have a say agree, so that it does not matter which of them overrules the other; nil where
    /// it takes a closer look.
    private static func unanimous(_ voices: ArraySlice<CompactVoice>, isOfSystem: Bool) -> Verdict? {
        var top = -1
        var verdict: Verdict?
        for voice in voices {
            if voice.precedence > top {
                top = voice.precedence
                verdict = voice.answer.verdict
            } else if voice.precedence == top, verdict != voice.answer.verdict {
                verdict = nil
            }
        }
        // A CPE's word may be cleared by the silence of a distribution's feed.
        return top == 0 && isOfSystem ? nil : verdict
    }

    /// Why nothing, or not all, can be said of a package; empty where silence means that nothing is known against it.
    private func unknown(_ subject: MatchSubject, _ streams: [String]) -> String {
        let package = subject.package
        switch subject.origin {
        case .thirdParty(let origin): return "it is from \(origin), for which no feed speaks"
        case .unknown(let why): return "its origin is not known: \(why)"
        case .distribution, .assumed: break
        }
        if streams.contains(where: { coverage[$0] ?? .statements >= .advisories && !PackageStreams.isPaid($0) }) {
            return CarriedSources.unknownContent(of: package) ?? ""
        }
        let stream = package.distribution.isEmpty ? "packages of type \(package.scheme)" : package.distribution
        return streams.isEmpty
            ? "no feed has data for \(stream)" : "what is there for \(stream) are single statements, no feed of it"
    }

    /// Whether the distribution's feeds name every vulnerability of a package, also those that are not fixed: then what they
    /// do not name is not affected, whatever a registry or a CPE says.
    ///
    /// Where nobody says that the package is the distribution's own, its feed must know the package at least.
    func isComplete(
        _ streams: [String], _ package: SoftwarePackage, _ origin: MatchSubject.Origin, isNamed: Bool
    ) -> Bool {
        guard !package.distribution.isEmpty, CarriedSources.unknownContent(of: package) == nil,
            streams.contains(where: { coverage[$0] == .everything && !PackageStreams.isPaid($0) })
        else { return false }
        switch origin {
        case .distribution: return true
        case .assumed: return isNamed
        case .thirdParty, .unknown: return false
        }
    }

    /// Whether the silence of a distribution's complete feeds can be about what these voices tell: the feeds were fetched after
    /// it was published. What is newer, or has no date, they could not name.
    func couldBeNamed(_ voices: [CompactVoice], in streams: [String]) throws(CatalogueError) -> Bool {
        let dates = streams.filter { coverage[$0] == .everything && !PackageStreams.isPaid($0) }
            .compactMap { completeUntil[$0] }
        guard let until = dates.max() else { return false }
        for voice in voices {
            let reader = layers[voice.layer].reader
            let flags = try reader.word(.advisories, voice.advisory, 2)
            let column = flags & 4 != 0 ? 3 : flags & 8 != 0 ? 5 : nil
            if let column, try reader.date(.advisories, voice.advisory, column) <= until { return true }
        }
        return false
    }
}
