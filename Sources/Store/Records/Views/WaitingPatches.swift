import Access

/// What makes two updates the same patch.
struct PatchKey: Hashable, Sendable {
    var name: String
    var candidate: String
    var origin: String
    var security: Bool

    static func < (left: PatchKey, right: PatchKey) -> Bool {
        if left.name != right.name { return left.name < right.name }
        if left.candidate != right.candidate { return left.candidate < right.candidate }
        if left.origin != right.origin { return left.origin < right.origin }
        return !left.security && right.security
    }
}

/// The updates that wait in one organisation, the patches they are, and how many active hosts wait for each: kept for
/// every reach that was asked for lately, and changed with each host that changes.
struct WaitingPatches: Sendable {
    /// Counts of active hosts within one reach.
    struct Counts: Sendable {
        var reach: Reach
        /// By patch.
        var hosts: [Int32]
        var upgradable: [Int32]
        /// By package.
        var packages: [Int32]
    }

    private(set) var keys: [UpdateKey] = []
    private(set) var patchOf: [Int32] = []
    private var upgradable: [Bool] = []
    private var patchPackages: [Int32] = []
    /// Whether a host may have another update of the same package: it is known in several architectures.
    private var isOfSeveral: [Bool] = []
    private var architectures: [String] = []
    private var severals: [Bool] = []
    private(set) var packageOf: [Int32] = []
    private(set) var patches: [PatchKey] = []
    private(set) var packages: [String] = []
    private(set) var packageNumbers: [String: Int32] = [:]
    private(set) var order = RankedOrder()
    private(set) var names = NameText()
    private var placeOf: [Int64: UInt32] = [:]
    private var patchNumbers: [PatchKey: Int32] = [:]
    private var counts: [Counts] = []
    /// When each patch and package was last counted, so that a host with two of its updates counts once.
    private var patchMarks: [UInt32] = []
    private var upgradableMarks: [UInt32] = []
    private var packageMarks: [UInt32] = []
    private var mark: UInt32 = 0

    /// The most reaches whose counts are kept.
    static let maximumCounts = 8

    /// The pending sets that hosts have, as ascending places: hosts that wait for the same share one.
    private var sets: [Int64: [UInt32]] = [0: []]

    /// Whether it knows a pending set.
    func knows(set: Int64) -> Bool { sets[set] != nil }

    /// The places of a set that it knows.
    func places(set: Int64) -> [UInt32] { sets[set] ?? [] }

    /// Learns a set whose updates are all known.
    mutating func learn(set: Int64, _ ids: [Int64]) {
        sets[set] = ids.compactMap { placeOf[$0] }.sorted()
    }

    /// Forgets the sets that no host has, once they are more than the others.
    mutating func forgetSets(besides used: [Int64]) {
        guard sets.count > 2 * used.count + 1000 else { return }
        let used = Set(used).union([0])
        sets = sets.filter { used.contains($0.key) }
    }

    /// Which of these numbers it does not know yet.
    func unknown(_ ids: [Int64]) -> [Int64] { ids.filter { placeOf[$0] == nil } }

    /// Learns an update.
    mutating func learn(_ id: Int64, _ key: UpdateKey) {
        guard placeOf[id] == nil else { return }
        placeOf[id] = UInt32(keys.count)
        keys.append(key)
        upgradable.append(key.status == "upgradable")
        let patch = PatchKey(name: key.name, candidate: key.candidate, origin: key.origin, security: key.security)
        let package = packageNumbers[key.name] ?? add(package: key.name, key.architecture)
        packageOf.append(package)
        isOfSeveral.append(severals[Int(package)])
        if architectures[Int(package)] != key.architecture, !severals[Int(package)] {
            severals[Int(package)] = true
            for place in packageOf.indices where packageOf[place] == package { isOfSeveral[place] = true }
        }
        patchOf.append(patchNumbers[patch] ?? add(patch, package))
    }

    /// Counts a host's updates once more (1) or no more (-1), for each reach that it is in.
    mutating func take(_ updates: [UInt32], _ row: FleetRow, times: Int32, _ masks: [Reach: [Bool]]) {
        guard row.status == FleetRow.active, !updates.isEmpty else { return }
        // Moved out and back: counting marks what it saw in this very value.
        var kept: [Counts] = []
        swap(&kept, &counts)
        for index in kept.indices where masks[kept[index].reach]?[Int(row.labels)] ?? false {
            count(updates, times, &kept[index])
        }
        swap(&kept, &counts)
    }

