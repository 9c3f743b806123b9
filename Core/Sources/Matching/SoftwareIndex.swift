public import Inventory

/// Which host has which package, both ways, in about two bytes a pair.
///
/// Distinct packages have numbers; a host is the sorted list of its packages' numbers, a package the sorted list of its
/// hosts', both as differences in as many bytes as they need.
public struct SoftwareIndex: Sendable {
    /// The distinct packages.
    public let packages: [SoftwarePackage]
    /// How many hosts there are.
    public let hostCount: Int
    private let hosts: PackedLists
    private let owners: PackedLists
    private let named: [String: [UInt32]]

    /// - Parameters:
    ///   - packages: distinct.
    ///   - hostCount: how many hosts there are.
    ///   - packagesOf: the sorted numbers of a host's packages, asked once for each host, in their order.
    public init(packages: [SoftwarePackage], hostCount: Int, packagesOf: (Int) -> [UInt32]) {
        self.packages = packages
        self.hostCount = hostCount
        var hosts = PackedLists.Writer(lists: hostCount)
        for host in 0..<hostCount { hosts.append(packagesOf(host)) }
        let packed = hosts.finish()
        self.hosts = packed
        owners = packed.inverted(count: packages.count)
        var named: [String: [UInt32]] = [:]
        for (number, package) in packages.enumerated() {
            named[package.name, default: []].append(UInt32(number))
            for source in Set(CarriedSources.sources(of: package).map(\.name)) where source != package.name {
                named[source, default: []].append(UInt32(number))
            }
        }
        self.named = named
    }

    /// Bytes of both lists.
    public var byteCount: Int { hosts.byteCount + owners.byteCount }

    /// The packages of that name, or of the source of that name.
    public func packages(named name: String) -> [UInt32] { named[name] ?? [] }

    /// Calls `body` for each package of a host, in the order of their numbers.
    @inline(__always)
    public func forEachPackage(of host: Int, _ body: (UInt32) -> Void) { hosts.forEach(host, body) }

    /// Calls `body` for each host that has a package, in the order of their numbers.
    @inline(__always)
    public func forEachHost(of package: Int, _ body: (UInt32) -> Void) { owners.forEach(package, body) }
}

/// Sorted lists of numbers, as differences of seven bits a byte.
struct PackedLists: Sendable {
    private var offsets: [Int]
    private var bytes: [UInt8]

    var byteCount: Int { bytes.count + offsets.count * 8 }

    struct Writer {
        private var offsets: [Int] = [0]
        private var bytes: [UInt8] = []

        init(lists: Int) { offsets.reserveCapacity(lists + 1) }

        mutating func append(_ list: [UInt32]) {
            var last: UInt32 = 0
            for number in list {
                var rest = number &- last
                last = number
                while rest >= 0x80 {
                    bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
                    rest >>= 7
                }
                bytes.append(UInt8(rest))
            }
            offsets.append(bytes.count)
        }

        func finish() -> PackedLists { PackedLists(offsets: offsets, bytes: bytes) }
    }

    @inline(__always)
    func forEach(_ list: Int, _ body: (UInt32) -> Void) {
        bytes.withUnsafeBufferPointer { bytes in
            var at = offsets[list]
            let end = offsets[list + 1]
            var number: UInt32 = 0
            while at < end {
                var byte = bytes[at]
                at += 1
                var value = UInt32(byte & 0x7F)
                var shift: UInt32 = 7
                while byte >= 0x80 {
                    byte = bytes[at]
                    at += 1
                    value |= UInt32(byte & 0x7F) << shift
                    shift += 7
                }
                number &+= value
                body(number)
            }
        }
    }

    /// The lists of which list holds which number.
    func inverted(count: Int) -> PackedLists {
        func size(_ difference: UInt32) -> Int {
            difference < 0x80
                ? 1 : difference < 0x4000 ? 2 : difference < 0x20_0000 ? 3 : difference < 0x1000_0000 ? 4 : 5
        }
        var sizes = [Int](repeating: 0, count: count + 1)
        var last = [UInt32](repeating: 0, count: count)
        for list in 0..<offsets.count - 1 {
            forEach(list) { number in
                sizes[Int(number) + 1] += size(UInt32(list) - last[Int(number)])
                last[Int(number)] = UInt32(list)
            }
        }
        for index in 1..<sizes.count { sizes[index] += sizes[index - 1] }
        var place = sizes
        var output = [UInt8](repeating: 0, count: sizes[count])
        last = [UInt32](repeating: 0, count: count)
        output.withUnsafeMutableBufferPointer { output in
            for list in 0..<offsets.count - 1 {
                forEach(list) { number in
                    let index = Int(number)
                    var rest = UInt32(list) - last[index]
                    last[index] = UInt32(list)
                    while rest >= 0x80 {
                        output[place[index]] = UInt8(truncatingIfNeeded: rest) | 0x80
                        place[index] += 1
                        rest >>= 7
                    }
                    output[place[index]] = UInt8(rest)
                    place[index] += 1
                }
            }
        }
        return PackedLists(offsets: sizes, bytes: output)
    }
}
