extension MavenVersion {
    /// By the order that Maven has in writing (the "version order specification" of the POM reference), which tells a
    /// qualifier after a dot from one after a hyphen: `.qualifier` < `-qualifier` < `-number` < `.number`.
    ///
    /// It is what the vectors of osv-scalibr hold, and goes in circles: `1.0.rc1` < `1.0` < `1.0-1` < `1.0.rc1`. Keys
    /// have Maven's code instead, in which `1.0.rc1` is `1-rc1`; the two differ only for a qualifier after a dot.
    public static func compare(_ a: String, _ b: String) throws(VersionError) -> Ordering {
        let left = written(try VersionScanner(a, scheme: name))
        let right = written(try VersionScanner(b, scheme: name))
        for index in 0..<max(left.count, right.count) {
            let one = index < left.count ? left[index] : nil
            let two = index < right.count ? right[index] : nil
            let order = compare(
                bareQualifier(left, at: index, against: two) ?? one,
                bareQualifier(right, at: index, against: one) ?? two,
                isFirst: index == 0)
            if order != .equal { return order }
        }
        return .equal
    }

    /// The tokens without what counts as nothing: at the end and before a hyphen.
    private static func written(_ scanner: VersionScanner) -> [Token] {
        var tokens: [Token] = []
        func dropNulls() {
            while tokens.count > 1, tokens[tokens.count - 1].isNull { tokens.removeLast() }
        }
        for token in Self.tokens(of: scanner) {
            if token.afterHyphen { dropNulls() }
            tokens.append(token)
        }
        dropNulls()
        return tokens
    }

    /// Against a token after a hyphen, zeros before a qualifier at the end do not count, as in Maven 3.8.7, whose own
    /// tests say `2.0.a` < `2-1`.
    private static func bareQualifier(_ tokens: [Token], at index: Int, against other: Token?) -> Token? {
        guard index > 0, index < tokens.count - 1, other?.afterHyphen == true, let last = tokens.last, !last.afterHyphen
        else { return nil }
        if case .number = last.value { return nil }
        let zeros = tokens[index..<(tokens.count - 1)].allSatisfy { $0.isNull && !$0.afterHyphen }
        return zeros ? last : nil
    }

    private static func compare(_ a: Token?, _ b: Token?, isFirst: Bool) -> Ordering {
        guard let a else { return b.map { missing(before: $0) } ?? .equal }
        guard let b else { return missing(before: a).reversed }
        if !isFirst, a.afterHyphen != b.afterHyphen {
            let (left, right) = (rank(a), rank(b))
            if left != right { return left < right ? .less : .greater }
        }
        switch (a.value, b.value) {
        case (.number(let left), .number(let right)): return compareNumbers(left, right)
        case (.number, _): return .greater
        case (_, .number): return .less
        case (.known(let left), .known(let right)): return left == right ? .equal : left < right ? .less : .greater
        case (.known, .unknown): return .less
        case (.unknown, .known): return .greater
        case (.unknown(let left), .unknown(let right)): return compareBytes(left[...], right[...])
        }
    }

    /// How nothing stands to a token.
    private static func missing(before token: Token) -> Ordering {
        switch token.value {
        case .number(let digits): digits.isEmpty && !token.afterHyphen ? .equal : .less
        case .known(let rank): rank == released ? .equal : rank < released ? .greater : .less
        case .unknown: .less
        }
    }

    private static func rank(_ token: Token) -> Int {
        if case .number = token.value { return token.afterHyphen ? 2 : 3 }
        return token.afterHyphen ? 1 : 0
    }
}
