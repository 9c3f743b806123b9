import Schedule

/// A place where hosts stand: those with the label `site` of its name.
public struct Site: PolicySpec {
    /// The zone of its clocks.
    public var zone = "UTC"

    /// One that says nothing yet.
    public init() {}

    public static let kind = "Site"
    public static let about =
        "A place: the hosts with the label site of its name. It has a zone, for windows on the clocks of sites."
    public static let codec = PolicyCodec<Site>.object(Site()) { keys in
        keys.required(
            "zone", \.zone,
            .token("an IANA zone", "^[A-Za-z0-9._/+-]+$", example: "Europe/Berlin", maximum: 64) {
                PolicyNames.isWord($0) || $0 == 0x2F || $0 == 0x2B
            },
            "The IANA zone of its clocks.")
        keys.check { site in
            site.zone == "UTC" || Zone.isValidName(site.zone)
                ? nil : ("zone", "\"\(site.zone)\" is no IANA zone; write one like Europe/Berlin, or UTC")
        }
    }
}
