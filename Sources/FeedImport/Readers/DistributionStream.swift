/// Which stream of releases a distribution's own words name.
struct DistributionStream: Hashable {
    /// The stream as ``Statement/stream`` names it.
    var stream: String
    /// The product of that distribution where it is not the stream's own, such as a service pack's long-term support.
    var channel = ""

    /// A stream by its name.
    init(stream: String) { self.stream = stream }

    /// Reads the name of a platform or product, such as `Red Hat Enterprise Linux 8`, `Ubuntu 18.04 LTS (bionic)`,
    /// `SUSE Linux Enterprise Server 15 SP1-LTSS`, `Debian GNU/Linux 12`; nil where it is none that is known here.
    init?(platform text: String) {
        var text = text.trimmed
        for suffix in [" is installed.", " is installed", " is installed (or running)"] where text.hasSuffix(suffix) {
            text = String(text.dropLast(suffix.count))
        }
        let words = text.split(separator: " ").map(String.init)
        guard words.count >= 2 else { return nil }
        switch words[0] {
        case "Debian":
            guard let release = Self.number(words) else { return nil }
            stream = "Debian:\(release.major)"
        case "Ubuntu":
            guard let release = words.first(where: { $0.utf8.count == 5 && Self.isRelease($0) }) else { return nil }
            // Even years' April releases are the long-term ones, whether the name says so or not.
            let isLongTerm =
                words.contains { $0.hasPrefix("LTS") }
                || (release.hasSuffix(".04") && (Int(release.prefix(2)) ?? 1) % 2 == 0)
            stream = "Ubuntu:\(release)\(isLongTerm ? ":LTS" : "")"
            if words.contains(where: { $0 == "Pro" || $0 == "ESM" }) { channel = "pro" }
        case "Red", "RHEL":
            guard text.contains("Enterprise Linux") || words[0] == "RHEL", let release = Self.number(words) else {
                return nil
            }
            stream = "Red Hat:enterprise_linux:\(release.major)"
            let upper = text.uppercased()
            for (words, name) in [
                ("EXTENDED UPDATE SUPPORT", "eus"), (" EUS", "eus"), ("ADVANCED UPDATE SUPPORT", "aus"),
                ("ADVANCED MISSION CRITICAL", "aus"), (" AUS", "aus"), ("TELECOMMUNICATIONS UPDATE", "tus"),
                (" TUS", "tus"), ("UPDATE SERVICES FOR SAP", "e4s"), ("E4S", "e4s"), ("LONG LIFE", "long-life"),
                ("EXTENDED LIFECYCLE", "els"), (" ELS", "els"),
            ] where upper.contains(words) {
                channel = "\(name)-\(release.text)"
                break
            }
        case "CentOS": return nil
        case "AlmaLinux":
            guard let release = Self.number(words) else { return nil }
            stream = "AlmaLinux:\(release.major)"
        case "Rocky":
            guard let release = Self.number(words) else { return nil }
            stream = "Rocky Linux:\(release.major)"
        case "Oracle":
            guard let release = Self.number(words) else { return nil }
            stream = "Oracle Linux:\(release.major)"
        case "Amazon":
            if words.count >= 3, words[1] == "Linux", words[2] == "AMI" || words[2] == "1" {
                stream = "Amazon Linux:1"
            } else {
                guard let release = Self.number(words) else { return nil }
                stream = "Amazon Linux:\(release.major)"
            }
        case "Fedora":
            if words.contains("EPEL") || words[1] == "EPEL" { return nil }
            guard let release = Self.number(words) else { return nil }
            stream = "Fedora:\(release.major)"
        case "Photon":
            guard let release = Self.number(words) else { return nil }
            stream = "Photon OS:\(release.major).0"
        case "Azure", "CBL-Mariner", "Mariner":
            guard let release = Self.number(words) else { return nil }
            stream = "Azure Linux:\(release.major)"
        case "openSUSE":
            if words.contains("Tumbleweed") || words.contains("Factory") {
                stream = "openSUSE:Tumbleweed"
            } else {
                guard let release = Self.number(words) else { return nil }
                stream = "openSUSE:Leap \(release.text)"
            }
        case "SUSE":
            guard let release = Self.suse(words) else { return nil }
            stream = "SUSE:\(release)"
            channel = text
        default: return nil
        }
    }

    /// What a version's own suffix says, such as `.el9`, `.fc40`, `.amzn2023`, `.azl3`, `.ph5`; nil where it says nothing.
    /// `vendor` says whose `.el` it is.
    init?(evr: String, vendor: String?) {
        for part in evr.split(whereSeparator: { $0 == "." || $0 == "-" || $0 == "_" || $0 == "+" }).reversed() {
            for (prefix, name) in [
                ("fc", "Fedora:"), ("amzn", "Amazon Linux:"), ("azl", "Azure Linux:"), ("cm", "Azure Linux:"),
                ("ph", "Photon OS:"),
            ] {
                guard part.hasPrefix(prefix), let number = Int(part.dropFirst(prefix.count)) else { continue }
                stream = prefix == "ph" ? "\(name)\(number).0" : "\(name)\(number)"
                return
            }
            if part.hasPrefix("el"), let vendor {
                guard let number = Int(part.dropFirst(2).prefix { $0.isNumber }) else { continue }
                stream = "\(vendor):\(number)"
                return
            }
        }
        return nil
    }

    /// The first word that is a release: `8`, `8.6`, `8.6.z`, `(v. 6)`, `6.2`.
    private static func number(_ words: [String]) -> (major: String, text: String)? {
        for word in words.dropFirst() {
            let digits = word.drop { $0 == "(" || $0 == "v" || $0 == "." }.prefix { $0.isNumber || $0 == "." }
            guard let first = digits.first, first.isNumber else { continue }
            let text = digits.hasSuffix(".") ? String(digits.dropLast()) : String(digits)
            return (String(text.prefix { $0 != "." }), text)
        }
        return nil
    }

    private static func isRelease(_ word: String) -> Bool {
        let parts = word.split(separator: ".")
        return parts.count == 2 && parts.allSatisfy { $0.count == 2 && $0.allSatisfy(\.isNumber) }
    }

    /// `15 SP1-LTSS` is `15.1`, `15` is `15`.
    private static func suse(_ words: [String]) -> String? {
        guard let place = words.firstIndex(where: { $0.first?.isNumber == true }) else { return nil }
        var release = String(words[place].prefix { $0.isNumber })
        var pack = words[place].dropFirst(release.count)
        if pack.hasPrefix("-") || pack.hasPrefix(":") { pack = pack.dropFirst() }
        if pack.isEmpty, place + 1 < words.count { pack = words[place + 1][...] }
        if pack.hasPrefix("SP") {
            let number = pack.dropFirst(2).prefix { $0.isNumber }
            if !number.isEmpty { release += ".\(number)" }
        } else if pack.hasPrefix(".") {
            release += pack.prefix { $0.isNumber || $0 == "." }
        }
        return release
    }
}
