public import HTML
public import Timestamps

/// What the list of patches shows.
public struct PatchesModel: Sendable {
    public var text = ""
    /// `yes`, `no` or empty for both.
    public var security = ""
    /// `urgency`, `hosts` or `name`.
    public var sort = "urgency"
    public var rows: [PatchRow] = []
    public var total = 0
    public var securityCount = 0
    public var otherCount = 0
    public var active = 0
    public var next: String?
    public var unjudged = 0
    /// Whether they may plan campaigns.
    public var mayPatch = false

    public init() {}
}

/// What one patch's page shows.
public struct PatchModel: Sendable {
    public var name: String
    /// The versions that are offered, each by its origin.
    public var candidates: [PatchRow] = []
    /// Where it waits.
    public var hosts: [(host: HostRow, update: UpdateRow)] = []
    public var total = 0
    public var next: String?
    /// Whether they may plan campaigns.
    public var mayPatch = false

    public init(name: String) {
        self.name = name
    }
}

/// What a search found.
public struct SearchModel: Sendable {
    public var text: String
    public var hosts: [(id: String, name: String, field: String, value: String)] = []
    public var hostCount = 0
    public var packages: [(name: String, pending: Int, installed: Int?)] = []
    public var packageCount = 0
    /// Vulnerabilities by id; with how many hosts are known to have each.
    public var vulnerabilities: [(id: String, summary: String, hosts: Int)] = []

    public init(text: String) {
        self.text = text
    }
}

/// What the audit log shows.
public struct ActivityModel: Sendable {
    public var actor = ""
    public var action = ""
    public var subject = ""
    public var from = ""
    public var to = ""
    public var rows: [ActivityRow] = []
    public var next: String?
    public var mayExport = false
    /// A filter that could not be read.
    public var problem: String?
    /// The actions there are, to choose from.
    public var actions: [String] = []

    public init() {}
}

/// The parts of the settings.
public enum SettingsTab: String, Sendable, CaseIterable {
    case account, sessions, tokens, enrolment, people, organisations

    var title: String {
        switch self {
        case .account: "Your account"
        case .sessions: "Sessions"
        case .tokens: "API tokens"
        case .enrolment: "Enrolment"
        case .people: "People"
        case .organisations: "Organisations"
        }
    }
}

/// A person's own account.
public struct AccountModel: Sendable {
    public var name: String
    public var displayName: String
    public var email: String
    public var hasPassword: Bool
    public var passwordChangedAt: Timestamp?
    public var hasSecondFactor: Bool
    public var recoveryCodesLeft = 0
    public var roles: [(role: String, place: String)] = []
    /// A second factor that waits to be confirmed.
    public var enrolment: SecondFactor?
    /// Codes just made: shown once.
    public var newRecoveryCodes: [String] = []
    /// What is wrong with what was sent, by field.
    public var errors: [String: String] = [:]

    public init(
        name: String, displayName: String, email: String, hasPassword: Bool, passwordChangedAt: Timestamp? = nil,
        hasSecondFactor: Bool
    ) {
        self.name = name
        self.displayName = displayName
        self.email = email
        self.hasPassword = hasPassword
        self.passwordChangedAt = passwordChangedAt
        self.hasSecondFactor = hasSecondFactor
    }
}

/// A second factor that is being set up.
public struct SecondFactor: Sendable {
    /// The secret in Base32.
    public var secret: String
    /// `otpauth://totp/…`.
    public var uri: String

    public init(secret: String, uri: String) {
        self.secret = secret
        self.uri = uri
    }
}

/// A browser that is signed in.
public struct SessionRow: Sendable {
    public var id: String
    public var agent: String
    public var address: String
    public var method: String
    public var createdAt: Timestamp
    public var seenAt: Timestamp
    public var isThis: Bool

    public init(
        id: String, agent: String, address: String, method: String, createdAt: Timestamp, seenAt: Timestamp,
        isThis: Bool
    ) {
        self.id = id
        self.agent = agent
        self.address = address
        self.method = method
        self.createdAt = createdAt
        self.seenAt = seenAt
        self.isThis = isThis
    }
}

/// A token with which a program acts for somebody.
public struct TokenRow: Sendable {
    public var id: String
    public var name: String
    public var scopes: [String]?
    public var createdAt: Timestamp
    public var expiresAt: Timestamp
    public var lastUsedAt: Timestamp?
    public var revokedAt: Timestamp?

    public init(
        id: String, name: String, scopes: [String]?, createdAt: Timestamp, expiresAt: Timestamp,
        lastUsedAt: Timestamp?, revokedAt: Timestamp?
    ) {
        self.id = id
        self.name = name
        self.scopes = scopes
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.lastUsedAt = lastUsedAt
        self.revokedAt = revokedAt
    }
}

