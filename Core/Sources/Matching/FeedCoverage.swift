/// How much the feeds of a stream name, which says what their silence means.
public enum FeedCoverage: Int, Sendable, Hashable, Comparable, CaseIterable {
    /// Single statements (a VEX document, records about products): silence means nothing.
    case statements
    /// The advisories of the stream: a package without one has no known fix outstanding.
    case advisories
    /// Every vulnerability of the stream's packages, also those without a fix: what is not named is not there.
    case everything

    public static func < (a: FeedCoverage, b: FeedCoverage) -> Bool { a.rawValue < b.rawValue }

    /// Sources that are documents of the user's own or of a product's maker.
    static let ownVEX = ["openvex", "cyclonedx-vex", "cyclonedx", "vex"]

    /// What a source's statements mean where nobody says it: that it names everything must be said
    /// (``CatalogueBuilder/claim(_:of:stream:)``), by who knows that the feed is whole.
    init(ofSource source: String) {
        self = (Self.ownVEX + ["nvd", "cve"]).contains(source) ? .statements : .advisories
    }
}
