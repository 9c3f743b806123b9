import Inventory
import JSON

/// Reads the lock files of languages' package managers: what a build takes, with exact versions.
public enum LockFile {
    /// The largest file.
    public static let maximumBytes = 256 << 20

    /// The names of files that can be read.
    public static let names: Set<String> = Set(readers.keys)

    private enum Reader {
        case json(@Sendable (JSONValue, inout FoundSoftware) -> Void)
        case text(@Sendable ([Substring], inout FoundSoftware) -> Void)
    }

    private static let readers: [String: Reader] = [
        "package-lock.json": .json(npm), "npm-shrinkwrap.json": .json(npm), "yarn.lock": .text(yarn),
        "pnpm-lock.yaml": .text(pnpm), "Cargo.lock": .text { tables($0, "cargo", &$1) },
        "poetry.lock": .text { tables($0, "pypi", &$1) }, "uv.lock": .text { tables($0, "pypi", &$1) },
        "pdm.lock": .text { tables($0, "pypi", &$1) }, "requirements.txt": .text(requirements),
        "Pipfile.lock": .json(pipfile), "go.mod": .text(goModule), "go.sum": .text(goSums),
        "composer.lock": .json(composer), "Gemfile.lock": .text(gemfile), "gems.locked": .text(gemfile),
        "gradle.lockfile": .text(gradle), "pubspec.lock": .text(pubspec), "mix.lock": .text(mix),
        "packages.lock.json": .json(nuget), "renv.lock": .json(renv), "Package.resolved": .json(swift),
    ]

    /// Reads a file by its name.
    ///
    /// - Throws: ``SoftwareReadingError`` where the name is unknown or the content cannot be read.
    public static func read(_ bytes: [UInt8], name: String) throws(SoftwareReadingError) -> FoundSoftware {
        guard let reader = readers[name] else {
            throw SoftwareReadingError(
                "\(name) is no lock file that is known: \(names.sorted().joined(separator: ", "))")
        }
        guard bytes.count <= maximumBytes else {
            throw SoftwareReadingError("it has \(bytes.count) bytes, more than \(maximumBytes)")
        }
        var found = FoundSoftware()
        switch reader {
        case .json(let read):
            do throws(JSONError) {
                read(try JSONValue(parsing: bytes, limits: BillOfMaterials.limits), &found)
            } catch {
                throw SoftwareReadingError("it is no JSON: \(error.description)")
            }
        case .text(let read):
            read(
                String(decoding: bytes, as: UTF8.self).split(
                    omittingEmptySubsequences: false, whereSeparator: \.isNewline), &found)
        }
        return found
    }

    private static func add(
        _ type: String, _ name: some StringProtocol, _ version: some StringProtocol, _ found: inout FoundSoftware
    ) {
        guard !name.isEmpty, !version.isEmpty else { return found.skip("\(name) \(version) names no package") }
        found.packages.append(
            FoundPackage(
                SoftwarePackage(
                    scheme: type, distribution: "", name: String(name), architecture: "", version: String(version))))
    }

    // MARK: JavaScript

    private static func npm(_ document: JSONValue, _ found: inout FoundSoftware) {
        if let packages = document["packages"]?.object {
            for (path, entry) in packages.sorted(by: { $0.key < $1.key }) {
                guard let range = path.components(after: "node_modules/"), entry["link"]?.bool != true else { continue }
                let name = entry["name"]?.string ?? range
                guard let version = entry["version"]?.string else {
                    found.skip("\(path) has no version")
                    continue
                }
                add("npm", name, version, &found)
            }
            return
        }
        func walk(_ dependencies: [String: JSONValue], _ depth: Int) {
            for (name, entry) in dependencies.sorted(by: { $0.key < $1.key }) {
                let version = entry["version"]?.string ?? ""
                if version.hasPrefix("npm:"), let at = version.lastIndex(of: "@") {
                    add(
                        "npm", version[version.index(version.startIndex, offsetBy: 4)..<at],
                        version[version.index(after: at)...], &found)
                } else if version.contains(":") || version.contains("/") {
                    found.skip("\(name) is from \(version)")
                } else {
                    add("npm", name, version, &found)
                }
                if depth < 200, let nested = entry["dependencies"]?.object { walk(nested, depth + 1) }
            }
        }
        walk(document["dependencies"]?.object ?? [:], 0)
    }

