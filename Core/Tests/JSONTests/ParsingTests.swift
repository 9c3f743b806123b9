import Foundation
import JSON
import Testing

struct ParsingTests {
    @Test func values() throws {
        #expect(try parse(" null ") == .null)
        #expect(try parse("[true,false]") == [true, false])
        #expect(try parse("-0") == 0)
        #expect(try parse("1.0") == 1)
        #expect(try parse("1e2") == 100)
        #expect(try parse("9223372036854775807") == .integer(.max))
        #expect(try parse("-9223372036854775808") == .integer(.min))
        #expect(try parse("9223372036854775808") == .number(9_223_372_036_854_775_808))
        #expect(try parse("0.1") == .number(0.1))
        #expect(try parse("123456789012345678901234567890e-10") == .number(12345678901234567890.1234567890))
        #expect(try parse(#"{"a":{"b":[1]}}"#)["a"]?["b"]?[0] == 1)
        #expect(try parse("[1]")["a"] == nil)
        #expect(try parse(#""\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00€😀""#) == .string("\"\\/\u{8}\u{c}\n\r\té😀€😀"))
        #expect(try parse(#""\u0000""#) == .string("\0"))
    }

    @Test(arguments: [
        ("", JSONError.Kind.unexpectedEnd, 0, ""), ("  ", .unexpectedEnd, 2, ""), ("{", .unexpectedEnd, 1, ""),
        (#"{"a""#, .unexpectedEnd, 4, ""), (#"{"a":"#, .unexpectedEnd, 5, "/a"), ("[1", .unexpectedEnd, 2, ""),
        (#"["ab"#, .unexpectedEnd, 4, "/0"), ("[1,]", .unexpectedByte, 3, "/1"), (#"{"a":1,}"#, .unexpectedByte, 7, ""),
        ("{a:1}", .unexpectedByte, 1, ""), ("[1 2]", .unexpectedByte, 3, ""), (#"{"a" 1}"#, .unexpectedByte, 5, ""),
        ("nul", .unexpectedByte, 0, ""), ("nulL", .unexpectedByte, 0, ""), ("'a'", .unexpectedByte, 0, ""),
        ("NaN", .unexpectedByte, 0, ""), ("+1", .unexpectedByte, 0, ""), ("01", .invalidNumber, 2, ""),
        ("-", .invalidNumber, 1, ""), ("1.", .invalidNumber, 2, ""), ("1e", .invalidNumber, 2, ""),
        ("1e+", .invalidNumber, 3, ""), (".5", .unexpectedByte, 0, ""), ("[1e400]", .numberOutOfRange, 1, "/0"),
        ("1 2", .trailingBytes, 2, ""), ("{}x", .trailingBytes, 2, ""), ("\u{FEFF}1", .unexpectedByte, 0, ""),
        (#"{"a/b":{"~":["\x"]}}"#, .invalidEscape, 14, "/a~1b/~0/0"), (#""\u12g4""#, .invalidEscape, 5, ""),
        (#""\ud800""#, .loneSurrogate, 1, ""), (#""\udc00""#, .loneSurrogate, 1, ""),
        (#""\ud800\u0041""#, .loneSurrogate, 1, ""),
        (#""\ud800x""#, .loneSurrogate, 1, ""), ("\"a\nb\"", .controlCharacter, 2, ""),
        ("\"12345678\u{0}\"", .controlCharacter, 9, ""),
        (#"{"a":1,"a":2}"#, .duplicateKey, 11, "/a"), (#"[{"\u0061":1,"a":2}]"#, .duplicateKey, 17, "/0/a"),
    ])
    func refusals(text: String, kind: JSONError.Kind, offset: Int, pointer: String) {
        let error = #expect(throws: JSONError.self) { try parse(text) }
        #expect(error?.kind == kind)
        #expect(error?.offset == offset)
        #expect(error?.pointer == pointer)
        #expect(error?.reason.isEmpty == false)
    }

    @Test(
        arguments: [
            [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF0, 0x80, 0x80, 0x80],
            [0xF4, 0x90, 0x80, 0x80],
            [0xF5, 0x80, 0x80, 0x80], [0x80], [0xFF], [0xE2, 0x82], [0xC3], [0xF0, 0x9F, 0x98],
        ] as [[UInt8]])
    func invalidUTF8(bytes: [UInt8]) {
        for tail in [[], [0x41], [0x41, 0x41, 0x41]] as [[UInt8]] {
            let document = [0x22] + bytes + tail + [0x22]
            let error = #expect(throws: JSONError.self) { try JSONValue(parsing: document, limits: .message) }
            #expect(error?.kind == .invalidUTF8)
            #expect(error?.offset == 1)
        }
        #expect(throws: JSONError.self) { try JSONValue(parsing: [0x22] + bytes, limits: .message) }
    }

    @Test func limits() throws {
        let limits = JSONLimits(maximumBytes: 40, maximumDepth: 3, maximumItems: 5, maximumStringBytes: 8)
        func kind(_ text: String) -> JSONError.Kind? {
            do throws(JSONError) {
                _ = try parse(text, limits: limits)
                return nil
            } catch {
                return error.kind
            }
        }
        #expect(kind("[[[1]]]") == nil)
        #expect(kind("[[[[1]]]]") == .tooDeep)
        #expect(kind(#"[{"a":[{}]}]"#) == .tooDeep)
        #expect(kind("[1,2,3,4,5]") == nil)
        #expect(kind("[1,2,3,4,5,6]") == .tooManyItems)
        #expect(kind(#"{"a":[1,2,3,4],"b":1}"#) == .tooManyItems)
        #expect(kind(#""12345678""#) == nil)
        #expect(kind(#""123456789""#) == .stringTooLong)
        #expect(kind(#"{"123456789":1}"#) == .stringTooLong)
        #expect(kind(String(repeating: " ", count: 39) + "1") == nil)
        #expect(kind(String(repeating: " ", count: 40) + "1") == .tooManyBytes)
        let deep = String(repeating: "[", count: 100_000)
        let most = JSONLimits(maximumBytes: .max, maximumDepth: .max, maximumItems: .max, maximumStringBytes: .max)
        #expect(throws: JSONError.self) { try parse(deep, limits: most) }
    }

    /// Random bytes and damaged documents: never a crash, and Foundation's judgement wherever the two follow one rule.
    @Test func agreesWithFoundation() {
        var random = Seeded(state: 7)
        let alphabet =
            Array(#"{}[]:,"\/0123456789.-+eEtrufalsn bd"#.utf8) + [0x0A, 0x1F, 0x80, 0xC3, 0xA9, 0xED, 0xF0, 0xFF]
        var (valid, invalid) = (0, 0)
        for round in 0..<20_000 {
            var bytes: [UInt8]
            if round % 10 == 0 {
                bytes = (0..<Int.random(in: 0...30, using: &random)).map { _ in
                    alphabet.randomElement(using: &random) ?? 0
                }
            } else {
                bytes = randomText(randomValue(&random, depth: 2), &random)
                for _ in 0..<Int.random(in: 0...2, using: &random) where !bytes.isEmpty {
                    let place = Int.random(in: 0..<bytes.count, using: &random)
                    let byte = alphabet.randomElement(using: &random) ?? 0
                    switch Int.random(in: 0..<4, using: &random) {
                    case 0: bytes[place] = byte
                    case 1: bytes.insert(byte, at: place)
                    case 2: bytes.remove(at: place)
                    default: bytes.removeSubrange(place...)
                    }
                }
            }
            var ours: JSONError?
            do throws(JSONError) { _ = try JSONValue(parsing: bytes, limits: .message) } catch { ours = error }
            // Foundation takes the last of two names, half surrogates and a comma before a closing bracket, and judges
            // huge numbers otherwise; RFC 8259 refuses or warns of all four.
            if let kind = ours?.kind, [.duplicateKey, .loneSurrogate, .numberOutOfRange].contains(kind) { continue }
            if let offset = ours?.offset,
                bytes[..<offset].last(where: { ![0x20, 0x0A, 0x0D, 0x09].contains($0) }) == 0x2C,
                offset < bytes.count, [0x5D, 0x7D].contains(bytes[offset])
            {
                continue
            }
            let theirs = (try? JSONSerialization.jsonObject(with: Data(bytes), options: [.fragmentsAllowed])) != nil
            #expect(
                (ours == nil) == theirs,
                "\(String(decoding: bytes, as: UTF8.self).debugDescription) \(String(describing: ours))")
            if theirs { valid += 1 } else { invalid += 1 }
        }
        #expect(valid > 3000 && invalid > 3000)
    }

    @Test func anyBytesNeverCrash() {
        var random = Seeded(state: 8)
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            _ = try? JSONValue(parsing: bytes, limits: .message)
            _ = try? JSONValue(parsing: [0x22] + bytes, limits: .message)
        }
    }
}
