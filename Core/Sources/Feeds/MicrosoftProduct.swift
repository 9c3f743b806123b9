/// Microsoft's products as its bulletins write them, and the articles that bring their fixes.
enum MicrosoftProduct {
    /// The CPE name of a Windows in Microsoft's words, as its own CVE records have it: `Windows 10 Version 1809 for x64-based
    /// Systems` is `windows_10_1809`; nil for everything else.
    static func name(_ text: String) -> CPEName? {
        var words = text.lowercased().split { " ,()".contains($0) }.map(String.init)
        guard words.count >= 2, words[0] == "windows" else { return nil }
        // What it runs on, how it was installed and which service pack it has is not the product.
        if let end = words.firstIndex(where: { ["for", "server-core", "service", "sp1", "sp2"].contains($0) }) {
            words.removeSubrange(end...)
        }
        if let core = words.firstIndex(of: "core"), core > 1, words[core - 1] == "server" {
            words.removeSubrange((core - 1)...)
        }
        words.removeAll { $0 == "version" || $0 == "edition" }
        guard words.count >= 2, words.count <= 4, words.dropFirst().allSatisfy({ $0.utf8.allSatisfy(isPlain) }) else {
            return nil
        }
        // The first Windows 10 has no version in its name.
        if words == ["windows", "10"] { words.append("1507") }
        // `Windows Server 2022, 23H2 Edition` is a release of its own.
        if words.count == 4, words[1] == "server", words[3].hasSuffix("h2") { words.remove(at: 2) }
        return CPEName("cpe:2.3:o:microsoft:\(words.joined(separator: "_"))")
    }

    /// The knowledge base article that a fix comes with, such as `KB5034127`.
    static func article(_ remediation: CSAFDocument.Remediation) -> String? {
        for text in [remediation.url, remediation.details] {
            for mark in ["/help/", "KB"] {
                guard let range = text.firstRange(of: mark) else { continue }
                let digits = text[range.upperBound...].prefix { $0.isNumber }
                if (6...8).contains(digits.utf8.count) { return "KB\(digits)" }
            }
        }
        return nil
    }

    /// The build that a fix brings: `10.0.17763.5206` of `10.0.17763.5206:Security Update:https://…`.
    static func build(_ remediation: CSAFDocument.Remediation) -> String? {
        let text = String(remediation.details.prefix { $0 != ":" })
        return text.utf8.count <= 64 && text.contains(".") && isReadable(text, scheme: "windows") ? text : nil
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        (byte >= 0x61 && byte <= 0x7A) || (byte >= 0x30 && byte <= 0x39)
    }
}
