import PackageURLs

/// Ranges of versions as VEX documents write them: `vers:npm/>=1.0|<2.0` (the purl specification's VERS), `>=1.0|<2.0`,
/// `< 4.2`.
enum VersionRangeText {
    /// The versions and ranges; nil where the text is neither, or names versions that are left out.
    static func parse(_ text: String, scheme: String) -> (versions: [String], ranges: [VersionRange])? {
        var body = Substring(text)
        if body.hasPrefix("vers:") {
            guard let slash = body.firstIndex(of: "/") else { return nil }
            body = body[body.index(after: slash)...]
        }
        var versions: [String] = []
        var ranges: [VersionRange] = []
        var open: VersionRange?
        // Bounds stand behind each other with a comma, a bar or nothing between; a version without a sign needs a separator.
        var isSeparated = true
        body = body.drop { $0 == " " }
        while let first = body.first {
            if first == " " || first == "|" || first == "," {
                if first != " " { isSeparated = true }
                body.removeFirst()
                continue
            }
            if first == "*" {
                body.removeFirst()
                guard isSeparated, body.isEmpty || " |,".contains(body.first ?? " ") else { return nil }
                isSeparated = false
                ranges.append(VersionRange(scheme: scheme))
                continue
            }
            let sign = body.prefix { "<>=!".contains($0) }
            guard isSeparated || !sign.isEmpty else { return nil }
            isSeparated = false
            body = body.dropFirst(sign.count).drop { $0 == " " }
            let written = body.prefix { !" |,<>=".contains($0) }
            body = body.dropFirst(written.count)
            guard let version = PercentEncoding.decoded(written), !version.isEmpty else { return nil }
            switch sign {
            case "", "=", "==":
                guard open == nil else { return nil }
                versions.append(version)
            case ">", ">=":
                guard open == nil else { return nil }
                open = VersionRange(scheme: scheme, lower: version, includesLower: sign == ">=")
            case "<", "<=":
                var range = open ?? VersionRange(scheme: scheme)
                open = nil
                range.upper = version
                range.includesUpper = sign == "<="
                ranges.append(range)
            default: return nil
            }
        }
        if let open { ranges.append(open) }
        return versions.isEmpty && ranges.isEmpty ? nil : (versions, ranges)
    }
}
