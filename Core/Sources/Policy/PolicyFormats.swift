import Access
import Digest
import JSON
public import Schedule
import Timestamps

/// A part of a whole, exact to a ten-thousandth of a percent.
public struct Share: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Millionths: 1,000,000 is the whole.
    public let millionths: Int64

    /// A share of so many millionths, brought into 0 to 1,000,000.
    public init(millionths: Int64) { self.millionths = max(0, min(millionths, 1_000_000)) }

    /// Reads `5%`, `0.5%`.
    public init?(_ text: String) {
        guard text.utf8.last == 0x25, text.utf8.count <= 10 else { return nil }
        let parts = text.utf8.dropLast().split(separator: 0x2E, omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count),
            parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy { (0x30...0x39).contains($0) } }),
            parts[0].count <= 3, parts.count == 1 || parts[1].count <= 4,
            let whole = Int64(String(Substring(parts[0]))),
            let rest = parts.count == 1
                ? 0 : Int64(String(Substring(parts[1])) + String(repeating: "0", count: 4 - parts[1].count))
        else { return nil }
        let millionths = whole * 10_000 + rest
        guard millionths <= 1_000_000 else { return nil }
        self.init(millionths: millionths)
    }

    /// The share, 0 to 1.
    public var fraction: Double { Double(millionths) / 1_000_000 }

    /// `5%`, `0.5%`.
    public var description: String {
        var rest = String(millionths % 10_000 + 10_000).dropFirst()
        while rest.last == "0" { rest.removeLast() }
        return "\(millionths / 10_000)\(rest.isEmpty ? "" : ".")\(rest)%"
    }

    /// By size.
    public static func < (left: Share, right: Share) -> Bool { left.millionths < right.millionths }
}

/// How many hosts: a number, or a share.
public enum Amount: Hashable, Sendable, CustomStringConvertible {
    /// So many.
    case count(Int64)
    /// A part of those that there are.
    case share(Share)

    /// Of so many hosts; a share is rounded to the nearest, of half up.
    public func hosts(of all: Int) -> Int {
        switch self {
        case .count(let count): Int(min(count, Int64(max(0, all))))
        case .share(let share): Int((Int64(max(0, all)) * share.millionths + 500_000) / 1_000_000)
        }
    }

    /// `20`, `5%`.
    public var description: String {
        switch self {
        case .count(let count): "\(count)"
        case .share(let share): "\(share)"
        }
    }
}

/// A rule, as it is written: of RFC 5545, or a release calendar's name.
public struct PolicyRule: Hashable, Sendable {
    /// The text.
    public let text: String
    /// What it means.
    public let rule: RecurrenceRule

    /// Reads it.
    public init(_ text: String) throws(ScheduleError) {
        rule = try ReleaseCalendar.rule(text)
        self.text = text.utf8.contains(0x3D) ? rule.description : text.lowercased()
    }
}

extension PolicyCodec where Value == String {
    /// The name of an object.
    static var name: PolicyCodec {
        .text(
            "a name", pattern: "^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$", maximum: 63, example: "patch-night",
            parse: { text throws(PolicyTextError) in
                guard PolicyNames.isName(text) else {
                    throw PolicyTextError(
                        "\"\(text.prefix(64))\" is no name; write 1 to 63 small letters, digits, - and ., the ends letters or digits"
                    )
                }
                return text
            }, print: { $0 })
    }

    /// The name of another object: that it exists is asked of the whole set.
    static func reference<Spec: PolicySpec>(_ type: Spec.Type) -> PolicyCodec {
        let name = PolicyCodec.name
        return PolicyCodec(schema: name.schema) { node, path, reading in
            guard let text = name.read(node, path, &reading) else { return nil }
            reading.references.append(.init(kind: Spec.kind, name: text, path: path))
            return text
        } write: {
            .string($0)
        }
    }

