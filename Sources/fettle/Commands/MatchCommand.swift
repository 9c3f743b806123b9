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

            A package that no feed speaks of is unknown, never clean; how many there are is said on standard error. \
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
    @Option(help: "End with exit status 1 if something of this severity or above is affected.")
    var failOn: Severity?

    func validate() throws {
        guard [inventory, sbom, root].compactMap(\.self).count == 1 else {
            throw ValidationError("Give one of --inventory, --sbom and --root.")
        }
        guard [feeds, catalogue].compactMap(\.self).count == 1 else {
            throw ValidationError("Give --feeds or --catalogue.")
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
        if let failOn,
            report.findings.contains(where: {
                $0.isAffected && Self.rank($0.finding.severity.word) >= Self.rank(failOn.rawValue)
            })
        {
            throw CommandFailure.failed("something of severity \(failOn.rawValue) or above is affected")
        }
    }

    /// What nobody scored counts as high: it may be.
    private static func rank(_ word: String) -> Int {
        ["none": 0, "low": 1, "medium": 2, "high": 3, "critical": 4][word] ?? 3
    }

    private func openCatalogue() throws -> Catalogue {
        if let catalogue { return try CatalogueFile.open(catalogue) }
        let cache = CatalogueCache(feeds: feeds ?? "")
        guard let writeCatalogue else { return try cache.open { say($0) } }
        try CatalogueFile.write(try cache.build { say($0) }, to: writeCatalogue)
        return try CatalogueFile.open(writeCatalogue)
    }

    private func answer(_ lines: [(text: String, package: SoftwarePackage)], _ matcher: Matcher) throws {
        var output = ""
        for line in lines {
            output += "\(line.text)\t\(try matcher.records(affecting: line.package).joined(separator: ","))\n"
            if output.utf8.count > 1 << 16 {
                emit(output)
                output = ""
            }
        }
        emit(output)
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
        var byPlace: [String: SoftwarePackage] = [:]
        for found in software.packages where !found.package.distribution.isEmpty {
            byPlace[found.place] = found.package
        }
        var report = MatchReport(catalogue: catalogue, input: inventory ?? sbom ?? root ?? "")
        for found in software.packages {
            let subject = MatchSubject(found.package, cpes: found.cpes, owner: found.owner.flatMap { byPlace[$0] })
            let judgement = try matcher.judge(subject, verdicts: all ? Set(Verdict.allCases) : [.affected, .unknown])
            report.add(judgement, found, role: KernelRole(found.package, running: running))
        }
        return report
    }
}
