/// Whether this host is among those that a phased update reaches already (apt_preferences(5), "Phased Updates").
///
/// The repository gives a share of hosts in percent; each host throws a die of its own, seeded with its machine id and the
/// source version, so that its packages of one source move together.
package struct Phasing: Sendable {
    /// How apt of that version takes phasing into account.
    enum Method: Sendable {
        /// Before 2.1.16: not at all.
        case ignored
        /// Until 2.4.5 and in 2.5.0: such a version has priority 1.
        case priority
        /// Since then: the candidate stays, the upgrade is kept back.
        case keptBack
    }

    var method: Method
    /// Whether a candidate from a security pocket itself is exempt; before 2.7.12 only versions below it counted.
    var countsCandidateAsSecurity = true
    /// Whether an installed version that is itself still phased and would be withheld stops every upgrade of its package:
    /// so in apt from 2.4.9 until 2.7.12.
    var countsInstalled = false
    /// Settings that decide for all updates.
    var always = false
    var never = false
    /// `/etc/machine-id`; phasing is off without one.
    var machineID = ""
    /// In a chroot (a build environment) phasing is off.
    var isChroot = false

    /// Whether the version is withheld from this host.
    func excludes(source: String, sourceVersion: String, percent: Int) -> Bool {
        if percent == 100 || method == .ignored || always { return false }
        if never { return true }
        if machineID.isEmpty || isChroot { return false }
        return Self.die("\(source)-\(sourceVersion)-\(machineID)") > percent
    }

    /// A number from 0 to 100: what libstdc++ gives for `minstd_rand` seeded with a `seed_seq` of the text's bytes.
    package static func die(_ text: String) -> Int {
        let seeds = seedSequence(text.utf8.map { UInt32(truncatingIfNeeded: Int8(bitPattern: $0)) }, count: 4)
        let modulus: UInt64 = 2_147_483_647
        var state = UInt64(seeds[3]) % modulus
        if state == 0 { state = 1 }
        // Uniform in 0...100 by rejection, as std::uniform_int_distribution does for such a generator.
        let scaling = (modulus - 2) / 101
        while true {
            state = state * 48271 % modulus
            let value = state - 1
            if value < 101 * scaling { return Int(value / scaling) }
        }
    }

    /// `std::seed_seq::generate` (C++ standard, rand.util.seedseq).
    static func seedSequence(_ seeds: [UInt32], count n: Int) -> [UInt32] {
        var result = [UInt32](repeating: 0x8b8b_8b8b, count: n)
        let s = seeds.count
        let t = n >= 623 ? 11 : n >= 68 ? 7 : n >= 39 ? 5 : n >= 7 ? 3 : (n - 1) / 2
        let p = (n - t) / 2
        let q = p + t
        let m = max(s + 1, n)
        func mixed(_ value: UInt32) -> UInt32 { value ^ (value >> 27) }
        for k in 0..<m {
            let argument = result[k % n] ^ result[(k + p) % n] ^ result[(k + n - 1) % n]
            let r1 = 1_664_525 &* mixed(argument)
            var r2 = r1
            if k == 0 {
                r2 = r2 &+ UInt32(truncatingIfNeeded: s)
            } else if k <= s {
                r2 = r2 &+ UInt32(truncatingIfNeeded: k % n) &+ seeds[k - 1]
            } else {
                r2 = r2 &+ UInt32(truncatingIfNeeded: k % n)
            }
            result[(k + p) % n] = result[(k + p) % n] &+ r1
            result[(k + q) % n] = result[(k + q) % n] &+ r2
            result[k % n] = r2
        }
        for k in m..<(m + n) {
            let argument = result[k % n] &+ result[(k + p) % n] &+ result[(k + n - 1) % n]
            let r3 = 1_566_083_941 &* mixed(argument)
            let r4 = r3 &- UInt32(truncatingIfNeeded: k % n)
            result[(k + p) % n] ^= r3
            result[(k + q) % n] ^= r4
            result[k % n] = r4
        }
        return result
    }
}

extension Phasing {
    /// What the files of a tree say.
    init(_ tree: FileTree, configuration: AptConfiguration, aptVersion: String) {
        method = Self.method(aptVersion)
        countsInstalled = Self.isAtLeast([2, 4, 9], aptVersion) && !Self.isAtLeast([2, 7, 12], aptVersion)
        countsCandidateAsSecurity = Self.isAtLeast([2, 7, 12], aptVersion)
        if configuration.flag("APT::Get::Phase-Policy", default: false), method == .keptBack { method = .priority }
        func flag(_ name: String) -> Bool {
            configuration.flag(
                "APT::Get::\(name)", default: configuration.flag("Update-Manager::\(name)", default: false))
        }
        always = flag("Always-Include-Phased-Updates")
        never = flag("Never-Include-Phased-Updates")
        if let id = configuration.value("APT::Machine-ID") {
            machineID = id
        } else if let bytes = try? tree.read("etc/machine-id", limit: 4096) {
            machineID = String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self)
        }
        isChroot = tree.isHost && Self.isInChroot(tree)
    }

    /// What `ischroot -t` says of this process. A foreign tree is judged as its own host would.
    private static func isInChroot(_ tree: FileTree) -> Bool {
        guard let own = tree.status(""), let first = tree.status("proc/1/root/") else {
            // It cannot be told; then it counts as one.
            return true
        }
        return own.device != first.device || own.inode != first.inode
    }

    /// An apt that is not installed is judged as a current one.
    private static func isAtLeast(_ other: [Int], _ version: String) -> Bool {
        let numbers = version.split(whereSeparator: { !$0.isNumber }).prefix(3).map { Int($0) ?? 0 }
        return numbers.isEmpty || !numbers.lexicographicallyPrecedes(other)
    }

    private static func method(_ version: String) -> Method {
        func atLeast(_ other: [Int]) -> Bool { isAtLeast(other, version) }
        if !atLeast([2, 1, 16]) { return .ignored }
        return atLeast([2, 5, 1]) || atLeast([2, 4, 6]) && !atLeast([2, 5]) ? .keptBack : .priority
    }
}
