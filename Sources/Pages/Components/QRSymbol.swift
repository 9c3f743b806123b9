import HTML

/// A QR code (ISO/IEC 18004): bytes, error correction level M, versions 1 to 15, which hold up to 412 bytes.
struct QRSymbol {
    /// Modules on a side.
    let size: Int
    private var modules: [[Bool]]
    private var isFunction: [[Bool]]

    private static let correctionPerBlock = [10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24]
    private static let blocks = [1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10]

    /// The smallest symbol that holds the text; nil where none of ours does.
    init?(_ text: String) {
        let data = Array(text.utf8)
        guard let version = (1...Self.blocks.count).first(where: { Self.capacity($0) >= data.count }) else {
            return nil
        }
        size = version * 4 + 17
        modules = Array(repeating: Array(repeating: false, count: size), count: size)
        isFunction = modules
        drawFunctions(version)
        drawCodewords(Self.codewords(data, version))
        var best: (mask: Int, penalty: Int) = (0, .max)
        for mask in 0..<8 {
            apply(mask)
            drawFormat(mask)
            let penalty = penalty()
            if penalty < best.penalty { best = (mask, penalty) }
            apply(mask)
        }
        apply(best.mask)
        drawFormat(best.mask)
    }

    /// Whether a module is dark.
    subscript(x: Int, y: Int) -> Bool { modules[y][x] }

    // MARK: Data

    private static func rawModules(_ version: Int) -> Int {
        var result = (16 * version + 128) * version + 64
        if version >= 2 {
            let count = version / 7 + 2
            result -= (25 * count - 10) * count - 55
            if version >= 7 { result -= 36 }
        }
        return result
    }

    private static func dataCodewords(_ version: Int) -> Int {
        rawModules(version) / 8 - correctionPerBlock[version - 1] * blocks[version - 1]
    }

    private static func capacity(_ version: Int) -> Int {
        dataCodewords(version) - (version < 10 ? 2 : 3)
    }

    private static func codewords(_ data: [UInt8], _ version: Int) -> [UInt8] {
        var bits: [Bool] = []
        func put(_ value: Int, _ count: Int) {
            for shift in (0..<count).reversed() { bits.append(value >> shift & 1 == 1) }
        }
        put(4, 4)
        put(data.count, version < 10 ? 8 : 16)
        for byte in data { put(Int(byte), 8) }
        let capacity = dataCodewords(version) * 8
        put(0, min(4, capacity - bits.count))
        put(0, (8 - bits.count % 8) % 8)
        var pad = 0xEC
        while bits.count < capacity {
            put(pad, 8)
            pad ^= 0xEC ^ 0x11
        }
        var bytes = [UInt8](repeating: 0, count: bits.count / 8)
        for (index, bit) in bits.enumerated() where bit { bytes[index / 8] |= 0x80 >> UInt8(index % 8) }
        return interleaved(bytes, version)
    }

    private static func interleaved(_ data: [UInt8], _ version: Int) -> [UInt8] {
        let count = blocks[version - 1]
        let correction = correctionPerBlock[version - 1]
        let raw = rawModules(version) / 8
        let shortBlocks = count - raw % count
        let shortData = raw / count - correction
        let divisor = divisor(correction)
        var parts: [(data: [UInt8], correction: [UInt8])] = []
        var start = 0
        for block in 0..<count {
            let length = shortData + (block < shortBlocks ? 0 : 1)
            let part = Array(data[start..<start + length])
            parts.append((part, remainder(part, divisor)))
            start += length
        }
        var result: [UInt8] = []
        for index in 0...shortData {
            for part in parts where index < part.data.count { result.append(part.data[index]) }
        }
        for index in 0..<correction {
            for part in parts { result.append(part.correction[index]) }
        }
        return result
    }

    // MARK: Reed-Solomon over GF(2^8) modulo 0x11D

    private static func product(_ left: UInt8, _ right: UInt8) -> UInt8 {
        var result = 0
        for shift in (0..<8).reversed() {
            result = (result << 1) ^ ((result >> 7) * 0x11D)
            result ^= Int(right >> UInt8(shift) & 1) * Int(left)
        }
        return UInt8(result)
    }

