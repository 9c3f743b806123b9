import Versions

/// What Apple says in its CVE records: it publishes no bulletins for programs, and its records name products in words,
/// `macOS` before `13.3`, without CPE names.
///
/// Of one product a record names the fix of each release that got one: `macOS` before 11.7, 12.6 and 13. Read to the letter
/// everything before 13 would be affected, fixed releases included; here each bound holds for its own release and for those
/// between it and the fix before, which got none.
struct AppleBulletin {
    private var order: [String] = []
    private var bounds: [String: [String]] = [:]

    /// The CPE names of Apple's products, by the words in which it writes them, in lower case.
    private static let products: [String: [String]] = [
        "macos": ["cpe:2.3:o:apple:macos"], "mac os x": ["cpe:2.3:o:apple:mac_os_x"],
        "os x": ["cpe:2.3:o:apple:mac_os_x"], "ios": ["cpe:2.3:o:apple:iphone_os"],
        "ipados": ["cpe:2.3:o:apple:ipados"],
        "ios and ipados": ["cpe:2.3:o:apple:iphone_os", "cpe:2.3:o:apple:ipados"],
        "watchos": ["cpe:2.3:o:apple:watchos"], "tvos": ["cpe:2.3:o:apple:tvos"],
        "visionos": ["cpe:2.3:o:apple:visionos"], "safari": ["cpe:2.3:a:apple:safari"],
        "xcode": ["cpe:2.3:a:apple:xcode"], "itunes for windows": ["cpe:2.3:a:apple:itunes"],
        "icloud for windows": ["cpe:2.3:a:apple:icloud"], "garageband": ["cpe:2.3:a:apple:garageband"],
        "macos server": ["cpe:2.3:a:apple:macos_server"], "swift": ["cpe:2.3:a:apple:swift"],
    ]

    /// The CPE names of a product in Apple's words; none where it is not known here.
    static func names(vendor: String, product: String) -> [CPEName] {
        guard vendor.utf8.count == 5 || vendor.utf8.count == 10 else { return [] }
        let vendor = vendor.lowercased()
        guard vendor == "apple" || vendor == "apple inc." else { return [] }
        return (products[product.lowercased()] ?? []).compactMap { CPEName($0) }
    }

    /// Takes a bound: every version before it is affected, as far as its release.
    mutating func add(_ name: CPEName, before bound: String) {
        // A security update of an older release has a date where a version should be, and no release of its own.
        guard let first = Self.number(bound, 0), first < 1_000, isReadable(bound, scheme: name.scheme) else { return }
        if bounds[name.name] == nil { order.append(name.name) }
        if bounds[name.name]?.contains(bound) != true { bounds[name.name, default: []].append(bound) }
    }

    /// Gives what was collected to the record's other statements.
    func finish(_ cpes: inout CPEStatements) {
        for text in order {
            guard let name = CPEName("cpe:2.3:\(text)") else { continue }
            let sorted = (bounds[text] ?? []).sorted { (try? AppleVersion.compare($0, $1)) == .less }
            var last: (release: [Int], next: String)?
            for (index, bound) in sorted.enumerated() {
                let release = Self.release(bound, name)
                // Of two fixes in one release the later one counts.
                if index + 1 < sorted.count, Self.release(sorted[index + 1], name) == release { continue }
                var match = CPEConfiguration.Match(name: name)
                match.range = VersionRange(scheme: name.scheme, lower: last?.next, upper: bound)
                cpes.add(match, with: [])
                var next = release
                next[next.count - 1] += 1
                last = (release, next.map(String.init).joined(separator: "."))
            }
        }
    }

    /// `13` of 13.3; before 11 each `10.15` was a release.
    private static func release(_ bound: String, _ name: CPEName) -> [Int] {
        let first = number(bound, 0) ?? 0
        guard first == 10, name.product.hasPrefix("mac") else { return [first] }
        return [first, number(bound, 1) ?? 0]
    }

    private static func number(_ text: String, _ index: Int) -> Int? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.indices.contains(index) else { return nil }
        return Int(parts[index].prefix { $0.isNumber })
    }
}

/// Whether a scheme can order a version.
func isReadable(_ version: String, scheme: String) -> Bool {
    guard let scheme = VersionSchemes.named(scheme) else { return false }
    return (try? scheme.compare(version, version)) != nil
}