    /// Words for people.
    static func words(_ maximum: Int = 500) -> PolicyCodec {
        .text(
            "a text", maximum: maximum, example: "why this is so",
            parse: { text throws(PolicyTextError) in
                guard text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F || $0 == "\n" }) else {
                    throw PolicyTextError("the text has a control character; take it out")
                }
                return text
            }, print: { $0 })
    }

    /// A text that matches a class of characters.
    static func token(
        _ what: String, _ pattern: String, example: String, maximum: Int = 253,
        _ isAllowed: @escaping @Sendable (UInt8) -> Bool
    ) -> PolicyCodec {
        .text(
            what, pattern: pattern, maximum: maximum, example: example,
            parse: { text throws(PolicyTextError) in
                guard text.utf8.allSatisfy(isAllowed) else {
                    throw PolicyTextError("\"\(text.prefix(64))\" is not \(what); write it like \(example)")
                }
                return text
            }, print: { $0 })
    }

    /// Names of packages, `*` for any characters and `?` for one.
    static var packages: PolicyCodec {
        token("a package's name (with * and ? for others)", "^[A-Za-z0-9+._:@/~*?-]+$", example: "linux-image-*") {
            PolicyNames.isWord($0) || [0x2B, 0x3A, 0x40, 0x2F, 0x7E, 0x2A, 0x3F].contains($0)
        }
    }

    /// A host's name or id.
    static var host: PolicyCodec {
        token("a host's name", "^[A-Za-z0-9._-]+$", example: "web1.example.org", PolicyNames.isWord)
    }

    /// A vulnerability's name.
    static var vulnerability: PolicyCodec {
        token("a vulnerability's name", "^[A-Za-z0-9.:_-]+$", example: "CVE-2026-1234", maximum: 64) {
            PolicyNames.isWord($0) || $0 == 0x3A
        }
    }

    /// A systemd unit.
    static var unit: PolicyCodec {
        token("a systemd unit", "^[A-Za-z0-9:_.@\\\\-]+$", example: "nginx.service") {
            PolicyNames.isWord($0) || [0x3A, 0x40, 0x5C].contains($0)
        }
    }

    /// The name of a label.
    static var label: PolicyCodec {
        token("a label's name", "^[A-Za-z0-9._/-]+$", example: "service") { PolicyNames.isWord($0) || $0 == 0x2F }
    }
}

/// What names are made of.
enum PolicyNames {
    static func isWord(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x2E
            || byte == 0x5F || byte == 0x2D
    }

    static func isName(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        func isEnd(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte) }
        guard (1...63).contains(bytes.count), let first = bytes.first, let last = bytes.last, isEnd(first), isEnd(last)
        else { return false }
        return bytes.allSatisfy { isEnd($0) || $0 == 0x2D || $0 == 0x2E }
    }
}

extension PolicyCodec where Value == LabelSelector {
    /// Labels, in the syntax of Kubernetes.
    static var selector: PolicyCodec {
        .text(
            "a label selector", maximum: LabelSelector.maximumBytes, example: "site=berlin,tier in (web, api)",
            parse: { text throws(PolicyTextError) in
                do throws(LabelSelectorError) { return try LabelSelector(text) } catch {
                    throw PolicyTextError(error.description)
                }
            }, print: \.description)
    }
}

extension PolicyCodec where Value == Int64 {
    /// A span of time in seconds: `90s`, `45m`, `4h`, `3d`, `2w`.
    static func duration(_ range: ClosedRange<Int64>) -> PolicyCodec {
        .text(
            "a span of time", pattern: "^[0-9]{1,7}[smhdw]$", maximum: 8, example: "4h",
            parse: { text throws(PolicyTextError) in
                let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800]
                guard let unit = text.last.flatMap({ units[$0] }), (2...8).contains(text.utf8.count),
                    text.utf8.dropLast().allSatisfy({ (0x30...0x39).contains($0) }), let number = Int64(text.dropLast())
                else {
                    throw PolicyTextError(
                        "\"\(text.prefix(40))\" is no span of time; write a number and s, m, h, d or w, like 90m")
                }
                guard range.contains(number * unit) else {
                    throw PolicyTextError(
                        "\(text) is out of bounds; write \(PolicyDuration.text(range.lowerBound)) to \(PolicyDuration.text(range.upperBound))"
                    )
                }
                return number * unit
            }, print: PolicyDuration.text)
    }
}

enum PolicyDuration {
    /// `90m`: in the largest unit that it is whole in.
    static func text(_ seconds: Int64) -> String {
        for (unit, size) in [("w", 604_800), ("d", 86_400), ("h", 3600), ("m", 60)] as [(String, Int64)]
        where seconds != 0 && seconds % size == 0 {
            return "\(seconds / size)\(unit)"
        }
        return "\(seconds)s"
    }
}

extension PolicyCodec where Value == Share {
    /// A share: `5%`, within bounds.
    static func share(_ range: ClosedRange<Share> = Share(millionths: 0)...Share(millionths: 1_000_000)) -> PolicyCodec
    {
        .text(
            "a share", pattern: "^[0-9]{1,3}(\\.[0-9]{1,4})?%$", maximum: 9, example: "5%",
            parse: { text throws(PolicyTextError) in
                guard let share = Share(text) else {
                    throw PolicyTextError("\"\(text.prefix(40))\" is no share; write 0% to 100%, like 2.5%")
                }
                guard range.contains(share) else {
                    throw PolicyTextError("\(share) is out of bounds; write \(range.lowerBound) to \(range.upperBound)")
                }
                return share
            }, print: \.description)
    }
}

extension PolicyCodec where Value == Amount {
    /// A number of hosts, or a share of them; never none.
    static var amount: PolicyCodec {
        let count = PolicyCodec<Int64>.integer(1...100_000)
        let share = PolicyCodec<Share>.share(Share(millionths: 1)...Share(millionths: 1_000_000))
        return PolicyCodec(schema: ["oneOf": [count.schema, share.schema]]) { node, path, reading in
            switch node.content {
            case .number: return count.read(node, path, &reading).map(Amount.count)
            case .text: return share.read(node, path, &reading).map(Amount.share)
            default:
                reading.refuse(
                    node, path, "expected a number of hosts or a share of them, found \(node.phrase); write 20, or 5%")
                return nil
            }
        } write: {
            switch $0 {
            case .count(let value): count.write(value)
            case .share(let value): share.write(value)
            }
        }
    }
}

