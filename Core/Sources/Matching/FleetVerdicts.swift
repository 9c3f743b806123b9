import Inventory

/// One verdict that changed: of a package in an organisation, not of each host that has it.
public struct VerdictChange: Sendable, Hashable {
    /// The package's number in its index.
    public var package: UInt32
    /// The vulnerability's name.
    public var vulnerability: String
    /// What held before; nil where no record named the package for it, or it was fixed or not affected.
    public var before: Verdict?
    /// What holds now.
    public var after: Verdict?
}

/// What holds on one host.
public struct HostCounts: Sendable, Hashable {
    /// Pairs of package and vulnerability that are affected.
    public var findings: UInt32 = 0
    /// Different vulnerabilities among them.
    public var vulnerabilities: UInt32 = 0
    /// Packages that no feed speaks of.
    public var unknownPackages: UInt32 = 0

    /// Nothing found.
    public init() {}
}

/// The verdicts of a fleet: judged once for each distinct package, added up for each host, and kept up to date by what
/// changed alone.
public struct FleetVerdicts: Sendable {
    /// The software that was judged.
    public let index: SoftwareIndex
    /// What holds on each host.
    public private(set) var hosts: [HostCounts]
    /// The names of vulnerabilities that affect some package, by the numbers used here.
    public private(set) var vulnerabilities: [String] = []
    /// Packages whose re-judging may change something were judged in the last change.
    public private(set) var judgedInLastChange = 0

    private var numbers: [String: UInt32] = [:]
    private var affected: [[UInt32]]
    private var undecided: [[UInt32]]
    private var isUnknown: [Bool]
    private var packagesOf: [[UInt32]] = []

    /// Judges every package and adds up every host, with as many tasks at once as `width` says.
    public init(_ index: SoftwareIndex, matcher: Matcher, width: Int = 2) async throws {
        self.index = index
        affected = Array(repeating: [], count: index.packages.count)
        undecided = affected
        isUnknown = Array(repeating: false, count: index.packages.count)
        hosts = Array(repeating: HostCounts(), count: index.hostCount)

        let count = index.packages.count
        let share = max(1, (count + width - 1) / width)
        let parts = try await withThrowingTaskGroup(of: (Int, [PackageVerdicts]).self) { group in
            for part in 0..<width where part * share < count {
                let range = part * share..<min(count, (part + 1) * share)
                group.addTask {
                    var list: [PackageVerdicts] = []
                    list.reserveCapacity(range.count)
                    for package in range { list.append(try Self.judge(index.packages[package], matcher)) }
                    return (range.lowerBound, list)
                }
            }
            var parts: [(Int, [PackageVerdicts])] = []
            for try await part in group { parts.append(part) }
            return parts.sorted { $0.0 < $1.0 }
        }
        var dense: [Int: UInt32] = [:]
        for (first, list) in parts {
            for (offset, verdicts) in list.enumerated() {
                affected[first + offset] = try verdicts.affected.map { try number($0, &dense, matcher) }.sorted()
                undecided[first + offset] = try verdicts.undecided.map { try number($0, &dense, matcher) }.sorted()
                isUnknown[first + offset] = verdicts.isUnknown
            }
        }
        for (package, list) in affected.enumerated() {
            for vulnerability in list { packagesOf[Int(vulnerability)].append(UInt32(package)) }
        }
        hosts = await counted(width: width)
    }

    /// The vulnerabilities that nobody can tell of a package.
    public func undecided(of package: Int) -> [String] { undecided[package].map { vulnerabilities[Int($0)] } }

    /// The vulnerabilities that affect a package.
    public func vulnerabilities(of package: Int) -> [String] { affected[package].map { vulnerabilities[Int($0)] } }

    /// The hosts on which a vulnerability is found, sorted.
    public func hosts(with vulnerability: String) -> [UInt32] {
        guard let number = numbers[vulnerability] else { return [] }
        var found = HostBits(count: index.hostCount)
        for package in packagesOf[Int(number)] { index.forEachHost(of: Int(package)) { found.insert($0) } }
        return found.members
    }

    // MARK: A change

