/// Tells by a document's beginning what it is.
enum FeedSniffer {
    /// How much of a document is looked at.
    static let window = 256 << 10

    /// The kind of a document; nil where it is none that is known.
    static func kind(of bytes: UnsafeRawBufferPointer) -> FeedKind? {
        var start = bytes.startIndex
        if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { start = 3 }
        while start < bytes.endIndex, isBlank(bytes[start]) { start += 1 }
        guard start < bytes.endIndex else { return nil }
        let head = UnsafeRawBufferPointer(rebasing: bytes[start..<min(bytes.endIndex, start + window)])
        switch head[0] {
        case UInt8(ascii: "<"): return xml(head)
        case UInt8(ascii: "{"): return json(head)
        case UInt8(ascii: "["):
            // Debian's lists begin with a date in brackets.
            if let kind = text(head) { return kind }
            // Arch publishes an array of groups; arrays of OSV records are passed round.
            let keys = Keys(head, depth: 2)
            if keys.all.contains("affected"), keys.all.contains("status"), keys.all.contains("packages") {
                return .arch
            }
            return nil
        default: return text(head)
        }
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (byte >= 0x09 && byte <= 0x0D) }

    private static func xml(_ head: UnsafeRawBufferPointer) -> FeedKind? {
        guard let scanner = try? XMLScanner(head), let root = try? scanner.next() else { return nil }
        switch root {
        case "updates": return .updateInfo
        case "oval_definitions": return .oval
        case "cvrfdoc": return .cvrf
        case "Weakness_Catalog": return .cwe
        default: return nil
        }
    }

    private static func text(_ head: UnsafeRawBufferPointer) -> FeedKind? {
        let text = String(decoding: head.prefix(4096), as: UTF8.self)
        if text.contains("patched_versions:") || text.contains("unaffected_versions:") || text.contains("\ngem: "),
            text.contains("\nurl: ") || text.contains("\ntitle: ")
        {
            return .rubySec
        }
        if text.contains("distroversion:"), text.contains("reponame:") { return .secdb }
        let lines = text.split(separator: "\n", maxSplits: 4).map(String.init)
        if lines.prefix(2).contains(where: { $0.hasPrefix("#model_version:") || $0.lowercased().hasPrefix("cve,epss") })
        {
            return .epss
        }
        // `CVE,CVSS3,EPSS,EPSS Percentile`
        if let first = lines.first?.lowercased(), first.hasPrefix("cve,"), first.contains("epss") { return .epss }
        if let first = lines.first, first.hasPrefix("["), first.contains("] DSA-") || first.contains("] DLA-") {
            return .debianList
        }
        return nil
    }

    private static func json(_ head: UnsafeRawBufferPointer) -> FeedKind? {
        let keys = Keys(head, depth: 1)
        let all = keys.all
        if all.contains("bomFormat") || keys.text("$schema")?.contains("cyclonedx") == true { return .cycloneDX }
        if keys.text("@context")?.contains("openvex") == true { return .openVEX }
        if all.contains("catalogVersion"), all.contains("vulnerabilities") || all.contains("count") { return .kev }
        if keys.text("format") == "NVD_CVE" || all.contains("resultsPerPage") { return .nvd }
        if keys.text("dataType") == "CVE_RECORD" || all.contains("cveMetadata") { return .cve }
        if all.contains("document") {
            let inner = Keys(head, depth: 2).all
            if inner.contains("csaf_version") || inner.contains("tracking") { return .csaf }
        }
        if all.contains("ghsa_id") { return .github }
        if all.contains("Vulnerability") || all.contains("Advisory") { return .vunnel }
        if all.contains("item"), all.contains("schema"), all.contains("identifier") { return .vunnel }
        if all.contains("updateinfo_id") || all.contains("cveids") || all.contains("CveIDs") { return .errata }
        if all.contains("id"), all.contains("modified") || all.contains("affected") || all.contains("schema_version") {
            return .osv
        }
        if all.contains("apkurl") || (all.contains("packages") && all.contains("distroversion"))
            || all.contains("urlprefix")
        {
            return .secdb
        }
        // A package's name, and below it CVEs: as the Debian tracker does.
        let inner = Keys(head, depth: 2).all
        if inner.contains(where: { $0.hasPrefix("CVE-") || $0.hasPrefix("TEMP-") }) {
            let deep = Keys(head, depth: 3).all
            if deep.contains("releases") { return .debianTracker }
            if deep.contains("fixed_version") { return .echo }
        }
        return nil
    }

    /// The members of a JSON document's outermost levels, as far as its beginning shows them.
    private struct Keys {
        private(set) var all: Set<String> = []
        private var texts: [String: String] = [:]

        /// The text of a member of the outermost object.
        func text(_ key: String) -> String? { texts[key] }

        init(_ bytes: UnsafeRawBufferPointer, depth wanted: Int) {
            var depth = 0
            var index = bytes.startIndex
            var last: String?
            var key: String?
            while index < bytes.endIndex, all.count < 1_000 {
                let byte = bytes[index]
                index += 1
                switch byte {
                case UInt8(ascii: "{"), UInt8(ascii: "["):
                    depth += 1
                    key = nil
                case UInt8(ascii: "}"), UInt8(ascii: "]"):
                    depth -= 1
                    if depth == 0 { return }
                case UInt8(ascii: "\""):
                    let start = index
                    while index < bytes.endIndex, bytes[index] != UInt8(ascii: "\"") {
                        index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
                    }
                    let end = min(index, bytes.endIndex)
                    index = end + 1
                    guard depth <= wanted, end - start <= 512 else {
                        last = nil
                        continue
                    }
                    last = String(decoding: bytes[start..<end], as: UTF8.self)
                    if depth == 1, let name = key, let value = last {
                        texts[name] = value
                        key = nil
                    }
                case UInt8(ascii: ":"):
                    guard let name = last, depth <= wanted, depth >= 1 else { continue }
                    all.insert(name)
                    key = depth == 1 ? name : nil
                    last = nil
                case UInt8(ascii: ","): key = nil
                default: break
                }
            }
        }
    }
}
