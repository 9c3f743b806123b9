import Access
import Hummingbird
import NIOCore

/// Whoever sends a request, as far as they have proved it.
struct Caller: Sendable {
    /// Who, and what they may do.
    let principal: Principal
    /// How they proved it.
    let credential: Credential
    /// Where from, for the audit log; `local` on the Unix socket.
    let address: String
    /// The person behind it; nil for the socket.
    let user: UserSummary?

    /// Who may open the server's socket may do everything.
    static let socket = Caller(
        principal: Principal(id: "operator:socket", grants: [Grant(.admin, organisation: nil)]), credential: .socket,
        address: "local", user: nil)
}

/// What a request was authenticated by.
enum Credential: Sendable, Hashable {
    /// The server's Unix socket, which only its owner may open.
    case socket
    /// A session's cookie. What changes something needs the CSRF token too.
    case session(id: String, csrf: String)
    /// An API token in `Authorization: Bearer`.
    case apiToken(id: String)
}

/// A person, as shown to themselves and others.
struct UserSummary: Sendable, Hashable {
    /// The id: `u-…`.
    let id: String
    /// What they log in with.
    let name: String
    /// What they are called.
    let displayName: String
}

/// Finds out who sends a request; nil for nobody that is known.
typealias Authentication = @Sendable (Request, Exchange) async throws -> Caller?
