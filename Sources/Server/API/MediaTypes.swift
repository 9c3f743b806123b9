/// Reads Accept and Content-Type (RFC 9110, sections 8.3 and 12.5.1).
enum MediaTypes {
    /// The media type of a field, without parameters, in small letters.
    static func essence(_ field: some StringProtocol) -> String {
        let type = field.split(separator: ";", maxSplits: 1, omittingEmptySubsequences: false).first ?? ""
        return String(type.filter { $0 != " " && $0 != "\t" }).lowercased()
    }

    /// Whether an Accept field takes one of these types; nil and an empty field take all.
    static func accepts(_ field: String?, anyOf types: [String]) -> Bool {
        guard let field else { return true }
        let ranges = field.split(separator: ",").prefix(64)
        if ranges.isEmpty { return true }
        return types.contains { type in quality(of: type, ranges) > 0 }
    }

    /// The quality of the most specific range that covers the type; 0 where none does.
    private static func quality(of type: String, _ ranges: some Sequence<Substring>) -> Double {
        var best: (specificity: Int, quality: Double) = (-1, 0)
        let family = type.split(separator: "/").first.map(String.init) ?? ""
        for range in ranges {
            let specificity: Int
            switch essence(range) {
            case type: specificity = 2
            case "\(family)/*": specificity = 1
            case "*/*": specificity = 0
            default: continue
            }
            if specificity > best.specificity { best = (specificity, weight(range)) }
        }
        return best.quality
    }

    private static func weight(_ range: Substring) -> Double {
        for parameter in range.split(separator: ";").dropFirst() {
            let text = parameter.filter { $0 != " " && $0 != "\t" }.lowercased()
            if text.hasPrefix("q=") { return Double(text.dropFirst(2)) ?? 0 }
        }
        return 1
    }
}
