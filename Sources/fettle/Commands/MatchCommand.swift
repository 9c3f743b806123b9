import ArgumentParser
import Glibc
import Inventory
import JSON
import MatchInputs
import Matching
import SoftwareReading

/// `fettle match`.
struct MatchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "match", abstract: "Judge software against feeds of vulnerabilities, without a server.",
        discussion: """
            Reads lines of `ecosystem<TAB>name<TAB>version` (- is standard input), CycloneDX and SPDX in JSON, databases of \
            dpkg, rpm (SQLite) and apk, and lock files of languages. The feeds are a folder that fettle feeds keeps, or any \
            folder or file of theirs; what is made of them is kept beside them and opened at once the next time.

            A package that no feed speaks of is unknown, never clean; how many there are is said on standard error, and \
            --fail-on fails for them unless --allow-unknown is given. Packages from other repositories than the \
            distribution's are unknown too: with --root apt's lists and rpm's vendors tell. \
            -o tsv answers lines with a fourth column: the ids of the records that affect the version.

            Examples:
              fettle match --root / --feeds /var/lib/fettle/feeds
              fettle match --sbom image.cdx.json --feeds feeds -o sarif > findings.sarif
              fettle match --inventory package-lock.json --feeds feeds --fail-on high
              printf 'PyPI\\tjinja2\\t2.10\\n' | fettle match --inventory - --feeds feeds -o tsv
            """)

    enum Output: String, ExpressibleByArgument, CaseIterable {
        case table, json, sarif, cyclonedx, openvex, tsv
    }

    enum Severity: String, ExpressibleByArgument, CaseIterable {
        case none, low, medium, high, critical
    }

    @Option(help: "Lines, a package database, or a lock file; - is standard input.", completion: .file())
    var inventory: String?
    @Option(help: "A bill of materials: CycloneDX or SPDX in JSON.", completion: .file())
    var sbom: String?
    @Option(help: "A root: / or a folder with another machine's tree, or a project's folder.", completion: .directory)
    var root: String?
    @Option(help: "The feeds: a folder that fettle feeds keeps, or a folder or file of feeds.", completion: .directory)
    var feeds: String?
    @Option(help: "A catalogue's file instead of feeds.", completion: .file())
    var catalogue: String?
    @Option(help: "Write the catalogue of the feeds to this file too.", completion: .file())
    var writeCatalogue: String?
    @Option(help: "The distribution of a package database that does not say it, as in os-release: debian-12.")
    var distribution: String?
    @Option(help: "The release of the running kernel (uname -r). Default with --root /: this machine's.")
    var kernel: String?
    @Option(
        name: [.customShort("o"), .long],
        help: "How to print (\(Output.allCases.map(\.rawValue).joined(separator: ", "))).")
    var output: Output = .table
    @Flag(help: "Show every verdict: also fixed, not affected and unknown.")
    var all = false
    @Option(
        help: """
            End with exit status 1 if something of this severity or above is affected, or may be: a package is unknown, or \
            a component could not be read.
            """)
    var failOn: Severity?
    @Flag(help: "With --fail-on: what is unknown is no failure.")
    var allowUnknown = false

    func validate() throws {
        guard [inventory, sbom, root].compactMap(\.self).count == 1 else {
            throw ValidationError("Give one of --inventory, --sbom and --root.")
        }
        guard [feeds, catalogue].compactMap(\.self).count == 1 else {
            throw ValidationError("Give --feeds or --catalogue.")
        }
        if allowUnknown, failOn == nil { throw ValidationError("--allow-unknown is about --fail-on.") }
        if output == .tsv, failOn != nil {
            throw ValidationError("-o tsv answers to the letter of records and judges nothing: no --fail-on with it.")
        }
        if output == .tsv, inventory == nil { throw ValidationError("-o tsv answers the lines of --inventory.") }
    }

    func run() async throws {
        do {
            try match()
        } catch let error as MatchInputError {
            throw CommandFailure.failed(error.description)
        } catch let error as CatalogueError {
            throw CommandFailure.failed(error.description)
        } catch let error as SoftwareReadingError {
            throw CommandFailure.failed(error.description)
        }
    }

    private func match() throws {
        var lines: [(text: String, package: SoftwarePackage)]?
        let software: FoundSoftware
        if let inventory {
            software = try SoftwareInput.inventory(inventory, distribution: distribution, lines: &lines)
        } else if let sbom {
            software = try SoftwareInput.billOfMaterials(sbom)
        } else {
            software = try SoftwareInput.root(root ?? "/")
        }
        for note in software.notes.prefix(20) { say(note) }
        let opened = try openCatalogue()
        let matcher = try Matcher([opened])
        if software.skippedCount > 0 {
            say(
                "\(software.skippedCount) components name no package that can be judged, such as: \(software.skipped[0])"
            )
        }
        if output == .tsv {
            guard let lines else {
                throw CommandFailure.usage("-o tsv answers lines of ecosystem<TAB>name<TAB>version")
            }
            return try answer(lines, matcher)
        }
        let report = try report(software, matcher, opened)
        switch output {
        case .table: emit(report.table(all: all))
        case .json: emit(jsonText(report.json))
        case .sarif: emit(jsonText(report.sarif))
        case .cyclonedx: emit(jsonText(report.cycloneDX))
        case .openvex: emit(jsonText(report.openVEX))
        case .tsv: break
        }
        if report.unknownCount > 0 {
            say("\(report.unknownCount) of \(software.packages.count) packages are unknown: \(report.unknownReasons)")
        }
        let assumed = report.assumedCount
        if assumed > 0 {
            say("the origin of \(assumed) packages is not told by anything, and taken for the distribution's own")
        }
        if let failOn { try fail(failOn, report, software) }
    }

    private func fail(_ failOn: Severity, _ report: MatchReport, _ software: FoundSoftware) throws {
        func isSevere(_ entry: MatchReport.Entry) -> Bool {
            !entry.finding.isInformational && Self.rank(entry.finding.severity.word) >= Self.rank(failOn.rawValue)
        }
        if report.findings.contains(where: { $0.isAffected && isSevere($0) }) {
            throw CommandFailure.failed("something of severity \(failOn.rawValue) or above is affected")
        }
        guard !allowUnknown else { return }
        let open = report.findings.count { $0.finding.verdict == .unknown && isSevere($0) }
        var reasons: [String] = []
        if report.unknownCount > 0 { reasons.append("\(report.unknownCount) packages are unknown") }
        if software.skippedCount > 0 { reasons.append("\(software.skippedCount) components could not be judged") }
        if open > 0 { reasons.append("\(open) findings of severity \(failOn.rawValue) or above are not decided") }
        guard reasons.isEmpty else {
            throw CommandFailure.failed(
                "nothing is known to be affected, but \(reasons.joined(separator: ", and ")); --allow-unknown lets that pass"
            )
        }
    }

    /// What nobody scored counts as high: it may be.
    private static func rank(_ word: String) -> Int {
        ["none": 0, "low": 1, "medium": 2, "high": 3, "critical": 4][word] ?? 3
    }

    private func openCatalogue() throws -> Catalogue {
        if let catalogue { return try VerifiedCatalogue.open(catalogue) }
        let cache = CatalogueCache(feeds: feeds ?? "")
        guard let writeCatalogue else { return try cache.open { say($0) } }
        try CatalogueFile.write(try cache.build { say($0) }, to: writeCatalogue)
        return try VerifiedCatalogue.open(writeCatalogue)
    }

    private func answer(_ lines: [(text: String, package: SoftwarePackage)], _ matcher: Matcher) throws {
        var output = ""
        var unknown: [String: Int] = [:]
        for line in lines {
            let answer = try matcher.letter(of: line.package)
            if !answer.unknown.isEmpty { unknown[answer.unknown, default: 0] += 1 }
            output += "\(line.text)\t\(answer.records.joined(separator: ","))\n"
            if output.utf8.count > 1 << 16 {
                emit(output)
                output = ""
            }
        }
        emit(output)
        guard !unknown.isEmpty else { return }
        let reasons = unknown.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(3).map {
            "\($0.key) (\($0.value))"
        }
        say(
            "\(unknown.values.reduce(0, +)) of \(lines.count) lines are unknown: \(reasons.joined(separator: "; "))")
    }

    private func report(
        _ software: FoundSoftware, _ matcher: Matcher, _ catalogue: Catalogue
    ) throws -> MatchReport {
        var running = kernel
        if running == nil, root == "/" {
            var name = utsname()
            if uname(&name) == 0 {
                running = withUnsafePointer(to: &name.release) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: 65) { String(cString: $0) }
                }
            }
        }
        var byPlace: [String: FoundPackage] = [:]
        for found in software.packages where !found.package.distribution.isEmpty { byPlace[found.place] = found }
        var report = MatchReport(catalogue: catalogue, input: inventory ?? sbom ?? root ?? "", skipped: software)
        for found in software.packages {
            let owner = found.owner.flatMap { byPlace[$0] }
            let subject = MatchSubject(
                found.package, origin: found.origin, cpes: found.cpes, owner: owner?.package,
                ownerOrigin: owner?.origin ?? .assumed)
            let judgement = try matcher.judge(subject, verdicts: all ? Set(Verdict.allCases) : [.affected, .unknown])
            report.add(judgement, found, role: KernelRole(found.package, running: running))
        }
        return report
    }
}
