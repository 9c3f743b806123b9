public import Digest
public import Timestamps

/// One suite and component of a repository, as the host's own indexes describe it.
public struct PackageOrigin: Hashable, Sendable {
    /// The Release file's Origin: `Debian`.
    public var origin: String
    /// The Release file's Label: `Debian-Security`.
    public var label: String
    /// The Release file's Suite: `oldstable-security`.
    public var suite: String
    /// The Release file's Codename: `bookworm-security`.
    public var codename: String
    /// The component: `main`.
    public var component: String
    /// The host part of the repository's address; empty for a local one.
    public var site: String
    /// Whether this is a security pocket (the rule is `PackageManagers`'): decides *security* of an offer.
    public var security: Bool

    /// An origin with these fields.
    public init(
        origin: String, label: String, suite: String, codename: String, component: String, site: String, security: Bool
    ) {
        self.origin = origin
        self.label = label
        self.suite = suite
        self.codename = codename
        self.component = component
        self.site = site
        self.security = security
    }

    /// The name people know it by: `Debian-Security bookworm-security/main`.
    public var displayName: String {
        let name = label.isEmpty ? (origin.isEmpty ? site : origin) : label
        let release = codename.isEmpty ? suite : codename
        return component.isEmpty ? "\(name) \(release)" : "\(name) \(release)/\(component)"
    }
}

/// An index that the host holds, with what says how fresh it is.
public struct RepositoryIndex: Hashable, Sendable {
    /// Where its packages come from.
    public var origin: PackageOrigin
    /// The Release file's Date; nil where there is none.
    public var released: Timestamp?
    /// The Release file's Valid-Until; nil where the repository sets none.
    public var validUntil: Timestamp?

    /// An index with these dates.
    public init(origin: PackageOrigin, released: Timestamp?, validUntil: Timestamp?) {
        self.origin = origin
        self.released = released
        self.validUntil = validUntil
    }
}

/// Why an offered version is not simply installed by the next upgrade.
public enum OfferStatus: Hashable, Sendable {
    /// The package manager's next plain upgrade takes it.
    case upgradable
    /// The resolver keeps it back; the text says why (a new dependency, a conflict, a missing dependency).
    case keptBack(String)
    /// A person put the package on hold.
    case held
    /// The repository releases it to a share of hosts, in percent, and not to this one yet.
    case phased(percent: Int)
    /// Preferences give the installed version or another one precedence over a newer one; the text names the pin.
    case pinned(String)
    /// The resolver could not be asked; the text says why.
    case unknown(String)

    /// The name in lines, JSON and tables.
    public var name: String {
        switch self {
        case .upgradable: "upgradable"
        case .keptBack: "kept-back"
        case .held: "held"
        case .phased: "phased"
        case .pinned: "pinned"
        case .unknown: "unknown"
        }
    }

    /// What a person reads beside the name; empty where the name says it all.
    public var reason: String {
        switch self {
        case .upgradable, .held: ""
        case .keptBack(let why), .pinned(let why), .unknown(let why): why
        case .phased(let percent): String(percent)
        }
    }

    /// The status of that name and reason; nil where there is no such status.
    public init?(name: String, reason: String) {
        switch name {
        case "upgradable" where reason.isEmpty: self = .upgradable
        case "held" where reason.isEmpty: self = .held
        case "kept-back": self = .keptBack(reason)
        case "pinned": self = .pinned(reason)
        case "unknown": self = .unknown(reason)
        case "phased":
            guard let percent = Int(reason), (0...100).contains(percent) else { return nil }
            self = .phased(percent: percent)
        default: return nil
        }
    }
}

/// An installed package for which the host's repositories offer a newer version.
public struct Offer: Hashable, Sendable {
    /// The binary package's name.
    public var name: String
    /// The installed package's architecture.
    public var architecture: String
    /// The installed version.
    public var installed: String
    /// The version that the host's package manager would choose (or, where pinned away, the newest one offered).
    public var candidate: String
    /// Where the candidate is listed: indices into ``OfferSet/indexes``.
    public var origins: [Int]
    /// Whether a security pocket lists a version above the installed one and not above the candidate.
    public var security: Bool
    /// Whether, and if not why not, the next upgrade takes it.
    public var status: OfferStatus

    /// An offer with these fields.
    public init(
        name: String, architecture: String, installed: String, candidate: String, origins: [Int], security: Bool,
        status: OfferStatus
    ) {
        self.name = name
        self.architecture = architecture
        self.installed = installed
        self.candidate = candidate
        self.origins = origins
        self.security = security
        self.status = status
    }
}

