import Versions

/// One product of a CVE record, with its versions as written.
struct CVEProduct {
    struct Version {
        var version = ""
        var status = ""
        var type = ""
        var upper = ""
        var includesUpper = false
        var changes: [(at: String, isAffected: Bool)] = []
    }

    var vendor = ""
    var product = ""
    var cpes: [String] = []
    var package = ""
    var collection = ""
    var isAffectedByDefault = false
    var versions: [Version] = []

    /// Registries by the host of their address.
    private static let registries: [(host: String, stream: String)] = [
        ("registry.npmjs.org", "npm"), ("npmjs.com", "npm"), ("pypi.org", "PyPI"), ("pypi.python.org", "PyPI"),
        ("repo.maven.apache.org", "Maven"), ("repo1.maven.org", "Maven"), ("search.maven.org", "Maven"),
        ("rubygems.org", "RubyGems"), ("crates.io", "crates.io"), ("pkg.go.dev", "Go"), ("packagist.org", "Packagist"),
        ("nuget.org", "NuGet"), ("hex.pm", "Hex"), ("pub.dev", "Pub"),
    ]

    /// Words that stand where a version should, and mean that none is known.
    private static let noVersion = ["", "n/a", "unspecified", "unknown", "tbd", "not specified", "-"]

    /// Makes statements; false where it names neither a CPE nor a package of a known registry.
    func add(
        to statements: inout [Statement], _ cpes: inout CPEStatements, _ apple: inout AppleBulletin
    ) -> Bool {
        if !package.isEmpty {
            // A package of something else: a CPE beside it names the product that has the package, not what is affected.
            guard let registry = Self.registries.first(where: { collection.hasRun($0.host) }),
                let scheme = Ecosystem(registry.stream).scheme
            else { return false }
            var statement = Statement(stream: registry.stream, kind: .language, name: package, status: .affected)
            for part in parts(scheme.name) {
                switch part {
                case .range(let range): statement.ranges.append(range)
                case .version(let version): statement.versions.append(version)
                }
            }
            if !statement.ranges.isEmpty || !statement.versions.isEmpty {
                if let last = statement.ranges.last, !last.includesUpper,
                    statement.ranges.allSatisfy({ $0.upper != nil })
                {
                    statement.fixed = last.upper
                }
                statements.append(statement)
            }
            return true
        }
        var names: Set<CPEName> = []
        if self.cpes.isEmpty {
            for name in AppleBulletin.names(vendor: vendor, product: product) {
                names.insert(name)
                for part in parts(name.scheme) {
                    switch part {
                    case .range(let range) where range.lower == nil && range.upper != nil && !range.includesUpper:
                        apple.add(name, before: range.upper ?? "")
                    case .range(let range):
                        cpes.add(CPEConfiguration.Match(name: name, range: name.range(range)), with: [])
                    case .version(let version):
                        var name = name
                        name.version = version
                        cpes.add(CPEConfiguration.Match(name: name), with: [])
                    }
                }
            }
        }
        for text in self.cpes {
            guard var name = CPEName(text) else { continue }
            let own = name.version
            name.version = "*"
            guard names.insert(name).inserted else { continue }
            for part in parts(name.scheme) {
                var match = CPEConfiguration.Match(name: name)
                switch part {
                case .range(let range): match.range = name.range(range)
                case .version(let version): match.name.version = version
                }
                cpes.add(match, with: [])
            }
            if versions.isEmpty, own != "*", own != "-" {
                name.version = own
                cpes.add(CPEConfiguration.Match(name: name), with: [])
            }
        }
        return !names.isEmpty
    }

    private enum Part {
        case range(VersionRange)
        case version(String)
    }

    /// What is affected. Exceptions from "all are affected" would need every version ever made, and say nothing here.
    private func parts(_ scheme: String) -> [Part] {
        if versions.isEmpty { return isAffectedByDefault && cpes.isEmpty ? [.range(VersionRange(scheme: scheme))] : [] }
        var parts: [Part] = []
        for version in versions where version.status == "affected" && !Self.isCommit(version.type) {
            let start = Self.lower(version.version)
            let isOpen = start == "0" || start == "*" || start == "all" || Self.noVersion.contains(start)
            if version.upper.isEmpty, version.changes.isEmpty {
                if start == "*" || start == "all" {
                    parts.append(.range(VersionRange(scheme: scheme)))
                } else if !Self.noVersion.contains(start) {
                    parts.append(.version(version.version))
                }
                continue
            }
            let end = version.upper == "*" || Self.noVersion.contains(Self.lower(version.upper)) ? nil : version.upper
            var range = VersionRange(scheme: scheme, lower: isOpen ? nil : version.version)
            var isIn = true
            for change in version.changes where change.isAffected != isIn && !change.at.isEmpty {
                if change.isAffected {
                    range = VersionRange(scheme: scheme, lower: change.at)
                } else {
                    range.upper = change.at
                    parts.append(.range(range))
                }
                isIn = change.isAffected
            }
            if isIn {
                range.upper = end
                range.includesUpper = version.includesUpper && end != nil
                // "unspecified, up to anything" is no statement.
                if range.lower != nil || range.upper != nil || start == "0" || start == "*" {
                    parts.append(.range(range))
                }
            }
        }
        return parts
    }

    /// What is long is no word that stands for "none": the case of its letters does not matter.
    private static func lower(_ text: String) -> String { text.utf8.count > 15 ? text : text.lowercased() }

    private static func isCommit(_ type: String) -> Bool {
        type == "git" || type == "original_commit_for_fix"
    }
}

extension String {
    /// Whether the bytes of another text stand in it: by bytes, for there are very many, and nearly none has any.
    fileprivate func hasRun(_ other: String) -> Bool {
        utf8.withContiguousStorageIfAvailable { bytes in
            other.utf8.withContiguousStorageIfAvailable { wanted in
                guard let first = wanted.first, bytes.count >= wanted.count else { return false }
                return (0...(bytes.count - wanted.count)).contains { start in
                    bytes[start] == first && bytes[start..<start + wanted.count].elementsEqual(wanted)
                }
            } ?? false
        } ?? contains(other)
    }
}
