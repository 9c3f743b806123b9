import Feeds

/// What a feed's documents are, which says how they are read.
public enum FeedKind: String, Sendable, Hashable, CaseIterable {
    /// Open Source Vulnerability records, one a document.
    case osv
    /// NVD JSON 2.0.
    case nvd
    /// CVE JSON 5, one record a document; with CISA's part (vulnrichment) its decision points.
    case cve
    /// CISA's catalogue of known exploited vulnerabilities.
    case kev
    /// FIRST's probabilities of exploitation, as CSV.
    case epss
    /// The Debian security tracker's JSON.
    case debianTracker = "debian-tracker"
    /// Debian's lists of DSA and DLA.
    case debianList = "debian-list"
    /// CSAF 2.0 advisories and VEX.
    case csaf
    /// Echo's advisories.
    case echo
    /// GitHub's advisories as its interfaces answer them.
    case github
    /// The Ruby Advisory Database.
    case rubySec = "rubysec"
    /// rpm errata as JSON.
    case errata
    /// Records that scanners' builds make of feeds without a form for programs.
    case vunnel
    /// Alpine's secdb and its kin (Wolfi, Chainguard).
    case secdb
    /// Arch Linux' advisories.
    case arch
    /// CycloneDX with vulnerabilities.
    case cycloneDX = "cyclonedx"
    /// OpenVEX.
    case openVEX = "openvex"
    /// rpm repositories' updateinfo.xml.
    case updateInfo = "updateinfo"
    /// OVAL definitions.
    case oval
    /// CVRF 1.1 and 1.2.
    case cvrf
    /// MITRE's catalogue of weaknesses.
    case cwe

    /// A reader of such documents.
    ///
    /// - Parameters:
    ///   - source: whose word the records are.
    ///   - stream: the stream of all of them, where the feed does not say it itself.
    func reader(source: String, stream: String?) -> any FeedReader {
        switch self {
        case .osv: OSVReader(source: source)
        case .nvd: NVDReader(source: source)
        case .cve: CVEReader(source: source)
        case .kev: KEVReader(source: source)
        case .epss: EPSSReader(source: source)
        case .debianTracker: DebianTrackerReader(source: source)
        case .debianList: DebianListReader(source: source)
        case .secdb: SecDBReader(source: source, stream: stream)
        case .echo: EchoReader(source: source)
        case .arch: ArchReader(source: source)
        case .csaf: CSAFReader(source: source)
        case .openVEX: OpenVEXReader(source: source)
        case .cycloneDX: CycloneDXVEXReader(source: source)
        case .github: GitHubReader(source: source)
        case .rubySec: RubySecReader(source: source)
        case .errata: ErrataReader(source: source, stream: stream)
        case .vunnel: VunnelReader(source: source)
        case .updateInfo: UpdateInfoReader(source: source, stream: stream)
        case .oval: OVALReader(source: source, stream: stream)
        case .cvrf: CVRFReader(source: source)
        case .cwe: WeaknessReader(source: source)
        }
    }

    /// Whether a feed of this kind is one document a record, so that one that is broken is put aside alone.
    var isRecordPerDocument: Bool {
        switch self {
        case .osv, .cve, .csaf, .openVEX, .cycloneDX, .cvrf, .github, .rubySec, .errata, .vunnel: true
        default: false
        }
    }

    /// Whose word it is where nothing else is said.
    public var defaultSource: String { rawValue }
}
