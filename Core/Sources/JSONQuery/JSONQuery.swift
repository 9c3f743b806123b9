public import JSON

/// A query over JSON in the language JMESPath (https://jmespath.org/specification.html), whole.
///
///     try JSONQuery("[?security.value > `0`].hostname").evaluate(hosts)
///
/// Where the specification leaves the order of an object's members open (`*`, `keys`, `values`) it is that of their
/// names. `<`, `<=`, `>` and `>=` compare strings too, as the reference implementation does: by their code points.
public struct JSONQuery: Sendable {
    /// The largest expression, in bytes.
    public static let maximumBytes = 8192
    /// The deepest nesting of an expression.
    public static let maximumDepth = 64

    let root: Node

    /// Reads an expression.
    public init(_ text: String) throws(JSONQueryError) {
        guard text.utf8.count <= Self.maximumBytes else {
            throw JSONQueryError(offset: Self.maximumBytes, "the expression has more than \(Self.maximumBytes) bytes")
        }
        var lexer = Lexer(text)
        var parser = Parser(tokens: try lexer.tokens())
        root = try parser.whole()
    }

    /// The result; `null` where nothing matches.
    ///
    /// - Throws: where a function is given what it cannot take, or the result would be beyond measure.
    public func evaluate(_ value: JSONValue) throws(JSONQueryError) -> JSONValue {
        var interpreter = Interpreter()
        return try interpreter.evaluate(root, value)
    }

    /// The names of the last multi-select hash in the order in which they were written: the columns that whoever wrote
    /// `[].{host: hostname, id: id}` wants; nil where the expression does not end in one.
    public var columns: [String]? { root.columns }
}

/// Why an expression cannot be read or evaluated.
public struct JSONQueryError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The place in the expression, in bytes from its beginning; nil for a fault of its evaluation.
    public let offset: Int?
    /// What is wrong.
    public let reason: String

    init(offset: Int? = nil, _ reason: String) {
        self.offset = offset
        self.reason = reason
    }

    /// One line: place and reason.
    public var description: String { offset.map { "at byte \($0 + 1): \(reason)" } ?? reason }
}

/// The tree of an expression.
indirect enum Node: Sendable {
    case identity
    case literal(JSONValue)
    case field(String)
    case index(Int)
    case slice(Int?, Int?, Int?)
    /// The second is evaluated on the result of the first.
    case chain(Node, Node)
    /// `left[*].right`
    case projection(Node, Node)
    /// `left.*.right`
    case valueProjection(Node, Node)
    /// `left[?condition].right`
    case filter(Node, Node, condition: Node)
    case flatten(Node)
    case list([Node])
    case hash([(name: String, value: Node)])
    case or(Node, Node)
    case and(Node, Node)
    case not(Node)
    case comparison(Comparison, Node, Node)
    case function(String, [Node], offset: Int)
    /// `&expression`, an argument of `sort_by` and its like.
    case reference(Node)

    enum Comparison: Sendable {
        case equal, unequal, less, lessOrEqual, greater, greaterOrEqual
    }

    var columns: [String]? {
        switch self {
        case .hash(let members): members.map(\.name)
        case .chain(let left, .identity), .projection(let left, .identity): left.columns
        case .chain(_, let right), .projection(_, let right), .valueProjection(_, let right), .filter(_, let right, _):
            right.columns
        case .function("sort_by", let arguments, _), .function("reverse", let arguments, _):
            arguments.first?.columns
        default: nil
        }
    }

    var isField: Bool { if case .field = self { true } else { false } }
}
