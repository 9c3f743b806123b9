import Feeds
import Versions

/// What one statement of a catalogue says of one version.
struct StatementAnswer {
    var verdict: Verdict
    var rule: MatchRule
    /// Rows of bounds.
    var lower: Int?
    var upper: Int?
    var fixed: Int?
    /// Whether it follows from a statement about other versions.
    var isImplied = false
}

extension Catalogue {
    /// Applies a statement; nil where it says nothing of that version.
    func answer(_ row: Int, _ version: inout JudgedVersion) throws(CatalogueError) -> StatementAnswer? {
        let reader = reader
        let status = try reader.word(.statements, row, 2) & 0xFF
        let ranges = try reader.list(.statements, row, 3)
        let versions = try reader.list(.statements, row, 5)
        let fixedRow = Int(try reader.word(.statements, row, 7)) - 1
        let fixed = fixedRow >= 0 ? fixedRow : nil
        let fixedScheme = try reader.word(.statements, row, 8)
        let said: Verdict = status == 0 ? .affected : status == 1 ? .fixed : status == 2 ? .notAffected : .unknown

        if versions.count > 0, try lists(versions, &version) {
            return StatementAnswer(verdict: said, rule: .listed, fixed: said == .affected ? fixed : nil)
        }
        var isUnordered = false
        var passed: Int?
        var isLast = false
        for range in ranges.rows {
            let scheme = try reader.word(.ranges, range, 0)
            let flags = try reader.word(.ranges, range, 1)
            let lower = Int(try reader.word(.ranges, range, 2)) - 1
            let upper = Int(try reader.word(.ranges, range, 3)) - 1
            if lower < 0, upper < 0 {
                // Every version; one that is none in this scheme is not known to be meant.
                if said == .affected,
                    try version.key(scheme, { () throws(CatalogueError) in try reader.string(scheme) }) == nil,
                    VersionOrder.compare(version.version, version.version, scheme: try reader.string(scheme)) == nil
                {
                    isUnordered = true
                    continue
                }
                return StatementAnswer(verdict: said, rule: .everyVersion, fixed: fixed)
            }
            if lower >= 0 {
                guard let order = try order(&version, lower, scheme) else {
                    isUnordered = true
                    continue
                }
                guard order == .greater || (order == .equal && flags & 1 != 0) else { continue }
            }
            if upper >= 0 {
                guard let order = try order(&version, upper, scheme) else {
                    isUnordered = true
                    continue
                }
                guard order == .less || (order == .equal && flags & 2 != 0) else {
                    passed = upper
                    isLast = flags & 2 != 0
                    continue
                }
            }
            // A backport of the fix sorts below it.
            if said == .affected, upper >= 0, flags & 2 == 0, try isBackport(version.version, of: upper) {
                return StatementAnswer(verdict: .fixed, rule: .backport, upper: upper, fixed: upper, isImplied: true)
            }
            let closing = upper >= 0 && flags & 2 == 0 ? upper : try laterFix(fixed, &version, fixedScheme)
            return StatementAnswer(
                verdict: said, rule: .range, lower: lower >= 0 ? lower : nil, upper: upper >= 0 ? upper : nil,
                fixed: said == .affected ? closing : fixed)
        }
        if isUnordered { return StatementAnswer(verdict: .unknown, rule: .unordered) }
        if said == .fixed, let fixed {
            guard let order = try order(&version, fixed, fixedScheme) else {
                return StatementAnswer(verdict: .unknown, rule: .unordered)
            }
            if order != .less { return StatementAnswer(verdict: .fixed, rule: .fixReached, fixed: fixed) }
            if try isBackport(version.version, of: fixed) {
                return StatementAnswer(verdict: .fixed, rule: .backport, fixed: fixed)
            }
            return StatementAnswer(verdict: .affected, rule: .belowFix, fixed: fixed)
        }
        if ranges.count == 0, versions.count == 0 {
            return StatementAnswer(verdict: said, rule: .everyVersion, fixed: fixed)
        }
        guard said == .affected else { return nil }
        if let passed {
            // The last version that has it is not the fix.
            if isLast { return StatementAnswer(verdict: .fixed, rule: .afterLast, upper: passed, isImplied: true) }
            return StatementAnswer(verdict: .fixed, rule: .fixReached, upper: passed, fixed: passed, isImplied: true)
        }
        return StatementAnswer(verdict: .notAffected, rule: .outside)
    }

    /// The statement's own fix where it lies above the version.
    private func laterFix(
        _ fixed: Int?, _ version: inout JudgedVersion, _ scheme: UInt32
    ) throws(CatalogueError) -> Int? {
        guard let fixed else { return nil }
        return try order(&version, fixed, scheme) == .less ? fixed : nil
    }

    private func lists(_ list: CatalogueList, _ version: inout JudgedVersion) throws(CatalogueError) -> Bool {
        let reader = reader
        guard let string = try version.string(reader) else { return false }
        let rows = list.rows
        guard rows.upperBound <= reader.rows(.words) else {
            throw .damaged("a list of versions is outside of its section")
        }
        let row = try reader.lowerBound(.words, [string], in: rows)
        guard row < rows.upperBound else { return false }
        return try reader.word(.words, row, 0) == string
    }

    private func order(
        _ version: inout JudgedVersion, _ bound: Int, _ scheme: UInt32
    ) throws(CatalogueError) -> Ordering? {
        let reader = reader
        let key = try version.key(scheme) { () throws(CatalogueError) in try reader.string(scheme) }
        if let key, let other = try reader.key(ofBound: bound) {
            let order = key.bytes.withUnsafeBytes { CatalogueReader.order($0, other) }
            return order < 0 ? .less : order > 0 ? .greater : .equal
        }
        return VersionOrder.compare(
            version.version, try reader.version(ofBound: bound), scheme: try reader.string(scheme))
    }

    private func isBackport(_ version: String, of bound: Int) throws(CatalogueError) -> Bool {
        guard version.utf8.contains(0x7E) else { return false }
        let fix = try reader.version(ofBound: bound)
        return version.hasPrefix(fix + "~deb") || version.hasPrefix(fix + "~bpo")
    }
}
