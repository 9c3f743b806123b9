/// Code names of releases with the numbers that streams are named by. A feed that names a release which is not here counts
/// it, so that a new one is noticed; readers take tables of their own.
public struct Releases: Sendable, Hashable {
    /// From the code name, such as `bookworm`, to the stream, such as `Debian:12`.
    public var streams: [String: String]

    /// The stream of a code name, nil where it is not known.
    public subscript(_ name: String) -> String? { streams[name] }

    /// Debian's.
    public static let debian = Releases(streams: [
        "buzz": "Debian:1.1", "rex": "Debian:1.2", "bo": "Debian:1.3", "hamm": "Debian:2.0", "slink": "Debian:2.1",
        "potato": "Debian:2.2", "woody": "Debian:3.0", "sarge": "Debian:3.1", "etch": "Debian:4", "lenny": "Debian:5",
        "squeeze": "Debian:6", "wheezy": "Debian:7", "jessie": "Debian:8", "stretch": "Debian:9",
        "buster": "Debian:10", "bullseye": "Debian:11", "bookworm": "Debian:12", "trixie": "Debian:13",
        "forky": "Debian:14", "duke": "Debian:15", "sid": "Debian:sid",
    ])

    /// Ubuntu's, from the first with long support on; every even year's April is one.
    public static let ubuntu: Releases = {
        let names = [
            "dapper": "6.06", "hardy": "8.04", "lucid": "10.04", "precise": "12.04", "trusty": "14.04",
            "utopic": "14.10", "vivid": "15.04", "wily": "15.10", "xenial": "16.04", "yakkety": "16.10",
            "zesty": "17.04", "artful": "17.10", "bionic": "18.04", "cosmic": "18.10", "disco": "19.04",
            "eoan": "19.10", "focal": "20.04", "groovy": "20.10", "hirsute": "21.04", "impish": "21.10",
            "jammy": "22.04", "kinetic": "22.10", "lunar": "23.04", "mantic": "23.10", "noble": "24.04",
            "oracular": "24.10", "plucky": "25.04", "questing": "25.10", "resolute": "26.04",
        ]
        return Releases(streams: names.mapValues { "Ubuntu:" + ubuntuRelease($0) })
    }()

    /// `22.04:LTS`, `23.10`: OSV marks the releases with long support.
    static func ubuntuRelease(_ number: some StringProtocol) -> String {
        let parts = number.split(separator: ".")
        guard parts.count == 2, let year = Int(parts[0]), year % 2 == 0, parts[1] == "04" || number == "6.06" else {
            return String(number)
        }
        return "\(number):LTS"
    }

    /// Makes a table.
    public init(streams: [String: String]) {
        self.streams = streams
    }
}
