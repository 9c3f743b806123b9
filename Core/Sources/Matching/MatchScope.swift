/// What a changed advisory can change: some vulnerabilities, with everyone who speaks of them.
struct MatchScope: Sendable {
    /// Their numbers.
    var vulnerabilities: Set<Int> = []
    /// For each layer the rows of statements about them, by the row of the package that they name.
    var statements: [[UInt32: [Int]]]
}

extension Matcher {
    /// What the newest layer's advisories are about, or were in older layers.
    func scopeOfNewestLayer() throws(CatalogueError) -> MatchScope {
        var scope = MatchScope(statements: Array(repeating: [:], count: layers.count))
        guard let newest = layers.first else { return scope }
        for row in 0..<newest.advisoryCount { try add(0, row, to: &scope.vulnerabilities) }
        for (layer, row) in try replacedByNewestLayer() { try add(layer, row, to: &scope.vulnerabilities) }
        for (layer, catalogue) in layers.enumerated() {
            let reader = catalogue.reader
            var advisories: Set<UInt32> = []
            for group in groupRows(layer, of: scope.vulnerabilities) {
                for number in try reader.list(.groups, group, 3).rows {
                    let advisory = try reader.word(.numbers, number, 0)
                    if !replaced[layer].contains(advisory) { advisories.insert(advisory) }
                }
            }
            var packages: Set<UInt32> = []
            for advisory in advisories {
                for number in try reader.list(.advisories, Int(advisory), 25).rows {
                    packages.insert(try reader.word(.numbers, number, 0))
                }
            }
            for package in packages {
                for statement in try reader.list(.packages, Int(package), 3).rows
                where advisories.contains(try reader.word(.statements, statement, 0)) {
                    scope.statements[layer][package, default: []].append(statement)
                }
            }
        }
        return scope
    }

    /// The names of packages that the newest layer's advisories speak of, or spoke of in older ones.
    func namesOfNewestLayer() throws(CatalogueError) -> Set<String> {
        guard let newest = layers.first else { return [] }
        var names: Set<String> = []
        for row in 0..<newest.advisoryCount { try names.formUnion(newest.packageNames(ofAdvisory: row)) }
        for (layer, row) in try replacedByNewestLayer() {
            try names.formUnion(layers[layer].packageNames(ofAdvisory: row))
        }
        return names
    }

    /// The advisories of older layers that stand in the newest one too.
    private func replacedByNewestLayer() throws(CatalogueError) -> [(layer: Int, row: Int)] {
        guard let newest = layers.first else { return [] }
        let reader = newest.reader
        var found: [(Int, Int)] = []
        for row in 0..<newest.advisoryCount {
            let source = try reader.string(try reader.word(.advisories, row, 0))
            let id = try reader.string(try reader.word(.advisories, row, 1))
            for (layer, older) in layers.enumerated().dropFirst() {
                for match in try older.advisories(id: id)
                where try older.reader.string(older.reader.word(.advisories, match, 0)) == source {
                    found.append((layer, match))
                }
            }
        }
        return found
    }

    private func add(_ layer: Int, _ advisory: Int, to numbers: inout Set<Int>) throws(CatalogueError) {
        let reader = layers[layer].reader
        for number in try reader.list(.advisories, advisory, 27).rows {
            numbers.insert(self.number(layer, try reader.word(.numbers, number, 0)))
        }
    }
}

extension Catalogue {
    func packageNames(ofAdvisory row: Int) throws(CatalogueError) -> [String] {
        let reader = reader
        var names: [String] = []
        for number in try reader.list(.advisories, row, 25).rows {
            let package = Int(try reader.word(.numbers, number, 0))
            names.append(try reader.string(try reader.word(.packages, package, 2)))
        }
        return names
    }
}
