public import JSON

/// Which feeds are kept and how they are fetched: `feeds.json` in the feeds folder, or what is built in.
public struct FeedConfiguration: Sendable, Hashable {
    /// The feeds by name.
    public var feeds: [FeedDefinition]
    /// What an address begins with, and what stands there instead: a mirror of everything.
    public var mirrors: [(from: String, to: String)] = []
    /// The share of its records that a feed may lose before a person is asked, 0 to 1.
    public var maximumShrink = 0.10
    /// The share of a feed's records that may be unusable before a person is asked, 0 to 1.
    public var maximumQuarantine = 0.10
    /// After how many seconds without a successful sync a feed counts as old.
    public var maximumAge: Int64 = 48 * 3600
    /// How the network is used.
    public var network = NetworkLimits()

    /// A configuration.
    public init(feeds: [FeedDefinition]) { self.feeds = feeds }

    public static func == (left: Self, right: Self) -> Bool { left.json == right.json }
    public func hash(into hasher: inout Hasher) { hasher.combine(json) }

    /// The feed of that name.
    public func feed(_ name: String) -> FeedDefinition? { feeds.first { $0.name == name } }

    /// Where an address leads by way of ``mirrors``.
    func mirrored(_ url: String) -> String {
        for mirror in mirrors where url.hasPrefix(mirror.from) { return mirror.to + url.dropFirst(mirror.from.count) }
        return url
    }

    /// As the file has it.
    public var json: JSONValue {
        .object([
            "feeds": .array(feeds.map(\.json)),
            "mirrors": .object(Dictionary(mirrors.map { ($0.from, .string($0.to)) }, uniquingKeysWith: { $1 })),
            "maximumShrink": JSONValue(maximumShrink) ?? .null,
            "maximumQuarantine": JSONValue(maximumQuarantine) ?? .null, "maximumAgeHours": .integer(maximumAge / 3600),
            "timeoutSeconds": .integer(network.total), "minimumBytesPerSecond": .integer(network.minimumRate),
        ])
    }

    /// Reads a file's text.
    ///
    /// - Throws: ``ImportError`` that names the place.
    public init(parsing bytes: [UInt8], path: String) throws {
        do {
            var object = try JSONObject(
                try JSONValue(
                    parsing: bytes,
                    limits: JSONLimits(
                        maximumBytes: 1 << 20, maximumDepth: 8, maximumItems: 100_000, maximumStringBytes: 8192)))
            var feeds: [FeedDefinition] = []
            for var feed in try object.objects("feeds", maximumCount: 10_000) {
                feeds.append(try FeedDefinition(&feed))
                try feed.finish()
            }
            self.init(feeds: feeds)
            if let mirrors = object.optionalValue("mirrors")?.object {
                self.mirrors = mirrors.sorted { $0.key.utf8.count > $1.key.utf8.count }.compactMap { from, to in
                    to.string.map { (from, $0) }
                }
            }
            maximumShrink = try Self.share(&object, "maximumShrink") ?? maximumShrink
            maximumQuarantine = try Self.share(&object, "maximumQuarantine") ?? maximumQuarantine
            if let hours = try object.optionalInteger("maximumAgeHours", in: 1...87_600) { maximumAge = hours * 3600 }
            if let seconds = try object.optionalInteger("timeoutSeconds", in: 1...86_400) { network.total = seconds }
            if let rate = try object.optionalInteger("minimumBytesPerSecond", in: 0...1_000_000_000) {
                network.minimumRate = rate
            }
            try object.finish()
            let names = feeds.map(\.name)
            if let twice = names.first(where: { name in names.count(where: { $0 == name }) > 1 }) {
                throw ImportError(.usage, "two feeds are called \(twice)")
            }
        } catch let error as ImportError {
            throw ImportError(.usage, "\(path): \(error.description)")
        } catch {
            throw ImportError(.usage, "\(path): \(error)")
        }
    }

    private static func share(_ object: inout JSONObject, _ key: String) throws -> Double? {
        guard let share = try object.optionalNumber(key) else { return nil }
        guard (0...1).contains(share) else { throw ImportError(.usage, "/\(key) is a share, from 0 to 1") }
        return share
    }
}

