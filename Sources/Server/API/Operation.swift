import Access
import HTTPTypes

/// One thing that the API can do. The table of these is the API: the router runs it, the OpenAPI document is made of it,
/// and the walk of the tests goes through it.
///
/// To add one, write it in a file below `Operations` and name its list in ``OperationTable/all``. Everything that is
/// common (who may, where, parameters, bodies, pages, preconditions, repeats) is said here and done by the router.
struct Operation: Sendable {
    /// The method. GET answers HEAD too.
    let method: HTTPRequest.Method
    /// The path, with parameters in braces; each is declared in ``parameters``.
    let path: PathTemplate
    /// A name for programs and metrics: `listHosts`.
    let id: String
    /// The chapter of the document.
    let tag: Tag
    /// What it does, in a few words.
    let summary: String
    /// What else there is to know.
    let description: String
    /// Who may.
    let access: OperationAccess
    /// Whose things it is about.
    let about: Subject
    /// What may be in path and query; a query parameter that is not declared is refused.
    let parameters: [Parameter]
    /// The request's body; nil where it takes none.
    let body: BodyDeclaration?
    /// What it answers when it succeeds, and problems of its own. What the router answers need not be declared.
    let responses: [ResponseDeclaration]
    /// What the router does besides.
    let traits: Set<Trait>
    /// Does it.
    let handler: @Sendable (Call) async throws -> Answer

    /// Chapters of the document.
    enum Tag: String, Sendable, CaseIterable {
        case hosts = "Hosts"
        case patches = "Patches"
        case vulnerabilities = "Vulnerabilities"
        case campaigns = "Campaigns"
        case policies = "Policies"
        case enrolment = "Enrolment"
        case organisations = "Organisations"
        case audit = "Audit"
        case people = "People"
        case search = "Search"
        case server = "Server"
        case description = "This API"
    }

    /// Whose things an operation is about.
    enum Subject: Sendable, Hashable {
        /// An organisation's: the path parameter `organisation`, else the query parameter of that name, else the only
        /// one that the caller knows, else `default`. The router checks that there is one and that the caller knows it.
        case organisation
        /// The installation's, or the caller's own.
        case installation
    }

    /// What the router does for an operation.
    enum Trait: Sendable, Hashable {
        /// Takes `limit` (1 to 500) and `cursor`; the answer is ``Answer/page(_:next:more:)``.
        case paginated
        /// Needs If-Match with the ETag of what is changed; the handler calls ``Call/requireMatch(_:)``.
        case conditional
        /// Reads the body as its declared type whatever Content-Type says: for clients of others' APIs that send none.
        case anyMediaType
    }

    init(
        _ method: HTTPRequest.Method, _ path: PathTemplate, id: String, tag: Tag, summary: String,
        description: String = "", access: OperationAccess, about: Subject = .organisation,
        parameters: [Parameter] = [], body: BodyDeclaration? = nil, responses: [ResponseDeclaration],
        traits: Set<Trait> = [], handler: @escaping @Sendable (Call) async throws -> Answer
    ) {
        self.method = method
        self.path = path
        self.id = id
        self.tag = tag
        self.summary = summary
        self.description = description
        self.access = access
        self.about = about
        self.parameters = parameters
        self.body = body
        self.responses = responses
        self.traits = traits
        self.handler = handler
    }
}

/// Who may run an operation. There is no default.
enum OperationAccess: Sendable, Hashable {
    /// Anybody who reaches the listener.
    case open
    /// Anybody who is signed in; the answer holds only what is theirs to see.
    case signedIn
    /// Whoever has the permission there; ``Call/reach`` says how far it goes.
    case permission(Permission)
}

/// A parameter of an operation.
struct Parameter: Sendable, Hashable {
    /// Where it is sent.
    enum Place: String, Sendable, Hashable {
        case path, query, header
    }

    let place: Place
    let name: String
    let schema: Schema
    let isRequired: Bool
    let description: String

    /// A part of the path.
    static func path(_ name: String, _ schema: Schema, _ description: String) -> Parameter {
        Parameter(place: .path, name: name, schema: schema, isRequired: true, description: description)
    }

    /// A part of the query, which may be absent.
    static func query(_ name: String, _ schema: Schema, _ description: String) -> Parameter {
        Parameter(place: .query, name: name, schema: schema, isRequired: false, description: description)
    }

    /// A header field.
    static func header(_ name: String, _ schema: Schema, _ description: String, required: Bool = false) -> Parameter {
        Parameter(place: .header, name: name, schema: schema, isRequired: required, description: description)
    }
}

/// A request's body.
struct BodyDeclaration: Sendable {
    /// Its media type.
    let mediaType: String
    /// What it looks like.
    let schema: Schema
    /// Whether it must be sent.
    let isRequired: Bool
    /// The most bytes.
    let maximumBytes: Int

    init(
        _ schema: Schema, mediaType: String = "application/json", isRequired: Bool = true, maximumBytes: Int = 64 << 10
    ) {
        self.schema = schema
        self.mediaType = mediaType
        self.isRequired = isRequired
        self.maximumBytes = maximumBytes
    }

    /// A JSON object to merge into what is there (RFC 7396).
    static func mergePatch(_ schema: Schema) -> BodyDeclaration {
        BodyDeclaration(schema, mediaType: "application/merge-patch+json")
    }
}

/// An answer that an operation may give.
struct ResponseDeclaration: Sendable {
    let status: HTTPResponse.Status
    let description: String
    /// The body's media type; nil where there is no body.
    let mediaType: String?
    /// The body; nil where it is not JSON.
    let schema: Schema?
    /// Header fields of its own.
    let headers: [Parameter]

    init(
        _ status: HTTPResponse.Status, _ description: String, _ schema: Schema? = nil, mediaType: String? = nil,
        headers: [Parameter] = []
    ) {
        self.status = status
        self.description = description
        self.schema = schema
        self.mediaType = mediaType ?? (schema == nil ? nil : "application/json")
        self.headers = headers
    }

    /// A success.
    static func ok(_ schema: Schema, _ description: String = "Done.") -> ResponseDeclaration {
        ResponseDeclaration(.ok, description, schema)
    }

    /// Something was made; Location says where it is.
    static func created(_ schema: Schema, _ description: String) -> ResponseDeclaration {
        ResponseDeclaration(
            .created, description, schema, headers: [.header("Location", .text(), "The path of what was made.")])
    }

    /// A problem that the operation itself may answer with.
    static func problem(_ status: HTTPResponse.Status, _ description: String) -> ResponseDeclaration {
        ResponseDeclaration(
            status, description, .component(ProblemSchema.component), mediaType: "application/problem+json")
    }
}
