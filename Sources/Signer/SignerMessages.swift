public import JSON
public import Orders

/// What the signer is asked. On the socket: four bytes of length (big-endian), then JSON; one question and one answer a
/// connection.
public enum SignerRequest: Sendable {
    /// The current roles document of that organisation.
    case roles(organisation: String)
    /// To sign a release; the document's `issued` is the signer's own, see ``Signer``.
    case release(ReleaseDocument, hosts: [String], author: String)
    /// To sign a release anew that only lets hosts be taken back, of a plan that was released here before. The date of issue
    /// is the signer's own; approvals are those that it remembers. The document's, and the plan's author, are asked for only
    /// where the release is of before they were kept, see ``Signer``.
    case rollback(ReleaseDocument, author: String)
    /// To sign a grant.
    case grant(GrantDocument)
    /// To sign a ticket.
    case ticket(TicketDocument)
    /// Whether it works.
    case status

    /// The most bytes of a question: a plan of 100,000 hosts.
    public static let maximumBytes = 8 << 20
    static let limits = JSONLimits(
        maximumBytes: maximumBytes, maximumDepth: 18, maximumItems: 300_000, maximumStringBytes: 128 << 10)

    /// The question as JSON.
    public var json: JSONValue {
        switch self {
        case .roles(let organisation): ["ask": "roles", "organisation": .string(organisation)]
        case .release(let document, let hosts, let author):
            [
                "ask": "release", "document": document.json, "hosts": .array(hosts.map(JSONValue.string)),
                "author": .string(author),
            ]
        case .rollback(let document, let author):
            ["ask": "rollback", "document": document.json, "author": .string(author)]
        case .grant(let document): ["ask": "grant", "document": document.json]
        case .ticket(let document): ["ask": "ticket", "document": document.json]
        case .status: ["ask": "status"]
        }
    }

    /// Reads a question.
    public init(json: JSONValue) throws(JSONError) {
        var object = try JSONObject(json)
        let ask = try object.string("ask", maximumBytes: 16)
        switch ask {
        case "roles": self = .roles(organisation: try object.string("organisation", maximumBytes: 64))
        case "release":
            self = .release(
                try ReleaseDocument(json: object.value("document")),
                hosts: try object.strings("hosts", maximumCount: 100_000, maximumBytes: 64),
                author: try object.string("author", maximumBytes: 128))
        case "rollback":
            self = .rollback(
                try ReleaseDocument(json: object.value("document")),
                // A server of before does not tell it.
                author: try object.optionalString("author", maximumBytes: 128) ?? "")
        case "grant": self = .grant(try GrantDocument(json: object.value("document")))
        case "ticket": self = .ticket(try TicketDocument(json: object.value("document")))
        case "status": self = .status
        default:
            throw JSONError(.outOfBounds, pointer: "/ask", reason: "unknown question \"\(ask)\"")
        }
        try object.finish()
    }
}

/// What the signer answers.
public enum SignerReply: Sendable {
    /// The signed document.
    case signed(Envelope)
    /// Nothing was signed.
    case refused(SignerRefusal)
    /// It works, with the ids of its keys by role.
    case works(keys: [String: String])

    /// The most bytes of an answer.
    public static let maximumBytes = 1 << 20

    /// The answer as JSON.
    public var json: JSONValue {
        switch self {
        case .signed(let envelope): ["signed": envelope.json]
        case .refused(let refusal): ["refused": refusal.json]
        case .works(let keys): ["works": .object(keys.mapValues { .string($0) })]
        }
    }

    /// Reads an answer.
    public init(json: JSONValue) throws(JSONError) {
        var object = try JSONObject(json)
        if let value = object.optionalValue("signed") {
            self = .signed(try Envelope(json: value, at: "/signed"))
        } else if let refusal = try object.optionalObject("refused") {
            self = .refused(try SignerRefusal(refusal))
        } else {
            var fields = try object.object("works")
            var keys: [String: String] = [:]
            for role in OrderRole.allCases {
                if let key = try fields.optionalString(role.rawValue, maximumBytes: 64) { keys[role.rawValue] = key }
            }
            try fields.finish()
            self = .works(keys: keys)
        }
        try object.finish()
    }
}
