import Digest
import Feeds
import Inventory
import JSON
import Matching
import PackageURLs
import SoftwareReading
import TextTable
import Timestamps

/// What `fettle match` found, in the forms that it prints.
struct MatchReport {
    struct Entry {
        var finding: Finding
        var found: FoundPackage
        /// The part in the host's kernel; nil where which kernel runs is not known.
        var role: KernelRole?

        var isAffected: Bool { finding.verdict == .affected && !finding.isInformational }
        var package: SoftwarePackage { found.package }
        var url: String { found.url.isEmpty ? PackageURL.text(of: found.package) : found.url }
    }

    let input: String
    private let catalogue: Catalogue
    private(set) var findings: [Entry] = []
    private(set) var packageCount = 0
    private(set) var unknownCount = 0
    private var reasons: [String: Int] = [:]
    private var unknown: [(found: FoundPackage, reason: String)] = []
    /// Packages of a distribution of which nothing tells where they came from.
    private(set) var assumedCount = 0
    private let skipped: [String]
    private let skippedCount: Int

    /// - Parameter skipped: what was read, for what of it could not be.
    init(catalogue: Catalogue, input: String, skipped: FoundSoftware = FoundSoftware()) {
        self.catalogue = catalogue
        self.input = input
        self.skipped = skipped.skipped
        skippedCount = skipped.skippedCount
    }

    mutating func add(_ judgement: Judgement, _ found: FoundPackage, role: KernelRole?) {
        packageCount += 1
        if !judgement.unknown.isEmpty {
            unknownCount += 1
            reasons[judgement.unknown, default: 0] += 1
            unknown.append((found, judgement.unknown))
        }
        if found.origin == .assumed, !found.package.distribution.isEmpty { assumedCount += 1 }
        for finding in judgement.findings { findings.append(Entry(finding: finding, found: found, role: role)) }
    }

    /// Why packages are unknown, the most frequent first.
    var unknownReasons: String {
        reasons.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(3).map { "\($0.key) (\($0.value))" }
            .joined(separator: "; ")
    }

    // MARK: Table

    func table(all: Bool) -> String {
        let order = ["critical", "high", "medium", "unknown", "low", "none"]
        // What is sorted by is taken out once: entries are large.
        var shown: [(rank: Int, name: String, vulnerability: String, index: Int)] = []
        for (index, entry) in findings.enumerated() where all || entry.isAffected || entry.finding.verdict == .unknown {
            shown.append(
                (
                    order.firstIndex(of: entry.finding.severity.word) ?? 3, entry.package.name,
                    entry.finding.vulnerability, index
                ))
        }
        shown.sort { $0 < $1 }
        var table = TextTable(
            "vulnerability", "severity", "verdict", "package", "installed", "fixed in", "on whose word")
        for place in shown {
            let entry = findings[place.index]
            let finding = entry.finding
            let voice = finding.voices.first
            table.add(
                .init(TextTable.printable(finding.vulnerability)), .init(finding.severity.word),
                .init(note(entry)), .init(TextTable.printable(entry.package.name)),
                .init(TextTable.printable(entry.package.version)), .init(TextTable.printable(fix(finding))),
                .init(TextTable.printable(voice.map { "\($0.source) \($0.record)" } ?? "")))
        }
        let affected = findings.filter(\.isAffected)
        let names = Set(affected.map(\.finding.vulnerability)).count
        let summary =
            "\(packageCount) packages: \(affected.count) findings of \(names) vulnerabilities, \(unknownCount) packages unknown.\n"
        return (shown.isEmpty ? "" : table.rendered(colour: false)) + summary
    }

    private func note(_ entry: Entry) -> String {
        var words = [entry.finding.verdict.rawValue]
        if entry.finding.isWeak { words.append("weak") }
        if entry.finding.isDisputed { words.append("disputed") }
        if entry.finding.isInformational { words.append("notice") }
        if entry.role == .installed { words.append("kernel not running") }
        if entry.role == .withoutCode { words.append("no kernel code") }
        return words.joined(separator: ", ")
    }

