/// A name of the Common Platform Enumeration, 2.3 (NISTIR 7695) as formatted string or 2.2 as URI: what statements use of it.
struct CPEName: Hashable {
    /// `a` application, `o` operating system, `h` hardware.
    var part: String
    var vendor: String
    var product: String
    /// The version with its update behind a hyphen; `*` where any is meant, `-` where there is none.
    var version: String
    /// The software that it runs in, such as `wordpress`; empty where that is any.
    var target: String

    /// Reads either form; nil where the text is neither or names no vendor and product.
    init?(_ text: String) {
        guard text.utf8.count <= 4_096 else { return nil }
        let fields: [String]
        if text.hasPrefix("cpe:2.3:") {
            fields = Self.fields(text.dropFirst(8))
        } else if text.hasPrefix("cpe:/") {
            fields = text.dropFirst(5).split(separator: ":", omittingEmptySubsequences: false).map(Self.decoded)
        } else {
            return nil
        }
        guard fields.count >= 3, ["a", "o", "h"].contains(fields[0]) else { return nil }
        func field(_ index: Int) -> String { fields.indices.contains(index) ? fields[index] : "" }
        part = fields[0]
        vendor = fields[1].lowercased()
        product = fields[2].lowercased()
        guard !vendor.isEmpty, !product.isEmpty, product != "*" else { return nil }
        version = field(3).isEmpty ? "*" : field(3)
        let update = field(4)
        if version != "*", version != "-", !["", "*", "-"].contains(update) { version += "-" + update }
        target = text.hasPrefix("cpe:2.3:") && !["", "*", "-"].contains(field(8)) ? field(8) : ""
    }

    /// `part:vendor:product`, as a statement names it: a colon of a name is written `\:`.
    var name: String { "\(part):\(Self.escaped(vendor)):\(Self.escaped(product))" }

    /// The order of its versions. NVD defines none: Maven's reads most of what vendors write, pre-releases included.
    var scheme: String {
        switch vendor {
        case "openssl" where product == "openssl" && !isNewOpenSSL: "openssl"
        case "microsoft" where part == "o" && product.hasPrefix("windows"): "windows"
        case "apple": "apple"
        default: Self.commonScheme
        }
    }

    private static let commonScheme = "maven"

    /// A range in the product's own order, or in the common one where a bound of it is no version of the former.
    func range(_ range: VersionRange) -> VersionRange {
        var range = range
        range.scheme = scheme
        if scheme != Self.commonScheme,
            ![range.lower, range.upper].allSatisfy({ $0.map { isReadable($0, scheme: scheme) } ?? true })
        {
            range.scheme = Self.commonScheme
        }
        return range
    }

    /// From 3.0 on OpenSSL counts in numbers.
    private var isNewOpenSSL: Bool { version.first.map { ("3"..."9").contains($0) } ?? false }

    private static func escaped(_ text: String) -> String {
        text.utf8.contains(0x3A)
            ? text.split(separator: ":", omittingEmptySubsequences: false).joined(separator: "\\:") : text
    }

    /// Splits at colons that have no backslash before them, and takes backslashes away.
    private static func fields(_ text: Substring) -> [String] {
        var fields: [String] = []
        var field: [UInt8] = []
        var isEscaped = false
        for byte in text.utf8 {
            if isEscaped {
                field.append(byte)
                isEscaped = false
            } else if byte == 0x5C {
                isEscaped = true
            } else if byte == 0x3A {
                fields.append(String(decoding: field, as: UTF8.self))
                field.removeAll(keepingCapacity: true)
            } else {
                field.append(byte)
            }
        }
        fields.append(String(decoding: field, as: UTF8.self))
        return fields
    }

    /// Percent-encoding of the URI form.
    private static func decoded(_ text: Substring) -> String {
        percentDecoded(text) ?? String(text)
    }
}

/// A text without its percent-encoding (RFC 3986, section 2.1); nil where that is broken or gives no UTF-8.
func percentDecoded(_ text: some StringProtocol) -> String? {
    guard text.utf8.contains(0x25) else { return String(text) }
    func value(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }
    let bytes = Array(text.utf8)
    var decoded: [UInt8] = []
    var index = 0
    while index < bytes.count {
        if bytes[index] == 0x25 {
            guard index + 2 < bytes.count, let high = value(bytes[index + 1]), let low = value(bytes[index + 2]) else {
                return nil
            }
            decoded.append(high << 4 | low)
            index += 3
        } else {
            decoded.append(bytes[index])
            index += 1
        }
    }
    return String(validating: decoded, as: UTF8.self)
}
