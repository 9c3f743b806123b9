/// One repository, suite and component that the host is configured to use (sources.list(5)).
package struct AptSource: Sendable, Hashable {
    /// The address, with a slash at its end.
    package var uri: String
    /// The suite; it ends in a slash for a repository without components.
    package var suite: String
    /// The component; empty for a repository without components.
    package var component: String
    /// The architectures that are asked for.
    package var architectures: [String]
    /// The file and line or stanza that names it.
    var place: String

    /// The name people know it by.
    var displayName: String { "\(uri) \(suite)" + (component.isEmpty ? "" : " \(component)") }
}

/// All configured repositories of binary packages.
package struct AptSources: Sendable {
    package var entries: [AptSource] = []

    /// The architectures of a host: its own first.
    private let architectures: [String]
    private var native: String { architectures.first ?? "" }

    /// No repository yet.
    package init(architectures: [String]) { self.architectures = architectures }

    /// Reads `sources.list`, then the files of `sources.list.d`.
    ///
    /// - Throws: where apt itself refuses its sources, and so offers nothing.
    init(_ tree: FileTree, architectures: [String]) throws(PackageScanError) {
        self.init(architectures: architectures)
        if tree.status("etc/apt/sources.list") != nil { try read(tree, "etc/apt/sources.list") }
        for name in AptFolder.names(tree, "etc/apt/sources.list.d", extensions: ["list", "sources"]) {
            try read(tree, "etc/apt/sources.list.d/\(name)")
        }
    }

    private mutating func read(_ tree: FileTree, _ path: String) throws(PackageScanError) {
        let bytes: [UInt8]
        do throws(FileError) {
            bytes = try tree.read(path, limit: 4 << 20)
        } catch {
            throw error.scanError
        }
        if path.hasSuffix(".sources") {
            try readStanzas(bytes, path: tree.name(path))
        } else {
            try readLines(bytes, path: tree.name(path))
        }
    }

    /// Reads the format with one repository a line.
    package mutating func readLines(_ bytes: [UInt8], path: String) throws(PackageScanError) {
        var number = 0
        for raw in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
            number += 1
            var line = Self.withoutComment(raw)
            line = line.drop(while: isBlank)
            while let last = line.last, isBlank(last) { line.removeLast() }
            if line.isEmpty { continue }
            guard let blank = line.firstIndex(where: { $0 == 0x20 || $0 == 0x09 || $0 == 0x0B }) else {
                throw .malformed(path: path, line: number, reason: "a repository needs an address after its type")
            }
            let type = String(decoding: line[..<blank], as: UTF8.self)
            guard type == "deb" || type == "deb-src" else {
                throw .malformed(path: path, line: number, reason: "'\(type)' is neither deb nor deb-src")
            }
            var rest = line[blank...].drop(while: isBlank)
            var options: [String: String] = [:]
            if rest.first == 0x5B {
                guard let end = rest.firstIndex(of: 0x5D) else {
                    throw .malformed(path: path, line: number, reason: "the options in [ ] do not end")
                }
                for option in rest[(rest.startIndex + 1)..<end].split(whereSeparator: isBlank) {
                    let option = String(decoding: option, as: UTF8.self)
                    guard let equals = option.firstIndex(of: "="), equals != option.startIndex else {
                        throw .malformed(path: path, line: number, reason: "'\(option)' is not name=value")
                    }
                    options[String(option[..<equals])] = String(option[option.index(after: equals)...])
                }
                rest = rest[(end + 1)...].drop(while: isBlank)
            }
            var words: [String] = []
            while let word = QuotedWords.word(&rest) { words.append(word) }
            guard rest.isEmpty, words.count >= 2, let uri = address(words[0]) else {
                throw .malformed(path: path, line: number, reason: "expected an address and a suite")
            }
            try add(
                type: type, uri: uri, suite: words[1], components: Array(words[2...]),
                architectures: chosen(
                    options["arch"], add: options["arch+"], remove: options["arch-"], separator: ","),
                targets: options["target"]?.split(separator: ",").map(String.init), path: path, line: number)
        }
    }

    /// Reads the format of stanzas.
    package mutating func readStanzas(_ bytes: [UInt8], path: String) throws(PackageScanError) {
        for fields in try ControlText(bytes, path: path).stanzas {
            let line = fields.first?.line ?? 0
            if let enabled = fields.value("enabled"),
                ["no", "false", "without", "off", "disable", "0"].contains(enabled.lowercased())
            {
                continue
            }
            let types = fields.words("types")
            guard !types.isEmpty else { throw .malformed(path: path, line: line, reason: "the stanza has no Types") }
            let uris = fields.words("uris")
            let suites = fields.words("suites")
            guard !uris.isEmpty else { throw .malformed(path: path, line: line, reason: "the stanza has no URIs") }
            guard !suites.isEmpty else { throw .malformed(path: path, line: line, reason: "the stanza has no Suites") }
            let architectures = chosen(
                fields.value("architectures"), add: fields.value("architectures-add"),
                remove: fields.value("architectures-remove"), separator: " ")
            for type in types {
                guard type == "deb" || type == "deb-src" else {
                    throw .malformed(path: path, line: line, reason: "'\(type)' is neither deb nor deb-src")
                }
                for word in uris {
                    guard let uri = address(word) else {
                        throw .malformed(path: path, line: line, reason: "'\(word)' is not an address")
                    }
                    for suite in suites {
                        try add(
                            type: type, uri: uri, suite: suite, components: fields.words("components"),
                            architectures: architectures,
                            targets: fields.value("targets").map { _ in fields.words("targets") }, path: path,
                            line: line)
                    }
                }
            }
        }
    }

    private mutating func add(
        type: String, uri: String, suite: String, components: [String], architectures: [String], targets: [String]?,
        path: String, line: Int
    ) throws(PackageScanError) {
        let suite = replacing(suite)
        let isFlat = suite.hasSuffix("/")
        guard isFlat == components.isEmpty else {
            throw .malformed(
                path: path, line: line,
                reason: isFlat ? "a suite that ends in / takes no component" : "the suite \(suite) needs a component")
        }
        guard type == "deb", targets?.contains("Packages") ?? true else { return }
        for component in isFlat ? [""] : components {
            entries.append(
                AptSource(
                    uri: uri, suite: suite, component: component, architectures: architectures, place: "\(path):\(line)"
                ))
        }
        guard entries.count <= 10_000 else {
            throw .malformed(path: path, line: line, reason: "there are more than 10,000 repositories")
        }
    }

    /// An address as apt keeps it; nil where it is none.
    private func address(_ text: String) -> String? {
        let text = replacing(text)
        guard text.contains(":") else { return nil }
        return text.hasSuffix("/") ? text : text + "/"
    }

    private func replacing(_ text: String) -> String {
        guard let range = text.firstRange(of: "$(ARCH)") else { return text }
        return String(text[..<range.lowerBound]) + native + String(text[range.upperBound...])
    }

    private func chosen(_ list: String?, add: String?, remove: String?, separator: Character) -> [String] {
        func split(_ text: String) -> [String] {
            text.split(whereSeparator: { $0 == separator || $0.isWhitespace }).map(String.init)
        }
        var chosen = list.map(split) ?? architectures
        for more in add.map(split) ?? [] where !chosen.contains(more) { chosen.append(more) }
        let removed = remove.map(split) ?? []
        return chosen.filter { !removed.contains($0) }
    }

    private static func withoutComment(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var depth = 0
        for index in line.indices {
            switch line[index] {
            case 0x5B: depth += 1
            case 0x5D: depth -= 1
            case 0x23 where depth <= 0: return line[..<index]
            default: break
            }
        }
        return line
    }
}

