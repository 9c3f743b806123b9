import Feeds
import Inventory

extension Matcher {
    /// What of a package statements are looked up for.
    private struct Query {
        var kind: Statement.Kind
        var name: String
        var version: JudgedVersion
        /// Equal in all layers.
        var subject: Int
        /// Where its name stands in a layer's table of strings, looked up once.
        private var place: (layer: Int, name: String, string: UInt32?)?

        init(kind: Statement.Kind, name: String, version: JudgedVersion, subject: Int) {
            self.kind = kind
            self.name = name
            self.version = version
            self.subject = subject
        }

        mutating func string(_ layer: Int, _ reader: CatalogueReader) throws(CatalogueError) -> UInt32? {
            if let place, place.layer == layer, place.name == name { return place.string }
            let string = try reader.index(of: name)
            place = (layer, name, string)
            return string
        }

        /// Most source packages have a binary package of the same name.
        mutating func takePlace(of other: Query) { place = other.place }
    }

    /// What every layer's statements say of a package, by vulnerability.
    func collect(
        _ package: SoftwarePackage, _ streams: [String], _ cpes: [String], only: MatchScope? = nil,
        into voices: inout [CompactVoice]
    ) throws(CatalogueError) {
        let isLine = streams == [package.distribution]
        let isPaid = PackageStreams.isOfPaidChannel(package)
        for (layer, catalogue) in layers.enumerated() {
            if let only, only.statements[layer].isEmpty { continue }
            // Keys are kept for each version once a layer: a package's streams share a scheme.
            var queries = Self.queries(package, isLine: isLine)
            for (number, stream) in streams.enumerated() {
                guard let row = catalogue.streamRows[stream] else { continue }
                for index in queries.indices {
                    if number == 0, index > 0 { queries[index].takePlace(of: queries[index - 1]) }
                    if queries[index].kind == .language, package.distribution.isEmpty {
                        queries[index].name = PackageStreams.canonicalName(package.name, stream: stream)
                    }
                    // Without the subscription only what is open counts: the fix of a paid channel is none here.
                    let onlyOpen = !isPaid && PackageStreams.isPaid(stream)
                    try collect(
                        layer, row, &queries[index], package, number, isLine: isLine, onlyOpen: onlyOpen, only: only,
                        into: &voices)
                }
            }
            guard !cpes.isEmpty, let row = catalogue.streamRows["CPE"] else { continue }
            var version = JudgedVersion(package.version)
            for (number, cpe) in cpes.enumerated() {
                var query = Query(kind: .cpe, name: cpe, version: version, subject: 1_000 + number)
                try collect(
                    layer, row, &query, package, streams.count, isLine: false, onlyOpen: false, only: only,
                    into: &voices)
                version = query.version
            }
        }
    }

    private static func queries(_ package: SoftwarePackage, isLine: Bool) -> [Query] {
        let own = JudgedVersion(package.version)
        if package.distribution.isEmpty {
            return [Query(kind: .language, name: package.name, version: own, subject: 0)]
        }
        var queries = [Query(kind: .binary, name: package.name, version: own, subject: 0)]
        for (number, source) in CarriedSources.sources(of: package).enumerated() {
            queries.append(
                Query(kind: .source, name: source.name, version: JudgedVersion(source.version), subject: 2 + number))
        }
        // Lines of text about applications have a stream and neither source nor binary.
        if isLine { queries.append(Query(kind: .language, name: package.name, version: own, subject: 1)) }
        return queries
    }

