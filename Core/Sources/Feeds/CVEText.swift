import JSON
import Timestamps

/// What NVD's records and the CVE program's have in common.
enum CVEText {
    /// The English one of several descriptions, the first where none is.
    static func english(_ reader: inout JSONReader) throws(JSONError) -> String {
        var first = ""
        var english: String?
        try reader.array { reader throws(JSONError) in
            var language = ""
            var text = ""
            try reader.object { reader, key throws(JSONError) in
                switch key {
                case "lang": language = try reader.feedText()
                case "value": text = try reader.feedText()
                default: try reader.skip()
                }
            }
            if first.isEmpty { first = text }
            if english == nil, language.hasPrefix("en") { english = text }
        }
        return bounded(english ?? first)
    }

    /// `** DISPUTED **` and `** REJECT **` at the head of a description, as records had it before there were fields.
    static func mark(_ advisory: inout Advisory) {
        if advisory.details.hasPrefix("** DISPUTED") { advisory.isDisputed = true }
        if advisory.details.hasPrefix("** REJECT") || advisory.details.hasPrefix("Rejected reason:") {
            advisory.withdrawn = advisory.withdrawn ?? advisory.modified ?? advisory.published ?? .init(seconds: 0)
        }
    }

    /// OSV's word for what the tags of a reference say.
    static func referenceType(_ tags: [String]) -> String {
        var type = "WEB"
        // Most tags are of another length than these.
        for tag in tags where [5, 7, 15, 20].contains(tag.utf8.count) {
            switch tag.lowercased() {
            case "exploit": return "EXPLOIT"
            case "patch": type = "FIX"
            case "vendor advisory", "vendor-advisory", "third party advisory", "third-party-advisory":
                if type == "WEB" { type = "ADVISORY" }
            default: break
            }
        }
        return type
    }
}

/// Texts, each once: of a few it is quicker to look at all than to hash one.
struct FewTexts {
    private var few: [String] = []
    private var many: Set<String> = []

    /// Whether it was not there yet.
    mutating func insert(_ text: String) -> Bool {
        if few.count < 12 {
            guard !few.contains(text) else { return false }
            few.append(text)
            return true
        }
        if many.isEmpty { many = Set(few) }
        return many.insert(text).inserted
    }
}

/// The inputs of SSVC as CISA writes them, in fields of several spellings.
enum SSVCText {
    /// Reads an object with `options`, `timestamp` and so on; values in any case, others are dropped.
    static func read(
        _ reader: inout JSONReader, source: String, drop: (JSONText) -> Void
    ) throws(JSONError) -> DecisionPoints {
        var points = DecisionPoints(source: source, id: "")
        try reader.object { reader, key throws(JSONError) in
            switch key {
            case "id": points.id = try reader.feedText()
            case "timestamp": points.date = try reader.feedDate()
            case "options":
                try reader.array { reader throws(JSONError) in
                    try reader.object { reader, key throws(JSONError) in
                        let name: String
                        switch key {
                        case "Exploitation", "exploitation": name = "exploitation"
                        case "Automatable", "automatable": name = "automatable"
                        case "Technical Impact", "technicalImpact": name = "technicalimpact"
                        default: name = key.string.lowercased().filter { $0 != " " && $0 != "_" }
                        }
                        guard name == "exploitation" || name == "automatable" || name == "technicalimpact" else {
                            return drop(key)
                        }
                        let value = try reader.feedText().lowercased()
                        switch name {
                        case "exploitation":
                            points.exploitation = .init(rawValue: value == "public poc" ? "poc" : value)
                        case "automatable": points.isAutomatable = value == "yes" ? true : value == "no" ? false : nil
                        default: points.impact = .init(rawValue: value)
                        }
                    }
                }
            case "role", "version": try reader.skip()
            default: drop(key)
            }
        }
        return points
    }
}

extension Advisory {
    /// Adds a weakness once; what is no `CWE-` and a number (`NVD-CWE-noinfo`) is none.
    mutating func addWeakness(_ id: String) {
        guard id.hasPrefix("CWE-"), id.utf8.count <= 12, id.utf8.dropFirst(4).allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
            id.utf8.count > 4, !weaknesses.contains(id)
        else { return }
        weaknesses.append(id)
    }
}
