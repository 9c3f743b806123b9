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

    /// A reader of such documents; nil where there is none in this version.
    ///
    /// - Parameters:
    ///   - source: whose word the records are.
    ///   - stream: the stream of all of them, where the feed does not say it itself.
    func reader(source: String, stream: String?) -> (any FeedReader)? {
        switch self {
        case .osv: OSVReader(source: source)
        case .updateInfo: UpdateInfoReader(source: source, stream: stream)
        case .oval: OVALReader(source: source, stream: stream)
        case .cvrf: CVRFReader(source: source)
        case .cwe: WeaknessReader(source: source)
        default: nil
        }
    }

    /// Whether a feed of this kind is one document a record, so that one that is broken is put aside alone.
    var isRecordPerDocument: Bool {
        switch self {
        case .osv, .cve, .csaf, .openVEX, .cycloneDX, .cvrf: true
        default: false
        }
    }

    /// Whose word it is where nothing else is said.
    public var defaultSource: String {
        switch self {
        case .cve: "cve"
        default: rawValue
        }
    }
}
