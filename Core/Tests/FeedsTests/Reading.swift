import Feeds
import Versions

extension FeedReader {
    /// What the reader gives for a text.
    mutating func records(_ text: String, place: String = "test.json") -> [FeedRecord] {
        records(Array(text.utf8), place: place)
    }

    /// What the reader gives for bytes.
    mutating func records(_ bytes: some Collection<UInt8>, place: String = "test.json") -> [FeedRecord] {
        var records: [FeedRecord] = []
        Array(bytes).withUnsafeBytes { bytes in
            do {
                try read(bytes, place: place) { records.append($0) }
            } catch {
                fatalError("a reader threw, though nothing that takes records did: \(error)")
            }
        }
        return records
    }

    /// The advisories among them.
    mutating func advisories(_ text: String, place: String = "test.json") -> [Advisory] {
        records(text, place: place).compactMap { $0.advisory }
    }

    /// One line of what was counted.
    func summary(_ name: String) -> String {
        "feeds: \(name): \(stored) stored, \(quarantined) quarantined, \(tally.alarmed) alarms, unmapped "
            + unmapped.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    }
}

extension FeedRecord {
    var advisory: Advisory? {
        guard case .advisory(let advisory) = self else { return nil }
        return advisory
    }
}

extension Statement {
    /// Whether the statement is about a version, by the plain reading of its ranges.
    func isAbout(_ version: String) -> Bool {
        if versions.contains(version) { return true }
        if ranges.isEmpty { return versions.isEmpty }
        return ranges.contains { $0.holds(version) }
    }

    /// Whether it says that a version is affected.
    func isAffected(_ version: String) -> Bool { status == .affected && isAbout(version) }
}

extension VersionRange {
    func holds(_ version: String) -> Bool {
        guard let scheme = VersionSchemes.named(self.scheme), Self.order(version, version, scheme) != nil else {
            return false
        }
        if let lower {
            guard let order = Self.order(version, lower, scheme) else { return false }
            guard order == .greater || (order == .equal && includesLower) else { return false }
        }
        if let upper {
            guard let order = Self.order(version, upper, scheme) else { return false }
            guard order == .less || (order == .equal && includesUpper) else { return false }
        }
        return true
    }

    private static func order(_ a: String, _ b: String, _ scheme: any VersionScheme.Type) -> Ordering? {
        if scheme == DebianVersion.self {
            guard let a = try? DebianVersion.parse(a, strictness: .lax).key,
                let b = try? DebianVersion.parse(b, strictness: .lax).key
            else { return nil }
            return a.ordering(to: b)
        }
        return try? scheme.compare(a, b)
    }
}