    /// Judges anew what changed advisories name, or named, and corrects the hosts that have it.
    ///
    /// - Parameters:
    ///   - change: a catalogue of the changed advisories alone.
    ///   - matcher: what was judged by so far.
    /// - Returns: the matcher for what comes next, and the verdicts that changed.
    public mutating func apply(
        _ change: Catalogue, over matcher: Matcher
    ) throws -> (matcher: Matcher, changes: [VerdictChange]) {
        let next = try Matcher([change] + matcher.layers)
        // A stream that nobody spoke of before may change what is known of any package; one advisory of a known stream changes
        // only what it names, and only the vulnerabilities that it is about.
        let scope = next.coverage == matcher.coverage ? try next.scopeOfNewestLayer() : nil
        var touched: Set<UInt32> = []
        if scope != nil {
            for name in try next.namesOfNewestLayer() { touched.formUnion(index.packages(named: name)) }
        } else {
            touched = Set(index.packages.indices.map(UInt32.init))
        }
        judgedInLastChange = touched.count
        var dense: [Int: UInt32] = [:]
        // Those of the scope that anything had before; nil for all.
        let inScope = try scope.map { scope in
            try scope.vulnerabilities.compactMap { numbers[try next.vulnerabilityName($0)] }.sorted()
        }
        var changes: [VerdictChange] = []
        /// For each vulnerability the packages that get it and that lose it.
        var moves: [UInt32: Move] = [:]
        for package in touched.sorted() {
            let place = Int(package)
            let verdicts = try Self.judge(index.packages[place], next, only: scope)
            let now = try verdicts.affected.map { try number($0, &dense, next) }
            let open = try verdicts.undecided.map { try number($0, &dense, next) }
            let before = Self.common(affected[place], inScope)
            let openBefore = Self.common(undecided[place], inScope)
            if isUnknown[place] != verdicts.isUnknown {
                index.forEachHost(of: place) { host in
                    if verdicts.isUnknown {
                        hosts[Int(host)].unknownPackages += 1
                    } else {
                        hosts[Int(host)].unknownPackages -= 1
                    }
                }
                isUnknown[place] = verdicts.isUnknown
            }
            if now.sorted() == before, open.sorted() == openBefore { continue }
            let (isNow, isOpen, was, wasOpen) = (Set(now), Set(open), Set(before), Set(openBefore))
            for vulnerability in was.union(isNow).union(isOpen).union(wasOpen).sorted() {
                let old: Verdict? =
                    was.contains(vulnerability) ? .affected : wasOpen.contains(vulnerability) ? .unknown : nil
                let new: Verdict? =
                    isNow.contains(vulnerability) ? .affected : isOpen.contains(vulnerability) ? .unknown : nil
                guard old != new else { continue }
                changes.append(
                    VerdictChange(
                        package: package, vulnerability: vulnerabilities[Int(vulnerability)], before: old, after: new))
                if new == .affected { moves[vulnerability, default: Move()].gained.append(package) }
                if old == .affected { moves[vulnerability, default: Move()].lost.append(package) }
            }
            let difference = Int64(isNow.count) - Int64(was.count)
            if difference != 0 {
                index.forEachHost(of: place) { host in
                    hosts[Int(host)].findings = UInt32(Int64(hosts[Int(host)].findings) + difference)
                }
            }
            affected[place] = Self.replaced(was, by: isNow, in: affected[place])
            undecided[place] = Self.replaced(wasOpen, by: isOpen, in: undecided[place])
        }
        count(moves)
        return (next, changes)
    }

    /// The packages that get a vulnerability and that lose it.
    private struct Move: Hashable {
        var gained: [UInt32] = []
        var lost: [UInt32] = []
        /// Those that have it before and after.
        var kept: [UInt32] = []
    }

    /// What a sorted list has of another one, which is short; all where that is nil.
    private static func common(_ list: [UInt32], _ wanted: [UInt32]?) -> [UInt32] {
        guard let wanted, !list.isEmpty else { return list }
        return wanted.filter { number in
            var (low, high) = (0, list.count)
            while low < high {
                let middle = (low + high) / 2
                if list[middle] < number { low = middle + 1 } else { high = middle }
            }
            return low < list.count && list[low] == number
        }
    }

    private static func replaced(_ old: Set<UInt32>, by new: Set<UInt32>, in list: [UInt32]) -> [UInt32] {
        old == new ? list : (list.filter { !old.contains($0) } + new).sorted()
    }

    /// Adds up the hosts on which vulnerabilities came or went.
    private mutating func count(_ moves: [UInt32: Move]) {
        // The vulnerabilities of one advisory mostly move alike: what that means for hosts is worked out once.
        var alike: [Move: UInt32] = [:]
        for (vulnerability, move) in moves {
            let place = Int(vulnerability)
            let lost = Set(move.lost)
            var move = move
            move.kept = lost.isEmpty ? packagesOf[place] : packagesOf[place].filter { !lost.contains($0) }
            alike[move, default: 0] += 1
            packagesOf[place] = move.gained.isEmpty ? move.kept : (move.kept + move.gained).sorted()
        }
        for (move, times) in alike {
            // Hosts that have it through another package neither gain nor lose it.
            var kept = HostBits(count: index.hostCount)
            for package in move.kept { index.forEachHost(of: Int(package)) { kept.insert($0) } }
            var gained = HostBits(count: index.hostCount)
            for package in move.gained { index.forEachHost(of: Int(package)) { gained.insert($0) } }
            var lost = HostBits(count: index.hostCount)
            for package in move.lost { index.forEachHost(of: Int(package)) { lost.insert($0) } }
            for host in gained.without(kept, lost).members { hosts[Int(host)].vulnerabilities += times }
            for host in lost.without(kept, gained).members { hosts[Int(host)].vulnerabilities -= times }
        }
    }

    // MARK: Counting