    private static func yarn(_ lines: [Substring], _ found: inout FoundSoftware) {
        var name = ""
        for line in lines where !line.hasPrefix("#") && !line.isEmpty {
            if line.first != " " {
                var first = line.split(separator: ",").first.map(String.init) ?? ""
                if first.hasSuffix(":") { first.removeLast() }
                first = first.unquoted
                // The name ends at the @ that is not a scope's; an alias names the package after it.
                let at = first.dropFirst().firstIndex(of: "@")
                name = at.map { String(first[..<$0]) } ?? ""
                if let at, first[at...].hasPrefix("@npm:") {
                    let target = first[first.index(at, offsetBy: 5)...]
                    if let end = target.dropFirst().firstIndex(of: "@") { name = String(target[..<end]) }
                }
                if first.contains("@workspace:") { name = "" }
                continue
            }
            let text = line.trimmed
            guard !name.isEmpty, line.hasPrefix("  "), !line.hasPrefix("   "), text.hasPrefix("version") else {
                continue
            }
            let version = text.dropFirst("version".count).drop { $0 == ":" || $0 == " " }
            add("npm", name, String(version).unquoted, &found)
            name = ""
        }
    }

    private static func pnpm(_ lines: [Substring], _ found: inout FoundSoftware) {
        var isInside = false
        for line in lines {
            if let first = line.first, first != " ", first != "#" { isInside = line.hasPrefix("packages:") }
            guard isInside, line.hasPrefix("  "), !line.hasPrefix("   "), line.last == ":" || line.hasSuffix(": {}")
            else { continue }
            var key = String(line.trimmed.prefix { $0 != " " })
            if key.hasSuffix(":") { key.removeLast() }
            key = key.unquoted
            if key.hasPrefix("/") { key.removeFirst() }
            if let bracket = key.firstIndex(of: "(") { key = String(key[..<bracket]) }
            // name@version, of old layouts name/version.
            if let at = key.dropFirst().lastIndex(of: "@") {
                add("npm", key[..<at], key[key.index(after: at)...].prefix { $0 != "_" }, &found)
            } else if let slash = key.lastIndex(of: "/") {
                add("npm", key[..<slash], key[key.index(after: slash)...].prefix { $0 != "_" }, &found)
            }
        }
    }

    // MARK: Rust and Python

    /// `[[package]]` tables of TOML: name and version are plain strings in all of these files.
    private static func tables(_ lines: [Substring], _ type: String, _ found: inout FoundSoftware) {
        var name = ""
        var version = ""
        var isLocal = false
        var isInside = false
        func end() {
            if isInside, !isLocal, !name.isEmpty { add(type, name, version, &found) }
            (name, version, isLocal) = ("", "", false)
        }
        for line in lines {
            let text = line.trimmed
            if text.hasPrefix("[") {
                // A table inside the package, such as [package.dependencies], does not end it before the next package.
                if text == "[[package]]" {
                    end()
                    isInside = true
                } else if text.hasPrefix("[package.") {
                    end()
                    isInside = false
                } else if text == "[metadata]" || text.hasPrefix("[[") {
                    end()
                    isInside = false
                }
                continue
            }
            guard isInside, let (key, value) = pair(text) else { continue }
            switch key {
            case "name": name = value.unquoted
            case "version": version = value.unquoted
            // uv's own project, and packages from a folder.
            case "source": isLocal = value.contains("virtual =") || value.contains("editable =")
            default: break
            }
        }
        end()
    }

    private static func pair(_ text: String) -> (String, String)? {
        guard let equals = text.firstIndex(of: "=") else { return nil }
        return (String(text[..<equals]).trimmed, String(text[text.index(after: equals)...]).trimmed)
    }