    private func fix(_ finding: Finding) -> String {
        let voice = finding.voices.first
        if finding.verdict == .fixed, finding.fixed == nil, voice?.rule == .afterLast, let last = voice?.upper {
            return "after \(last), no fix named"
        }
        guard let fixed = finding.fixed else { return finding.plan == .none ? "" : finding.plan.rawValue }
        return fixed + subscription(finding)
    }

    /// What a fix that is paid for asks for.
    private func subscription(_ finding: Finding) -> String {
        guard finding.verdict == .affected, let voice = finding.voices.first,
            voice.stream.hasPrefix("Ubuntu:Pro:") || !voice.channel.isEmpty
        else { return "" }
        return " (needs \(voice.channel.isEmpty ? "Ubuntu Pro" : voice.channel))"
    }

    private func url(_ found: FoundPackage) -> String {
        found.url.isEmpty ? PackageURL.text(of: found.package) : found.url
    }

    // MARK: JSON

    var json: JSONValue {
        [
            "catalogue": [
                "digest": .string(catalogue.digest.hex),
                "feeds": .array(
                    ((try? catalogue.feeds) ?? []).map { feed in
                        [
                            "source": .string(feed.source), "records": .integer(Int64(feed.records)),
                            "date": feed.date.map { .string($0.description) } ?? .null,
                        ]
                    }),
            ],
            "packages": .integer(Int64(packageCount)),
            "unknown": .array(
                unknown.map { ["purl": .string(url($0.found)), "reason": .string($0.reason)] }),
            "skipped": .integer(Int64(skippedCount)), "originAssumed": .integer(Int64(assumedCount)),
            "findings": .array(findings.map(json)),
        ]
    }

    private func json(_ entry: Entry) -> JSONValue {
        let finding = entry.finding
        var value: [String: JSONValue] = [
            "vulnerability": .string(finding.vulnerability), "ids": .array(finding.ids.map { .string($0) }),
            "verdict": .string(finding.verdict.rawValue), "purl": .string(entry.url),
            "package": .string(entry.package.name), "version": .string(entry.package.version),
            "source": .string(entry.package.source), "sourceVersion": .string(entry.package.sourceVersion),
            "place": .string(entry.found.place), "fixed": finding.fixed.map { .string($0) } ?? .null,
            "plan": .string(finding.plan.rawValue), "summary": .string(finding.summary), "weak": .bool(finding.isWeak),
            "disputed": .bool(finding.isDisputed), "informational": .bool(finding.isInformational),
            "reason": .string(finding.reason), "severity": severity(finding.severity),
            "evidence": .array(finding.voices.map(json)),
        ]
        if let role = entry.role, role != .none {
            value["kernel"] = .string(role == .running ? "running" : role == .installed ? "installed" : "without-code")
        }
        return .object(value)
    }

    private func severity(_ severity: FindingSeverity) -> JSONValue {
        [
            "word": .string(severity.word), "type": .string(severity.type), "score": .string(severity.score),
            "source": .string(severity.source), "tenths": severity.tenths.map { .integer(Int64($0)) } ?? .null,
        ]
    }

    private func json(_ voice: Voice) -> JSONValue {
        func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
        return [
            "source": .string(voice.source), "record": .string(voice.record), "stream": .string(voice.stream),
            "kind": .string(voice.kind.rawValue), "name": .string(voice.name), "version": .string(voice.version),
            "verdict": .string(voice.verdict.rawValue), "rule": .string(voice.rule.rawValue),
            "lower": text(voice.lower),
            "upper": text(voice.upper), "fixed": text(voice.fixed), "plan": .string(voice.plan.rawValue),
            "reason": .string(voice.reason), "channel": .string(voice.channel),
            "modified": text(voice.modified?.description), "feedDate": text(voice.feedDate?.description),
            "overruled": .string(voice.overruled),
        ]
    }

    // MARK: SARIF 2.1.0

