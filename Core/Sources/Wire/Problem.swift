public import JSON

/// An error answer, `application/problem+json` (RFC 9457), that also says what to do next.
public struct Problem: Hashable, Sendable {
    /// Names the kind for programs: `urn:fettle:problem:token-expired`.
    public var type: String
    /// The kind in a few words.
    public var title: String
    /// The HTTP status.
    public var status: Int
    /// What happened, in this case.
    public var detail: String
    /// What to do next.
    public var cure: String
    /// The place in the request, as a JSON pointer (RFC 6901); nil where there is none.
    public var pointer: String?
    /// All that is wrong, place by place, where more than one thing can be.
    public var errors: [Fault] = []
    /// Names the request, for whoever reads the server's log; nil where it has no name.
    public var instance: String?

    /// One thing that is wrong with a request.
    public struct Fault: Hashable, Sendable {
        /// The place in the body, as a JSON pointer (RFC 6901); nil where it is a parameter.
        public var pointer: String?
        /// The parameter: `query limit`, `header If-Match`; nil where it is in the body.
        public var parameter: String?
        /// What is wrong.
        public var detail: String
        /// What would be right.
        public var cure: String

        /// A fault at that place.
        public init(pointer: String? = nil, parameter: String? = nil, detail: String, cure: String) {
            self.pointer = pointer
            self.parameter = parameter
            self.detail = detail
            self.cure = cure
        }

        var json: JSONValue {
            var fields: [String: JSONValue] = ["detail": .string(detail), "cure": .string(cure)]
            if let pointer { fields["pointer"] = .string(pointer) }
            if let parameter { fields["parameter"] = .string(parameter) }
            return .object(fields)
        }

        init?(json: JSONValue) {
            guard let detail = json["detail"]?.string, let cure = json["cure"]?.string else { return nil }
            self.init(
                pointer: json["pointer"]?.string, parameter: json["parameter"]?.string, detail: detail, cure: cure)
        }
    }

    /// A problem of that kind; `kind` becomes the last part of ``type``.
    public init(_ kind: String, title: String, status: Int, detail: String, cure: String, pointer: String? = nil) {
        self.type = Self.prefix + kind
        self.title = title
        self.status = status
        self.detail = detail
        self.cure = cure
        self.pointer = pointer
    }

    private static let prefix = "urn:fettle:problem:"

    /// The last part of ``type``: `token-expired`.
    public var kind: String {
        type.hasPrefix(Self.prefix) ? String(type.dropFirst(Self.prefix.count)) : type
    }

    /// The body.
    public var json: JSONValue {
        var fields: [String: JSONValue] = [
            "type": .string(type), "title": .string(title), "status": .integer(Int64(status)),
            "detail": .string(detail), "cure": .string(cure),
        ]
        if let pointer { fields["pointer"] = .string(pointer) }
        if let instance { fields["instance"] = .string(instance) }
        if !errors.isEmpty { fields["errors"] = .array(errors.map(\.json)) }
        return .object(fields)
    }

    /// Reads a body; members that are not ours are ignored, as RFC 9457 asks.
    public init?(json: JSONValue) {
        guard case .object(let fields) = json, case .string(let type)? = fields["type"],
            case .integer(let status)? = fields["status"]
        else { return nil }
        func text(_ key: String) -> String? {
            if case .string(let text)? = fields[key] { text } else { nil }
        }
        self.init(
            "", title: text("title") ?? "", status: Int(status), detail: text("detail") ?? "", cure: text("cure") ?? "",
            pointer: text("pointer"))
        self.type = type
        instance = text("instance")
        if case .array(let items)? = fields["errors"] { errors = items.prefix(100).compactMap(Fault.init(json:)) }
    }
}
