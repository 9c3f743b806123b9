import JSON
import Versions

/// Reads advisories of the Ruby Advisory Database (https://github.com/rubysec/ruby-advisory-db), one YAML file each, about
/// gems and Ruby engines.
///
/// It names the versions that are patched and those that never were affected; all others are affected.
public struct RubySecReader: TallyingReader {
    /// What has been read so far.
    public internal(set) var tally: FeedTally

    /// A reader that has read nothing.
    public init(source: String = "rubysec") {
        tally = FeedTally(source: source)
    }

    /// Reads one advisory.
    public mutating func read(
        _ bytes: UnsafeRawBufferPointer, place: String, _ store: (FeedRecord) throws -> Void
    ) throws {
        let value: JSONValue
        do throws(PlainYAML.Fault) {
            value = try PlainYAML.parse(bytes)
        } catch {
            return tally.quarantine(place: "\(place), line \(error.line)", reason: error.reason)
        }
        guard case .object(let members) = value else {
            return tally.quarantine(place: place, reason: "it is no mapping")
        }
        let file = place.split(separator: "/").last.map(String.init) ?? place
        let name = file.hasSuffix(".yml") ? String(file.dropLast(4)) : file
        var advisory = Advisory(source: source, id: "")
        var ids: [String] = []
        func texts(_ key: String) -> [String] {
            switch members[key] {
            case .array(let elements): elements.compactMap { $0.string }
            case .string(let text): [text]
            default: []
            }
        }
        for text in texts("cve") { ids.append("CVE-" + text) }
        for text in texts("ghsa") { ids.append("GHSA-" + text) }
        for text in texts("osvdb") { ids.append("OSVDB-" + text) }
        if let related = members["related"]?.object {
            for text in related["cve"]?.array ?? [] {
                if let text = text.string { advisory.related.append("CVE-" + text) }
            }
            for text in related["ghsa"]?.array ?? [] {
                if let text = text.string { advisory.related.append("GHSA-" + text) }
            }
        }
        // Files are named after the first of their ids, or after nothing that another database knows.
        advisory.id = ids.first ?? name
        advisory.aliases = Array(ids.dropFirst())
        if let fault = RecordID.fault(of: advisory.id) {
            return tally.quarantine(place: place, record: advisory.id, reason: fault)
        }
        advisory.summary = members["title"]?.string ?? ""
        advisory.details = bounded(members["description"]?.string ?? "")
        advisory.published = members["date"]?.string.flatMap { FeedDate.timestamp($0) }
        for url in texts("url") { advisory.references.append(Reference(type: "ADVISORY", url: url)) }
        let isEngine = members["engine"] != nil
        guard let package = (members["gem"] ?? members["engine"])?.string, !package.isEmpty else {
            return tally.quarantine(place: place, record: advisory.id, reason: "it names neither a gem nor an engine")
        }
        let handled: Set = [
            "cve", "ghsa", "osvdb", "related", "title", "description", "date", "url", "gem", "engine",
            "patched_versions",
            "unaffected_versions",
        ]
        for key in members.keys where !handled.contains(key) { tally.drop(String(key.prefix(64))) }
        var statement = Statement(
            stream: isEngine ? "Ruby" : "RubyGems", kind: .language, name: package, status: .affected)
        switch Self.affected(outside: texts("patched_versions") + texts("unaffected_versions")) {
        case .success(let ranges):
            if ranges.isEmpty { statement.status = .notAffected }
            statement.ranges = ranges
            if ranges.allSatisfy({ $0.upper != nil }), let last = ranges.last, !last.includesUpper {
                statement.fixed = last.upper
            } else if texts("patched_versions").isEmpty {
                statement.plan = .unfixed
            }
            advisory.statements = [statement]
        case .failure(let fault):
            tally.alarm(place: place, record: advisory.id, reason: fault.reason)
            advisory.statements = [
                .unread(stream: statement.stream, kind: .language, name: package, reason: fault.reason)
            ]
        }
        try store(.advisory(advisory))
        tally.store()
    }

    private struct Fault: Error {
        let reason: String
    }

    /// An interval on the line of versions; nil is no bound.
    private struct Interval {
        var lower: String?
        var includesLower = true
        var upper: String?
        var includesUpper = false
    }

    /// What lies outside all requirements.
    private static func affected(outside requirements: [String]) -> Result<[VersionRange], Fault> {
        var intervals: [Interval] = []
        for requirement in requirements {
            guard let interval = interval(requirement) else {
                return .failure(Fault(reason: "the requirement \(requirement.prefix(80)) cannot be read"))
            }
            intervals.append(interval)
        }
        func order(_ a: String, _ b: String) -> Ordering? { try? GemVersion.compare(a, b) }
        for interval in intervals {
            for bound in [interval.lower, interval.upper] {
                if let bound, order(bound, bound) == nil {
                    return .failure(Fault(reason: "\(bound.prefix(80)) is no gem version"))
                }
            }
        }
        intervals.sort { a, b in
            guard let left = a.lower else { return b.lower != nil }
            guard let right = b.lower else { return false }
            switch order(left, right) {
            case .less: return true
            case .equal: return a.includesLower && !b.includesLower
            default: return false
            }
        }
        var affected: [VersionRange] = []
        // What is affected next begins here; nil is before every version.
        var start: String?
        var includesStart = true
        var isDone = false
        for interval in intervals {
            if let lower = interval.lower {
                let isBehind: Bool
                if let start {
                    let relation = order(start, lower)
                    isBehind = relation == .less || (relation == .equal && includesStart && !interval.includesLower)
                } else {
                    isBehind = true
                }
                if isBehind {
                    affected.append(
                        VersionRange(
                            scheme: "gem", lower: start, includesLower: includesStart, upper: lower,
                            includesUpper: !interval.includesLower))
                }
            }
            guard let upper = interval.upper else {
                isDone = true
                break
            }
            if let old = start, let relation = order(old, upper),
                relation == .greater || (relation == .equal && !includesStart)
            {
                continue
            }
            (start, includesStart) = (upper, !interval.includesUpper)
        }
        if !isDone { affected.append(VersionRange(scheme: "gem", lower: start, includesLower: includesStart)) }
        return .success(affected)
    }

    /// `>= 1.2, < 2`, `~> 2.3.4`, `1.0`.
    private static func interval(_ requirement: String) -> Interval? {
        var interval = Interval()
        for part in requirement.split(separator: ",") {
            let text = part.drop { $0 == " " }
            let sign = text.prefix { "<>=~!".contains($0) }
            var version = text.dropFirst(sign.count).drop { $0 == " " }
            while version.last == " " { version.removeLast() }
            guard !version.isEmpty, !version.contains(" ") else { return nil }
            let bound = String(version)
            switch sign {
            case "", "=": interval = Interval(lower: bound, upper: bound, includesUpper: true)
            case ">=": (interval.lower, interval.includesLower) = (bound, true)
            case ">": (interval.lower, interval.includesLower) = (bound, false)
            case "<": (interval.upper, interval.includesUpper) = (bound, false)
            case "<=": (interval.upper, interval.includesUpper) = (bound, true)
            case "~>":
                var parts = version.split(separator: ".").prefix { $0.allSatisfy(\.isNumber) }.compactMap { Int($0) }
                if parts.count > 1 { parts.removeLast() }
                guard let last = parts.popLast(), last < Int.max else { return nil }
                parts.append(last + 1)
                interval.lower = bound
                // Pre-releases of the next one are not in: `A` is before all of them.
                interval.upper = parts.map(String.init).joined(separator: ".") + ".A"
            default: return nil
            }
        }
        return interval
    }
}