    private static func requirements(_ lines: [Substring], _ found: inout FoundSoftware) {
        var joined = ""
        for line in lines {
            var text = line.trimmed
            if text.hasSuffix("\\") {
                joined += text.dropLast() + " "
                continue
            }
            text = joined + text
            joined = ""
            if let hash = text.firstIndex(of: "#") { text = String(text[..<hash]).trimmed }
            guard !text.isEmpty, !text.hasPrefix("-") else { continue }
            let requirement = text.prefix { $0 != ";" }.split(separator: " --").first.map(String.init) ?? ""
            guard let equals = requirement.firstRange("=="), !requirement.contains(",") else {
                found.skip("\(text.prefix(100)) is not pinned to a version")
                continue
            }
            let name = requirement[..<equals.lowerBound].prefix { $0 != "[" }
            let version = requirement[equals.upperBound...].drop { $0 == "=" }.prefix { $0 != " " || false }
            add("pypi", String(name).trimmed, String(version).trimmed, &found)
        }
    }

    private static func pipfile(_ document: JSONValue, _ found: inout FoundSoftware) {
        for section in ["default", "develop"] {
            for (name, entry) in (document[section]?.object ?? [:]).sorted(by: { $0.key < $1.key }) {
                let version = entry["version"]?.string ?? ""
                add("pypi", name, version.drop { $0 == "=" }, &found)
            }
        }
    }

    // MARK: Go

    private static func goModule(_ lines: [Substring], _ found: inout FoundSoftware) {
        var block = ""
        var required: [(String, String)] = []
        var replaced: [String: (String, String)] = [:]
        for line in lines {
            let text = String(line.split(separator: "//", maxSplits: 1, omittingEmptySubsequences: false).first ?? "")
                .trimmed
            if text == ")" {
                block = ""
                continue
            }
            var words = text.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
            guard let first = words.first else { continue }
            if words.count == 2, words[1] == "(" {
                block = first
                continue
            }
            if block.isEmpty { words.removeFirst() }
            switch block.isEmpty ? first : block {
            case "require" where words.count >= 2: required.append((words[0].unquoted, words[1]))
            case "go" where words.count == 1 || block.isEmpty:
                if let version = words.first { required.append(("stdlib", version)) }
            case "replace":
                guard let arrow = words.firstIndex(of: "=>"), arrow + 1 < words.count else { continue }
                let key = words[..<arrow].joined(separator: "@")
                replaced[key] = (words[arrow + 1], arrow + 2 < words.count ? words[arrow + 2] : "")
            default: break
            }
        }
        for (name, version) in required {
            let replacement = replaced["\(name)@\(version)"] ?? replaced[name]
            if let replacement, replacement.1.isEmpty {
                found.skip("\(name) is replaced by the folder \(replacement.0)")
                continue
            }
            add("golang", replacement?.0 ?? name, (replacement?.1 ?? version).drop { $0 == "v" }, &found)
        }
    }

    private static func goSums(_ lines: [Substring], _ found: inout FoundSoftware) {
        for line in lines {
            let words = line.split(separator: " ")
            guard words.count == 3, !words[1].hasSuffix("/go.mod") else { continue }
            add("golang", words[0], words[1].drop { $0 == "v" }, &found)
        }
    }

    // MARK: PHP, Ruby, Java, Dart, Elixir, .NET, R, Swift

    private static func composer(_ document: JSONValue, _ found: inout FoundSoftware) {
        for section in ["packages", "packages-dev"] {
            for entry in document[section]?.array ?? [] {
                let version = entry["version"]?.string ?? ""
                add(
                    "composer", (entry["name"]?.string ?? "").lowercased(),
                    version.hasPrefix("v") ? version.dropFirst() : version[...], &found)
            }
        }
    }

    private static func gemfile(_ lines: [Substring], _ found: inout FoundSoftware) {
        var section = ""
        for line in lines {
            if let first = line.first, first != " " { section = String(line) }
            guard section == "GEM", line.hasPrefix("    "), !line.hasPrefix("     "),
                let open = line.firstIndex(of: "("),
                line.last == ")"
            else { continue }
            // 1.15.4-x86_64-linux: the platform is no part of the version.
            let version = line[line.index(after: open)...].dropLast().prefix { $0 != "-" }
            add("gem", line[..<open].trimmed, version, &found)
        }
    }

