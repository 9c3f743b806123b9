/// Where something stands in a file of policies.
public struct PolicyPlace: Hashable, Sendable, CustomStringConvertible {
    /// The file's name, as the caller gave it.
    public var file: String
    /// The line, from 1 on,
    public var line: Int
    /// and the character in it, from 1 on.
    public var column: Int

    /// A place.
    public init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }

    /// `fleet.yaml:12:5`.
    public var description: String { "\(file):\(line):\(column)" }
}

/// A value of a policy document with its place, whatever format it was read from.
public struct PolicyNode: Hashable, Sendable {
    /// What it is.
    public enum Content: Hashable, Sendable {
        /// Nothing.
        case null
        /// `true` or `false`.
        case bool(Bool)
        /// A number, as it is written.
        case number(String)
        /// A text; whether it stands there without quotation marks.
        case text(String, isPlain: Bool)
        /// A list.
        case list([PolicyNode])
        /// Names with values, in the order of the file; no name twice.
        case map([Member])
    }

    /// A name with its value.
    public struct Member: Hashable, Sendable {
        /// The name,
        public var name: String
        /// where it stands,
        public var place: PolicyPlace
        /// and what it means.
        public var value: PolicyNode

        /// A member of a map.
        public init(name: String, place: PolicyPlace, value: PolicyNode) {
            self.name = name
            self.place = place
            self.value = value
        }
    }

    /// What it is.
    public var content: Content
    /// Where it begins.
    public var place: PolicyPlace

    /// A value at a place.
    public init(_ content: Content, at place: PolicyPlace) {
        self.content = content
        self.place = place
    }

    /// What a scalar without quotation marks is, by the core schema of YAML 1.2 (section 10.3.2).
    public static func plain(_ text: String) -> Content {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        case ".nan", ".NaN", ".NAN": return .number(text)
        default: return isNumber(text) ? .number(text) : .text(text, isPlain: true)
        }
    }

    /// The member of that name; nil where there is none, or where this is no map.
    public subscript(name: String) -> PolicyNode? {
        guard case .map(let members) = content else { return nil }
        return members.first { $0.name == name }?.value
    }

    /// What it is, for a message.
    var phrase: String {
        switch content {
        case .null: "nothing"
        case .bool(let value): "\(value)"
        case .number(let text): "the number \(text.prefix(40))"
        case .text(let text, _): "the text \"\(text.prefix(40))\(text.count > 40 ? "…" : "")\""
        case .list(let values): "a list of \(values.count)"
        case .map(let members): "a map of \(members.count)"
        }
    }

    /// `[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`, `0o…`, `0x…`, `.inf`.
    private static func isNumber(_ text: String) -> Bool {
        var rest = text.utf8[...]
        func digits(_ isDigit: (UInt8) -> Bool = { (0x30...0x39).contains($0) }) -> Int {
            let found = rest.prefix(while: isDigit).count
            rest = rest.dropFirst(found)
            return found
        }
        if rest.starts(with: "0o".utf8) {
            rest = rest.dropFirst(2)
            return digits { (0x30...0x37).contains($0) } > 0 && rest.isEmpty
        }
        if rest.starts(with: "0x".utf8) {
            rest = rest.dropFirst(2)
            return digits {
                (0x30...0x39).contains($0) || (0x41...0x46).contains($0) || (0x61...0x66).contains($0)
            } > 0 && rest.isEmpty
        }
        if rest.first == 0x2B || rest.first == 0x2D { rest = rest.dropFirst() }
        if [".inf", ".Inf", ".INF"].contains(String(Substring(rest))) { return true }
        let whole = digits()
        if rest.first == 0x2E {
            rest = rest.dropFirst()
            if digits() == 0, whole == 0 { return false }
        } else if whole == 0 {
            return false
        }
        if rest.first == 0x65 || rest.first == 0x45 {
            rest = rest.dropFirst()
            if rest.first == 0x2B || rest.first == 0x2D { rest = rest.dropFirst() }
            if digits() == 0 { return false }
        }
        return rest.isEmpty
    }
}

/// How much of a policy is read.
public enum PolicyLimits {
    /// The most bytes of one file.
    public static let maximumBytes = 1 << 20
    /// How deep values may lie in one another.
    public static let maximumDepth = 16
    /// The most values of one file, those that aliases repeat counted each time.
    public static let maximumNodes = 50_000
    /// The most aliases of one file.
    public static let maximumAliases = 1000
    /// The most documents of one set.
    public static let maximumDocuments = 2000
    /// The most bytes of one text.
    public static let maximumTextBytes = 4096
}
