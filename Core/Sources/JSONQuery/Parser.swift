/// Reads tokens by the binding powers of the reference implementation, so that both read the same tree.
struct Parser {
    private let tokens: [(token: Token, offset: Int)]
    private var position = 0
    private var depth = 0

    /// Below this power a token ends a projection.
    private static let projectionStop = 10

    init(tokens: [(token: Token, offset: Int)]) { self.tokens = tokens }

    mutating func whole() throws(JSONQueryError) -> Node {
        guard current != .end else { throw JSONQueryError(offset: 0, "the expression is empty") }
        let node = try expression(0)
        guard current == .end else { throw unexpected("an operator or the end") }
        return node
    }

    private var current: Token { tokens[position].token }
    private var following: Token { tokens[min(position + 1, tokens.count - 1)].token }

    private mutating func advance() { position = min(position + 1, tokens.count - 1) }

    private mutating func match(_ token: Token) throws(JSONQueryError) {
        guard current == token else { throw unexpected(token.shown) }
        advance()
    }

    private func unexpected(_ wanted: String) -> JSONQueryError {
        JSONQueryError(offset: tokens[position].offset, "here is \(current.shown) where \(wanted) belongs")
    }

    private mutating func expression(_ power: Int) throws(JSONQueryError) -> Node {
        depth += 1
        defer { depth -= 1 }
        guard depth <= JSONQuery.maximumDepth else {
            throw JSONQueryError(
                offset: tokens[position].offset, "the expression is nested deeper than \(JSONQuery.maximumDepth)")
        }
        var left = try prefix()
        var length = 0
        while power < current.power {
            length += 1
            guard length <= 256 else {
                throw JSONQueryError(offset: tokens[position].offset, "the expression has more than 256 steps")
            }
            left = try infix(left)
        }
        return left
    }

    // MARK: - What begins an expression

    private mutating func prefix() throws(JSONQueryError) -> Node {
        let token = current
        guard token != .end else { throw unexpected("a name or a value") }
        let fault = unexpected("a name or a value")
        advance()
        switch token {
        case .literal(let value): return .literal(value)
        case .name(let name): return .field(name)
        case .quoted(let name):
            if current == .openParenthesis { throw unexpected("no call: a function's name is not quoted") }
            return .field(name)
        case .star:
            if current == .closeBracket { return .valueProjection(.identity, .identity) }
            return .valueProjection(.identity, try projected(Token.star.power))
        case .filter: return try filtered(.identity)
        case .openBrace: return try hash()
        case .openParenthesis:
            let inner = try expression(0)
            try match(.closeParenthesis)
            return inner
        case .flatten: return .projection(.flatten(.identity), try projected(Token.flatten.power))
        case .not: return .not(try expression(Token.not.power))
        case .openBracket:
            switch current {
            case .number, .colon: return try indexed(.identity)
            case .star where following == .closeBracket:
                advance()
                advance()
                return .projection(.identity, try projected(Token.star.power))
            default: return try list()
            }
        case .current: return .identity
        case .reference: return .reference(try expression(0))
        default: throw fault
        }
    }

    // MARK: - What goes on with one

    private mutating func infix(_ left: Node) throws(JSONQueryError) -> Node {
        let (token, offset) = tokens[position]
        let fault = unexpected("an operator")
        advance()
        switch token {
        case .dot:
            if current == .star {
                advance()
                return .valueProjection(left, try projected(Token.star.power))
            }
            return .chain(left, try afterDot(Token.dot.power))
        case .pipe: return .chain(left, try expression(Token.pipe.power))
        case .or: return .or(left, try expression(Token.or.power))
        case .and: return .and(left, try expression(Token.and.power))
        case .comparison(let comparison): return .comparison(comparison, left, try expression(token.power))
        case .openParenthesis:
            guard case .field(let name) = left else {
                throw JSONQueryError(offset: offset, "only a name is called")
            }
            var arguments: [Node] = []
            while current != .closeParenthesis {
                arguments.append(try expression(0))
                guard current == .comma else { break }
                advance()
                if current == .closeParenthesis { throw unexpected("an argument") }
            }
            try match(.closeParenthesis)
            try Functions.check(name, arguments, offset: offset)
            return .function(name, arguments, offset: offset)
        case .filter: return try filtered(left)
        case .flatten: return .projection(.flatten(left), try projected(Token.flatten.power))
        case .openBracket:
            switch current {
            case .number, .colon: return try indexed(left)
            default:
                try match(.star)
                try match(.closeBracket)
                return .projection(left, try projected(Token.star.power))
            }
        default: throw fault
        }
    }

    /// What is done with each element of a projection.
    private mutating func projected(_ power: Int) throws(JSONQueryError) -> Node {
        if current.power < Self.projectionStop { return .identity }
        switch current {
        case .openBracket, .filter: return try continued(power)
        case .dot:
            advance()
            return try afterDot(power)
        default: throw unexpected("\".\", \"[\" or the end")
        }
    }

    private mutating func continued(_ power: Int) throws(JSONQueryError) -> Node { try expression(power) }

    private mutating func afterDot(_ power: Int) throws(JSONQueryError) -> Node {
        switch current {
        case .name, .quoted, .star: return try expression(power)
        case .openBracket:
            advance()
            return try list()
        case .openBrace:
            advance()
            return try hash()
        default: throw unexpected("a name, \"*\", \"[\" or \"{\"")
        }
    }

    private mutating func filtered(_ left: Node) throws(JSONQueryError) -> Node {
        let condition = try expression(0)
        try match(.closeBracket)
        let right = current == .flatten ? Node.identity : try projected(Token.filter.power)
        return .filter(left, right, condition: condition)
    }

    private mutating func indexed(_ left: Node) throws(JSONQueryError) -> Node {
        if current != .colon, following != .colon, case .number(let index) = current {
            advance()
            try match(.closeBracket)
            return .chain(left, .index(index))
        }
        var parts: [Int?] = [nil, nil, nil]
        var part = 0
        while current != .closeBracket {
            switch current {
            case .colon:
                part += 1
                guard part < 3 else { throw unexpected("\"]\"") }
            case .number(let number):
                guard parts[part] == nil else { throw unexpected("\":\" or \"]\"") }
                parts[part] = number
            default: throw unexpected("a number, \":\" or \"]\"")
            }
            advance()
        }
        let place = tokens[position].offset
        try match(.closeBracket)
        guard parts[2] != 0 else { throw JSONQueryError(offset: place, "the step of a slice is not 0") }
        return .projection(.chain(left, .slice(parts[0], parts[1], parts[2])), try projected(Token.star.power))
    }

    private mutating func list() throws(JSONQueryError) -> Node {
        var nodes: [Node] = []
        while true {
            nodes.append(try expression(0))
            if current == .closeBracket { break }
            try match(.comma)
        }
        try match(.closeBracket)
        return .list(nodes)
    }

    private mutating func hash() throws(JSONQueryError) -> Node {
        var members: [(name: String, value: Node)] = []
        while true {
            switch current {
            case .name(let name), .quoted(let name):
                advance()
                try match(.colon)
                members.append((name, try expression(0)))
            default: throw unexpected("a name")
            }
            if current == .closeBrace { break }
            try match(.comma)
        }
        try match(.closeBrace)
        return .hash(members)
    }
}
