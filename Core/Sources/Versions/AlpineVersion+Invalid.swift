extension AlpineVersion {
    /// A string that may be no version, read as far as it is one; what is left over makes it older.
    ///
    /// The order of such strings is not transitive, so they have no keys. It is the one that the vectors of osv-scalibr
    /// write down: parts as far as they can be read, then the one with nothing left over is newer; two that do not even
    /// end in a build compare as text.
    struct Invalid {
        private var numbers: [ArraySlice<UInt8>] = []
        private var letter: UInt8 = 0
        private typealias Suffix = (rank: UInt8, number: ArraySlice<UInt8>)
        private var suffixes: [Suffix] = []
        private var build: ArraySlice<UInt8> = []
        private var isLeftOver = false
        private var isBroken = false
        private let text: ArraySlice<UInt8>

        /// Suffix ranks as in ``AlpineVersion/suffixRank(_:)``, with a gap where no suffix stands.
        private static let none: UInt8 = 4

        init(_ text: ArraySlice<UInt8>) {
            self.text = text
            var rest = text
            func digits() -> ArraySlice<UInt8> {
                let digits = rest.prefix(while: isDigit)
                rest = rest.dropFirst(digits.count)
                return digits
            }
            while let byte = rest.first, isDigit(byte) {
                numbers.append(digits())
                if rest.first == 0x2E { rest = rest.dropFirst() }
            }
            if let byte = rest.first, byte &- 0x61 <= 25 {
                letter = byte
                rest = rest.dropFirst()
            }
            while rest.first == 0x5F {
                let word = rest.dropFirst().prefix { $0 &- 0x61 <= 25 }
                guard let rank = AlpineVersion.suffixRank(word) else { break }
                rest = rest.dropFirst(1 + word.count)
                suffixes.append((rank < Self.none ? rank : rank + 1, digits()))
            }
            if rest.first == 0x7E {
                rest = rest.dropFirst(1 + rest.dropFirst().prefix { isDigit($0) || $0 &- 0x61 <= 5 }.count)
            }
            if rest.starts(with: [0x2D, 0x72]) {
                rest = rest.dropFirst(2)
                build = digits()
            } else if !rest.isEmpty {
                isBroken = true
            }
            isLeftOver = !rest.isEmpty
        }

        static func compare(_ a: Invalid, _ b: Invalid) -> Ordering {
            if a.isBroken, b.isBroken { return compareBytes(a.text, b.text) }
            for index in 0..<max(a.numbers.count, b.numbers.count) {
                let left = index < a.numbers.count ? a.numbers[index] : [0x30]
                let right = index < b.numbers.count ? b.numbers[index] : [0x30]
                let isPadded = index >= a.numbers.count || index >= b.numbers.count
                let isText = index > 0 && !isPadded && (left.first == 0x30 || right.first == 0x30)
                let order = isText ? compareBytes(left, right) : compareNumbers(left, right)
                if order != .equal { return order }
            }
            if a.letter != b.letter { return a.letter < b.letter ? .less : .greater }
            for index in 0..<max(a.suffixes.count, b.suffixes.count) {
                let left: Suffix = index < a.suffixes.count ? a.suffixes[index] : (none, [])
                let right: Suffix = index < b.suffixes.count ? b.suffixes[index] : (none, [])
                if left.rank != right.rank { return left.rank < right.rank ? .less : .greater }
                let order = compareNumbers(left.number, right.number)
                if order != .equal { return order }
            }
            let order = compareNumbers(a.build, b.build)
            if order != .equal { return order }
            if a.isLeftOver != b.isLeftOver { return a.isLeftOver ? .less : .greater }
            return .equal
        }
    }
}
