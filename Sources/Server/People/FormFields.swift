import Hummingbird

/// The fields of a form as browsers send it: `application/x-www-form-urlencoded` (URL standard, section 5.1).
struct FormFields: Sendable {
    private let values: [(name: String, value: String)]

    /// The most bytes of a form.
    static let maximumBytes = 64 << 10
    /// The most fields.
    static let maximumCount = 500

    /// Reads a request's form.
    ///
    /// - Throws: ``Refusal`` for another media type, too much, and what is not UTF-8.
    init(_ request: Request) async throws {
        let type = request.headers[.contentType]?.split(separator: ";").first.map(String.init) ?? ""
        guard type.lowercased().filter({ $0 != " " }) == "application/x-www-form-urlencoded" else {
            throw Refusal(.unsupportedMediaType("application/x-www-form-urlencoded"))
        }
        try self.init(bytes: try await request.bytes(upTo: Self.maximumBytes))
    }

    /// Reads the bytes of a form.
    init(bytes: [UInt8]) throws {
        var values: [(String, String)] = []
        for part in bytes.split(separator: UInt8(ascii: "&")) {
            guard values.count < Self.maximumCount else {
                throw Refusal(.malformed("a form has at most \(Self.maximumCount) fields"))
            }
            let pair = part.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            values.append((try Self.decoded(pair[0]), pair.count > 1 ? try Self.decoded(pair[1]) : ""))
        }
        self.values = values.map { (name: $0.0, value: $0.1) }
    }

    /// The first field of that name; nil where there is none.
    subscript(_ name: String) -> String? { values.first { $0.name == name }?.value }

    /// All fields of that name.
    func all(_ name: String) -> [String] { values.filter { $0.name == name }.map(\.value) }

    private static func decoded(_ text: ArraySlice<UInt8>) throws -> String {
        var bytes: [UInt8] = []
        var rest = text
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "+") {
                bytes.append(UInt8(ascii: " "))
            } else if byte == UInt8(ascii: "%"), rest.count >= 2,
                let high = Self.digit(rest[rest.startIndex]), let low = Self.digit(rest[rest.startIndex + 1])
            {
                bytes.append(high << 4 | low)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        guard let text = String(validating: bytes, as: UTF8.self), !text.utf8.contains(0) else {
            throw Refusal(.malformed("a form's field is UTF-8 without NUL"))
        }
        return text
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }
}
