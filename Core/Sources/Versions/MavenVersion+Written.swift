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
            let order = compare(one, two, isFirst: index == 0)
            if order != .equal { return order }
        }
        return .equal
    }

    /// The tokens without what counts as nothing: at the end, before a hyphen, and, as in Maven 3.8.7, zeros before a
    /// qualifier with no number.
    private static func written(_ scanner: VersionScanner) -> [Token] {
        var tokens: [Token] = []
        func dropNulls() {
            while tokens.count > 1, tokens[tokens.count - 1].isNull { tokens.removeLast() }
        }
        let all = Self.tokens(of: scanner)
        for (index, token) in all.enumerated() {
            let isQualifier = if case .number = token.value { false } else { !token.isNull }
            let isBare = isQualifier && index == all.count - 1
            if token.afterHyphen || isBare { dropNulls() }
            tokens.append(token)
        }
        dropNulls()
        return tokens
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
