import JSON

/// A seeded generator, so that a failure can be repeated (SplitMix64).
struct Seeded: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// A random value in the form the parser gives.
func randomValue(_ random: inout Seeded, depth: Int = 0) -> JSONValue {
    switch Int.random(in: 0..<(depth < 4 ? 9 : 6), using: &random) {
    case 0: return .null
    case 1: return .bool(.random(using: &random))
    case 2: return .integer(Int64.random(in: -1000...1000, using: &random))
    case 3: return .integer(Int64(bitPattern: random.next()))
    case 4:
        let patterns: [Double] = [
            Double(bitPattern: random.next()), Double.random(in: -1...1, using: &random), 1.5, 1e21, 1e-7,
            .leastNonzeroMagnitude, 1e300,
            Double(Int64.random(in: -9_999_999...9_999_999, using: &random)) / 1000,
        ]
        return JSONValue(patterns.randomElement(using: &random) ?? 0) ?? .integer(0)
    case 5, 6: return .string(randomString(&random))
    case 7:
        return .array((0..<Int.random(in: 0...5, using: &random)).map { _ in randomValue(&random, depth: depth + 1) })
    default:
        var members: [String: JSONValue] = [:]
        for _ in 0..<Int.random(in: 0...5, using: &random) {
            members[randomString(&random)] = randomValue(&random, depth: depth + 1)
        }
        return .object(members)
    }
}

func randomString(_ random: inout Seeded) -> String {
    let alphabet: [Unicode.Scalar] = [
        "a", "b", "Z", "0", " ", "\"", "\\", "/", "\n", "\t", "\u{1}", "\u{1f}", "\u{7f}", "\u{80}", "é", "€",
        "\u{FB33}",
        "\u{FFFF}", "😀", "\u{10FFFF}", "~",
    ]
    var result = String.UnicodeScalarView()
    for _ in 0..<Int.random(in: 0...20, using: &random) {
        result.append(alphabet.randomElement(using: &random) ?? "a")
    }
    return String(result)
}

/// The value's text with random white space and random, equivalent spellings.
func randomText(_ value: JSONValue, _ random: inout Seeded) -> [UInt8] {
    var output: [UInt8] = []
    func space() {
        for _ in 0..<Int.random(in: 0...2, using: &random) where Bool.random(using: &random) {
            output.append([0x20, 0x0A, 0x0D, 0x09].randomElement(using: &random) ?? 0x20)
        }
    }
    func write(_ string: String) {
        output.append(0x22)
        for scalar in string.unicodeScalars {
            if Int.random(in: 0..<4, using: &random) == 0 || scalar.value < 0x20 || scalar == "\"" || scalar == "\\" {
                for unit in String(scalar).utf16 {
                    let digits = String(unit, radix: 16, uppercase: .random(using: &random))
                    output += "\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)".utf8
                }
            } else {
                output += String(scalar).utf8
            }
        }
        output.append(0x22)
    }
    func write(_ value: JSONValue) {
        space()
        switch value {
        case .array(let elements):
            output.append(0x5B)
            for (index, element) in elements.enumerated() {
                if index > 0 { output.append(0x2C) }
                write(element)
            }
            space()
            output.append(0x5D)
        case .object(let members):
            output.append(0x7B)
            for (index, member) in members.sorted(by: { $0.key < $1.key }).enumerated() {
                if index > 0 { output.append(0x2C) }
                space()
                write(member.key)
                space()
                output.append(0x3A)
                write(member.value)
            }
            space()
            output.append(0x7D)
        case .string(let string): write(string)
        case .number(let number): output += (Bool.random(using: &random) ? "\(number)" : "\(number)".uppercased()).utf8
        default: output += value.canonicalBytes()
        }
        space()
    }
    write(value)
    return output
}
