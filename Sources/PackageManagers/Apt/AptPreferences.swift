/// One record of apt_preferences(5), for one of the words of its Package field.
package struct AptPin: Sendable, Hashable {
    /// What it is matched with.
    enum Kind: String, Sendable { case version, sourceVersion = "source-version", release, origin }

    /// A package's name, pattern or `src:` name; empty for all packages.
    package var package: String
    var kind: Kind
    /// What stands after the kind.
    var data: String
    /// From -32767 to 32767.
    package var priority: Int
    /// The file and line that name it.
    var place: String

    /// Lower than every number: `never`, which no other record raises.
    static let never = -32768

    /// One line for a person.
    var displayName: String {
        let number = priority == Self.never ? "never" : String(priority)
        return
            "\(place): Package: \(package.isEmpty ? "*" : package), Pin: \(kind.rawValue) \(data), Pin-Priority: \(number)"
    }
}

/// The records of a host, in the order in which apt reads them: the first that matches counts.
package struct AptPreferences: Sendable {
    package var pins: [AptPin] = []

    /// No records.
    package init() {}

    /// Reads `etc/apt/preferences`, then the files of `preferences.d`.
    ///
    /// - Throws: where apt itself refuses its preferences, and so offers nothing.
    init(_ tree: FileTree) throws(PackageScanError) {
        var paths: [String] = tree.status("etc/apt/preferences") != nil ? ["etc/apt/preferences"] : []
        paths += AptFolder.names(tree, "etc/apt/preferences.d", extensions: ["pref", ""])
            .map { "etc/apt/preferences.d/\($0)" }
        for path in paths {
            let bytes: [UInt8]
            do throws(FileError) {
                bytes = try tree.read(path, limit: 4 << 20)
            } catch {
                // A folder of that name is not a file of preferences.
                if error.isMissing || error.code == 21 { continue }
                throw error.scanError
            }
            try read(bytes, path: path)
        }
    }

    /// Reads the records of one file.
    package mutating func read(_ bytes: [UInt8], path: String) throws(PackageScanError) {
        for fields in try ControlText(bytes, path: path).stanzas {
            let line = fields.first?.line ?? 0
            guard let packages = fields.value("package"), !packages.isEmpty else {
                throw .malformed(path: path, line: line, reason: "a record has no Package")
            }
            guard let pin = fields.value("pin") else { continue }
            let word = String(pin.prefix { !$0.isWhitespace }).lowercased()
            // Kinds that apt does not know, and versions for all packages, it passes over with a warning.
            guard let kind = AptPin.Kind(rawValue: word), packages != "*" || kind == .release || kind == .origin else {
                continue
            }
            let data = String(pin.dropFirst(word.count).drop { $0.isWhitespace })
            let text = fields.value("pin-priority") ?? ""
            var priority: Int
            if text == "never" {
                guard packages == "*" else {
                    throw .malformed(path: path, line: line, reason: "Pin-Priority: never is for Package: * only")
                }
                priority = AptPin.never
            } else {
                let digits = text.prefix { $0 == "-" || $0 == "+" || $0.isASCII && $0.isNumber }
                guard let number = Int(digits), number != 0 else {
                    throw .malformed(path: path, line: line, reason: "a record has no priority, or 0")
                }
                guard (-32768...32767).contains(number) else {
                    throw .malformed(
                        path: path, line: line, reason: "the priority \(number) is not within -32768 and 32767")
                }
                priority = max(number, AptPin.never + 1)
            }
            let names = packages == "*" ? [""] : packages.split(whereSeparator: { $0.isWhitespace }).map(String.init)
            for name in names {
                pins.append(
                    AptPin(package: name, kind: kind, data: data, priority: priority, place: "\(path):\(line)"))
            }
            guard pins.count <= 100_000 else {
                throw .malformed(path: path, line: line, reason: "there are more than 100,000 records")
            }
        }
    }
}