extension FeedConfiguration {
    /// What is fetched where nobody says otherwise: the vendors' own addresses.
    public static let builtIn: FeedConfiguration = {
        var feeds: [FeedDefinition] = []
        func add(
            _ name: String, _ url: String, _ kind: FeedKind, source: String? = nil, stream: String? = nil,
            checksum: FeedDefinition.Checksum? = nil, pointer: FeedDefinition.Pointer? = nil, enabled: Bool = true
        ) {
            var feed = FeedDefinition(name: name, url: url, kind: kind)
            feed.source = source
            feed.stream = stream
            feed.checksum = checksum
            feed.pointer = pointer
            feed.isEnabled = enabled
            feeds.append(feed)
        }
        add(
            "kev", "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json", .kev)
        add("epss", "https://epss.empiricalsecurity.com/epss_scores-current.csv.gz", .epss)
        add("cwe", "https://cwe.mitre.org/data/xml/cwec_latest.xml.zip", .cwe)
        let ecosystems = [
            "AlmaLinux", "Alpine", "Bitnami", "CRAN", "Chainguard", "Debian", "GitHub Actions", "Go", "Hackage", "Hex",
            "Maven", "NuGet", "Packagist", "Pub", "PyPI", "Rocky Linux", "RubyGems", "SUSE", "SwiftURL", "Ubuntu",
            "Wolfi",
            "crates.io", "npm", "openSUSE",
        ]
        // Whoever has such packages names them; of some the vendor's own feed says more.
        let rarer = [
            "Alpaquita", "Android", "Azure Linux", "BellSoft Hardened Containers", "Bioconductor", "CleanStart",
            "ConanCenter", "Docker Hardened Images", "Echo", "FreeBSD", "GHC", "Julia", "Kubernetes", "Linux", "Mageia",
            "MinimOS", "OSS-Fuzz", "Photon OS", "Red Hat", "Root", "TuxCare", "VSCode", "opam", "openEuler",
        ]
        for ecosystem in (ecosystems + rarer).sorted() {
            let escaped = ecosystem.replacing(" ", with: "%20")
            add(
                "osv-\(FeedDefinition.name(from: ecosystem))",
                "https://osv-vulnerabilities.storage.googleapis.com/\(escaped)/all.zip", .osv, source: "osv",
                enabled: ecosystems.contains(ecosystem))
        }
        // What OSV's own files are made of, in the words of those who wrote it.
        add(
            "github-advisories", "https://codeload.github.com/github/advisory-database/tar.gz/refs/heads/main", .osv,
            source: "github", enabled: false)
        add(
            "ubuntu-osv", "https://security-metadata.canonical.com/osv/osv-all.tar.xz", .osv, source: "ubuntu-osv",
            enabled: false)
        add(
            "ubuntu-vex", "https://security-metadata.canonical.com/vex/vex-all.tar.xz", .openVEX, source: "ubuntu-vex",
            enabled: false)
        add(
            "suse-vex", "https://ftp.suse.com/pub/projects/security/csaf-vex.tar.bz2", .csaf, source: "suse-vex",
            enabled: false)
        for list in ["DSA", "DLA"] {
            add(
                "debian-\(list.lowercased())",
                "https://salsa.debian.org/security-tracker-team/security-tracker/-/raw/master/data/\(list)/list",
                .debianList, enabled: false)
        }
        // All there is; CISA's vulnrichment has what it looked at, with its own part.
        add(
            "cve", "https://codeload.github.com/CVEProject/cvelistV5/tar.gz/refs/heads/main", .cve, source: "cve",
            enabled: false)
        add("debian-tracker", "https://security-tracker.debian.org/tracker/data/json", .debianTracker)
        add(
            "redhat-vex", "https://security.access.redhat.com/data/csaf/v2/vex/archive_latest.txt", .csaf,
            source: "redhat-vex", checksum: .sha256, pointer: .latest)
        for release in ["6", "7", "8", "9", "10"] {
            add(
                "redhat-oval-\(release)",
                "https://security.access.redhat.com/data/oval/v2/RHEL\(release)/rhel-\(release).oval.xml.bz2", .oval,
                source: "redhat-oval", enabled: false)
        }
        for release in ["12", "13"] {
            add(
                "debian-oval-\(release)",
                "https://www.debian.org/security/oval/oval-definitions-\(release == "12" ? "bookworm" : "trixie").xml.bz2",
                .oval, source: "debian-oval", stream: "Debian:\(release)", enabled: false)
        }
        for (release, code) in [("22.04", "jammy"), ("24.04", "noble")] {
            add(
                "ubuntu-oval-\(release)",
                "https://security-metadata.canonical.com/oval/com.ubuntu.\(code).cve.oval.xml.bz2", .oval,
                source: "ubuntu-oval", stream: "Ubuntu:\(release):LTS", enabled: false)
        }
        for product in ["suse.linux.enterprise.server.12", "suse.linux.enterprise.server.15", "opensuse.leap.15.6"] {
            add(
                "\(product.replacing(".", with: "-"))",
                "https://ftp.suse.com/pub/projects/security/oval/\(product).xml.gz", .oval, source: "suse-oval",
                enabled: false)
        }
        for release in ["4.0", "5.0"] {
            add(
                "photon-oval-\(release)",
                "https://packages.broadcom.com/artifactory/photon/photon_oval_definitions/com.vmware.phsa-photon\(release.prefix(1)).xml.gz",
                .oval, source: "photon-oval", stream: "Photon OS:\(release)", enabled: false)
        }
        for (release, code) in [("2", "cbl-mariner-2.0"), ("3", "azurelinux-3.0")] {
            add(
                "azure-linux-\(release)",
                "https://raw.githubusercontent.com/microsoft/AzureLinuxVulnerabilityData/main/\(code)-oval.xml", .oval,
                source: "azure-linux", stream: "Azure Linux:\(release)", enabled: false)
        }
        // A repository is of one architecture, and says nothing of the others. The common one has no mark in its name.
        let architectures = [("x86_64", ""), ("aarch64", "-aarch64")]
        for release in ["8", "9", "10"] {
            for (architecture, mark) in architectures {
                for repository in ["BaseOS", "AppStream"] {
                    let name = "\(release)-\(repository.lowercased())\(mark)"
                    let place = "\(release)/\(repository)/\(architecture)/os/repodata/repomd.xml"
                    add(
                        "almalinux-\(name)", "https://repo.almalinux.org/almalinux/\(place)", .updateInfo,
                        source: "almalinux", stream: "AlmaLinux:\(release)", pointer: .repository, enabled: false)
                    add(
                        "rocky-\(name)", "https://dl.rockylinux.org/pub/rocky/\(place)", .updateInfo, source: "rocky",
                        stream: "Rocky Linux:\(release)", pointer: .repository, enabled: false)
                }
                for (repository, part) in [("baseos/latest", ""), ("appstream", "-appstream")] {
                    add(
                        "oracle-\(release)\(part)\(mark)",
                        "https://yum.oracle.com/repo/OracleLinux/OL\(release)/\(repository)/\(architecture)/repodata/repomd.xml",
                        .updateInfo, source: "oracle", stream: "Oracle Linux:\(release)", pointer: .repository,
                        enabled: false)
                }
            }
            add(
                "oracle-oval-\(release)", "https://linux.oracle.com/security/oval/com.oracle.elsa-ol\(release).xml.bz2",
                .oval, source: "oracle-oval", stream: "Oracle Linux:\(release)", enabled: false)
        }
        for (architecture, mark) in architectures {
            for (name, place, release) in [
                ("2023", "al2023/core/mirrors/latest", "2023"), ("2", "2/core/latest", "2"),
                ("2-docker", "2/extras/docker/latest", "2"), ("2-kernel-5.4", "2/extras/kernel-5.4/latest", "2"),
                ("2-kernel-5.10", "2/extras/kernel-5.10/latest", "2"),
                ("2-kernel-5.15", "2/extras/kernel-5.15/latest", "2"),
            ] {
                add(
                    "amazon-\(name)\(mark)", "https://cdn.amazonlinux.com/\(place)/\(architecture)/mirror.list",
                    .updateInfo, source: "amazon", stream: "Amazon Linux:\(release)", pointer: .mirrorList,
                    enabled: false)
            }
        }
        add(
            "nvd-modified", "https://nvd.nist.gov/feeds/json/cve/2.0/nvdcve-2.0-modified.json.gz", .nvd, source: "nvd",
            checksum: .nvdMeta)
        for year in 2002...2026 {
            add(
                "nvd-\(year)", "https://nvd.nist.gov/feeds/json/cve/2.0/nvdcve-2.0-\(year).json.gz", .nvd,
                source: "nvd",
                checksum: .nvdMeta)
        }
        add(
            "vulnrichment", "https://codeload.github.com/cisagov/vulnrichment/tar.gz/refs/heads/develop", .cve)
        add("arch", "https://security.archlinux.org/all.json", .arch)
        for release in ["3.20", "3.21", "3.22", "3.23"] {
            for repository in ["main", "community"] {
                add(
                    "alpine-\(release)-\(repository)",
                    "https://secdb.alpinelinux.org/v\(release)/\(repository).json", .secdb, source: "alpine",
                    enabled: false)
            }
        }
        add("wolfi", "https://packages.wolfi.dev/os/security.json", .secdb, source: "wolfi", enabled: false)
        return FeedConfiguration(feeds: feeds)
    }()
}
