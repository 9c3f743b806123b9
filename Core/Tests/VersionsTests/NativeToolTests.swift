import Testing
import Versions

/// Generated pairs, judged by the tool that the ecosystem itself orders versions with.
struct NativeToolTests {
    @Test(arguments: NativeTool.all.map { $0.scheme })
    func ordersGeneratedPairsAsTheNativeToolDoes(name: String) throws {
        let tool = try #require(NativeTool.all.first { $0.scheme == name })
        try #require(tool.isPresent || !TestData.isPresent, "\(tool.program) is missing: run scripts/deps test")
        guard tool.isPresent else { return }
        let scheme = try #require(VersionSchemes.named(name))
        var generator = SchemeGenerator(scheme: name, seed: 21)
        var pairs: [(a: String, b: String, ours: String)] = []
        while pairs.count < (name == "gem" ? 24_000 : 12_000) {
            let a = generator.next()
            let b = Bool.random(using: &generator.random) ? generator.next() : generator.vary(a)
            // The strings that setuptools once took have no tool left.
            if name == "pypi", !PythonVersion.isStandard(a) || !PythonVersion.isStandard(b) { continue }
            if let ours = try? scheme.compare(a, b).symbol { pairs.append((a, b, ours)) }
        }
        let answers = try tool.answers(pairs.map { "\($0.a)\t\($0.b)" })
        try #require(answers.count == pairs.count)
        var judged: [String: Int] = [:]
        var wrong = 0
        for (pair, answer) in zip(pairs, answers) {
            // What only we take (letters after a gem's first number) the tool has no answer for.
            if answer == "!" {
                if name != "gem" { Issue.record("\(name): \(pair.a) \(pair.b) refused by the tool") }
                continue
            }
            judged[answer, default: 0] += 1
            if pair.ours != answer, wrong < 20 {
                wrong += 1
                #expect(pair.ours == answer, "\(name): \(pair.a) \(pair.b)")
            }
        }
        print("native: \(name) \(judged.values.reduce(0, +)) pairs \(judged)")
        // The generator is worth something only if every answer is frequent.
        for symbol in ["<", "=", ">"] { #expect(judged[symbol, default: 0] > 300, "\(name): \(judged)") }
        #expect(judged.values.reduce(0, +) >= 10_000)
    }

    @Test func npmRangesHoldWhatTheyHoldForNode() throws {
        let tool = NativeTool.ranges
        try #require(tool.isPresent || !TestData.isPresent, "node-semver is missing: run scripts/deps test")
        guard tool.isPresent else { return }
        var generator = RangeGenerator(random: Seeded(state: 22))
        let pairs = (0..<10_000).map { _ in (generator.version(), generator.range()) }
        let answers = try tool.answers(pairs.map { "\($0.0)\t\($0.1)" })
        try #require(answers.count == pairs.count)
        var judged: [String: Int] = [:]
        var wrong = 0
        for ((version, range), answer) in zip(pairs, answers) {
            let ours: String
            do { ours = try NPMRange(range).contains(version) ? "1" : "0" } catch { ours = "!" }
            judged[answer, default: 0] += 1
            if ours != answer, wrong < 20 {
                wrong += 1
                #expect(ours == answer, "\(version) in \(range)")
            }
        }
        print("native: npm ranges \(pairs.count) pairs \(judged)")
        #expect(judged["1", default: 0] > 1_000 && judged["0", default: 0] > 1_000 && judged["!", default: 0] > 50)
    }
}

/// Ranges of npm and versions near their bounds.
struct RangeGenerator {
    var random: Seeded

    mutating func number() -> String { ["0", "1", "2", "3"].randomElement(using: &random) ?? "0" }

    mutating func version() -> String {
        "\(number()).\(number()).\(number())"
            + (["", "", "", "-0", "-a", "-a.1", "-b"].randomElement(using: &random) ?? "")
    }

    private mutating func partial() -> String {
        switch Int.random(in: 0..<9, using: &random) {
        case 0: number()
        case 1: "\(number()).\(number())"
        case 2: "\(number()).x"
        case 3: "\(number()).\(number()).*"
        case 4: ["x", "*", "v1.2", "X", "1.x.2", "01.0.0"].randomElement(using: &random) ?? "x"
        default: version()
        }
    }

    private mutating func comparator() -> String {
        let operators = ["", "=", "<", "<=", ">", ">=", "^", "~", "~>", "^ ", ">= ", "< "]
        return (operators.randomElement(using: &random) ?? "") + partial()
    }

    mutating func range() -> String {
        let alternatives = (0..<Int.random(in: 1...2, using: &random)).map { _ in
            Int.random(in: 0..<6, using: &random) == 0
                ? "\(partial()) - \(partial())"
                : (0..<Int.random(in: 1...2, using: &random)).map { _ in comparator() }.joined(separator: " ")
        }
        return alternatives.joined(separator: Bool.random(using: &random) ? " || " : "||")
    }
}

extension SchemeGenerator {
    /// A version that differs by one part, often in spelling only.
    mutating func vary(_ text: String) -> String {
        switch Int.random(in: 0..<5, using: &random) {
        case 0: return text + (alphabet.randomElement(using: &random) ?? "")
        case 1: return text + ".0"
        case 2: return text
        default:
            var bytes = Array(text.utf8)
            guard let place = bytes.indices.randomElement(using: &random) else { return text }
            bytes[place] = Array("0019.a".utf8).randomElement(using: &random) ?? 0x30
            return String(decoding: bytes, as: UTF8.self)
        }
    }
}