    private func collect(
        _ layer: Int, _ streamRow: Int, _ query: inout Query, _ package: SoftwarePackage, _ stream: Int, isLine: Bool,
        onlyOpen: Bool, only: MatchScope?, into voices: inout [CompactVoice]
    ) throws(CatalogueError) {
        let catalogue = layers[layer]
        let reader = catalogue.reader
        guard let string = try query.string(layer, reader) else { return }
        let first = Int(try reader.word(.streams, streamRow, 1))
        let count = Int(try reader.word(.streams, streamRow, 2))
        guard first + count <= reader.rows(.packages) else {
            throw .damaged("stream \(streamRow) has packages that are not there")
        }
        let words = [try reader.word(.streams, streamRow, 0), UInt32(CatalogueBuilder.number(query.kind)), string]
        let row = try reader.lowerBound(.packages, words, in: first..<first + count)
        guard row < first + count, try reader.word(.packages, row, 1) == words[1],
            try reader.word(.packages, row, 2) == string
        else { return }
        let wanted = only?.statements[layer][UInt32(row)] ?? []
        let all = try reader.list(.packages, row, 3).rows
        // The statements of a package are nearly all of one source.
        var heard: (source: UInt32, precedence: Int)?
        for position in 0..<(only == nil ? all.count : wanted.count) {
            let statement = only == nil ? all.lowerBound + position : wanted[position]
            let advisory = try reader.word(.statements, statement, 0)
            if replaced[layer].contains(advisory) { continue }
            let flags = try reader.word(.advisories, Int(advisory), 2)
            guard flags & 16 == 0, try applies(catalogue, statement, package, isLine: isLine) else { continue }
            guard var answer = try catalogue.answer(statement, &query.version) else { continue }
            let source = try reader.word(.advisories, Int(advisory), 0)
            if heard?.source != source {
                heard = (source, try self.precedence(reader, source, query.kind))
            }
            var precedence = heard?.precedence ?? 0
            if precedence == 3 {
                // A document that says which versions are affected says nothing of others.
                if answer.rule == .outside || (answer.verdict == .fixed && answer.isImplied) { continue }
                // Nor does one that is still being looked into take anything back.
                if answer.verdict == .unknown { precedence = query.kind == .language ? 1 : 2 }
            }
            if onlyOpen, answer.verdict != .affected { continue }
            if try isModuleUnknown(catalogue, statement, package) {
                if answer.verdict == .notAffected { continue }
                answer = StatementAnswer(verdict: .unknown, rule: .moduleUnknown, fixed: answer.fixed)
            }
            var voice = CompactVoice(
                vulnerability: 0, layer: layer, advisory: Int(advisory), statement: statement, package: row,
                subject: query.subject,
                answer: answer, precedence: precedence, stream: stream, version: query.version.version)
            for number in try reader.list(.advisories, Int(advisory), 27).rows {
                let vulnerability = self.number(layer, try reader.word(.numbers, number, 0))
                if let only, !only.vulnerabilities.contains(vulnerability) { continue }
                voice.vulnerability = vulnerability
                voices.append(voice)
            }
        }
    }

    /// Whether a statement can be about the package at all.
    private func applies(
        _ catalogue: Catalogue, _ statement: Int, _ package: SoftwarePackage, isLine: Bool
    ) throws(CatalogueError) -> Bool {
        let reader = catalogue.reader
        let architectures = try reader.list(.statements, statement, 11)
        if architectures.count > 0, !["all", "noarch", "any", ""].contains(package.architecture) {
            let names = try reader.strings(architectures)
            // `noarch` of an advisory is every machine's.
            guard names.contains(package.architecture) || names.contains("noarch") || names.contains("all") else {
                return false
            }
        }
        let module = try reader.word(.statements, statement, 1)
        let fixed = Int(try reader.word(.statements, statement, 7)) - 1
        if module != 0 {
            let name = try reader.string(module)
            guard package.module == name || (package.module.isEmpty && Self.isModular(package)) else { return false }
        } else if package.scheme == "rpm", !isLine, !package.distribution.isEmpty {
            // A module's build and one of the plain repository share a name and nothing else.
            let isModular = fixed >= 0 ? Self.isModular(try reader.version(ofBound: fixed)) : false
            guard isModular == (Self.isModular(package) || !package.module.isEmpty) else { return false }
        }
        guard !package.distribution.isEmpty else { return true }
        guard fixed >= 0, package.scheme == "rpm" else { return true }
        return RebuildFlavour.isComparable(
            package, with: try reader.version(ofBound: fixed),
            channel: try reader.string(try reader.word(.statements, statement, 10)))
    }

    private func isModuleUnknown(
        _ catalogue: Catalogue, _ statement: Int, _ package: SoftwarePackage
    ) throws(CatalogueError) -> Bool {
        guard package.module.isEmpty, package.scheme == "rpm" else { return false }
        return try catalogue.reader.word(.statements, statement, 1) != 0
    }

    private static func isModular(_ package: SoftwarePackage) -> Bool { isModular(package.version) }

    private static func isModular(_ version: String) -> Bool {
        version.holds(".module+") || version.holds(".module_")
    }

    /// Who is heard first: statements of the user's own VEX documents, the distribution's stream, a registry, a CPE.
    private func precedence(
        _ reader: CatalogueReader, _ source: UInt32, _ kind: Statement.Kind
    ) throws(CatalogueError) -> Int {
        if kind == .cpe { return 0 }
        let source = try reader.stringBytes(source)
        if Self.ownVEX.contains(where: { $0.elementsEqual(source) }) { return 3 }
        return kind == .language ? 1 : 2
    }

    /// Documents that an organisation or a product's maker gives beside the distribution's feeds.
    private static let ownVEX = FeedCoverage.ownVEX.map { Array($0.utf8) }
}
