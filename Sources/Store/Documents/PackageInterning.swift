import Inventory
import Versions

/// Gives each package its number, once for the whole installation.
struct PackageInterning {
    let sql: Transaction

    /// Packages in one statement: few texts to prepare, and far below both engines' limits on parameters.
    private static let chunk = 64
    private static let columns = "scheme, distribution, name, architecture, version, source, source_version, module"

    /// The numbers of these lines of a software set, in the order of the lines.
    ///
    /// - Throws: ``LineDocumentError`` for a line that is no package; its number counts the header as line 1.
    func ids(of lines: LineList) throws -> [Int64] {
        let cached = sql.caches.packages.ids(of: lines)
        var unknown: [SoftwarePackage] = []
        for (position, id) in cached.enumerated() where id == nil {
            guard let package = SoftwarePackage(line: lines[position]) else {
                throw LineDocumentError(line: position + 2, problem: "is not a package: eight tab-separated fields")
            }
            unknown.append(package)
        }
        if unknown.isEmpty { return cached.compactMap { $0 } }
        var found: [String: Int64] = [:]
        for start in stride(from: 0, to: unknown.count, by: Self.chunk) {
            let part = Array(unknown[start..<min(start + Self.chunk, unknown.count)])
            try find(part, &found)
            let missing = part.filter { found[$0.line] == nil }
            if missing.isEmpty { continue }
            try insert(missing, &found)
            // What another server interned between the two statements.
            let raced = missing.filter { found[$0.line] == nil }
            if !raced.isEmpty { try find(raced, &found) }
        }
        let cache = sql.caches.packages
        let learned = found.map { (line: $0.key, id: $0.value) }
        sql.onCommit { cache.insert(learned) }
        return try cached.enumerated().map { position, id in
            guard let id = id ?? found[lines[position]] else {
                throw StoreError(.serialization, "a package was interned by nobody", cure: "try again")
            }
            return id
        }
    }

    /// The lines of these numbers.
    func lines(of ids: [Int64]) throws -> [String] {
        let cached = sql.caches.packages.lines(of: ids)
        let unknown = zip(ids, cached).filter { $0.1 == nil }.map(\.0)
        if unknown.isEmpty { return cached.compactMap { $0 } }
        var found: [Int64: String] = [:]
        for start in stride(from: 0, to: unknown.count, by: Self.chunk) {
            let part = Self.padded(Array(unknown[start..<min(start + Self.chunk, unknown.count)]))
            let places = (1...part.count).map { "?\($0)" }.joined(separator: ", ")
            _ = try sql.rows(
                "SELECT id, \(Self.columns) FROM packages WHERE id IN (\(places))", list: part.map(\.sqlValue)
            ) { row in
                let id = try row.integer()
                found[id] = try Self.read(&row).line
            }
        }
        // They were read from the disk, but perhaps as this transaction wrote them.
        let cache = sql.caches.packages
        let learned = found.map { (line: $0.value, id: $0.key) }
        sql.onCommit { cache.insert(learned) }
        return try zip(ids, cached).map { id, line in
            guard let line = line ?? found[id] else {
                throw StoreError(
                    .corrupt, "a software set names the package \(id), which is not there",
                    cure: "restore the database from a backup")
            }
            return line
        }
    }

    private func find(_ packages: [SoftwarePackage], _ found: inout [String: Int64]) throws {
        let padded = Self.padded(packages)
        // A subquery for each value, so that each is one look-up in the index: joined or with IN, one engine or the
        // other walks through all packages.
        let rows = try sql.rows(
            """
            SELECT (SELECT p.id FROM packages p WHERE p.name = v.column3 AND p.version = v.column5
                AND p.architecture = v.column4 AND p.distribution = v.column2 AND p.scheme = v.column1
                AND p.source = v.column6 AND p.source_version = v.column7 AND p.module = v.column8),
                v.column1, v.column2, v.column3, v.column4, v.column5, v.column6, v.column7, v.column8
            FROM (VALUES \(Self.places(padded.count, 8))) AS v
            """, list: padded.flatMap(Self.values)
        ) { row in
            let id = try row.optionalInteger()
            return (try Self.read(&row).line, id)
        }
        for (line, id) in rows {
            if let id { found[line] = id }
        }
    }

    private func insert(_ packages: [SoftwarePackage], _ found: inout [String: Int64]) throws {
        let padded = Self.padded(packages)
        let parameters = padded.flatMap { package -> [SQLValue] in
            let key = versionKey(scheme: package.scheme, version: package.version)
            return Self.values(package) + [key?.sqlValue ?? .null]
        }
        let rows = try sql.rows(
            """
            INSERT INTO packages (\(Self.columns), version_key) VALUES \(Self.places(padded.count, 9))
            ON CONFLICT DO NOTHING RETURNING id, \(Self.columns)
            """, list: parameters
        ) { row in
            let id = try row.integer()
            return (try Self.read(&row).line, id)
        }
        for (line, id) in rows { found[line] = id }
    }

    /// As many as the next power of two, the last one repeated, so that only a few statements are ever prepared.
    static func padded<T>(_ items: [T]) -> [T] {
        guard let last = items.last else { return items }
        var count = 1
        while count < items.count { count *= 2 }
        return items + Array(repeating: last, count: count - items.count)
    }

    static func places(_ rows: Int, _ columns: Int) -> String {
        (0..<rows).map { row in
            "(" + (1...columns).map { "?\(row * columns + $0)" }.joined(separator: ", ") + ")"
        }.joined(separator: ", ")
    }

    private static func values(_ package: SoftwarePackage) -> [SQLValue] {
        [
            package.scheme, package.distribution, package.name, package.architecture, package.version, package.source,
            package.sourceVersion, package.module,
        ].map(SQLValue.text)
    }

    private static func read(_ row: inout SQLRow) throws -> SoftwarePackage {
        SoftwarePackage(
            scheme: try row.text(), distribution: try row.text(), name: try row.text(), architecture: try row.text(),
            version: try row.text(), source: try row.text(), sourceVersion: try row.text(), module: try row.text())
    }
}

/// The bytes whose order is the order of versions in that scheme; nil where the scheme or the version is unknown to us.
func versionKey(scheme: String, version: String) -> [UInt8]? {
    try? VersionSchemes.named(scheme)?.key(for: version).bytes
}
