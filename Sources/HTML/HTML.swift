/// A piece of an HTML document that cannot hold unescaped text.
///
/// Elements come only from the functions of this module, their names and their attributes' names are literals of its
/// source, and every text is escaped when it is written: there is no way to put markup in from a string.
public struct HTML: Sendable {
    indirect enum Node: Sendable {
        case text(String)
        case element(StaticString, [Attribute], HTML)
        case void(StaticString, [Attribute])
        case sequence([HTML])
        case document(HTML)
    }

    let node: Node

    init(_ node: Node) {
        self.node = node
    }

    /// Text, escaped when written.
    public init(_ text: String) {
        node = .text(text)
    }

    /// Pieces one after the other.
    public init(_ pieces: [HTML]) {
        node = .sequence(pieces)
    }

    /// Pieces in the manner of a result builder.
    public init(@HTMLBuilder _ content: () -> HTML) {
        self = content()
    }

    /// Nothing.
    public static let empty = HTML(.sequence([]))

    /// A whole document: this is its root element.
    public static func document(_ root: HTML) -> HTML { HTML(.document(root)) }

    /// Whether nothing would be written.
    public var isEmpty: Bool {
        switch node {
        case .text(let text): text.isEmpty
        case .sequence(let pieces): pieces.allSatisfy(\.isEmpty)
        default: false
        }
    }

    /// Appends the piece in UTF-8.
    public func write(to bytes: inout [UInt8]) {
        switch node {
        case .text(let text):
            Escaping.append(text, to: &bytes)
        case .sequence(let pieces):
            for piece in pieces { piece.write(to: &bytes) }
        case .void(let name, let attributes):
            Self.open(name, attributes, &bytes)
        case .element(let name, let attributes, let content):
            Self.open(name, attributes, &bytes)
            content.write(to: &bytes)
            bytes.append(contentsOf: [UInt8(ascii: "<"), UInt8(ascii: "/")])
            bytes.append(name)
            bytes.append(UInt8(ascii: ">"))
        case .document(let root):
            bytes.append(contentsOf: "<!doctype html>\n".utf8)
            root.write(to: &bytes)
            bytes.append(UInt8(ascii: "\n"))
        }
    }

    /// The piece in UTF-8.
    public func bytes() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(32 << 10)
        write(to: &bytes)
        return bytes
    }

    private static func open(_ name: StaticString, _ attributes: [Attribute], _ bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "<"))
        bytes.append(name)
        for attribute in attributes { attribute.write(to: &bytes) }
        bytes.append(UInt8(ascii: ">"))
    }
}

extension HTML: ExpressibleByStringInterpolation {
    public init(stringLiteral text: String) {
        node = .text(text)
    }
}

extension [UInt8] {
    /// Appends a literal of the source.
    mutating func append(_ literal: StaticString) {
        literal.withUTF8Buffer { append(contentsOf: $0) }
    }
}
