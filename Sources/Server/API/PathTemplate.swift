/// A path with parameters: `/api/v1/hosts/{host}`.
struct PathTemplate: Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// One segment of it.
    enum Segment: Sendable, Hashable {
        /// Text that must stand there.
        case literal(String)
        /// A value of that name; it is never empty.
        case parameter(String)
    }

    /// The segments, without the slashes.
    let segments: [Segment]
    /// As it is written in the OpenAPI document.
    let description: String

    init(stringLiteral text: String) {
        description = text
        segments = text.split(separator: "/").map { part in
            part.hasPrefix("{") && part.hasSuffix("}")
                ? .parameter(String(part.dropFirst().dropLast())) : .literal(String(part))
        }
    }

    /// The names of the parameters, in order.
    var parameterNames: [String] {
        segments.compactMap { segment in
            if case .parameter(let name) = segment { name } else { nil }
        }
    }

    /// The parameters of a path, decoded; nil where it is another path.
    ///
    /// - Parameter parts: the path's segments as they were sent, empty ones included.
    func match(_ parts: [Substring]) -> [String: String]? {
        guard parts.count == segments.count else { return nil }
        var values: [String: String] = [:]
        for (segment, part) in zip(segments, parts) {
            switch segment {
            case .literal(let text): if part != text { return nil }
            case .parameter(let name):
                if part.isEmpty { return nil }
                values[name] = percentDecoded(part)
            }
        }
        return values
    }

    /// How many segments are literal: of two templates that match, the one with more is meant.
    var literals: Int {
        segments.count { if case .literal = $0 { true } else { false } }
    }
}