/// A package that is not installed and that a full upgrade would bring, because an offered version needs it: each new kernel
/// is one.
public struct Addition: Hashable, Sendable {
    /// The binary package's name.
    public var name: String
    /// Its architecture.
    public var architecture: String
    /// The version that the resolver chose.
    public var version: String

    /// An addition.
    public init(name: String, architecture: String, version: String) {
        self.name = name
        self.architecture = architecture
        self.version = version
    }
}

/// What a host's own repositories offer it, named by its digest.
public struct OfferSet: Hashable, Sendable {
    /// The header of its canonical bytes.
    public static let header = "fettle offer-set 1"

    /// The indexes, sorted by their lines.
    public let indexes: [RepositoryIndex]
    /// The offers, by name and architecture.
    public let offers: [Offer]
    /// What a full upgrade would bring besides, by name and architecture; empty where the resolver was not asked.
    public let additions: [Addition]
    /// The canonical bytes.
    public let document: LineDocument
    /// The set's name.
    public var digest: SHA256Digest { document.digest }
}

extension OfferSet {
    /// The offer set of these parts; the numbers in `offers` and `installedFrom` index `indexes` as given here.
    public init(
        indexes: [RepositoryIndex], offers: [Offer], additions: [Addition] = [], installedFrom: [String: [Int]]
    ) {
        // Indexes are numbered by the order of their contents, so that equal offers have equal bytes.
        let order = indexes.indices.sorted { indexes[$0].fields.lexicographicallyPrecedes(indexes[$1].fields) }
        var renumbered = [Int](repeating: 0, count: indexes.count)
        for (new, old) in order.enumerated() { renumbered[old] = new }
        func numbers(_ list: [Int]) -> [Int] { Set(list.map { renumbered[$0] }).sorted() }

        let sortedIndexes = order.map { indexes[$0] }
        let sortedOffers = offers.map { offer in
            var offer = offer
            offer.origins = numbers(offer.origins)
            return offer
        }.sorted { ($0.name, $0.architecture) < ($1.name, $1.architecture) }
        let from = installedFrom.mapValues(numbers)

        var lines: [String] = []
        for (number, index) in sortedIndexes.enumerated() {
            lines.append("index\t\(number)\t" + index.fields.joined(separator: "\t"))
        }
        for offer in sortedOffers { lines.append(offer.line) }
        for addition in additions {
            lines.append("new\t\(addition.name)\t\(addition.architecture)\t\(addition.version)")
        }
        for (package, list) in from { lines.append("from\t\(package)\t\(joined(list))") }
        self.indexes = sortedIndexes
        self.offers = sortedOffers
        self.additions = Set(additions).sorted { ($0.name, $0.architecture) < ($1.name, $1.architecture) }
        self.document = LineDocument(header: Self.header, lines: lines)
    }

    /// Reads received bytes.
    ///
    /// - Throws: ``LineDocumentError`` with the line's number.
    public init(parsing bytes: [UInt8], limits: LineDocument.Limits = .standard) throws(LineDocumentError) {
        try self.init(LineDocument(parsing: bytes, header: Self.header, limits: limits))
    }

    /// Reads a checked document.
    public init(_ document: LineDocument) throws(LineDocumentError) {
        var indexes: [Int: RepositoryIndex] = [:]
        var offers: [Offer] = []
        var additions: [Addition] = []
        var highest = -1
        try document.bytes.withUnsafeBufferPointer { (bytes) throws(LineDocumentError) in
            let scan = LineScan(bytes)
            var number = 1
            var start = scan.lineFeed(from: 0) + 1
            while start < bytes.count {
                let end = scan.lineFeed(from: start)
                let line = UnsafeBufferPointer(rebasing: bytes[start..<end])
                start = end + 1
                number += 1
                // Nearly all lines are of this kind, one for each installed package: here they are only checked.
                if line.starts(with: fromPrefix) {
                    guard let separator = line[fromPrefix.count...].firstIndex(of: tab),
                        indexNumbers(line[(separator + 1)...], each: { highest = max(highest, $0) })
                    else { throw LineDocumentError(line: number, problem: "is not a package and its indexes") }
                    continue
                }
                let fields = line.split(separator: tab, omittingEmptySubsequences: false).map {
                    String(decoding: UnsafeBufferPointer(rebasing: $0), as: UTF8.self)
                }
                switch fields[0] {
                case "index":
                    guard fields.count == 11, let at = Int(fields[1]), let index = RepositoryIndex(fields: fields[2...])
                    else { throw LineDocumentError(line: number, problem: "is not an index") }
                    indexes[at] = index
                case "offer":
                    guard let offer = Offer(fields: fields) else {
                        throw LineDocumentError(line: number, problem: "is not an offer")
                    }
                    for origin in offer.origins { highest = max(highest, origin) }
                    offers.append(offer)
                case "new":
                    guard fields.count == 4, fields.allSatisfy({ !$0.isEmpty }) else {
                        throw LineDocumentError(line: number, problem: "is not an addition")
                    }
                    additions.append(Addition(name: fields[1], architecture: fields[2], version: fields[3]))
                default: throw LineDocumentError(line: number, problem: "is of no known kind: \(fields[0])")
                }
            }
        }
        let count = indexes.count
        guard indexes.keys.allSatisfy({ (0..<count).contains($0) }), highest < count else {
            throw LineDocumentError(line: 0, problem: "names an index that it does not have")
        }
        self.indexes = (0..<count).compactMap { indexes[$0] }
        self.offers = offers.sorted { ($0.name, $0.architecture) < ($1.name, $1.architecture) }
        self.additions = additions.sorted { ($0.name, $0.architecture) < ($1.name, $1.architecture) }
        self.document = document
    }

