import JSON
import Testing

/// Runs `body` with a reader over the text's bytes.
func read<Result>(
    _ text: String, limits: JSONLimits = .message, _ body: (inout JSONReader) throws(JSONError) -> Result
) throws(JSONError) -> Result {
    try Array(text.utf8).withUnsafeBufferPointer { buffer throws(JSONError) in
        var reader = try JSONReader(UnsafeRawBufferPointer(buffer), limits: limits)
        let result = try body(&reader)
        try reader.finish()
        return result
    }
}

struct ReaderTests {
    @Test func streamsRecords() throws {
        let text =
            #"[{"id":"CVE-1","score":9.8,"x":{"deep":[1,{"a":"]}"}]}},{"sc\u006fre":1,"unread":[1,2],"id":"é\n"}]"#
        var records: [(String, Double)] = []
        try read(text) { reader throws(JSONError) in
            try reader.array { reader throws(JSONError) in
                var record = ("", 0.0)
                try reader.object { reader, key throws(JSONError) in
                    switch key {
                    case "id": record.0 = try reader.string()
                    case "score": record.1 = try reader.number()
                    case "x": try reader.skip()
                    default: break  // left unread: the reader skips it
                    }
                }
                records.append(record)
            }
        }
        #expect(records.map(\.0) == ["CVE-1", "é\n"])
        #expect(records.map(\.1) == [9.8, 1])
    }

    @Test func errorsKnowTheirPlace() {
        let error = #expect(throws: JSONError.self) {
            try read(#"{"a":[1,{"b/c":"text"}]}"#) { reader throws(JSONError) in
                try reader.object { reader, _ throws(JSONError) in
                    try reader.array { reader throws(JSONError) in
                        if try reader.peek() == .object {
                            try reader.object { reader, _ throws(JSONError) in _ = try reader.integer() }
                        }
                    }
                }
            }
        }
        #expect(error?.pointer == "/a/1/b~1c")
        #expect(error?.offset == 15)
        #expect(error?.description == "JSON at /a/1/b~1c, byte 15: expected a number, found a string")
    }

    @Test func skippingIsAsStrictAsReading() {
        var random = Seeded(state: 11)
        for _ in 0..<3000 {
            var bytes = randomText(randomValue(&random), &random)
            if !bytes.isEmpty, Bool.random(using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            func outcome(_ body: (inout JSONReader) throws(JSONError) -> Void) -> JSONError.Kind? {
                do throws(JSONError) {
                    try bytes.withUnsafeBufferPointer { buffer throws(JSONError) in
                        var reader = try JSONReader(UnsafeRawBufferPointer(buffer), limits: .message)
                        try body(&reader)
                        try reader.finish()
                    }
                    return nil
                } catch {
                    return error.kind
                }
            }
            let value = outcome { reader throws(JSONError) in _ = try reader.value() }
            let skipped = outcome { reader throws(JSONError) in try reader.skip() }
            #expect(value == skipped || value == .duplicateKey || value == .numberOutOfRange)
        }
    }

    @Test func scalars() throws {
        #expect(try read(" true ") { reader throws(JSONError) in try reader.bool() })
        try read("null") { reader throws(JSONError) in try reader.null() }
        #expect(try read("-7") { reader throws(JSONError) in try reader.integer() } == -7)
        #expect(throws: JSONError.self) { try read("7.5") { reader throws(JSONError) in try reader.integer() } }
        #expect(try read(#""a\tb""#) { reader throws(JSONError) in try reader.text() == "a\tb" })
        #expect(try read(#""ab""#) { reader throws(JSONError) in try reader.text() == "abc" } == false)
    }
}
