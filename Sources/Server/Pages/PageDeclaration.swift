import Access
import HTTPTypes
import Hummingbird

/// One page or form: everything that a browser can ask for is such a value, so that a test can walk them all.
struct PageDeclaration: Sendable {
    /// GET, or POST for a form.
    let method: HTTPRequest.Method
    /// `/hosts/{host}/labels`.
    let path: String
    /// Its name in metrics.
    let name: String
    /// Who may.
    let access: PageAccess
    /// The query parameters that it reads. Others are dropped: an old bookmark or a mail program's addition must not turn
    /// a page into an error, and what is not declared never reaches a handler.
    let parameters: Set<String>
    /// Answers. Called only for whom ``access`` lets in; of a POST the form was checked to be of their session,
    /// except where the page is open to everybody: such a handler checks the form itself.
    let handler: @Sendable (PageCall) async throws -> Response

    init(
        _ method: HTTPRequest.Method, _ path: String, _ name: String, access: PageAccess, parameters: Set<String> = [],
        _ handler: @escaping @Sendable (PageCall) async throws -> Response
    ) {
        self.method = method
        self.path = path
        self.name = name
        self.access = access
        self.parameters = parameters
        self.handler = handler
    }

    /// The parts of the path: literals, and names in braces.
    var parts: [Substring] { path.split(separator: "/") }

    /// The values of the names in a path; nil where it is another page's.
    func match(_ asked: [String]) -> [String: String]? {
        let parts = parts
        guard parts.count == asked.count else { return nil }
        var values: [String: String] = [:]
        for (part, text) in zip(parts, asked) {
            if part.hasPrefix("{") {
                values[String(part.dropFirst().dropLast())] = text
            } else if part != text {
                return nil
            }
        }
        return values
    }
}

/// Who may see a page. There is no default.
enum PageAccess: Sendable, Hashable {
    /// Everybody: what comes before a login.
    case open
    /// Whoever is signed in: what is their own.
    case signedIn
    /// Whoever has that permission somewhere in the organisation that is shown.
    case permission(Permission)
    /// Whoever has that permission in the installation as a whole.
    case installation(Permission)
}

/// Every page and form.
enum PageTable {
    static let all: [PageDeclaration] =
        EntryPages.all + FleetPages.all + QueuePages.all + VulnerabilityPages.all + ExceptionPages.all
        + EvidencePages.all
        + HostPages.all
        + CampaignPages.all + PolicyPages.all + ActivityPages.all + AccountPages.all
        + SettingsPages.all + RestorePages.all
        + SupportPages.all
}
