/// Reads the grammar of ``NPMRange`` as node-semver does: each form is first turned into plain comparators.
struct NPMRangeParser {
    private let range: String
    private let bytes: [UInt8]
    private var position = 0

    init(_ range: String) {
        self.range = range
        bytes = Array(range.utf8)
    }

    mutating func parse() throws(VersionError) -> [[NPMRange.Comparator]] {
        var alternatives: [[NPMRange.Comparator]] = []
        while true {
            alternatives.append(try alternative())
            guard position < bytes.count else { return alternatives }
            position += 2
        }
    }

    /// A version in which parts may be missing or `x`.
    private struct Partial {
        var numbers: [UInt64] = []
        var prerelease = ""
        var offset: Int

        var isAny: Bool { numbers.isEmpty }
        func text(_ numbers: [UInt64]? = nil) -> String {
            let numbers = numbers ?? self.numbers
            return (0..<3).map { String($0 < numbers.count ? numbers[$0] : 0) }.joined(separator: ".")
        }
        var lower: String { prerelease.isEmpty ? text() : "\(text())-\(prerelease)" }
        /// The next version above all that share the first numbers.
        func above(_ kept: Int) -> String {
            var next = Array(numbers.prefix(kept))
            next[kept - 1] += 1
            return text(next)
        }
    }

    private mutating func alternative() throws(VersionError) -> [NPMRange.Comparator] {
        var comparators: [NPMRange.Comparator] = []
        skipBlanks()
        if let hyphen = try hyphenRange() { return hyphen }
        while position < bytes.count, bytes[position] != 0x7C {
            comparators += try simple()
            skipBlanks()
        }
        if position < bytes.count, position + 1 >= bytes.count || bytes[position + 1] != 0x7C {
            throw error(position, "one | stands where || is expected")
        }
        return comparators
    }

    /// `A - B`; nil, and nothing read, when it is something else.
    private mutating func hyphenRange() throws(VersionError) -> [NPMRange.Comparator]? {
        let start = position
        guard let from = try? partial() else {
            position = start
            return nil
        }
        let afterFrom = position
        skipBlanks()
        guard position > afterFrom, position + 1 < bytes.count, bytes[position] == 0x2D, isBlank(bytes[position + 1])
        else {
            position = start
            return nil
        }
        position += 1
        skipBlanks()
        let to = try partial()
        skipBlanks()
        if position < bytes.count, bytes[position] != 0x7C {
            throw error(position, "nothing but || may follow a range with a hyphen")
        }
        var comparators: [NPMRange.Comparator] = []
        if !from.isAny { comparators.append(try comparator(.greaterOrEqual, from.lower, from.offset)) }
        if !to.isAny {
            comparators.append(
                to.numbers.count == 3
                    ? try comparator(.lessOrEqual, to.lower, to.offset)
                    : try comparator(.less, to.above(to.numbers.count) + "-0", to.offset))
        }
        return comparators
    }

    private mutating func simple() throws(VersionError) -> [NPMRange.Comparator] {
        let start = position
        switch bytes[position] {
        case 0x5E:
            position += 1
            skipBlanks()
            let base = try partial()
            if base.isAny { return [] }
            // Up to the first number that is not 0, among those written.
            let kept = base.numbers.prefix { $0 == 0 }.count + 1
            return try between(base, base.above(min(kept, base.numbers.count)))
        case 0x7E:
            position += 1
            if position < bytes.count, bytes[position] == 0x3E { position += 1 }
            skipBlanks()
            let base = try partial()
            if base.isAny { return [] }
            return try between(base, base.above(min(2, base.numbers.count)))
        default:
            return try relation(start)
        }
    }

    private func between(_ base: Partial, _ above: String) throws(VersionError) -> [NPMRange.Comparator] {
        [
            try comparator(.greaterOrEqual, base.lower, base.offset),
            try comparator(.less, above + "-0", base.offset),
        ]
    }

