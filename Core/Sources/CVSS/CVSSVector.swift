/// A CVSS vector of any version: which metrics were written, with which values.
public struct CVSSVector: Sendable, Hashable, CustomStringConvertible {
    /// The version, from the vector's prefix; a vector without prefix is of version 2.
    public let version: CVSSVersion
    /// The value of each metric of the version, as a place in its values; ``unwritten`` where it is not written.
    let values: [UInt8]

    static let unwritten: UInt8 = 0xFF
    /// The longest vector that is read, in bytes; the longest there can be has under 300.
    public static let maximumBytes = 512

    /// What to do about vectors that a specification forbids and that stand in advisories all the same.
    public enum Strictness: Sendable {
        /// Refuse them: in versions 2 and 4.0 another order than the specification's, in version 2 an incomplete temporal
        /// or environmental group, in version 4.0 a provider urgency that is written with its initial.
        case strict
        /// Score them: metrics that are not written are not defined, `U:R` is `U:Red`.
        case lax
    }

    /// Reads a vector.
    ///
    /// Every base metric must be there, and none twice.
    public static func parse(_ vector: String, strictness: Strictness = .lax) throws(CVSSError) -> CVSSVector {
        guard vector.utf8.count <= maximumBytes else {
            throw CVSSError(vector, offset: maximumBytes, "it is longer than \(maximumBytes) bytes")
        }
        var version = CVSSVersion.v2
        var start = 0
        if vector.utf8.starts(with: "CVSS:".utf8) {
            guard
                let found = CVSSVersion.allCases.dropFirst().first(where: { vector.utf8.starts(with: $0.prefix.utf8) })
            else {
                throw CVSSError(vector, offset: 5, "after CVSS: stands 3.0/, 3.1/ or 4.0/; version 2 has no prefix")
            }
            version = found
            start = found.prefix.utf8.count
        }
        var parser = CVSSParser(vector: vector, version: version, offset: start)
        return CVSSVector(version: version, values: try parser.parse(strictness))
    }

    /// The vector with its metrics in the order of the specification; those written as not defined stay.
    public var description: String {
        let fields = zip(version.metrics, values).compactMap { metric, value in
            value == Self.unwritten ? nil : "\(metric.name):\(metric.values[Int(value)])"
        }
        return version.prefix + fields.joined(separator: "/")
    }

    /// The value of a metric, such as `N` of `AV`; nil where the vector does not write it.
    public subscript(metric: String) -> String? {
        guard let index = version.metrics.firstIndex(where: { $0.name == metric }), values[index] != Self.unwritten
        else { return nil }
        return version.metrics[index].values[Int(values[index])]
    }

    /// Whether a metric of the group says something.
    func defines(_ group: CVSSMetric.Group) -> Bool {
        zip(version.metrics, values).contains { metric, value in
            metric.group == group && value != Self.unwritten && value != metric.undefined
        }
    }
}

struct CVSSParser {
    let vector: String
    let version: CVSSVersion
    var offset: Int

    mutating func parse(_ strictness: CVSSVector.Strictness) throws(CVSSError) -> [UInt8] {
        let metrics = version.metrics
        var values = [UInt8](repeating: CVSSVector.unwritten, count: metrics.count)
        let bytes = Array(vector.utf8)
        var last = -1
        while offset <= bytes.count {
            let end = bytes[offset...].firstIndex(of: 0x2F) ?? bytes.count
            let field = bytes[offset..<end]
            guard let colon = field.firstIndex(of: 0x3A) else {
                throw CVSSError(vector, offset: offset, "METRIC:VALUE is expected between slashes")
            }
            let name = String(decoding: field[..<colon], as: UTF8.self)
            let value = String(decoding: field[(colon + 1)...], as: UTF8.self)
            guard let index = metrics.firstIndex(where: { $0.name == name }) else {
                throw CVSSError(vector, metric: name, offset: offset, "version \(version.rawValue) has no such metric")
            }
            guard values[index] == CVSSVector.unwritten else {
                throw CVSSError(vector, metric: name, offset: offset, "it stands twice")
            }
            guard let place = place(of: value, in: metrics[index], strictness) else {
                let allowed = metrics[index].values.joined(separator: ", ")
                throw CVSSError(vector, metric: name, offset: colon + 1, "its value must be one of \(allowed)")
            }
            guard strictness == .lax || index > last || version == .v30 || version == .v31 else {
                throw CVSSError(vector, metric: name, offset: offset, "it must stand before \(metrics[last].name)")
            }
            values[index] = UInt8(place)
            last = index
            offset = end + 1
        }
        for (metric, value) in zip(metrics, values) where metric.group == .base && value == CVSSVector.unwritten {
            throw CVSSError(vector, metric: metric.name, offset: bytes.count, "it is missing")
        }
        if strictness == .strict, version == .v2 { try checkGroups(values) }
        return values
    }

    private func place(
        of value: String, in metric: CVSSMetric, _ strictness: CVSSVector.Strictness
    ) -> Int? {
        if strictness == .lax, version == .v4, metric.name == "U", value.utf8.count == 1 {
            return metric.values.firstIndex { $0.hasPrefix(value) }
        }
        return metric.values.firstIndex(of: value)
    }

    /// Version 2 writes a group in whole or not at all.
    private func checkGroups(_ values: [UInt8]) throws(CVSSError) {
        for group in [CVSSMetric.Group.threat, .environmental] {
            let members = zip(version.metrics, values).filter { $0.0.group == group }
            guard members.contains(where: { $0.1 != CVSSVector.unwritten }),
                let missing = members.first(where: { $0.1 == CVSSVector.unwritten })
            else { continue }
            throw CVSSError(
                vector, metric: missing.0.name, offset: vector.utf8.count,
                "it is missing, though others of its group stand")
        }
    }
}
