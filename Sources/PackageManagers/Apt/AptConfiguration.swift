/// apt's settings (apt.conf(5)), as far as they decide what it offers.
///
/// Read as apt reads them: names are compared without case, a later value replaces an earlier one, `Name::` adds to a
/// list, and `#clear` forgets a tree.
package struct AptConfiguration: Sendable {
    /// Values by their names in lower case.
    private var values: [String: String] = [:]
    /// Elements of lists, in order, by the names of their lists in lower case.
    private var lists: [String: [String]] = [:]

    /// Settings without any file.
    package init() {}

    /// Reads `etc/apt/apt.conf.d`, then `etc/apt/apt.conf`.
    package init(_ tree: FileTree) throws(PackageScanError) {
        for name in AptFolder.names(tree, "etc/apt/apt.conf.d", extensions: ["conf", ""]) {
            try read(tree, "etc/apt/apt.conf.d/\(name)", depth: 0)
        }
        if tree.status("etc/apt/apt.conf") != nil { try read(tree, "etc/apt/apt.conf", depth: 0) }
    }

    /// The value of a setting; nil where it is absent or empty.
    package func value(_ name: String) -> String? {
        guard let value = values[name.lowercased()], !value.isEmpty else { return nil }
        return value
    }

    /// The elements of a list; a plain value is one with commas.
    package func list(_ name: String) -> [String] {
        if let value = value(name) { return value.split(separator: ",").map { $0.trimmed } }
        return lists[name.lowercased()] ?? []
    }

    /// A setting that is yes or no.
    package func flag(_ name: String, default fallback: Bool) -> Bool {
        guard let value = value(name)?.lowercased() else { return fallback }
        switch value {
        case "no", "false", "without", "off", "disable", "0": return false
        case "yes", "true", "with", "on", "enable", "1": return true
        default: return Int(value).map { $0 != 0 } ?? fallback
        }
    }

    /// Sets a value; a name that ends in `::` adds it to a list.
    mutating func set(_ name: String, _ value: String) {
        let name = name.lowercased()
        if name.hasSuffix("::") {
            lists[String(name.dropLast(2)), default: []].append(value)
        } else {
            values[name] = value
        }
    }

    /// Forgets a setting with all below it.
    mutating func clear(_ name: String) {
        let name = name.lowercased()
        values = values.filter { $0.key != name && !$0.key.hasPrefix(name + "::") }
        lists = lists.filter { $0.key != name && !$0.key.hasPrefix(name + "::") }
    }

    private mutating func read(_ tree: FileTree, _ path: String, depth: Int) throws(PackageScanError) {
        let bytes: [UInt8]
        do throws(FileError) {
            bytes = try tree.read(path, limit: 1 << 20)
        } catch {
            throw error.scanError
        }
        try read(bytes, path: tree.name(path)) { included, settings throws(PackageScanError) in
            guard depth < 10 else {
                throw .malformed(path: tree.name(path), line: 0, reason: "there are more than 10 nested includes")
            }
            let included = included.hasPrefix("/") ? String(included.dropFirst()) : included
            if included.hasSuffix("/") {
                for name in AptFolder.names(tree, included, extensions: ["conf", ""]) {
                    try settings.read(tree, included + name, depth: depth + 1)
                }
            } else {
                try settings.read(tree, included, depth: depth + 1)
            }
        }
    }

    /// Reads one file's text; `include` is called for `#include`.
    package mutating func read(
        _ bytes: [UInt8], path: String = "apt.conf",
        include: (String, inout AptConfiguration) throws(PackageScanError) -> Void = { _, _ throws(PackageScanError) in
        }
    ) throws(PackageScanError) {
        var scopes: [String] = []
        for item in try AptConfigurationItems.items(bytes, path: path) {
            switch item {
            case .close:
                _ = scopes.popLast()
            case .open(let tag, let word, _):
                // `Name "value" {` sets the value and opens the scope.
                let name = (scopes.last.map { $0 + "::" } ?? "") + tag
                if let word { set(name, word) }
                scopes.append(name)
            case .assignment(let tag, let word, let line):
                if tag.hasPrefix("#") {
                    guard scopes.isEmpty else {
                        throw .malformed(path: path, line: line, reason: "directives stand at the top level only")
                    }
                    switch tag {
                    case "#clear": clear(word)
                    case "#include": try include(word, &self)
                    case "#x-apt-configure-index": break
                    default: throw .malformed(path: path, line: line, reason: "there is no directive \(tag)")
                    }
                } else if let scope = scopes.last {
                    set("\(scope)::\(tag)", word)
                } else {
                    set(tag, word)
                }
            }
        }
    }
}

/// Which files of a folder apt reads.
enum AptFolder {
    /// The names with one of these extensions ("" for none), sorted; hidden files and odd names are left out.
    static func names(_ tree: FileTree, _ path: String, extensions: [String]) -> [String] {
        ((try? tree.list(path)) ?? []).filter { name in
            guard !name.hasPrefix("."), !name.hasSuffix("."),
                name.utf8.allSatisfy({ isWord($0) || $0 == 0x5F || $0 == 0x2D || $0 == 0x2E || $0 == 0x3A })
            else { return false }
            let suffix = name.lastIndex(of: ".").map { String(name[name.index(after: $0)...]) } ?? ""
            guard extensions.contains(suffix) else { return false }
            return tree.status("\(path)/\(name)")?.isRegular ?? false
        }
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
}