    /// For each installed package, as `name:architecture`, the indexes that list its installed version; empty where none
    /// does. Read from the document each time: ask once.
    public var installedFrom: [String: [Int]] {
        var from: [String: [Int]] = [:]
        document.bytes.withUnsafeBufferPointer { bytes in
            let scan = LineScan(bytes)
            var start = scan.lineFeed(from: 0) + 1
            while start < bytes.count {
                let end = scan.lineFeed(from: start)
                let line = UnsafeBufferPointer(rebasing: bytes[start..<end])
                start = end + 1
                guard line.starts(with: fromPrefix), let separator = line[fromPrefix.count...].firstIndex(of: tab)
                else { continue }
                var numbers: [Int] = []
                guard indexNumbers(line[(separator + 1)...], each: { numbers.append($0) }) else { continue }
                let name = UnsafeBufferPointer(rebasing: line[fromPrefix.count..<separator])
                from[String(decoding: name, as: UTF8.self)] = numbers
            }
        }
        return from
    }
}

extension RepositoryIndex {
    /// Nine fields, in the order of the line.
    fileprivate var fields: [String] {
        [
            origin.origin, origin.label, origin.suite, origin.codename, origin.component, origin.site,
            origin.security ? "security" : "", released?.description ?? "", validUntil?.description ?? "",
        ].map(withoutSeparators)
    }

    fileprivate init?(fields: ArraySlice<String>) {
        let fields = Array(fields)
        guard fields.count == 9, fields[6] == "" || fields[6] == "security" else { return nil }
        for text in fields[7...] where !text.isEmpty && Timestamp(rfc3339: text) == nil { return nil }
        self.init(
            origin: PackageOrigin(
                origin: fields[0], label: fields[1], suite: fields[2], codename: fields[3], component: fields[4],
                site: fields[5], security: fields[6] == "security"),
            released: Timestamp(rfc3339: fields[7]), validUntil: Timestamp(rfc3339: fields[8]))
    }
}

extension Offer {
    fileprivate var line: String {
        [
            "offer", name, architecture, installed, candidate, joined(origins), security ? "security" : "",
            status.name, withoutSeparators(status.reason),
        ].joined(separator: "\t")
    }

    fileprivate init?(fields: [String]) {
        guard fields.count == 9, fields[1...4].allSatisfy({ !$0.isEmpty }), let origins = split(fields[5]),
            fields[6] == "" || fields[6] == "security", let status = OfferStatus(name: fields[7], reason: fields[8])
        else { return nil }
        self.init(
            name: fields[1], architecture: fields[2], installed: fields[3], candidate: fields[4], origins: origins,
            security: fields[6] == "security", status: status)
    }
}

/// Begins the line of an installed package.
private let fromPrefix = Array("from\t".utf8)

/// Hands over the numbers of `0,3,7`, each of at most six digits; false for anything else.
private func indexNumbers(_ text: Slice<UnsafeBufferPointer<UInt8>>, each: (Int) -> Void) -> Bool {
    if text.isEmpty { return true }
    var value = 0
    var digits = 0
    for byte in text {
        if byte == UInt8(ascii: ","), digits > 0 {
            each(value)
            (value, digits) = (0, 0)
        } else if byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9"), digits < 6 {
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
            digits += 1
        } else {
            return false
        }
    }
    guard digits > 0 else { return false }
    each(value)
    return true
}

/// Numbers as `0,3,7`.
private func joined(_ numbers: [Int]) -> String {
    numbers.map(String.init).joined(separator: ",")
}

/// The numbers of `0,3,7`; nil where one is none.
private func split(_ text: String) -> [Int]? {
    if text.isEmpty { return [] }
    let parts = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    return parts.contains(nil) ? nil : parts.compactMap { $0 }
}

/// Text from a repository with what separates fields and lines, and other control characters, made blank.
private func withoutSeparators(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 }))
}
