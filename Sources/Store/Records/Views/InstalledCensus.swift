import Digest

/// How many active hosts of an organisation have each package installed: each host's set is counted when it is first
/// seen and again when it changes, a few microseconds each.
struct InstalledCensus: Sendable {
    /// What is counted of each host, and what should be.
    private var counted: [SHA256Digest?] = []
    private var wanted: [SHA256Digest?] = []
    /// Hosts whose count is behind.
    private(set) var behind: Set<Int32> = []
    /// Hosts by package name, in ``PackageNames``.
    private(set) var hosts: [Int32] = []

    /// A host's set; nil for one that does not count.
    mutating func want(_ host: Int, set: SHA256Digest?) {
        while wanted.count <= host {
            wanted.append(nil)
            counted.append(nil)
        }
        wanted[host] = set
        if set == counted[host] { behind.remove(Int32(host)) } else { behind.insert(Int32(host)) }
    }

    /// Up to so many hosts that are behind, with what to count no more and what instead.
    func due(_ limit: Int) -> [(host: Int32, old: SHA256Digest?, new: SHA256Digest?)] {
        behind.prefix(limit).map { ($0, counted[Int($0)], wanted[Int($0)]) }
    }

    /// Counts a host's set, as the names of its packages, each once.
    mutating func count(_ host: Int32, old: [Int32], new: [Int32], as set: SHA256Digest?) {
        for name in old { add(name, -1) }
        for name in new { add(name, 1) }
        counted[Int(host)] = set
        if wanted[Int(host)] == set { behind.remove(host) }
    }

    private mutating func add(_ name: Int32, _ times: Int32) {
        if Int(name) >= hosts.count {
            hosts += Array(repeating: 0, count: Int(name) + 1 - hosts.count)
        }
        hosts[Int(name)] += times
    }
}

/// The names of all interned packages. They are of the whole installation: whoever reads them must ask an organisation's
/// census which of them it may tell.
struct PackageNames: Sendable {
    private(set) var names: [String] = []
    private(set) var text = NameText()
    private var numbers: [String: Int32] = [:]
    /// By package id; -1 for none.
    private var ofPackage: [Int32] = []

    /// The highest package id that it knows.
    var last: Int64 { Int64(ofPackage.count) - 1 }

    /// The number of a name.
    func number(_ name: String) -> Int32? { numbers[name] }

    /// Learns a package's name.
    mutating func learn(_ id: Int64, _ name: String) {
        guard id >= 0, id < 1 << 31 else { return }
        let place = Int(id)
        if place >= ofPackage.count { ofPackage += Array(repeating: -1, count: place + 1 - ofPackage.count) }
        if let number = numbers[name] {
            ofPackage[place] = number
            return
        }
        let number = Int32(names.count)
        names.append(name)
        numbers[name] = number
        text.set(Int(number), [name])
        ofPackage[place] = number
    }

    /// The names of packages, each once, and the packages that are not known.
    func names(of ids: [Int64]) -> (names: [Int32], unknown: [Int64]) {
        var found: [Int32] = []
        found.reserveCapacity(ids.count)
        var unknown: [Int64] = []
        for id in ids {
            if id >= 0, id < Int64(ofPackage.count), ofPackage[Int(id)] >= 0 {
                found.append(ofPackage[Int(id)])
            } else {
                unknown.append(id)
            }
        }
        // Several versions or architectures of one package are one.
        found.sort()
        var once: [Int32] = []
        once.reserveCapacity(found.count)
        for name in found where name != once.last { once.append(name) }
        return (once, unknown)
    }
}
