extension String {
    /// The beginning of a text, of at most that many bytes of UTF-8, cut between two scalars; a text that is cut ends in `…`.
    ///
    /// Whatever is stored under a limit in bytes is cut by this: what counts characters stores more than is read again.
    func kept(bytes: Int) -> String {
        guard utf8.count > bytes else { return self }
        var result = ""
        var count = 0
        // By scalar: a single character may be of any length.
        for scalar in unicodeScalars {
            count += UTF8.width(scalar)
            if count > bytes - 3 { break }
            result.unicodeScalars.append(scalar)
        }
        return result + "…"
    }
}
