import JSON

extension PolicyNode {
    /// Reads policies that are written as JSON: one document, or a list of documents.
    ///
    /// - Throws: ``PolicyProblem`` with its place.
    public static func documents(json bytes: [UInt8], file: String) throws(PolicyProblem) -> [PolicyNode] {
        let lines = LineTable(bytes, file: file)
        let limits = JSONLimits(
            maximumBytes: PolicyLimits.maximumBytes, maximumDepth: PolicyLimits.maximumDepth + 1,
            maximumItems: PolicyLimits.maximumNodes, maximumStringBytes: PolicyLimits.maximumTextBytes)
        do throws(JSONError) {
            let whole = try bytes.withUnsafeBufferPointer { buffer throws(JSONError) in
                let buffer = UnsafeRawBufferPointer(buffer)
                var reader = try JSONReader(buffer, limits: limits)
                let node = try node(&reader, buffer, lines)
                try reader.finish()
                return node
            }
            if case .list(let documents) = whole.content { return documents }
            return [whole]
        } catch {
            throw PolicyProblem(
                at: lines.place(error.offset ?? 0), message: "this is no JSON that can be used: \(error.reason)")
        }
    }

    private static func node(
        _ reader: inout JSONReader, _ bytes: UnsafeRawBufferPointer, _ lines: LineTable
    ) throws(JSONError) -> PolicyNode {
        let kind = try reader.peek()
        let start = reader.offset
        let place = lines.place(start)
        switch kind {
        case .null:
            try reader.null()
            return PolicyNode(.null, at: place)
        case .bool: return PolicyNode(.bool(try reader.bool()), at: place)
        case .number:
            _ = try reader.number()
            return PolicyNode(.number(String(decoding: bytes[start..<reader.offset], as: UTF8.self)), at: place)
        case .string: return PolicyNode(.text(try reader.string(), isPlain: false), at: place)
        case .array:
            var values: [PolicyNode] = []
            try reader.array { reader throws(JSONError) in values.append(try node(&reader, bytes, lines)) }
            return PolicyNode(.list(values), at: place)
        case .object:
            var members: [Member] = []
            var names: Set<String> = []
            try reader.object { reader, key throws(JSONError) in
                let name = key.string
                // The name has been read, and the colon after it.
                let at = Self.nameStart(before: reader.offset, bytes)
                guard names.insert(name).inserted else {
                    throw JSONError(
                        .duplicateKey, offset: at, reason: "\"\(name.prefix(64))\" stands here a second time; keep one")
                }
                members.append(Member(name: name, place: lines.place(at), value: try node(&reader, bytes, lines)))
            }
            return PolicyNode(.map(members), at: place)
        }
    }

    /// The offset of the quotation mark that begins the name before a colon.
    private static func nameStart(before offset: Int, _ bytes: UnsafeRawBufferPointer) -> Int {
        var at = offset - 1
        while at > 0, bytes[at] != 0x22 { at -= 1 }
        at -= 1
        while at > 0 {
            if bytes[at] == 0x22 {
                var slashes = 0
                while at - slashes > 0, bytes[at - slashes - 1] == 0x5C { slashes += 1 }
                if slashes % 2 == 0 { return at }
            }
            at -= 1
        }
        return max(0, at)
    }
}

/// Where each line of a file begins.
struct LineTable {
    private let starts: [Int]
    private let bytes: [UInt8]
    private let file: String

    init(_ bytes: [UInt8], file: String) {
        self.bytes = bytes
        self.file = file
        starts = [0] + bytes.indices.filter { bytes[$0] == 0x0A }.map { $0 + 1 }
    }

    /// The place of a byte; columns are characters.
    func place(_ offset: Int) -> PolicyPlace {
        let offset = max(0, min(offset, bytes.count))
        var low = 0
        var high = starts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= offset { low = middle } else { high = middle }
        }
        // Continuation bytes of UTF-8 are no characters of their own.
        let column = bytes[starts[low]..<offset].reduce(1) { $0 + ($1 & 0xC0 == 0x80 ? 0 : 1) }
        return PolicyPlace(file: file, line: low + 1, column: column)
    }
}
