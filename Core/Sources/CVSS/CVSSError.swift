/// Why a text is no CVSS vector, with the metric it is about and where that stands.
public struct CVSSError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The refused text, at most its first 300 characters.
    public let vector: String
    /// The metric the fault is about, such as `AV`; nil when it is about the whole vector.
    public let metric: String?
    /// Where the fault is, in bytes of UTF-8 from the start; equal to the length when something is missing at the end.
    public let offset: Int
    /// What is wrong and what would be right.
    public let reason: String

    init(_ vector: String, metric: String? = nil, offset: Int, _ reason: String) {
        self.vector = String(vector.prefix(300))
        self.metric = metric
        self.offset = offset
        self.reason = reason
    }

    /// `not a CVSS vector: metric AV: ... (at byte 9 of CVSS:3.1/AV:Z)`.
    public var description: String {
        let about = metric.map { "metric \($0): " } ?? ""
        return "not a CVSS vector: \(about)\(reason) (at byte \(offset) of \(vector))"
    }
}