/// The names under which apt keeps what it fetched.
package enum AptListName {
    /// The host part of an address; empty for a local one.
    package static func site(_ uri: String) -> String {
        guard let range = uri.firstRange(of: "://") else { return "" }
        var host = uri[range.upperBound...].prefix { $0 != "/" }
        if let at = host.lastIndex(of: "@") { host = host[host.index(after: at)...] }
        if host.hasPrefix("["), let end = host.firstIndex(of: "]") {
            return String(host[host.index(after: host.startIndex)..<end])
        }
        if let colon = host.firstIndex(of: ":") { host = host[..<colon] }
        return String(host)
    }

    /// The file of an address in apt's folder of lists (`URItoFileName` in apt).
    package static func file(_ uri: String) -> String {
        var path = uri[...]
        if let range = path.firstRange(of: "://") {
            path = path[range.upperBound...]
            let host = path.prefix { $0 != "/" }
            if let at = host.lastIndex(of: "@") { path = path[path.index(after: at)...] }
            // An IPv6 address loses its brackets.
            if path.first == "[", let end = path.firstIndex(of: "]") {
                path = (path[path.index(after: path.startIndex)..<end] + path[path.index(after: end)...])[...]
            }
        } else if let colon = path.firstIndex(of: ":") {
            path = path[path.index(after: colon)...]
        }
        return String(
            decoding: quoted(path.utf8, "\\|{}[]<>\"^~_=!@#$%^&*").map { $0 == 0x2F ? 0x5F : $0 }, as: UTF8.self)
    }

    /// Where a suite's indexes begin.
    package static func base(_ source: AptSource) -> String {
        let suite = String(decoding: quoted(source.suite.utf8, "+~ "), as: UTF8.self)
        if source.suite == "/" { return source.uri }
        return source.suite.hasSuffix("/") ? source.uri + suite : "\(source.uri)dists/\(suite)/"
    }

    private static func quoted(_ text: some Sequence<UInt8>, _ bad: StaticString) -> [UInt8] {
        var result: [UInt8] = []
        for byte in text {
            if byte <= 0x20 || byte >= 0x7F || byte == 0x25 || bad.withUTF8Buffer({ $0.contains(byte) }) {
                let digits = Array("0123456789abcdef".utf8)
                result += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            } else {
                result.append(byte)
            }
        }
        return result
    }
}