    private struct PackageVerdicts: Sendable {
        var affected: [Int]
        var undecided: [Int]
        var isUnknown: Bool
    }

    private static func judge(
        _ package: SoftwarePackage, _ matcher: Matcher, only: MatchScope? = nil
    ) throws -> PackageVerdicts {
        let (_, unknown, decisions) = try matcher.decide(MatchSubject(package), only: only)
        var verdicts = PackageVerdicts(affected: [], undecided: [], isUnknown: !unknown.isEmpty)
        for decision in decisions where !decision.isInformational {
            if decision.verdict == .affected { verdicts.affected.append(decision.vulnerability) }
            if decision.verdict == .unknown { verdicts.undecided.append(decision.vulnerability) }
        }
        return verdicts
    }

    private mutating func number(
        _ vulnerability: Int, _ dense: inout [Int: UInt32], _ matcher: Matcher
    ) throws -> UInt32 {
        if let number = dense[vulnerability] { return number }
        let name = try matcher.vulnerabilityName(vulnerability)
        let number: UInt32
        if let known = numbers[name] {
            number = known
        } else {
            number = UInt32(vulnerabilities.count)
            vulnerabilities.append(name)
            numbers[name] = number
            packagesOf.append([])
        }
        dense[vulnerability] = number
        return number
    }

    /// Adds up every host: its vulnerabilities are the union of its packages', as bits.
    private func counted(width: Int) async -> [HostCounts] {
        let words = (vulnerabilities.count + 63) / 64
        // For each package the words of the union that it sets; most packages set few.
        var starts = [0]
        var places: [UInt16] = []
        var masks: [UInt64] = []
        starts.reserveCapacity(affected.count + 1)
        let isWide = words > Int(UInt16.max)
        for list in affected where !isWide {
            for vulnerability in list {
                let word = UInt16(vulnerability >> 6)
                if places.count > starts[starts.count - 1], places[places.count - 1] == word {
                    masks[masks.count - 1] |= 1 << UInt64(vulnerability & 63)
                } else {
                    places.append(word)
                    masks.append(1 << UInt64(vulnerability & 63))
                }
            }
            starts.append(places.count)
        }
        let findings = affected.map { UInt32($0.count) }
        let unknown = isUnknown
        let index = index
        let affected = affected
        let (fixedStarts, fixedPlaces, fixedMasks) = (starts, places, masks)
        let share = max(1, (index.hostCount + width - 1) / width)
        return await withTaskGroup(of: (Int, [HostCounts]).self) { group in
            for part in 0..<width where part * share < index.hostCount {
                let range = part * share..<min(index.hostCount, (part + 1) * share)
                group.addTask {
                    var counts: [HostCounts] = []
                    counts.reserveCapacity(range.count)
                    var union = [UInt64](repeating: 0, count: words)
                    for host in range {
                        var result = HostCounts()
                        for word in union.indices { union[word] = 0 }
                        union.withUnsafeMutableBufferPointer { union in
                            index.forEachPackage(of: host) { package in
                                let place = Int(package)
                                result.findings += findings[place]
                                if unknown[place] { result.unknownPackages += 1 }
                                if isWide {
                                    for vulnerability in affected[place] {
                                        union[Int(vulnerability >> 6)] |= 1 << UInt64(vulnerability & 63)
                                    }
                                    return
                                }
                                for entry in fixedStarts[place]..<fixedStarts[place + 1] {
                                    union[Int(fixedPlaces[entry])] |= fixedMasks[entry]
                                }
                            }
                        }
                        for word in union { result.vulnerabilities += UInt32(word.nonzeroBitCount) }
                        counts.append(result)
                    }
                    return (range.lowerBound, counts)
                }
            }
            var parts: [(Int, [HostCounts])] = []
            for await part in group { parts.append(part) }
            return parts.sorted { $0.0 < $1.0 }.flatMap { $0.1 }
        }
    }
}

/// A set of hosts as bits.
struct HostBits {
    private var words: [UInt64]

    init(count: Int) { words = [UInt64](repeating: 0, count: (count + 63) / 64) }

    mutating func insert(_ host: UInt32) { words[Int(host >> 6)] |= 1 << UInt64(host & 63) }

    /// These without those of two others.
    func without(_ first: HostBits, _ second: HostBits) -> HostBits {
        var result = self
        for index in words.indices { result.words[index] &= ~(first.words[index] | second.words[index]) }
        return result
    }

    var members: [UInt32] {
        var members: [UInt32] = []
        for (index, word) in words.enumerated() where word != 0 {
            var rest = word
            while rest != 0 {
                members.append(UInt32(index * 64 + rest.trailingZeroBitCount))
                rest &= rest - 1
            }
        }
        return members
    }
}

extension Matcher {
    func vulnerabilityName(_ vulnerability: Int) throws(CatalogueError) -> String {
        try layers[layers.count - 1 - vulnerability >> 40].vulnerabilityName(vulnerability & (1 << 40 - 1))
    }
}
