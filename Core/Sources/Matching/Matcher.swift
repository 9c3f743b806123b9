import Feeds
public import Inventory
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

    /// - Parameter layers: the newest first.
    public init(_ layers: [Catalogue]) throws(CatalogueError) {
        self.layers = layers
        var hidden = [Set<UInt32>](repeating: [], count: layers.count)
        var groups = [[UInt32: Int]](repeating: [:], count: layers.count)
        for (newer, layer) in layers.enumerated().dropLast() {
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
                            groups[newer][UInt32(group)] = (layers.count - 1 - older) << 40 | other
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
    }

    /// A voice in numbers.
    struct CompactVoice {
        var layer: Int
        var advisory: Int
        var statement: Int
        var package: Int
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

    func decide(_ subject: MatchSubject) throws(CatalogueError) -> (streams: [String], unknown: String, [Decision]) {
        let package = subject.package
        if case .thirdParty(let origin) = subject.origin {
            return ([], "it is from \(origin), for which no feed speaks", [])
        }
        let streams = streams(of: package)
        guard !streams.isEmpty || !subject.cpes.isEmpty else {
            let stream = package.distribution.isEmpty ? "packages of type \(package.scheme)" : package.distribution
            return ([], "no feed has data for \(stream)", [])
        }
        var voices: [Int: [CompactVoice]] = [:]
        try collect(package, streams, subject.cpes, into: &voices)
        var decisions: [Decision] = []
        decisions.reserveCapacity(voices.count)
        let isOfSystem = !package.distribution.isEmpty && streams.contains(where: PackageStreams.isComplete)
        for (vulnerability, list) in voices {
            decisions.append(try decide(vulnerability, list, isOfSystem))
        }
        if let owner = subject.owner { try leave(to: owner, &decisions) }
        decisions.sort { $0.vulnerability < $1.vulnerability }
        return (streams, "", decisions)
    }

    // MARK: Collecting

    private func collect(
        _ package: SoftwarePackage, _ streams: [String], _ cpes: [String], into voices: inout [Int: [CompactVoice]]
    ) throws(CatalogueError) {
        for (layer, catalogue) in layers.enumerated() {
            // Keys are kept for each version once a layer: a package's streams share a scheme.
            var own = JudgedVersion(package.version)
            var source = JudgedVersion(package.sourceVersion)
            for (number, stream) in streams.enumerated() {
                guard let row = catalogue.streamRows[stream] else { continue }
                if package.distribution.isEmpty {
                    let name = PackageStreams.canonicalName(package.name, stream: stream)
                    try collect(layer, row, .language, name, &own, package, number, into: &voices)
                } else {
                    try collect(layer, row, .source, package.source, &source, package, number, into: &voices)
                    try collect(layer, row, .binary, package.name, &own, package, number, into: &voices)
                    // Lines of text about applications have a stream and neither source nor binary.
                    if package.distribution == stream {
                        try collect(layer, row, .language, package.name, &own, package, number, into: &voices)
                    }
                }
            }
            if !cpes.isEmpty, let row = catalogue.streamRows["CPE"] {
                for cpe in cpes { try collect(layer, row, .cpe, cpe, &own, package, streams.count, into: &voices) }
            }
        }
    }

    private func collect(
        _ layer: Int, _ streamRow: Int, _ kind: Statement.Kind, _ name: String, _ version: inout JudgedVersion,
        _ package: SoftwarePackage, _ stream: Int, into voices: inout [Int: [CompactVoice]]
    ) throws(CatalogueError) {
        let catalogue = layers[layer]
        let reader = catalogue.reader
        guard let string = try reader.index(of: name) else { return }
        let first = Int(try reader.word(.streams, streamRow, 1))
        let count = Int(try reader.word(.streams, streamRow, 2))
        guard first + count <= reader.rows(.packages) else {
            throw .damaged("stream \(streamRow) has packages that are not there")
        }
        let words = [try reader.word(.streams, streamRow, 0), UInt32(CatalogueBuilder.number(kind)), string]
        let row = try reader.lowerBound(.packages, words, in: first..<first + count)
        guard row < first + count, try reader.word(.packages, row, 1) == words[1],
            try reader.word(.packages, row, 2) == string
        else { return }
        for statement in try reader.list(.packages, row, 3).rows {
            let advisory = try reader.word(.statements, statement, 0)
            if replaced[layer].contains(advisory) { continue }
            let flags = try reader.word(.advisories, Int(advisory), 2)
            guard flags & 16 == 0, try applies(catalogue, statement, package) else { continue }
            guard var answer = try catalogue.answer(statement, &version) else { continue }
            if try isModuleUnknown(catalogue, statement, package), answer.verdict != .notAffected {
                answer = StatementAnswer(verdict: .unknown, rule: .moduleUnknown, fixed: answer.fixed)
            }
            let voice = CompactVoice(
                layer: layer, advisory: Int(advisory), statement: statement, package: row, answer: answer,
                precedence: try precedence(catalogue, Int(advisory), kind, stream), stream: stream,
                version: version.version)
            for number in try reader.list(.advisories, Int(advisory), 27).rows {
                let group = try reader.word(.numbers, number, 0)
                voices[groups[layer][group] ?? (layers.count - 1 - layer) << 40 | Int(group), default: []].append(voice)
            }
        }
    }

    /// Whether a statement can be about the package at all.
    private func applies(
        _ catalogue: Catalogue, _ statement: Int, _ package: SoftwarePackage
    ) throws(CatalogueError) -> Bool {
        let reader = catalogue.reader
        let architectures = try reader.list(.statements, statement, 11)
        if architectures.count > 0, !["all", "noarch", "any", ""].contains(package.architecture) {
            let names = try reader.strings(architectures)
            // `noarch` of an advisory is every machine's.
            guard names.contains(package.architecture) || names.contains("noarch") || names.contains("all") else {
                return false
            }
        }
        let module = try reader.word(.statements, statement, 1)
        if module != 0 {
            let name = try reader.string(module)
            guard package.module == name || (package.module.isEmpty && Self.isModular(package)) else { return false }
        }
        guard !package.distribution.isEmpty else { return true }
        let fixed = Int(try reader.word(.statements, statement, 7)) - 1
        guard fixed >= 0, package.scheme == "rpm" else { return true }
        return RebuildFlavour.isComparable(
            package, with: try reader.version(ofBound: fixed),
            channel: try reader.string(try reader.word(.statements, statement, 10)))
    }

    private func isModuleUnknown(
        _ catalogue: Catalogue, _ statement: Int, _ package: SoftwarePackage
    ) throws(CatalogueError) -> Bool {
        guard package.module.isEmpty, package.scheme == "rpm" else { return false }
        return try catalogue.reader.word(.statements, statement, 1) != 0
    }

    private static func isModular(_ package: SoftwarePackage) -> Bool {
        package.version.contains(".module+") || package.version.contains(".module_")
    }

    /// Who is heard first: statements of the user's own VEX documents, the distribution's stream, a registry, a CPE.
    private func precedence(
        _ catalogue: Catalogue, _ advisory: Int, _ kind: Statement.Kind, _ stream: Int
    ) throws(CatalogueError) -> Int {
        if kind == .cpe { return 0 }
        let reader = catalogue.reader
        let source = try reader.stringBytes(try reader.word(.advisories, advisory, 0))
        if Self.ownVEX.contains(where: { $0.utf8.elementsEqual(source) }) { return 3 }
        return kind == .language ? 1 : 2
    }

    /// Documents that an organisation or a product's maker gives beside the distribution's feeds.
    private static let ownVEX: [StaticUTF8] = ["openvex", "cyclonedx-vex", "cyclonedx", "vex"].map(StaticUTF8.init)

    private struct StaticUTF8: Sendable {
        let utf8: [UInt8]
        init(_ text: String) { utf8 = Array(text.utf8) }
    }

    // MARK: Deciding

    private func decide(
        _ vulnerability: Int, _ list: [CompactVoice], _ isOfSystem: Bool
    ) throws(CatalogueError) -> Decision {
        var voices = list
        let top = voices.map(\.precedence).max() ?? 0
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
        // What is told of affected versions is a union; who says that the package never had it, or that the flaw is of
        // another stream's build, is more exact than a range.
        let heard = voices.indices.filter { voices[$0].overruled.isEmpty }
        for index in heard where voices[index].answer.verdict == .affected || voices[index].answer.verdict == .unknown {
            for other in heard where voices[other].answer.verdict == .notAffected {
                let answer = voices[other].answer
                guard answer.rule == .everyVersion || answer.rule == .listed || answer.rule == .range,
                    voices[other].stream == voices[index].stream,
                    voices[other].package == voices[index].package || top == 3
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
                    voices[other].layer == voices[index].layer
                else { continue }
                let reader = layers[voices[other].layer].reader
                if let mine = RebuildFlavour.minorRelease(voices[index].version),
                    RebuildFlavour.minorRelease(try reader.version(ofBound: fixed)) == mine,
                    let theirs = RebuildFlavour.minorRelease(try reader.version(ofBound: bound)), theirs != mine
                {
                    voices[index].overruled = "the fix of this minor release, \(mine), is installed"
                }
            }
        }
        let deciding = voices.filter { $0.overruled.isEmpty }
        let verdict: Verdict
        var reason = ""
        if deciding.contains(where: { $0.answer.verdict == .affected }) {
            verdict = .affected
        } else if deciding.contains(where: { $0.answer.verdict == .unknown }) {
            verdict = .unknown
        } else if deciding.contains(where: { $0.answer.verdict == .fixed }) {
            verdict = .fixed
        } else {
            verdict = .notAffected
        }
        var decided = verdict
        if isOfSystem, top == 0, verdict != .notAffected {
            decided = .notAffected
            reason = "the distribution's feed names every vulnerability of its packages, and this is not among them"
            for index in voices.indices { voices[index].overruled = "the distribution's own data decides" }
        }
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
        return Decision(
            vulnerability: vulnerability, verdict: decided, isWeak: top == 0 && decided == .affected,
            isInformational: isInformational, reason: reason, voices: voices)
    }

    /// A package of a language inside a package of the system: the distribution fixed it, or did not, in its own way.
    private func leave(to owner: SoftwarePackage, _ decisions: inout [Decision]) throws(CatalogueError) {
        let streams = streams(of: owner)
        guard streams.contains(where: PackageStreams.isComplete) else { return }
        var voices: [Int: [CompactVoice]] = [:]
        try collect(owner, streams, [], into: &voices)
        for index in decisions.indices {
            for voice in decisions[index].voices.indices where decisions[index].voices[voice].overruled.isEmpty {
                decisions[index].voices[voice].overruled = "it is part of \(owner.name), whose distribution decides"
            }
            if let list = voices[decisions[index].vulnerability] {
                let decision = try decide(decisions[index].vulnerability, list, true)
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
