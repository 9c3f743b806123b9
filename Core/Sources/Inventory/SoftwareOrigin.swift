/// Where an installed package came from, which decides whose advisories speak of it.
public enum SoftwareOrigin: Sendable, Hashable {
    /// From the distribution itself, as its repositories' indexes or the package's own vendor say.
    case distribution
    /// Taken for the distribution's where nobody says anything: a bill of materials, a package database alone.
    case assumed
    /// From another repository: the distribution's advisories do not speak of it.
    case thirdParty(String)
    /// It could be found out and was not: no repository offers it, or several do. The text says what was seen.
    case unknown(String)
}
