import CYAML
public import Policy

/// Policies that are written as YAML 1.2 in its core schema: documents with the place of every value.
///
/// libyaml gives the events; what they may be is limited here: size, depth, number of values (those that aliases repeat counted each
/// time), no tags, no merge keys, no name twice, names are texts.
public enum PolicyYAML {
    /// Reads the documents of a file; empty ones are left out.
    ///
    /// - Parameters:
    ///   - bytes: The file's; JSON is YAML too.
    ///   - file: Its name, for messages.
    /// - Throws: ``PolicyProblem`` with line, column and cure.
    public static func documents(_ bytes: [UInt8], file: String) throws(PolicyProblem) -> [PolicyNode] {
        guard bytes.count <= PolicyLimits.maximumBytes else {
            throw PolicyProblem(
                at: PolicyPlace(file: file, line: 1, column: 1),
                message: "the file has \(bytes.count) bytes, and may have \(PolicyLimits.maximumBytes); split it")
        }
        var reader = EventReader(file: file)
        guard reader.begin() else {
            throw PolicyProblem(
                at: PolicyPlace(file: file, line: 1, column: 1),
                message: "there is no memory to read it with; try again")
        }
        defer { reader.end() }
        // The parser keeps the address and no copy.
        return try bytes.withUnsafeBufferPointer { buffer throws(PolicyProblem) in
            reader.take(buffer)
            return try reader.documents()
        }
    }
}

/// Builds values of libyaml's events.
private struct EventReader {
    private let file: String
    private let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
    private let event = UnsafeMutablePointer<yaml_event_t>.allocate(capacity: 1)
    /// Values with a name, with how many values they are and how deep, of this document.
    private var anchors: [String: (node: PolicyNode, count: Int, height: Int)] = [:]
    private var nodes = 0
    private var aliases = 0

    init(file: String) { self.file = file }

    func begin() -> Bool {
        if yaml_parser_initialize(parser) == 1 { return true }
        parser.deallocate()
        event.deallocate()
        return false
    }

    func take(_ bytes: UnsafeBufferPointer<UInt8>) {
        yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
    }

    func end() {
        yaml_parser_delete(parser)
        parser.deallocate()
        event.deallocate()
    }

    mutating func documents() throws(PolicyProblem) -> [PolicyNode] {
        var found: [PolicyNode] = []
        while true {
            try next()
            let kind = event.pointee.type
            yaml_event_delete(event)
            switch kind {
            case YAML_STREAM_START_EVENT, YAML_DOCUMENT_END_EVENT: continue
            case YAML_DOCUMENT_START_EVENT:
                anchors = [:]
                let node = try node(depth: 1)
                // A list of documents is what `fettle policy show -o json` writes.
                if case .list(let all) = node.content, file.hasSuffix(".json") {
                    found += all
                } else if node.content != .null {
                    found.append(node)
                }
            default: return found
            }
        }
    }

    /// Reads the next event; the caller deletes it.
    private mutating func next() throws(PolicyProblem) {
        guard yaml_parser_parse(parser, event) == 1 else {
            let parser = parser.pointee
            let problem = parser.problem.map { String(cString: $0) } ?? "it cannot be read"
            let context = parser.context.map { String(cString: $0) + ": " } ?? ""
            let isReader = parser.error == YAML_READER_ERROR
            throw PolicyProblem(
                at: isReader
                    ? PolicyPlace(file: file, line: Int(parser.mark.line) + 1, column: Int(parser.mark.column) + 1)
                    : place(parser.problem_mark),
                message: "this is no YAML: \(context)\(problem); "
                    + (isReader
                        ? "save the file as UTF-8"
                        : "indent with spaces alone, and put texts with special characters in quotation marks"))
        }
    }

    private func place(_ mark: yaml_mark_t) -> PolicyPlace {
        PolicyPlace(file: file, line: Int(mark.line) + 1, column: Int(mark.column) + 1)
    }

    private func problem(_ place: PolicyPlace, _ message: String) -> PolicyProblem {
        PolicyProblem(at: place, message: message)
    }

    private mutating func node(depth: Int) throws(PolicyProblem) -> PolicyNode {
        try next()
        return try value(depth: depth)
    }

