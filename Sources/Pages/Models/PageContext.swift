public import HTML
public import Timestamps

/// What surrounds a page: who looks, where they are, and what they may see.
public struct PageContext: Sendable {
    /// The colours they asked for.
    public var theme: Theme
    /// The organisation whose things are shown; nil on pages that belong to none.
    public var organisation: OrganisationChoice?
    /// The organisations they know, for the switch.
    public var organisations: [OrganisationChoice]
    /// Whether links must name the organisation: it is not the one that is assumed without.
    public var namesOrganisation: Bool
    /// Who looks; nil before login.
    public var person: String?
    /// The parts they may see. What is not here is not linked anywhere.
    public var sections: Set<Section>
    /// The token that every form of this session carries.
    public var csrf: String
    /// What was searched for, to stand in the field.
    public var search: String
    /// The time that "3 minutes ago" is measured from.
    public var now: Timestamp
    /// This page, for the theme's form to come back to.
    public var here: Location
    /// Said at the top of the page, once.
    public var notice: Notice?
    /// Said at the top of every page until somebody has acted.
    public var alert: Alert?

    /// A context without a person.
    public init(now: Timestamp, here: Location, theme: Theme = .system) {
        self.theme = theme
        self.organisation = nil
        self.organisations = []
        self.namesOrganisation = false
        self.person = nil
        self.sections = []
        self.csrf = ""
        self.search = ""
        self.now = now
        self.here = here
        self.notice = nil
        self.alert = nil
    }

    /// A place in the organisation that is shown.
    public func to(_ path: String..., query: [(name: String, value: String)] = []) -> Location {
        to(path: path, query: query)
    }

    /// A place in the organisation that is shown.
    public func to(path: [String], query: [(name: String, value: String)] = []) -> Location {
        Location(path: path, query: query + organisationQuery)
    }

    /// What has to be added to a query to stay in the organisation.
    public var organisationQuery: [(name: String, value: String)] {
        guard namesOrganisation, let organisation else { return [] }
        return [("organisation", organisation.id)]
    }
}

/// An organisation in the switch.
public struct OrganisationChoice: Sendable, Hashable {
    public var id: String
    public var name: String

    public init(id: String, name: String) {
        self.id = id
        self.name = name
    }
}

/// The colours of the pages.
public enum Theme: String, Sendable, CaseIterable {
    case system, light, dark

    var label: String {
        switch self {
        case .system: "As the system"
        case .light: "Light"
        case .dark: "Dark"
        }
    }
}

/// The parts of the product that the navigation leads to.
public enum Section: String, Sendable, CaseIterable {
    case today, queue, vulnerabilities, hosts, patches, campaigns, policies, activity, settings

    var title: String {
        switch self {
        case .today: "Today"
        case .queue: "Work queue"
        case .vulnerabilities: "Vulnerabilities"
        case .hosts: "Hosts"
        case .patches: "Patches"
        case .campaigns: "Campaigns"
        case .policies: "Policies"
        case .activity: "Activity"
        case .settings: "Settings"
        }
    }

    var icon: Icon {
        switch self {
        case .today: .today
        case .queue: .queue
        case .vulnerabilities: .bug
        case .hosts: .host
        case .patches: .patch
        case .campaigns: .campaign
        case .policies: .lock
        case .activity: .activity
        case .settings: .settings
        }
    }
}

/// How something stands. It is always told by an icon and words too, never by its colour alone.
public enum Tone: String, Sendable, CaseIterable {
    /// Must be done now.
    case critical
    /// Needs attention.
    case warning
    /// Not judged: evidence is missing.
    case unknown
    /// In order, and proven.
    case good
    /// Says something without a judgement.
    case info
    /// Nothing to say.
    case neutral

    var icon: Icon {
        switch self {
        case .critical: .shield
        case .warning: .warning
        case .unknown: .unknown
        case .good: .check
        case .info: .info
        case .neutral: .dot
        }
    }
}

/// What stands in everybody's way, and where to act.
public struct Alert: Sendable {
    public var notice: Notice
    /// The words of the link.
    public var verb: String
    public var to: Location

    public init(_ notice: Notice, verb: String, to: Location) {
        self.notice = notice
        self.verb = verb
        self.to = to
    }
}

/// A message above a page.
public struct Notice: Sendable {
    public var tone: Tone
    public var title: String
    public var text: String

    public init(_ tone: Tone, _ title: String, _ text: String = "") {
        self.tone = tone
        self.title = title
        self.text = text
    }
}
