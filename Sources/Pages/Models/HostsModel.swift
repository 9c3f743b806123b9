public import HTML

/// What the list of hosts asks, as it stands in the address: so every view is a bookmark.
public struct HostsQuery: Sendable, Hashable {
    /// Names in the order in which they stand in the address.
    public static let names = [
        "q", "status", "security", "pending", "reboot", "silent", "stale", "broken", "restarts", "judged", "os",
        "labels", "patch", "candidate", "sort", "columns", "limit", "after",
    ]
    /// The values that were given.
    public var values: [String: String]

    public init(_ values: [String: String] = [:]) {
        self.values = values.filter { Self.names.contains($0.key) && !$0.value.isEmpty }
    }

    public subscript(name: String) -> String? { values[name] }

    /// The address with some values set or, where nil, taken away; always the first page.
    public func location(_ context: PageContext, _ changes: [String: String?] = [:]) -> Location {
        var values = values
        values["after"] = nil
        for (name, value) in changes { values[name] = value }
        return context.to("hosts", query: Self.names.compactMap { name in values[name].map { (name, $0) } })
    }
}

/// What the list of hosts shows.
public struct HostsModel: Sendable {
    /// A choice within a filter, and how many hosts it would show.
    public struct Option: Sendable {
        public var value: String
        public var title: String
        public var count: Int?

        public init(_ value: String, _ title: String, count: Int?) {
            self.value = value
            self.title = title
            self.count = count
        }
    }
    /// A question that can be asked of hosts.
    public struct Filter: Sendable {
        public var name: String
        public var title: String
        public var options: [Option]

        public init(_ name: String, _ title: String, _ options: [Option]) {
            self.name = name
            self.title = title
            self.options = options
        }
    }

    public var query: HostsQuery
    public var rows: [HostRow] = []
    /// How many there are on all pages.
    public var total = 0
    /// How many the same list would have without a view's question.
    public var views: [(view: HostsView, count: Int)] = []
    public var filters: [Filter] = []
    /// What follows this page.
    public var next: String?
    /// Something of the query that could not be read.
    public var problem: String?
    /// Whether there is any host at all.
    public var isFleetEmpty = false
    public var mayEnrol = false

    public init(query: HostsQuery) {
        self.query = query
    }
}

/// Views that one link opens.
public enum HostsView: String, CaseIterable, Sendable {
    case all, security, reboot, silent, stale, broken, unjudged

    var title: String {
        switch self {
        case .all: "All"
        case .security: "Security updates"
        case .reboot: "Reboot needed"
        case .silent: "Silent"
        case .stale: "Stale indexes"
        case .broken: "Broken packages"
        case .unjudged: "Not judged"
        }
    }

    /// What it asks.
    public var values: [String: String] {
        switch self {
        case .all: [:]
        case .security: ["status": "active", "security": "yes"]
        case .reboot: ["status": "active", "reboot": "required"]
        case .silent: ["status": "active", "silent": "yes"]
        case .stale: ["status": "active", "stale": "yes"]
        case .broken: ["status": "active", "broken": "yes"]
        case .unjudged: ["status": "active", "judged": "no"]
        }
    }

    /// Where it is.
    public func location(_ context: PageContext) -> Location { HostsQuery(values).location(context) }
}
