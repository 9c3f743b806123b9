public import Inventory

/// Reads one package header of rpm's database (`lib/header.c`: counts, index entries, data; all big-endian).
public enum RPMHeader {
    /// The largest header, in bytes.
    public static let maximumBytes = 64 << 20

    /// The package that a header describes; nil where it is damaged, or a key (gpg-pubkey), which is no software.
    ///
    /// - Parameter distribution: as os-release names it.
    public static func package(_ bytes: UnsafeRawBufferPointer, distribution: String) -> SoftwarePackage? {
        read(bytes, distribution: distribution)?.package
    }

    /// The same, with the vendor that the package names; empty where it names none.
    public static func read(
        _ bytes: UnsafeRawBufferPointer, distribution: String
    ) -> (package: SoftwarePackage, vendor: String)? {
        guard bytes.count >= 8, bytes.count <= maximumBytes else { return nil }
        func word(_ offset: Int) -> Int {
            Int(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
        }
        let (count, size) = (word(0), word(4))
        guard count > 0, count <= 100_000, size >= 0, 8 + count * 16 + size <= bytes.count else { return nil }
        let data = UnsafeRawBufferPointer(rebasing: bytes[(8 + count * 16)..<(8 + count * 16 + size)])
        var texts: [Int: String] = [:]
        var epoch = 0
        for entry in 0..<count {
            let start = 8 + entry * 16
            let (tag, type, offset) = (word(start), word(start + 4), word(start + 8))
            guard offset < data.count else { continue }
            switch (tag, type) {
            case (1000, 6), (1001, 6), (1002, 6), (1011, 6), (1011, 9), (1022, 6), (1044, 6), (5096, 6):
                let text = data[offset...].prefix { $0 != 0 }
                texts[tag] = String(decoding: text, as: UTF8.self)
            case (1003, 4) where offset + 4 <= data.count:
                epoch = Int(UInt32(bigEndian: data.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
            default: break
            }
        }
        if texts[1000] == "gpg-pubkey" { return nil }
        guard let name = texts[1000], let version = texts[1001], let release = texts[1002],
            !name.isEmpty, !version.isEmpty
        else { return nil }
        let full = (epoch > 0 ? "\(epoch):" : "") + "\(version)-\(release)"
        var package = SoftwarePackage(
            scheme: "rpm", distribution: distribution, name: name, architecture: texts[1022] ?? "noarch", version: full)
        if let source = SourceVersion.ofSourceRPM(texts[1044] ?? "", epochOf: full) {
            (package.source, package.sourceVersion) = source
        }
        package.module = (texts[5096] ?? "").split(separator: ":").prefix(2).joined(separator: ":")
        return (package, texts[1011] ?? "")
    }

    /// Where a package came from, by the vendor that it names, and of Red Hat's by the mark in its release: nothing else in
    /// rpm's database tells.
    ///
    /// - Parameter version: with its release.
    public static func origin(vendor: String, distribution: String, version: String) -> SoftwareOrigin {
        let id = distribution.lastIndex(of: "-").map { String(distribution[..<$0]) } ?? distribution
        // Of other distributions the word that they use is not known here.
        guard let own = vendors[id] else { return .assumed }
        guard !vendor.isEmpty else { return .unknown("it names no vendor") }
        let word = vendor.lowercased()
        // Builds of anybody's in Fedora's service name Fedora first.
        guard !word.contains("copr") else { return .thirdParty(vendor) }
        guard own.contains(where: word.hasPrefix) else { return .thirdParty(vendor) }
        if id == "rhel", let product = layeredProduct(version) {
            return .thirdParty("a product of Red Hat beside the distribution (\(product))")
        }
        return .distribution
    }

    /// The mark of a product that is sold beside the distribution, such as `el8ost` (OpenStack) or `rhaos4.12.el8`
    /// (OpenShift): the distribution's advisories do not speak of its builds. Nil for `el8`, `el8_6.2` and `module+el8.9.0`.
    static func layeredProduct(_ version: String) -> String? {
        let parts = version.split(whereSeparator: { $0 == "." || $0 == "+" || $0 == "-" })
        for part in parts {
            if part.hasPrefix("rhaos") { return String(part) }
            guard part.hasPrefix("el") else { continue }
            let rest = part.dropFirst(2).drop { $0.isASCII && $0.isNumber }
            guard rest.count < part.count - 2, let next = rest.first, next != "_", next != "~", next != "^" else {
                continue
            }
            return String(part)
        }
        return nil
    }

    /// How the vendors of distributions call themselves, in lower case.
    private static let vendors = [
        "almalinux": ["almalinux"], "rocky": ["rocky"], "ol": ["oracle america"], "rhel": ["red hat"],
        "centos": ["centos", "red hat"], "fedora": ["fedora project"], "amzn": ["amazon"], "sles": ["suse"],
        "sled": ["suse"], "sles_sap": ["suse"], "opensuse-leap": ["suse", "opensuse"],
        "opensuse-tumbleweed": ["suse", "opensuse"], "mageia": ["mageia"], "photon": ["vmware", "broadcom"],
        "azurelinux": ["microsoft"], "mariner": ["microsoft"], "openEuler": ["http://openeuler.org", "openeuler"],
    ]

    /// Whether a header is one of a key that signs packages.
    public static func isKey(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let name = Array("gpg-pubkey\0".utf8)
        guard bytes.count >= name.count else { return false }
        return (0...(bytes.count - name.count)).contains {
            bytes[$0] == name[0] && bytes[$0..<$0 + name.count].elementsEqual(name)
        }
    }
}
