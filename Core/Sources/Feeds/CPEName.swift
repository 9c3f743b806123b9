import PackageURLs

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
        guard fields.count >= 3, fields[0] == "a" || fields[0] == "o" || fields[0] == "h" else { return nil }
        func field(_ index: Int) -> String { fields.indices.contains(index) ? fields[index] : "" }
        part = fields[0]
        vendor = Self.lower(fields[1])
        product = Self.lower(fields[2])
        guard !vendor.isEmpty, !product.isEmpty, product != "*" else { return nil }
        version = field(3).isEmpty ? "*" : field(3)
        let update = field(4)
        if version != "*", version != "-", !["", "*", "-"].contains(update) { version += "-" + update }
        target = text.hasPrefix("cpe:2.3:") && !["", "*", "-"].contains(field(8)) ? field(8) : ""
    }

    /// Names are in lower case nearly always.
    private static func lower(_ text: String) -> String {
        text.utf8.allSatisfy { $0 < 0x80 && !(0x41...0x5A).contains($0) } ? text : text.lowercased()
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
        let scheme = scheme
        range.scheme = scheme
        if scheme != Self.commonScheme,
            !(range.lower.map { isReadable($0, scheme: scheme) } ?? true)
                || !(range.upper.map { isReadable($0, scheme: scheme) } ?? true)
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
        var text = text
        return text.withUTF8 { bytes in
            var fields: [String] = []
            fields.reserveCapacity(11)
            var start = 0
            var index = 0
            var hasEscapes = false
            while true {
                if index >= bytes.count || bytes[index] == 0x3A {
                    let field = bytes[start..<min(index, bytes.count)]
                    fields.append(hasEscapes ? plain(field) : String(decoding: field, as: UTF8.self))
                    if index >= bytes.count { return fields }
                    start = index + 1
                    hasEscapes = false
                } else if bytes[index] == 0x5C {
                    hasEscapes = true
                    index += 1
                }
                index += 1
            }
        }
    }

    private static func plain(_ field: Slice<UnsafeBufferPointer<UInt8>>) -> String {
        var plain: [UInt8] = []
        var isEscaped = false
        for byte in field {
            if byte == 0x5C, !isEscaped {
                isEscaped = true
            } else {
                plain.append(byte)
                isEscaped = false
            }
        }
        return String(decoding: plain, as: UTF8.self)
    }

    /// Percent-encoding of the URI form.
    private static func decoded(_ text: Substring) -> String {
        PercentEncoding.decoded(text) ?? String(text)
    }
}