    private static func divisor(_ degree: Int) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: degree)
        result[degree - 1] = 1
        var root: UInt8 = 1
        for _ in 0..<degree {
            for index in 0..<degree {
                result[index] = product(result[index], root)
                if index + 1 < degree { result[index] ^= result[index + 1] }
            }
            root = product(root, 2)
        }
        return result
    }

    private static func remainder(_ data: [UInt8], _ divisor: [UInt8]) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: divisor.count)
        for byte in data {
            let factor = byte ^ result.removeFirst()
            result.append(0)
            for (index, coefficient) in divisor.enumerated() { result[index] ^= product(coefficient, factor) }
        }
        return result
    }

    // MARK: Drawing

    private mutating func set(_ x: Int, _ y: Int, _ isDark: Bool) {
        modules[y][x] = isDark
        isFunction[y][x] = true
    }

    private mutating func drawFunctions(_ version: Int) {
        for index in 0..<size {
            set(6, index, index % 2 == 0)
            set(index, 6, index % 2 == 0)
        }
        for (x, y) in [(3, 3), (size - 4, 3), (3, size - 4)] { drawFinder(x, y) }
        let places = Self.alignments(version, size)
        for (row, y) in places.enumerated() {
            for (column, x) in places.enumerated() {
                let last = places.count - 1
                let isFinder = (row == 0 && column == 0) || (row == 0 && column == last) || (row == last && column == 0)
                if !isFinder { drawAlignment(x, y) }
            }
        }
        drawFormat(0)
        drawVersion(version)
    }

    private static func alignments(_ version: Int, _ size: Int) -> [Int] {
        guard version > 1 else { return [] }
        let count = version / 7 + 2
        let step = (version * 8 + count * 3 + 5) / (count * 4 - 4) * 2
        return [6] + (0..<count - 1).map { size - 7 - $0 * step }.reversed()
    }

    private mutating func drawFinder(_ x: Int, _ y: Int) {
        for dy in -4...4 {
            for dx in -4...4 {
                let distance = max(abs(dx), abs(dy))
                if (0..<size).contains(x + dx), (0..<size).contains(y + dy) {
                    set(x + dx, y + dy, distance != 2 && distance != 4)
                }
            }
        }
    }

    private mutating func drawAlignment(_ x: Int, _ y: Int) {
        for dy in -2...2 {
            for dx in -2...2 { set(x + dx, y + dy, max(abs(dx), abs(dy)) != 1) }
        }
    }

    private mutating func drawFormat(_ mask: Int) {
        // Level M is 0.
        var rest = mask
        for _ in 0..<10 { rest = (rest << 1) ^ ((rest >> 9) * 0x537) }
        let bits = (mask << 10 | rest) ^ 0x5412
        func bit(_ index: Int) -> Bool { bits >> index & 1 == 1 }
        for index in 0...5 { set(8, index, bit(index)) }
        set(8, 7, bit(6))
        set(8, 8, bit(7))
        set(7, 8, bit(8))
        for index in 9..<15 { set(14 - index, 8, bit(index)) }
        for index in 0..<8 { set(size - 1 - index, 8, bit(index)) }
        for index in 8..<15 { set(8, size - 15 + index, bit(index)) }
        set(8, size - 8, true)
    }

    private mutating func drawVersion(_ version: Int) {
        guard version >= 7 else { return }
        var rest = version
        for _ in 0..<12 { rest = (rest << 1) ^ ((rest >> 11) * 0x1F25) }
        let bits = version << 12 | rest
        for index in 0..<18 {
            let isDark = bits >> index & 1 == 1
            let (a, b) = (size - 11 + index % 3, index / 3)
            set(a, b, isDark)
            set(b, a, isDark)
        }
    }

    private mutating func drawCodewords(_ data: [UInt8]) {
        var index = 0
        var right = size - 1
        while right >= 1 {
            if right == 6 { right = 5 }
            for vertical in 0..<size {
                for column in 0..<2 {
                    let x = right - column
                    let y = (right + 1) & 2 == 0 ? size - 1 - vertical : vertical
                    if !isFunction[y][x], index < data.count * 8 {
                        modules[y][x] = data[index >> 3] >> UInt8(7 - index & 7) & 1 == 1
                        index += 1
                    }
                }
            }
            right -= 2
        }
    }

    private mutating func apply(_ mask: Int) {
        for y in 0..<size {
            for x in 0..<size where !isFunction[y][x] {
                let inverts =
                    switch mask {
                    case 0: (x + y) % 2 == 0
                    case 1: y % 2 == 0
                    case 2: x % 3 == 0
                    case 3: (x + y) % 3 == 0
                    case 4: (x / 3 + y / 2) % 2 == 0
                    case 5: x * y % 2 + x * y % 3 == 0
                    case 6: (x * y % 2 + x * y % 3) % 2 == 0
                    default: ((x + y) % 2 + x * y % 3) % 2 == 0
                    }
                if inverts { modules[y][x].toggle() }
            }
        }
    }

    /// How hard the symbol is to read: runs, blocks, and the balance of dark and light.
    private func penalty() -> Int {
        var result = 0
        var dark = 0
        for line in 0..<size {
            var (across, down) = (0, 0)
            for place in 0..<size {
                if modules[line][place] { dark += 1 }
                across = place > 0 && modules[line][place] == modules[line][place - 1] ? across + 1 : 1
                down = place > 0 && modules[place][line] == modules[place - 1][line] ? down + 1 : 1
                for run in [across, down] where run >= 5 { result += run == 5 ? 3 : 1 }
                if line > 0, place > 0 {
                    let module = modules[line][place]
                    if module == modules[line][place - 1], module == modules[line - 1][place],
                        module == modules[line - 1][place - 1]
                    {
                        result += 3
                    }
                }
            }
        }
        return result + abs(dark * 20 - size * size * 10) / (size * size) * 10
    }
}

/// A QR code as a drawing; nothing where the text is too long for one.
func qrCode(_ text: String) -> HTML {
    guard let symbol = QRSymbol(text) else { return .empty }
    var steps: [PathStep] = []
    for y in 0..<symbol.size {
        for x in 0..<symbol.size where symbol[x, y] {
            steps += [.move(x + 4, y + 4), .right(1), .down(1), .right(-1), .close]
        }
    }
    let side = symbol.size + 8
    return svg(
        .class("qr"), .viewBox(side, side), .role("img"),
        .ariaLabel("QR code with the secret; the same stands below as text")
    ) {
        rect(.class("qr-ground"), .width(Double(side)), .height(Double(side)))
        path(.class("qr-ink"), .d(steps))
    }
}