    /// Whether the counts of that reach are kept, so that its mask must be.
    func isCounted(_ reach: Reach) -> Bool { counts.contains { $0.reach == reach } }

    /// The counts within a reach, whose mask over label sets is given.
    mutating func counts(_ reach: Reach, _ mask: [Bool], _ rows: [FleetRow], _ updates: [[UInt32]]) -> Counts {
        if let index = counts.firstIndex(where: { $0.reach == reach }) {
            // The one asked for last goes last: the first is forgotten.
            counts.append(counts.remove(at: index))
            return counts[counts.count - 1]
        }
        var fresh = Counts(
            reach: reach, hosts: Array(repeating: 0, count: patches.count),
            upgradable: Array(repeating: 0, count: patches.count),
            packages: Array(repeating: 0, count: packages.count))
        // Each host has an update once, so that most are counted one by one and added up afterwards.
        var byPlace = [Int32](repeating: 0, count: keys.count)
        byPlace.withUnsafeMutableBufferPointer { byPlace in
            for (number, row) in rows.enumerated() where row.status == FleetRow.active && mask[Int(row.labels)] {
                updates[number].withUnsafeBufferPointer { places in
                    for place in places { byPlace[Int(place)] &+= 1 }
                }
            }
        }
        for (place, hosts) in byPlace.enumerated() where hosts > 0 && !isOfSeveral[place] {
            fresh.hosts[Int(patchOf[place])] += hosts
            if upgradable[place] { fresh.upgradable[Int(patchOf[place])] += hosts }
            fresh.packages[Int(packageOf[place])] += hosts
        }
        if isOfSeveral.contains(true) {
            for (number, row) in rows.enumerated() where row.status == FleetRow.active && mask[Int(row.labels)] {
                let several = updates[number].filter { isOfSeveral[Int($0)] }
                if !several.isEmpty { count(several, 1, &fresh) }
            }
        }
        if counts.count >= Self.maximumCounts { counts.removeFirst() }
        counts.append(fresh)
        return fresh
    }

    /// The package of a patch.
    func packageOfPatch(_ patch: Int) -> Int { Int(patchPackages[patch]) }

    /// Puts new patches in their order.
    mutating func arrange() {
        order.place { patches[Int($0)] < patches[Int($1)] }
    }

    /// Which places a filter means.
    func wanted(_ filter: PatchFilter) -> [Bool] {
        keys.map { key in
            key.name == filter.name && (filter.candidate.map { $0 == key.candidate } ?? true)
                && (filter.origin.map { $0 == key.origin } ?? true)
                && (filter.security.map { $0 == key.security } ?? true)
        }
    }

    private mutating func count(_ updates: [UInt32], _ times: Int32, _ counts: inout Counts) {
        if mark == .max {
            mark = 0
            patchMarks = patchMarks.map { _ in 0 }
            upgradableMarks = patchMarks
            packageMarks = packageMarks.map { _ in 0 }
        }
        mark += 1
        let mark = mark
        for update in updates {
            let place = Int(update)
            let patch = Int(patchOf[place])
            if patchMarks[patch] != mark {
                patchMarks[patch] = mark
                counts.hosts[patch] += times
            }
            if upgradable[place], upgradableMarks[patch] != mark {
                upgradableMarks[patch] = mark
                counts.upgradable[patch] += times
            }
            let package = Int(packageOf[place])
            if packageMarks[package] != mark {
                packageMarks[package] = mark
                counts.packages[package] += times
            }
        }
    }

    private mutating func add(_ patch: PatchKey, _ package: Int32) -> Int32 {
        let number = Int32(patches.count)
        patches.append(patch)
        patchNumbers[patch] = number
        patchPackages.append(package)
        patchMarks.append(0)
        upgradableMarks.append(0)
        order.note(Int(number))
        for index in counts.indices {
            counts[index].hosts.append(0)
            counts[index].upgradable.append(0)
        }
        return number
    }

    private mutating func add(package: String, _ architecture: String) -> Int32 {
        let number = Int32(packages.count)
        packages.append(package)
        packageNumbers[package] = number
        packageMarks.append(0)
        architectures.append(architecture)
        severals.append(false)
        names.set(Int(number), [package])
        for index in counts.indices { counts[index].packages.append(0) }
        return number
    }
}