extension PolicyCodec where Value == SHA256Digest {
    /// `sha256:` and 64 hexadecimal digits.
    static var digest: PolicyCodec {
        .text(
            "a digest", pattern: "^sha256:[0-9a-f]{64}$", maximum: 71,
            example: "sha256:" + String(repeating: "0", count: 64),
            parse: { text throws(PolicyTextError) in
                guard text.hasPrefix("sha256:"), text == text.lowercased(),
                    let digest = SHA256Digest(hex: text.dropFirst(7))
                else {
                    throw PolicyTextError(
                        "\"\(text.prefix(80))\" is no digest; write what `sha256sum FILE` prints after sha256:")
                }
                return digest
            }, print: { "sha256:\($0.hex)" })
    }
}

extension PolicyCodec where Value == Int {
    /// A time of day in seconds: `22:00`.
    static var timeOfDay: PolicyCodec {
        .text(
            "a time of day", pattern: "^([01][0-9]|2[0-3]):[0-5][0-9]$", maximum: 5, example: "22:00",
            parse: { text throws(PolicyTextError) in
                guard text.utf8.count == 5, let time = try? LocalTime("2000-01-01T" + text) else {
                    throw PolicyTextError(
                        "\"\(text.prefix(40))\" is no time of day; write hours and minutes, like 22:00")
                }
                return time.secondOfDay
            },
            print: { seconds in
                func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
                return "\(two(seconds / 3600)):\(two(seconds / 60 % 60))"
            })
    }
}

extension PolicyCodec where Value == PolicyRule {
    /// A rule of RFC 5545, or a release calendar's name.
    static var rule: PolicyCodec {
        .text(
            "a rule", maximum: RecurrenceRule.maximumBytes, example: "second-tuesday",
            parse: { text throws(PolicyTextError) in
                do throws(ScheduleError) { return try PolicyRule(text) } catch {
                    throw PolicyTextError(error.description)
                }
            }, print: \.text)
    }
}

extension PolicyCodec where Value == CivilDate {
    /// `2026-12-24`.
    static var date: PolicyCodec {
        .text(
            "a date", pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", maximum: 10, example: "2026-12-24",
            parse: { text throws(PolicyTextError) in
                guard text.utf8.count == 10, let time = try? LocalTime(text + "T00:00") else {
                    throw PolicyTextError("\"\(text.prefix(40))\" is no day; write it like 2026-12-24")
                }
                return time.date
            }, print: { String(LocalTime(startOf: $0).description.prefix(10)) })
    }
}

extension PolicyCodec where Value == LocalTime {
    /// `2026-12-24T22:00`.
    static var localTime: PolicyCodec {
        .text(
            "a local time", pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}$", maximum: 16,
            example: "2026-12-24T22:00",
            parse: { text throws(PolicyTextError) in
                guard text.utf8.count == 16, text.utf8.contains(0x54) else {
                    throw PolicyTextError("\"\(text.prefix(40))\" is no local time; write it like 2026-12-24T22:00")
                }
                do throws(ScheduleError) { return try LocalTime(text) } catch {
                    throw PolicyTextError(error.description)
                }
            }, print: \.description)
    }
}

extension PolicyCodec where Value == Freeze.MonthDay {
    /// `12-20`.
    static var monthDay: PolicyCodec {
        .text(
            "a day of the year", pattern: "^[0-9]{2}-[0-9]{2}$", maximum: 5, example: "12-20",
            parse: { text throws(PolicyTextError) in
                guard text.utf8.count == 5, let day = Freeze.MonthDay(text) else {
                    throw PolicyTextError(
                        "\"\(text.prefix(40))\" is no day of the year; write month and day, like 12-20")
                }
                return day
            },
            print: { day in
                func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
                return "\(two(day.month))-\(two(day.day))"
            })
    }
}

extension PolicyCodec where Value == MaintenanceWindow.Clocks {
    /// `host`, `site`, or an IANA zone.
    static var clocks: PolicyCodec {
        .text(
            "clocks", pattern: "^[A-Za-z][A-Za-z0-9_+/-]*$", maximum: 64, example: "Europe/Berlin",
            parse: { text throws(PolicyTextError) in
                if text == "host" { return .host }
                if text == "site" { return .site }
                guard Zone.isValidName(text) else {
                    throw PolicyTextError(
                        "\"\(text.prefix(64))\" are nobody's clocks; write host, site, or a zone like Europe/Berlin")
                }
                return .zone(text)
            },
            print: { clocks in
                switch clocks {
                case .host: "host"
                case .site: "site"
                case .zone(let name): name
                }
            })
    }
}
