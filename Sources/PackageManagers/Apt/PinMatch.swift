/// What a record of preferences is matched with (`pkgVersionMatch` in apt).
struct PinMatch {
    private let kind: AptPin.Kind
    /// Matches everything.
    private var isAll = false
    private var version: Text?
    private var release: Pattern?
    private var suite: Pattern?
    private var codename: Pattern?
    private var origin: Pattern?
    private var label: Pattern?
    private var component: Pattern?
    private var architecture: Pattern?
    private var site: Pattern?

    /// A version: exact, by its beginning, or a pattern.
    private struct Text {
        var text: String
        var isPrefix: Bool
        var pattern: Pattern

        init(_ text: String) {
            isPrefix = text.hasSuffix("*")
            self.text = (isPrefix ? String(text.dropLast()) : text).lowercased()
            pattern = Pattern(isPrefix ? String(text.dropLast()) : text)
        }

        func matches(_ version: String) -> Bool {
            let lower = version.lowercased()
            return (isPrefix ? lower.hasPrefix(text) : lower == text) || pattern.matches(version)
        }
    }

    init(_ pin: AptPin) {
        kind = pin.kind
        let data = pin.data
        guard !data.isEmpty else { return }
        switch pin.kind {
        case .version, .sourceVersion: version = Text(data)
        case .origin:
            let isQuoted = data.utf8.count >= 2 && data.hasPrefix("\"") && data.hasSuffix("\"")
            site = Pattern(isQuoted ? String(data.dropFirst().dropLast()) : data)
        case .release:
            if data == "*" {
                isAll = true
            } else if !data.contains("=") {
                if data.first?.isNumber == true { version = Text(data) } else { release = Pattern(data) }
            } else {
                for part in data.split(separator: ",").prefix(20).map({ $0.trimmed }) where part.utf8.count >= 3 {
                    let value = String(part.dropFirst(2))
                    switch part.prefix(2).lowercased() {
                    case "v=": version = Text(value)
                    case "o=": origin = Pattern(value)
                    case "a=": suite = Pattern(value)
                    case "n=": codename = Pattern(value)
                    case "l=": label = Pattern(value)
                    case "c=": component = Pattern(value)
                    case "b=": architecture = Pattern(value)
                    default: break
                    }
                }
            }
        }
    }

    /// Whether a version, with the files that list it, matches.
    func matches(_ version: PackageVersion, files: [AptPolicy.File]) -> Bool {
        switch kind {
        case .version: self.version?.matches(version.version) ?? false
        case .sourceVersion: self.version?.matches(version.sourceVersion) ?? false
        case .release, .origin: files.contains(where: matches)
        }
    }

    /// Whether a file matches.
    func matches(_ file: AptPolicy.File) -> Bool {
        switch kind {
        case .version, .sourceVersion: return false
        case .origin:
            guard file.hasRelease, let site, let own = file.site else { return false }
            return site.matches(own)
        case .release:
            if file.hasRelease {
                guard isAll || matchesRelease(file) else { return false }
            } else {
                // Only dpkg's status file has no Release file; its component "now" stands for its suite.
                if let suite, !matches(suite, file.component) { return false }
                if let release, !matches(release, file.component) { return false }
                if origin != nil || label != nil || version != nil || codename != nil { return false }
            }
            if isAll { return true }
            if let component, !matches(component, file.component) { return false }
            if let architecture, !matches(architecture, file.architecture) { return false }
            return true
        }
    }

    private func matchesRelease(_ file: AptPolicy.File) -> Bool {
        if version == nil, origin == nil, suite == nil, label == nil, release == nil, codename == nil, component == nil,
            architecture == nil
        {
            return false
        }
        if let version, !(file.version.map(version.matches) ?? false) { return false }
        if let origin, !matches(origin, file.origin) { return false }
        if let suite, !matches(suite, file.suite) { return false }
        if let codename, !matches(codename, file.codename) { return false }
        if let release, !matches(release, file.suite), !matches(release, file.codename) { return false }
        if let label, !matches(label, file.label) { return false }
        return true
    }

    private func matches(_ pattern: Pattern, _ text: String?) -> Bool { text.map(pattern.matches) ?? false }
}
