extension String {
    /// Whether it holds a text, by its bytes: asked of every statement about a package, where the standard library's search
    /// took most of the time that judging takes.
    func holds(_ text: StaticString) -> Bool {
        var copy = self
        return copy.withUTF8 { bytes in
            text.withUTF8Buffer { wanted in
                guard let first = wanted.first else { return true }
                var start = 0
                while start + wanted.count <= bytes.count {
                    if bytes[start] == first, bytes[start..<start + wanted.count].elementsEqual(wanted) { return true }
                    start += 1
                }
                return false
            }
        }
    }
}
