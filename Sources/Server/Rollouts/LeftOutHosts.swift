/// The hosts that have no window by the policies, counted: what is said of single ones is cut after a hundred.
struct LeftOutHosts: Sendable {
    /// Hosts of which the same is to be said.
    struct Alike: Sendable {
        private var first = ""
        private var count = 0

        mutating func add(_ name: String) {
            if count == 0 { first = name }
            count += 1
        }

        /// The first, and how many more.
        var names: String {
            count > 1 ? "\(first) and \(LeftOutHosts.text(count - 1)) other host\(count > 2 ? "s" : "")" : first
        }
    }

    private var reasons: [String: Int] = [:]

    /// All of them.
    var count: Int { reasons.values.reduce(0, +) }

    mutating func add(_ reason: String) { reasons[reason, default: 0] += 1 }

    /// `5,000 hosts are left out: no window 4,800, no zone 200.`; nothing where there are none.
    var sentences: [String] {
        guard count > 0 else { return [] }
        let parts = reasons.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map {
            "\($0.key) \(Self.text($0.value))"
        }
        return [
            "\(Self.text(count)) host\(count == 1 ? " is" : "s are") left out: \(parts.joined(separator: ", "))."
        ]
    }

    fileprivate static func text(_ number: Int) -> String {
        let digits = Array(String(number))
        return digits.enumerated().reduce(into: "") { text, digit in
            if digit.offset > 0, (digits.count - digit.offset) % 3 == 0 { text.append(",") }
            text.append(digit.element)
        }
    }
}
