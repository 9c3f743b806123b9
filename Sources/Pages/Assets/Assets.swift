import Digest
public import HTML

/// A file of ours that pages refer to. Its name has its digest, so it may be kept for ever.
public struct Asset: Sendable {
    /// Its name under `/assets/`.
    public let name: String
    /// Its media type.
    public let type: String
    /// Its content.
    public let bytes: [UInt8]

    init(_ stem: String, _ ending: String, type: String, bytes: [UInt8]) {
        self.name = "\(stem).\(String(SHA256.hash(bytes).description.suffix(64).prefix(16))).\(ending)"
        self.type = type
        self.bytes = bytes
    }

    /// Where it is.
    public var location: Location { Location("assets", name) }
}

/// Our files. They are part of the program: it needs no folder beside it.
public enum Assets {
    /// The design system: tokens and components.
    public static let style = Asset(
        "fettle", "css", type: "text/css; charset=utf-8", bytes: PackageResources.fettle_css)
    /// Keys, copying and live parts: nothing that a page needs.
    public static let script = Asset(
        "fettle", "js", type: "text/javascript; charset=utf-8", bytes: PackageResources.fettle_js)
    /// The mark, for the browser's tab.
    public static let icon = Asset("mark", "svg", type: "image/svg+xml", bytes: Array(mark.utf8))

    /// The asset of that name.
    public static func named(_ name: String) -> Asset? {
        [style, script, icon].first { $0.name == name }
    }

    private static let mark = """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="9" fill="#0b6b52"/>\
        <g fill="none" stroke-linecap="round" stroke-linejoin="round" stroke-width="3"><path stroke="#fff" \
        d="M21.500 7.500c-4.800-1-7.500 1.200-7.500 5.500v12"/><path stroke="#8fe3c4" d="M9 15.500l4.800 4 9.200-8"/></g></svg>
        """
}