/// A person's API tokens.
public struct TokensModel: Sendable {
    public var rows: [TokenRow] = []
    /// The secret of one that was just made: shown once.
    public var made: String?
    public var scopes: [String] = []
    public var errors: [String: String] = [:]

    public init() {}
}

/// A token that lets hosts in.
public struct EnrolmentRow: Sendable {
    public var id: String
    public var note: String
    public var labels: [(name: String, value: String)]
    public var createdBy: String
    public var createdAt: Timestamp
    public var expiresAt: Timestamp
    public var usesLeft: Int
    public var usesTotal: Int
    public var lastUsedAt: Timestamp?
    public var revokedAt: Timestamp?

    public init(
        id: String, note: String, labels: [(name: String, value: String)], createdBy: String, createdAt: Timestamp,
        expiresAt: Timestamp, usesLeft: Int, usesTotal: Int, lastUsedAt: Timestamp?, revokedAt: Timestamp?
    ) {
        self.id = id
        self.note = note
        self.labels = labels
        self.createdBy = createdBy
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.usesLeft = usesLeft
        self.usesTotal = usesTotal
        self.lastUsedAt = lastUsedAt
        self.revokedAt = revokedAt
    }
}

/// The tokens that let hosts in.
public struct EnrolmentModel: Sendable {
    public var rows: [EnrolmentRow] = []
    /// The command with a token that was just made: shown once.
    public var command: String?
    public var mayWrite = false
    public var errors: [String: String] = [:]
    public var values: [String: String] = [:]

    public init() {}
}

/// Somebody who may come in.
public struct PersonRow: Sendable {
    public var id: String
    public var name: String
    public var displayName: String
    public var roles: [(id: String, role: String, place: String, hosts: String)]
    public var hasPassword: Bool
    public var hasSecondFactor: Bool
    public var isDisabled: Bool
    public var lastLoginAt: Timestamp?

    public init(
        id: String, name: String, displayName: String,
        roles: [(id: String, role: String, place: String, hosts: String)], hasPassword: Bool, hasSecondFactor: Bool,
        isDisabled: Bool, lastLoginAt: Timestamp?
    ) {
        self.id = id
        self.name = name
        self.displayName = displayName
        self.roles = roles
        self.hasPassword = hasPassword
        self.hasSecondFactor = hasSecondFactor
        self.isDisabled = isDisabled
        self.lastLoginAt = lastLoginAt
    }
}

/// The people of an organisation or of the installation.
public struct PeopleModel: Sendable {
    public var rows: [PersonRow] = []
    public var mayWrite = false
    /// Where a role can be given.
    public var places: [(value: String, title: String)] = []
    /// Somebody's one-time link that was just made: shown once.
    public var link: (person: String, url: String)?
    public var errors: [String: String] = [:]
    public var values: [String: String] = [:]

    public init() {}
}

/// One person, to change them.
public struct PersonModel: Sendable {
    public var row: PersonRow
    public var mayWrite: Bool
    public var places: [(value: String, title: String)]
    public var errors: [String: String] = [:]

    public init(row: PersonRow, mayWrite: Bool, places: [(value: String, title: String)]) {
        self.row = row
        self.mayWrite = mayWrite
        self.places = places
    }
}

/// The organisations.
public struct OrganisationsModel: Sendable {
    public var rows: [(id: String, name: String, createdAt: Timestamp, hosts: Int)] = []
    public var mayWrite = false
    /// How many approvals the organisation that is shown asks for, and whether they may change that; nil without one.
    public var approvals: (organisation: String, required: Int, mayChange: Bool)?
    public var errors: [String: String] = [:]

    public init() {}
}

/// What login asks for.
public struct LoginModel: Sendable {
    /// What is asked now.
    public enum Step: Sendable {
        case password
        /// The second factor; the ticket stands for the password that was right.
        case code(ticket: String)
        /// Whoever follows a one-time link.
        case link(code: String)
        /// A first password, or another one.
        case newPassword
    }
    public var step: Step
    public var name = ""
    public var next: Location?
    public var error = ""
    public var action: Location

    public init(_ step: Step, action: Location) {
        self.step = step
        self.action = action
    }
}

/// A program that wants to act for somebody.
public struct DeviceModel: Sendable {
    /// What it shows, and the person compares.
    public var code: String
    public var machine: String
    public var address: String
    public var askedAt: Timestamp?
    public var error = ""
    /// Set once it was decided.
    public var decision: String?

    public init(code: String) {
        self.code = code
        self.machine = ""
        self.address = ""
    }
}