    var sarif: JSONValue {
        var rules: [String: JSONValue] = [:]
        for entry in findings where entry.isAffected {
            let finding = entry.finding
            guard rules[finding.vulnerability] == nil else { continue }
            rules[finding.vulnerability] = [
                "id": .string(finding.vulnerability),
                "shortDescription": [
                    "text": .string(finding.summary.isEmpty ? finding.vulnerability : finding.summary)
                ],
                "properties": [
                    "security-severity": .string(
                        finding.severity.tenths.map { "\($0 / 10).\($0 % 10)" } ?? Self.middle(finding.severity.word)),
                    "tags": ["security"],
                ],
            ]
        }
        let results = findings.filter(\.isAffected).map { entry -> JSONValue in
            let finding = entry.finding
            let level = ["critical": "error", "high": "error", "medium": "warning"][finding.severity.word] ?? "note"
            let closing = finding.fixed.map { "fixed in \($0)\(subscription(finding))" } ?? "no fix is known"
            return [
                "ruleId": .string(finding.vulnerability), "level": .string(level),
                "message": [
                    "text": .string(
                        "\(entry.package.name) \(entry.package.version) is affected by \(finding.vulnerability); \(closing)."
                    )
                ],
                "locations": [
                    [
                        "physicalLocation": [
                            "artifactLocation": [
                                "uri": .string(Self.uri(entry.found.place.isEmpty ? input : entry.found.place))
                            ]
                        ]
                    ]
                ],
                "partialFingerprints": ["package/v1": .string("\(entry.url) \(finding.vulnerability)")],
            ]
        }
        return [
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
            "runs": [
                [
                    "tool": [
                        "driver": [
                            "name": "fettle", "version": .string(fettleVersion),
                            "rules": .array(rules.sorted { $0.key < $1.key }.map(\.value)),
                        ]
                    ],
                    "invocations": [
                        // Ran to its end, and says what it could not judge: no results are not no findings.
                        ["executionSuccessful": true, "toolExecutionNotifications": .array(notifications)]
                    ],
                    "properties": [
                        "packages": .integer(Int64(packageCount)), "unknownPackages": .integer(Int64(unknownCount)),
                        "skippedComponents": .integer(Int64(skippedCount)),
                        "undecidedFindings": .integer(Int64(findings.count { $0.finding.verdict == .unknown })),
                    ],
                    "results": .array(results),
                ]
            ],
        ]
    }

    /// What could not be judged, the first thousand in words.
    private var notifications: [JSONValue] {
        func notification(_ id: String, _ text: String) -> JSONValue {
            ["descriptor": ["id": .string(id)], "level": "warning", "message": ["text": .string(text)]]
        }
        var list = unknown.prefix(1_000).map {
            notification("unknown-package", "\(url($0.found)) is unknown: \($0.reason).")
        }
        list += skipped.prefix(1_000).map { notification("skipped-component", $0) }
        list += findings.filter { $0.finding.verdict == .unknown }.prefix(1_000).map {
            notification(
                "undecided-finding", "Whether \($0.url) is affected by \($0.finding.vulnerability) is not decided.")
        }
        return list
    }

    /// Code hosts sort by a number; a vendor's word gets the middle of its range.
    private static func middle(_ word: String) -> String {
        ["critical": "9.5", "high": "8.0", "medium": "5.5", "low": "2.0", "none": "0.0"][word] ?? "5.5"
    }

