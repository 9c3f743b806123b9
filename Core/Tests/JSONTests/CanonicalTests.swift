import JSON
import Testing

func parse(_ text: String, limits: JSONLimits = .message) throws(JSONError) -> JSONValue {
    try JSONValue(parsing: Array(text.utf8), limits: limits)
}

func canonical(_ value: JSONValue) -> String { String(decoding: value.canonicalBytes(), as: UTF8.self) }

struct CanonicalTests {
    /// RFC 8785, appendix B.
    @Test(
        arguments: [
            (0x0000_0000_0000_0000, "0"), (0x8000_0000_0000_0000, "0"), (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"), (0x7FEF_FFFF_FFFF_FFFF, "1.7976931348623157e+308"),
            (0xFFEF_FFFF_FFFF_FFFF, "-1.7976931348623157e+308"), (0x4340_0000_0000_0000, "9007199254740992"),
            (0xC340_0000_0000_0000, "-9007199254740992"), (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44B5_2D02_C7E1_4AF5, "9.999999999999997e+22"), (0x44B5_2D02_C7E1_4AF6, "1e+23"),
            (0x44B5_2D02_C7E1_4AF7, "1.0000000000000001e+23"), (0x444B_1AE4_D6E2_EF4E, "999999999999999700000"),
            (0x444B_1AE4_D6E2_EF4F, "999999999999999900000"), (0x444B_1AE4_D6E2_EF50, "1e+21"),
            (0x3EB0_C6F7_A0B5_ED8C, "9.999999999999997e-7"), (0x3EB0_C6F7_A0B5_ED8D, "0.000001"),
            (0x41B3_DE43_5555_5553, "333333333.3333332"), (0x41B3_DE43_5555_5554, "333333333.33333325"),
            (0x41B3_DE43_5555_5555, "333333333.3333333"), (0x41B3_DE43_5555_5556, "333333333.3333334"),
            (0x41B3_DE43_5555_5557, "333333333.33333343"), (0xBECB_F647_612F_3696, "-0.0000033333333333333333"),
            (0x4314_3FF3_C1CB_0959, "1424953923781206.2"),
        ] as [(UInt64, String)])
    func numbers(bits: UInt64, expected: String) throws {
        let double = Double(bitPattern: bits)
        #expect(canonical(.number(double)) == expected)
        #expect(canonical(try #require(JSONValue(double))) == expected)
        #expect(canonical(try parse(expected)) == expected)
    }

    @Test func nanAndInfinityAreNotValues() {
        for double in [Double.nan, .infinity, -.infinity] { #expect(JSONValue(double) == nil) }
    }

    /// RFC 8785, section 3.2.2.
    @Test func sampleDocument() throws {
        let input = #"""
            {
              "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
              "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
              "literals": [null, true, false]
            }
            """#
        let expected =
            #"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"#
            + #""string":"€$\u000f\nA'B\"\\\\\"/"}"#
        #expect(canonical(try parse(input)) == expected)
    }

    /// RFC 8785, section 3.2.3.
    @Test func sortsByUTF16() throws {
        let input = #"""
            {"\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
             "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control",
             "\u00f6": "Latin Small Letter O With Diaeresis"}
            """#
        let values = canonical(try parse(input)).split(separator: "\"").filter { $0.count > 2 }.map(String.init)
        #expect(
            values == [
                "Carriage Return", "One", "Control", "Latin Small Letter O With Diaeresis", "Euro Sign",
                "Emoji: Grinning Face", "Hebrew Letter Dalet With Dagesh",
            ])
    }

    @Test func sortsAsUTF16ViewsDo() {
        var random = Seeded(state: 3)
        for _ in 0..<3000 {
            let names = Set((0..<5).map { _ in randomString(&random) })
            let value = JSONValue.object(Dictionary(uniqueKeysWithValues: names.map { ($0, .null) }))
            let sorted = names.sorted { $0.utf16.lexicographicallyPrecedes($1.utf16) }
            let expected = "{" + sorted.map { canonical(.string($0)) + ":null" }.joined(separator: ",") + "}"
            #expect(canonical(value) == expected)
        }
    }

    @Test func canonicalFormReadsBackEqual() throws {
        var random = Seeded(state: 1)
        for _ in 0..<5000 {
            let value = randomValue(&random)
            let bytes = value.canonicalBytes()
            #expect(try JSONValue(parsing: bytes, limits: .message) == value)
            #expect(try parse(value.prettyPrinted()) == value)
            #expect(try JSONValue(parsing: randomText(value, &random), limits: .message).canonicalBytes() == bytes)
        }
    }

    @Test func doublesKeepTheirBits() throws {
        var random = Seeded(state: 2)
        for _ in 0..<20_000 {
            let double = Double(bitPattern: random.next())
            guard double.isFinite, case .number(let read) = try parse("\(double)") else { continue }
            #expect(read == double)
            #expect(Double(canonical(.number(double))) == double)
        }
    }

    @Test func prettyPrinting() {
        let value: JSONValue = ["b": [1, 2.5, [], [:]], "a": ["x": nil, "y": true]]
        #expect(
            value.prettyPrinted() == """
                {
                  "a": {
                    "x": null,
                    "y": true
                  },
                  "b": [
                    1,
                    2.5,
                    [],
                    {}
                  ]
                }
                """)
    }
}
