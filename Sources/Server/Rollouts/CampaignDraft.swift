import Access
import JSON
import Rollout

/// Which packages a campaign is to bring; freezing makes exact versions of it.
enum PackageSelection: Hashable, Sendable {
    /// Every update that the selected hosts wait for.
    case everything
    /// Every security update that the selected hosts wait for.
    case security
    /// These packages, at the version that the hosts' repositories offer.
    case named([String])
    /// These packages at exactly these versions.
    case exact([ExactPackage])
}

/// A package at one version, as a person writes it: `NAME=VERSION` or `NAME:ARCHITECTURE=VERSION`.
struct ExactPackage: Hashable, Sendable {
    /// The package.
    var name: String
    /// Its architecture; nil for every one that is installed.
    var architecture: String?
    /// The version.
    var version: String
}

/// Which hosts a campaign is for; freezing makes a list of it.
enum HostSelection: Hashable, Sendable {
    /// These, by id.
    case ids([String])
    /// Every active host that the labels select.
    case labels(LabelSelector)
}

/// What somebody wants to be done, before it is frozen to a plan.
struct CampaignDraft: Hashable, Sendable {
    /// What people call it.
    var title: String
    /// Which packages.
    var packages: PackageSelection
    /// On which hosts.
    var hosts: HostSelection
    /// When.
    var window: PlannedWindow
    /// How many hosts may be disturbed at the same time; at least 1.
    var budget: Int64
    /// What else is done.
    var actions: JobActions

    /// A draft with these fields.
    init(
        title: String, packages: PackageSelection, hosts: HostSelection, window: PlannedWindow, budget: Int64 = 1,
        actions: JobActions = JobActions()
    ) {
        self.title = title
        self.packages = packages
        self.hosts = hosts
        self.window = window
        self.budget = budget
        self.actions = actions
    }

    /// The most names of packages, or ids of hosts, in one draft.
    static let maximumNames = 5000

    /// The draft as JSON: what is stored, and what the API takes and gives.
    var json: JSONValue {
        var fields: [String: JSONValue] = [
            "title": .string(title), "window": window.json, "budget": .integer(budget), "actions": actions.json,
        ]
        switch packages {
        case .everything: fields["packages"] = ["kind": "everything"]
        case .security: fields["packages"] = ["kind": "security"]
        case .named(let names):
            fields["packages"] = ["kind": "named", "names": .array(names.map(JSONValue.string))]
        case .exact(let list):
            fields["packages"] = [
                "kind": "exact",
                "versions": .array(
                    list.map {
                        var one: [String: JSONValue] = ["name": .string($0.name), "version": .string($0.version)]
                        if let architecture = $0.architecture { one["architecture"] = .string(architecture) }
                        return .object(one)
                    }),
            ]
        }
        switch hosts {
        case .ids(let ids): fields["hosts"] = ["ids": .array(ids.map(JSONValue.string))]
        case .labels(let selector): fields["hosts"] = ["selector": .string(selector.description)]
        }
        return .object(fields)
    }

    /// Reads a draft. What is left out of `actions` takes its default where the whole of it is left out.
    init(json: JSONValue, at pointer: String = "") throws(JSONError) {
        var object = try JSONObject(json, at: pointer)
        title = try object.string("title", maximumBytes: 200)
        window = try PlannedWindow(object.object("window"))
        budget = try object.integer("budget", in: 1...Int64(Plan.maximumHosts))
        actions = JobActions()
        if let given = try object.optionalObject("actions") { actions = try JobActions(given) }
        var packages = try object.object("packages")
        let kind = try packages.string("kind", maximumBytes: 16)
        switch kind {
        case "everything": self.packages = .everything
        case "security": self.packages = .security
        case "named":
            self.packages = .named(
                try packages.strings("names", maximumCount: Self.maximumNames, maximumBytes: 256))
        case "exact":
            var list: [ExactPackage] = []
            for var one in try packages.objects("versions", maximumCount: Self.maximumNames) {
                list.append(
                    ExactPackage(
                        name: try one.string("name", maximumBytes: 256),
                        architecture: try one.optionalString("architecture", maximumBytes: 32),
                        version: try one.string("version", maximumBytes: 256)))
                try one.finish()
            }
            self.packages = .exact(list)
        default:
            throw JSONError(
                .outOfBounds, pointer: packages.pointer(to: "kind"),
                reason: "expected everything, security, named or exact, found \"\(kind)\"")
        }
        try packages.finish()
        var hosts = try object.object("hosts")
        if let text = try hosts.optionalString("selector", maximumBytes: LabelSelector.maximumBytes) {
            do { self.hosts = .labels(try LabelSelector(text)) } catch {
                throw JSONError(.outOfBounds, pointer: hosts.pointer(to: "selector"), reason: "\(error)")
            }
        } else {
            self.hosts = .ids(try hosts.strings("ids", maximumCount: Self.maximumNames, maximumBytes: 64))
        }
        try hosts.finish()
        try object.finish()
    }
}
