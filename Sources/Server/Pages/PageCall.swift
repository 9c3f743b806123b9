import Access
import HTML
import HTTPTypes
import Hummingbird
import Pages
import Store
import Timestamps

/// One request for a page, checked: who asks, where, and with what.
struct PageCall: Sendable {
    let request: Request
    let exchange: Exchange
    let state: ServerState
    let now: Timestamp
    /// nil only on pages that are open.
    let caller: Caller?
    /// The organisation that is shown; nil where the caller knows none.
    let organisation: Organisation?
    /// The organisations that the caller knows.
    let organisations: [Organisation]
    /// The one that is assumed where none is named.
    let assumed: String?
    /// The values in the path.
    let path: [String: String]
    /// The declared query parameters that were given.
    let query: [String: String]
    /// The fields of a form.
    let form: FormFields?

    /// A value of the path.
    func path(_ name: String) -> String { path[name] ?? "" }

    /// A field of the form, without blanks around it; empty where it was left out.
    func field(_ name: String) -> String {
        let text = form?[name] ?? ""
        let inner = text.drop(while: \.isWhitespace)
        return String(inner.reversed().drop(while: \.isWhitespace).reversed())
    }

    /// Whoever asks, on pages for people who are signed in.
    var person: Caller {
        get throws {
            guard let caller else { throw Refusal(.signInRequired) }
            return caller
        }
    }

    /// The organisation's id, on pages about one.
    var organisationID: String {
        get throws {
            guard let organisation else { throw Refusal(.notAllowed) }
            return organisation.id
        }
    }

    /// Whether the caller has a permission in the organisation that is shown.
    func may(_ permission: Permission) -> Bool {
        caller?.principal.may(permission, organisation: organisation?.id) ?? false
    }

    /// Whether they have it on everything there.
    func mayEverywhere(_ permission: Permission) -> Bool {
        caller?.principal.reach(permission, organisation: organisation?.id) == .all
    }

    /// How far a permission reaches.
    func reach(_ permission: Permission) -> Reach {
        caller?.principal.reach(permission, organisation: organisation?.id) ?? .none
    }

    /// What surrounds the page.
    func context(search: String = "", notice: Pages.Notice? = nil) -> PageContext {
        var context = PageContext(now: now, here: here, theme: PageTheme.read(request.headers))
        context.search = search
        context.notice = notice ?? query["done"].flatMap(PageNotice.init(rawValue:))?.notice
        guard let caller, let user = caller.user, case .session(_, let csrf) = caller.credential else { return context }
        context.person = user.displayName
        context.csrf = csrf
        context.organisation = organisation.map { OrganisationChoice(id: $0.id, name: $0.name) }
        context.organisations = organisations.map { OrganisationChoice(id: $0.id, name: $0.name) }
        context.namesOrganisation = organisation.map { $0.id != assumed } ?? false
        context.sections = [.settings]
        context.alert = RestorePages.alert(self)
        if may(.hostsRead) { context.sections.formUnion([.today, .queue, .vulnerabilities, .hosts, .patches]) }
        if may(.campaignsRead) { context.sections.insert(.campaigns) }
        if may(.policiesRead) { context.sections.insert(.policies) }
        if may(.auditRead) { context.sections.insert(.activity) }
        return context
    }

    /// This page with what it was asked for, to come back to.
    private var here: Location {
        guard request.method == .get else { return Location() }
        return Location(untrusted: request.uri.description) ?? Location()
    }

    // MARK: Answers

    /// A page.
    func html(
        _ page: HTML, status: HTTPResponse.Status = .ok, cookies: [String] = [], headers: HTTPFields = .init()
    ) -> Response {
        .page(page, status: status, cookies: cookies, headers: headers)
    }

    /// On to another page after a form.
    func seeOther(_ location: Location, cookies: [String] = []) -> Response {
        var headers: HTTPFields = [.location: location.description]
        for cookie in cookies { headers.append(HTTPField(name: .setCookie, value: cookie)) }
        return Response(status: .seeOther, headers: headers)
    }

    /// On to a page of the same organisation, which says what was done.
    func done(_ notice: PageNotice, _ path: String...) -> Response {
        seeOther(context().to(path: path, query: [("done", notice.rawValue)]))
    }
}

extension Response {
    /// A page of HTML.
    static func page(
        _ page: HTML, status: HTTPResponse.Status = .ok, cookies: [String] = [], headers: HTTPFields = .init()
    ) -> Response {
        var headers = headers
        for cookie in cookies { headers.append(HTTPField(name: .setCookie, value: cookie)) }
        return .bytes(page.bytes(), type: "text/html; charset=utf-8", status: status, headers: headers)
    }
}

/// What is said after a form was done; only these words can be put on a page by its address.
enum PageNotice: String, Sendable {
    case labels, scan, release, revoke, retire, renew
    case password, factor, session, sessions, token, enrolment
    case grant, grantRemoved = "grant-removed", disabled, enabled, organisation
    case campaign, job, settings, exception, restore, evidence, policies

    var notice: Pages.Notice {
        switch self {
        case .labels: Pages.Notice(.good, "The labels are changed")
        case .scan: Pages.Notice(.good, "A scan was asked for", "The host does it at its next check-in.")
        case .release: Pages.Notice(.good, "The host is released from quarantine")
        case .revoke: Pages.Notice(.good, "The host's certificates are revoked")
        case .retire: Pages.Notice(.good, "The host is retired")
        case .renew: Pages.Notice(.good, "A new certificate was asked for", "The host does it at its next check-in.")
        case .password: Pages.Notice(.good, "The password is set", "Your other sessions have ended.")
        case .factor: Pages.Notice(.good, "The second factor is off")
        case .session: Pages.Notice(.good, "The session has ended")
        case .sessions: Pages.Notice(.good, "All your other sessions have ended")
        case .token: Pages.Notice(.good, "The token is revoked")
        case .enrolment: Pages.Notice(.good, "The enrolment token is revoked")
        case .grant: Pages.Notice(.good, "The role is given")
        case .grantRemoved: Pages.Notice(.good, "The role is taken away")
        case .disabled: Pages.Notice(.good, "They are shut out, and their sessions have ended")
        case .enabled: Pages.Notice(.good, "They may come in again")
        case .organisation: Pages.Notice(.good, "The organisation is made")
        case .campaign: Pages.Notice(.good, "It is done", "This is the campaign now.")
        case .job: Pages.Notice(.good, "It is done", "This is the host's part now.")
        case .exception: Pages.Notice(.good, "It is done", "This is the exception now.")
        case .restore:
            Pages.Notice(
                .good, "The claim is dismissed", "The host that made it is in quarantine; orders to the others go on.")
        case .policies: Pages.Notice(.good, "The policies are in force", "This is what they say now.")
        case .evidence: Pages.Notice(.good, "It is noted", "This is how it stands now.")
        case .settings: Pages.Notice(.good, "The setting is changed", "For plans that are frozen from now on.")
        }
    }
}

/// The colours that a browser asked for. No secret, so script need not be kept from it; but ours has no use for it.
enum PageTheme {
    static let cookie = "__Host-fettle-theme"

    static func read(_ headers: HTTPFields) -> Theme {
        for field in headers[values: .cookie] {
            for part in field.split(separator: ";") {
                let pair = part.drop(while: { $0 == " " })
                if pair.hasPrefix(cookie + "="), let theme = Theme(rawValue: String(pair.dropFirst(cookie.count + 1))) {
                    return theme
                }
            }
        }
        return .system
    }

    static func set(_ theme: Theme) -> String {
        "\(cookie)=\(theme.rawValue); Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=31536000"
    }
}
