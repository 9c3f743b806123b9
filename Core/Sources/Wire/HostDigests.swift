public import Digest
public import JSON

/// One of the three documents that describe a host; each is named by the digest of its canonical bytes.
public enum HostDocument: String, Sendable, CaseIterable {
    /// The packages: ``Inventory/SoftwareSet``.
    case set
    /// What the host's repositories offer: ``Inventory/OfferSet``.
    case offers
    /// Everything else that was read on the host: ``Inventory/HostFacts``.
    case facts
}

/// What a host looks like at one instant, as three digests: a change of one sends one.
public struct HostDigests: Hashable, Sendable {
    /// The software set.
    public var set: SHA256Digest
    /// The offer set.
    public var offers: SHA256Digest
    /// The facts.
    public var facts: SHA256Digest

    /// The three digests.
    public init(set: SHA256Digest, offers: SHA256Digest, facts: SHA256Digest) {
        self.set = set
        self.offers = offers
        self.facts = facts
    }

    /// The digest of that document.
    public subscript(document: HostDocument) -> SHA256Digest {
        switch document {
        case .set: set
        case .offers: offers
        case .facts: facts
        }
    }

    var json: JSONValue {
        ["set": .string(set.hex), "offers": .string(offers.hex), "facts": .string(facts.hex)]
    }

    init(_ object: JSONObject) throws(JSONError) {
        var object = object
        self.init(
            set: try object.digest("set"), offers: try object.digest("offers"), facts: try object.digest("facts"))
        try object.finish()
    }
}

/// A document that the server does not hold yet for the host's organisation and asks for.
public struct NeededDocument: Hashable, Sendable {
    /// Which of the three.
    public var document: HostDocument
    /// Its digest.
    public var digest: SHA256Digest

    /// That document.
    public init(document: HostDocument, digest: SHA256Digest) {
        self.document = document
        self.digest = digest
    }

    /// `set:<hex>`.
    var json: JSONValue { .string("\(document.rawValue):\(digest.hex)") }

    init(text: String, pointer: String) throws(JSONError) {
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
        guard parts.count == 2, let document = HostDocument(rawValue: parts[0]),
            let digest = SHA256Digest(hex: parts[1])
        else {
            throw JSONError.unexpected(
                pointer: pointer, expected: "set, offers or facts, a colon, a digest", found: text)
        }
        self.init(document: document, digest: digest)
    }

    static func list(_ key: String, in object: inout JSONObject) throws(JSONError) -> [NeededDocument] {
        var list: [NeededDocument] = []
        for (index, text) in try object.strings(key, maximumCount: 300, maximumBytes: 80).enumerated() {
            list.append(try NeededDocument(text: text, pointer: "\(object.pointer)/\(key)/\(index)"))
        }
        return list
    }
}