    private static func uri(_ path: String) -> String {
        var text = ""
        for byte in path.utf8.drop(while: { $0 == 0x2F }) {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E, 0x2F:
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                text += "%" + (digits.count == 1 ? "0" : "") + digits
            }
        }
        return text
    }

    // MARK: CycloneDX 1.6 and OpenVEX 0.2.0

    var cycloneDX: JSONValue {
        var components: [String: JSONValue] = [:]
        var vulnerabilities: [String: (finding: Finding, affects: [JSONValue])] = [:]
        for entry in findings where !entry.finding.isInformational {
            components[entry.url] = [
                "type": "library", "bom-ref": .string(entry.url), "name": .string(entry.package.name),
                "version": .string(entry.package.version), "purl": .string(entry.url),
            ]
            let finding = entry.finding
            let state =
                ["affected": "exploitable", "fixed": "resolved", "not-affected": "not_affected"][
                    finding.verdict.rawValue] ?? "in_triage"
            // One vulnerability has one state in a document: packages with another are another entry.
            let key = "\(finding.vulnerability) \(state)"
            let status =
                finding.verdict == .affected ? "affected" : finding.verdict == .unknown ? "unknown" : "unaffected"
            let affects: JSONValue = [
                "ref": .string(entry.url),
                "versions": [["version": .string(entry.package.version), "status": .string(status)]],
            ]
            vulnerabilities[key, default: (finding, [])].affects.append(affects)
        }
        // A package that could not be judged is there too, and says so.
        for entry in unknown {
            let url = url(entry.found)
            components[url] = [
                "type": "library", "bom-ref": .string(url), "name": .string(entry.found.package.name),
                "version": .string(entry.found.package.version), "purl": .string(url),
                "properties": [["name": "fettle:unknown", "value": .string(entry.reason)]],
            ]
        }
        let list = vulnerabilities.sorted { $0.key < $1.key }.map { key, value -> JSONValue in
            let finding = value.finding
            var object: [String: JSONValue] = [
                "id": .string(finding.vulnerability),
                "references": .array(
                    finding.ids.filter { $0 != finding.vulnerability }.map {
                        ["id": .string($0), "source": ["name": .string($0)]]
                    }),
                "analysis": ["state": .string(String(key.split(separator: " ").last ?? ""))],
                "affects": .array(value.affects),
            ]
            if !finding.summary.isEmpty { object["description"] = .string(finding.summary) }
            if let fixed = finding.fixed { object["recommendation"] = .string("Update to \(fixed) or later.") }
            if finding.severity.word != "unknown" {
                var rating: [String: JSONValue] = [
                    "severity": .string(finding.severity.word), "source": ["name": .string(finding.severity.source)],
                ]
                if let tenths = finding.severity.tenths {
                    rating["score"] = JSONValue(Double(tenths) / 10)
                    rating["vector"] = .string(finding.severity.score)
                    let methods = ["CVSS_V2": "CVSSv2", "CVSS_V4": "CVSSv4"]
                    rating["method"] = .string(
                        methods[finding.severity.type]
                            ?? (finding.severity.score.hasPrefix("CVSS:3.0") ? "CVSSv3" : "CVSSv31"))
                }
                object["ratings"] = [.object(rating)]
            }
            return .object(object)
        }
        return [
            "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json", "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "version": 1,
            "metadata": [
                "tools": ["components": [["type": "application", "name": "fettle", "version": .string(fettleVersion)]]]
            ],
            "components": .array(components.sorted { $0.key < $1.key }.map(\.value)), "vulnerabilities": .array(list),
        ]
    }

    var openVEX: JSONValue {
        let statements = findings.filter { !$0.finding.isInformational }.map { entry -> JSONValue in
            let finding = entry.finding
            var object: [String: JSONValue] = [
                "vulnerability": [
                    "name": .string(finding.vulnerability),
                    "aliases": .array(finding.ids.filter { $0 != finding.vulnerability }.map { .string($0) }),
                ],
                "products": [["@id": .string(entry.url)]],
            ]
            switch finding.verdict {
            case .affected:
                object["status"] = "affected"
                object["action_statement"] = .string(
                    finding.fixed.map { "Update to \($0) or later." } ?? "No fix is known.")
            case .fixed: object["status"] = "fixed"
            case .notAffected:
                object["status"] = "not_affected"
                let reason = finding.reason.isEmpty ? finding.voices.first?.reason ?? "" : finding.reason
                object["impact_statement"] = .string(
                    reason.isEmpty ? "The version lies outside of what is affected." : reason)
            case .unknown: object["status"] = "under_investigation"
            }
            return .object(object)
        }
        let dates = ((try? catalogue.feeds) ?? []).compactMap(\.date)
        return [
            "@context": "https://openvex.dev/ns/v0.2.0",
            "@id": .string("urn:fettle:match:\(catalogue.digest.hex)"), "author": "fettle", "version": 1,
            // The document is as old as what it rests on, so that equal input makes equal documents.
            "timestamp": .string(dates.max()?.description ?? "1970-01-01T00:00:00Z"), "statements": .array(statements),
        ]
    }
}
