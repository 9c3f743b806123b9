import Feeds
import Inventory
import Matching
import Timestamps

/// Statements written as a feed would.
func statement(
    _ stream: String, _ name: String, kind: Statement.Kind = .source, status: Statement.Status = .affected,
    from lower: String? = nil, below upper: String? = nil, last: String? = nil, versions: [String] = [],
    fixed: String? = nil, scheme: String = "deb", module: String = "", channel: String = "",
    plan: Statement.Plan = .none,
    architectures: [String] = [], all: Bool = false, severities: [Severity] = []
) -> Statement {
    var statement = Statement(stream: stream, kind: kind, name: name, status: status)
    if lower != nil || upper != nil || last != nil {
        statement.ranges = [
            VersionRange(scheme: scheme, lower: lower, upper: upper ?? last, includesUpper: last != nil)
        ]
    } else if all {
        statement.ranges = [VersionRange(scheme: scheme)]
    }
    statement.versions = versions
    statement.fixed = fixed ?? upper
    statement.module = module
    statement.channel = channel
    statement.plan = plan
    statement.architectures = architectures
    statement.severities = severities
    return statement
}

func advisory(
    _ source: String, _ id: String, closes: [String] = [], aliases: [String] = [], modified: Int64 = 1_000,
    _ statements: [Statement]
) -> FeedRecord {
    var advisory = Advisory(source: source, id: id)
    advisory.closes = closes
    advisory.aliases = aliases
    advisory.modified = Timestamp(seconds: modified)
    advisory.statements = statements
    return .advisory(advisory)
}

/// - Parameter whole: streams whose source of `debian-tracker` or `ubuntu-vex` names everything.
func catalogue(_ records: [FeedRecord], whole: [String] = []) throws -> Catalogue {
    var builder = CatalogueBuilder()
    for stream in whole {
        for source in ["debian-tracker", "ubuntu-vex"] { builder.claim(.everything, of: source, stream: stream) }
    }
    for record in records { try builder.add(record) }
    return try Catalogue(try builder.bytes())
}

func matcher(_ records: [FeedRecord], whole: [String] = []) throws -> Matcher {
    try Matcher([catalogue(records, whole: whole)])
}

func deb(
    _ name: String, _ version: String, source: String? = nil, sourceVersion: String? = nil,
    distribution: String = "debian-12", architecture: String = "amd64"
) -> SoftwarePackage {
    SoftwarePackage(
        scheme: "deb", distribution: distribution, name: name, architecture: architecture, version: version,
        source: source, sourceVersion: sourceVersion)
}

func rpm(
    _ name: String, _ version: String, distribution: String = "almalinux-9.4", module: String = "",
    architecture: String = "x86_64"
) -> SoftwarePackage {
    SoftwarePackage(
        scheme: "rpm", distribution: distribution, name: name, architecture: architecture, version: version,
        module: module)
}

func language(_ scheme: String, _ name: String, _ version: String) -> SoftwarePackage {
    SoftwarePackage(scheme: scheme, distribution: "", name: name, architecture: "", version: version)
}

extension Matcher {
    /// The verdict on one vulnerability; nil where nobody names the package for it.
    func verdict(_ package: SoftwarePackage, _ vulnerability: String = "CVE-2026-1") throws -> Verdict? {
        try judge(MatchSubject(package)).findings.first { $0.ids.contains(vulnerability) }?.verdict
    }
}
