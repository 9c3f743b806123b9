/// What the id of an Amazon Linux advisory tells: the release, and the extra or kernel line that it is for.
///
/// `ALAS-2018-1`, `ALAS2-2021-1704`, `ALAS2023-2023-1`; of extras of Amazon Linux 2 `ALASDOCKER-2021-1`,
/// `ALAS2KERNEL-5.10-2022-1`, `ALASKERNEL-5.4-2022-1`; `ALAS2023LIVEPATCH-2024-1`. (https://alas.aws.amazon.com)
public struct AmazonAdvisory: Sendable, Hashable {
    /// The stream, such as `Amazon Linux:2`.
    public let stream: String
    /// The extra in lower case, such as `kernel-5.10`, `docker`; empty for the core.
    public let topic: String

    /// Reads an id; nil where it is none of Amazon's.
    ///
    /// - Parameter release: of one of its packages, such as `9.amzn2.0.1`: ids without a number do not tell the release.
    public init?(id: String, release: String = "") {
        guard id.hasPrefix("ALAS") else { return nil }
        // The last two parts are the year and a number.
        let parts = id.dropFirst(4).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 3 else { return nil }
        let head = parts.dropLast(2).joined(separator: "-")
        let number = head.prefix { $0.isNumber }
        topic = head.dropFirst(number.count).lowercased()
        if let mark = release.firstRange(of: "amzn") {
            let digits = release[mark.upperBound...].prefix { $0.isNumber }
            if !digits.isEmpty {
                stream = "Amazon Linux:\(digits)"
                return
            }
        }
        // Extras are of the second release alone; the first had none.
        stream = "Amazon Linux:" + (!number.isEmpty ? String(number) : topic.isEmpty ? "1" : "2")
    }

    /// Where the line of an extra begins that has its number in its name: builds of an older line are not behind its fixes.
    ///
    /// - Returns: `5.10` of `ALASKERNEL-5.10-2022-1` and a fix in 5.10.109; nil where the fix is of no such line.
    public func lineStart(ofFix version: String) -> String? {
        let digits = topic.drop { !$0.isNumber }
        let line = digits.prefix { $0.isNumber || $0 == "." }
        guard !line.isEmpty, digits.count == line.count else { return nil }
        let upstream = version.firstIndex(of: ":").map { version[version.index(after: $0)...] } ?? version[...]
        guard upstream.hasPrefix(line), let next = upstream.dropFirst(line.count).first, next == "." else { return nil }
        // An epoch is part of the order.
        return String(version[..<upstream.startIndex]) + line
    }
}

extension Statement {
    /// Names the extra as the channel, and lets the affected versions begin where its line does.
    public mutating func narrow(to amazon: AmazonAdvisory) {
        channel = amazon.topic
        guard let fixed, let start = amazon.lineStart(ofFix: fixed) else { return }
        for index in ranges.indices where ranges[index].lower == nil { ranges[index].lower = start }
    }
}
