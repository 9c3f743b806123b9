import Access
import Hummingbird
import Store

/// Whoever makes a request, with what they may do.
struct Caller: Sendable {
    /// What they may do, and how the audit log names them.
    let principal: Principal
    /// What they came in with.
    let credential: Credential
    /// Their address, for the audit log's personal data.
    let address: String
    /// The person behind it; nil for the operator's socket.
    let user: UserSummary?

    /// Who may open the server's socket may do everything.
    static let socket = Caller(
        principal: Principal(id: "operator:socket", grants: [Grant(.admin, organisation: nil)]), credential: .socket,
        address: "local", user: nil)

    /// The user's or the socket's name in the audit log: who, not with what.
    var actor: String { user.map { "user:\($0.id)" } ?? principal.id }
}

/// What a caller came in with.
enum Credential: Sendable, Hashable {
    /// The operator's Unix socket: whoever may open it may do everything.
    case socket
    /// A browser's session; `csrf` is the token that its forms carry.
    case session(id: String, csrf: String)
    /// A program's token.
    case apiToken(id: String)
}

/// What pages and answers tell of a user.
struct UserSummary: Sendable, Hashable {
    let id: String
    let name: String
    /// What people call them; their name where nobody said.
    let displayName: String
    let email: String
    /// Whether they came in by a link and have no password yet: they are to set one first.
    let needsPassword: Bool
    /// Whether they log in with a second factor.
    let hasSecondFactor: Bool

    init(_ user: UserRecord) {
        id = user.id
        name = user.name
        displayName = user.displayName.isEmpty ? user.name : user.displayName
        email = user.email
        needsPassword = user.password == nil
        hasSecondFactor = user.totpSecret != nil
    }
}

/// Finds out who sends a request; nil for nobody that is known.
typealias Authentication = @Sendable (Request, Exchange) async throws -> Caller?