    private static func gradle(_ lines: [Substring], _ found: inout FoundSoftware) {
        for line in lines where !line.hasPrefix("#") && !line.hasPrefix("empty=") {
            let parts = line.prefix { $0 != "=" }.split(separator: ":")
            guard parts.count == 3 else { continue }
            add("maven", "\(parts[0]):\(parts[1])", parts[2], &found)
        }
    }

    private static func pubspec(_ lines: [Substring], _ found: inout FoundSoftware) {
        var isInside = false
        var name = ""
        for line in lines {
            if let first = line.first, first != " ", first != "#" { isInside = line.hasPrefix("packages:") }
            guard isInside else { continue }
            if line.hasPrefix("  "), !line.hasPrefix("   "), line.hasSuffix(":") {
                name = String(line.trimmed.dropLast()).unquoted
            }
            if line.hasPrefix("    version:"), !line.hasPrefix("     ") {
                add("pub", name, line.dropFirst("    version:".count).trimmed.unquoted, &found)
            }
        }
    }

    private static func mix(_ lines: [Substring], _ found: inout FoundSoftware) {
        for line in lines {
            let parts = line.split(separator: "\"", omittingEmptySubsequences: false)
            guard parts.count > 3, parts[2].hasPrefix(": {:hex, ") else { continue }
            let name = parts[2].dropFirst(": {:hex, :".count).prefix { $0 != "," }
            add("hex", name.isEmpty ? parts[1] : name, parts[3], &found)
        }
    }

    private static func nuget(_ document: JSONValue, _ found: inout FoundSoftware) {
        var seen: Set<String> = []
        for (_, framework) in (document["dependencies"]?.object ?? [:]).sorted(by: { $0.key < $1.key }) {
            for (name, entry) in (framework.object ?? [:]).sorted(by: { $0.key < $1.key }) {
                guard let version = entry["resolved"]?.string, seen.insert("\(name) \(version)").inserted else {
                    continue
                }
                add("nuget", name, version, &found)
            }
        }
    }

    private static func renv(_ document: JSONValue, _ found: inout FoundSoftware) {
        for (name, entry) in (document["Packages"]?.object ?? [:]).sorted(by: { $0.key < $1.key }) {
            add("cran", name, entry["Version"]?.string ?? "", &found)
        }
    }

    private static func swift(_ document: JSONValue, _ found: inout FoundSoftware) {
        for pin in document["pins"]?.array ?? document["object"]?["pins"]?.array ?? [] {
            var url = pin["location"]?.string ?? pin["repositoryURL"]?.string ?? ""
            for prefix in ["https://", "http://", "ssh://git@", "git@"] where url.hasPrefix(prefix) {
                url.removeFirst(prefix.count)
            }
            if url.hasSuffix(".git") { url.removeLast(4) }
            guard let version = pin["state"]?["version"]?.string else {
                found.skip("\(url) is pinned to a commit, not a version")
                continue
            }
            add("swift", url.lowercased(), version, &found)
        }
    }
}

extension StringProtocol {
    /// Without blanks at both ends.
    var trimmed: String {
        var view = self[...]
        while let first = view.first, first == " " || first == "\t" { view = view.dropFirst() }
        while let last = view.last, last == " " || last == "\t" { view = view.dropLast() }
        return String(view)
    }

    /// What follows the last occurrence of a text; nil where it does not occur.
    func components(after text: String) -> String? {
        var rest = String(self)
        var found: String?
        while let range = rest.firstRange(text) {
            rest = String(rest[range.upperBound...])
            found = rest
        }
        return found
    }

    /// Where a text stands first.
    func firstRange(_ text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}

extension String {
    /// Without the quotes around it.
    var unquoted: String {
        guard count >= 2, let first, first == last, first == "\"" || first == "'" else { return self }
        return String(dropFirst().dropLast())
    }
}
