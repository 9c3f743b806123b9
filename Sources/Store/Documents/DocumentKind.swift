public import Digest

/// One of the three documents that describe a host; the store's name for `Wire`'s, which it does not import.
public enum DocumentKind: String, Hashable, Sendable, CaseIterable {
    /// The packages.
    case set
    /// What the host's repositories offer.
    case offers
    /// Everything else that was read on the host.
    case facts

    /// The table that holds them.
    var table: String {
        switch self {
        case .set: "software_sets"
        case .offers: "offer_sets"
        case .facts: "host_facts"
        }
    }
}

/// A document's name within an organisation.
public struct DocumentName: Hashable, Sendable {
    /// Which of the three.
    public var kind: DocumentKind
    /// SHA-256 of its canonical bytes.
    public var digest: SHA256Digest

    /// The name of that document.
    public init(_ kind: DocumentKind, _ digest: SHA256Digest) {
        self.kind = kind
        self.digest = digest
    }
}

/// The names of a host's three documents at one instant.
public struct DocumentDigests: Hashable, Sendable {
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

    /// As three names.
    public var names: [DocumentName] {
        [DocumentName(.set, set), DocumentName(.offers, offers), DocumentName(.facts, facts)]
    }
}