    private mutating func relation(_ start: Int) throws(VersionError) -> [NPMRange.Comparator] {
        var greater: Bool?
        var equal = false
        if bytes[position] == 0x3C || bytes[position] == 0x3E {
            greater = bytes[position] == 0x3E
            position += 1
        }
        if position < bytes.count, bytes[position] == 0x3D {
            equal = true
            position += 1
        }
        skipBlanks()
        let base = try partial()
        guard let greater else {
            if base.isAny { return [] }
            if base.numbers.count == 3 { return [try comparator(.equal, base.lower, base.offset)] }
            return try between(base, base.above(base.numbers.count))
        }
        if base.isAny { return equal ? [] : [try comparator(.less, "0.0.0-0", start)] }
        if base.numbers.count == 3 {
            let relation: NPMRange.Comparator.Relation =
                greater ? (equal ? .greaterOrEqual : .greater) : (equal ? .lessOrEqual : .less)
            return [try comparator(relation, base.lower, base.offset)]
        }
        let above = base.above(base.numbers.count)
        switch (greater, equal) {
        case (true, true): return [try comparator(.greaterOrEqual, base.text(), base.offset)]
        case (true, false): return [try comparator(.greaterOrEqual, above, base.offset)]
        case (false, true): return [try comparator(.less, above + "-0", base.offset)]
        case (false, false): return [try comparator(.less, base.text() + "-0", base.offset)]
        }
    }

    /// `[v=]* number|x [. number|x [. number|x [-prerelease] [+build]]]`. Numbers after an `x` do not count.
    private mutating func partial() throws(VersionError) -> Partial {
        var result = Partial(offset: position)
        while position < bytes.count, bytes[position] == 0x76 || bytes[position] == 0x3D || isBlank(bytes[position]) {
            position += 1
        }
        var isOpen = false
        var count = 0
        repeat {
            guard position < bytes.count else { throw error(position, "it ends where a version is expected") }
            let start = position
            if bytes[position] | 0x20 == 0x78 || bytes[position] == 0x2A {
                position += 1
                isOpen = true
            } else {
                while position < bytes.count, isDigit(bytes[position]) { position += 1 }
                let digits = bytes[start..<position]
                guard !digits.isEmpty else { throw error(start, "a number, x or * is expected here") }
                guard digits.count == 1 || digits.first != 0x30 else {
                    throw error(start, "a number must not start with 0")
                }
                guard let number = UInt64(String(decoding: digits, as: UTF8.self)), number <= 9_007_199_254_740_991
                else { throw error(start, "a number is above 9007199254740991") }
                if !isOpen { result.numbers.append(number) }
            }
            count += 1
            guard count < 3, position < bytes.count, bytes[position] == 0x2E else { break }
            position += 1
        } while true
        if count == 3, position < bytes.count, bytes[position] == 0x2D {
            let text = identifiers()
            if !isOpen { result.prerelease = text }
        }
        if count == 3, position < bytes.count, bytes[position] == 0x2B { _ = identifiers() }
        if position < bytes.count, !isBlank(bytes[position]), bytes[position] != 0x7C {
            throw error(position, "a blank or || is expected after a version")
        }
        return result
    }

    /// What follows a hyphen or plus; the comparator's version is checked as a whole later.
    private mutating func identifiers() -> String {
        position += 1
        let start = position
        while position < bytes.count,
            isAlphanumeric(bytes[position]) || bytes[position] == 0x2D || bytes[position] == 0x2E
        { position += 1 }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private func comparator(
        _ relation: NPMRange.Comparator.Relation, _ version: String, _ offset: Int
    ) throws(VersionError) -> NPMRange.Comparator {
        let parts: SemanticParts
        do {
            parts = try NPMVersion.parts(of: version)
        } catch let fault {
            throw error(offset, "\(version) is no version: \(fault.reason)")
        }
        return NPMRange.Comparator(
            relation: relation, key: parts.key, triple: parts.prerelease.isEmpty ? nil : NPMRange.triple(parts))
    }

    private mutating func skipBlanks() {
        while position < bytes.count, isBlank(bytes[position]) { position += 1 }
    }

    private func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    private func error(_ offset: Int, _ reason: String) -> VersionError {
        VersionError(scheme: "npm range", version: range, offset: offset, reason: reason)
    }
}