    /// The value that the event in hand begins; deletes the event.
    private mutating func value(depth: Int) throws(PolicyProblem) -> PolicyNode {
        let at = place(event.pointee.start_mark)
        let kind = event.pointee.type
        var anchor: String?
        var tag: String?
        var text = ""
        var isPlain = false
        func string(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
            pointer.map { String(cString: UnsafePointer($0)) }
        }
        switch kind {
        case YAML_SCALAR_EVENT:
            let scalar = event.pointee.data.scalar
            text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            isPlain = scalar.style == YAML_PLAIN_SCALAR_STYLE
            anchor = string(scalar.anchor)
            tag = string(scalar.tag)
        case YAML_ALIAS_EVENT: anchor = string(event.pointee.data.alias.anchor)
        case YAML_SEQUENCE_START_EVENT:
            anchor = string(event.pointee.data.sequence_start.anchor)
            tag = string(event.pointee.data.sequence_start.tag)
        case YAML_MAPPING_START_EVENT:
            anchor = string(event.pointee.data.mapping_start.anchor)
            tag = string(event.pointee.data.mapping_start.tag)
        default: break
        }
        yaml_event_delete(event)
        if let tag {
            throw problem(at, "the tag \(tag.prefix(60)) is not read; take it out, and put texts in quotation marks")
        }
        guard depth <= PolicyLimits.maximumDepth else {
            throw problem(at, "values lie more than \(PolicyLimits.maximumDepth) deep in one another; no policy does")
        }
        let before = nodes
        try count(1, at)
        let content: PolicyNode.Content
        switch kind {
        case YAML_ALIAS_EVENT: return try repeated(anchor ?? "", at, depth)
        case YAML_SCALAR_EVENT: content = isPlain ? PolicyNode.plain(text) : .text(text, isPlain: false)
        case YAML_SEQUENCE_START_EVENT: content = .list(try list(depth))
        case YAML_MAPPING_START_EVENT: content = .map(try map(depth))
        default: throw problem(at, "a value is missing here")
        }
        let node = PolicyNode(content, at: at)
        if let anchor { anchors[anchor] = (node, nodes - before, Self.height(node)) }
        return node
    }

    private mutating func count(_ more: Int, _ at: PolicyPlace) throws(PolicyProblem) {
        nodes += more
        guard nodes <= PolicyLimits.maximumNodes else {
            throw problem(
                at,
                "the file has more than \(PolicyLimits.maximumNodes) values, with those that aliases repeat; split it")
        }
    }

    /// How many levels a value has. It was read, so it has no more than may be.
    private static func height(_ node: PolicyNode) -> Int {
        switch node.content {
        case .list(let values): 1 + (values.map(height).max() ?? 0)
        case .map(let members): 1 + (members.map { height($0.value) }.max() ?? 0)
        default: 1
        }
    }

    private mutating func repeated(
        _ name: String, _ at: PolicyPlace, _ depth: Int
    ) throws(PolicyProblem) -> PolicyNode {
        guard let known = anchors[name] else {
            throw problem(
                at, "the alias *\(name.prefix(60)) has no &\(name.prefix(60)) before it in this document; write it out")
        }
        aliases += 1
        guard aliases <= PolicyLimits.maximumAliases else {
            throw problem(at, "the file has more than \(PolicyLimits.maximumAliases) aliases; write values out")
        }
        try count(known.count - 1, at)
        guard depth + known.height - 1 <= PolicyLimits.maximumDepth else {
            throw problem(
                at,
                "with *\(name.prefix(60)) values lie more than \(PolicyLimits.maximumDepth) deep in one another; no policy does"
            )
        }
        return PolicyNode(known.node.content, at: at)
    }

    private mutating func list(_ depth: Int) throws(PolicyProblem) -> [PolicyNode] {
        var values: [PolicyNode] = []
        while true {
            try next()
            if event.pointee.type == YAML_SEQUENCE_END_EVENT {
                yaml_event_delete(event)
                return values
            }
            values.append(try value(depth: depth + 1))
        }
    }

    private mutating func map(_ depth: Int) throws(PolicyProblem) -> [PolicyNode.Member] {
        var members: [PolicyNode.Member] = []
        var names: Set<String> = []
        while true {
            try next()
            if event.pointee.type == YAML_MAPPING_END_EVENT {
                yaml_event_delete(event)
                return members
            }
            let key = try value(depth: depth + 1)
            guard case .text(let name, let isPlain) = key.content else {
                throw problem(key.place, "a key must be a text; put it in quotation marks")
            }
            if name == "<<", isPlain {
                throw problem(
                    key.place, "merge keys (<<) are not of YAML 1.2; write the keys out, or repeat a value by *alias")
            }
            guard names.insert(name).inserted else {
                throw problem(key.place, "the key \"\(name.prefix(64))\" stands here a second time; keep one")
            }
            members.append(.init(name: name, place: key.place, value: try node(depth: depth + 1)))
        }
    }
}
