import Inventory

/// Which builds of an rpm can be compared at all.
enum RebuildFlavour {
    /// The minor release that a build was made for, from `.el9_4`; nil where its release does not say.
    static func minorRelease(_ version: String) -> String? {
        guard let range = version.range(of: ".el") else { return nil }
        let digits = version[range.upperBound...].prefix { $0.isNumber || $0 == "_" }
        guard let underscore = digits.firstIndex(of: "_"), underscore != digits.startIndex,
            digits.index(after: underscore) != digits.endIndex
        else { return nil }
        return "el" + digits.prefix { $0.isNumber } + "_"
            + digits[digits.index(after: underscore)...].prefix { $0.isNumber }
    }

    /// Whether an advisory's build says anything of an installed one.
    ///
    /// Oracle's ksplice and FIPS builds, and each kernel line of Amazon, compare with their own kind only; a fix of a channel
    /// for one minor release (EUS and its like) only with builds of that release.
    static func isComparable(_ package: SoftwarePackage, with fixed: String, channel: String) -> Bool {
        if package.version.holds("ksplice") != fixed.holds("ksplice") { return false }
        if package.version.holds("_fips") != fixed.holds("_fips") { return false }
        if !channel.isEmpty,
            channel.hasPrefix("rhel_") || channel.holds("eus") || channel.holds("aus") || channel.holds("e4s")
                || channel.holds("tus"),
            let theirs = minorRelease(fixed), let mine = minorRelease(package.version), theirs != mine
        {
            return false
        }
        if package.distribution.hasPrefix("amzn-"), package.name.hasPrefix("kernel") {
            return series(package.version) == series(fixed)
        }
        return true
    }

    /// `5.10` of `0:5.10.1-2`.
    private static func series(_ version: String) -> String {
        let upstream = version.split(separator: ":").last ?? ""
        return upstream.split(separator: ".").prefix(2).joined(separator: ".")
    }
}

extension String {
    /// Where another string stands first.
    fileprivate func range(of other: String) -> Range<String.Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(other) { return start..<index(start, offsetBy: other.count) }
            start = index(after: start)
        }
        return nil
    }
}
