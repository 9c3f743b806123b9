/// The zones that a host's windows run on.
public struct WindowZones: Hashable, Sendable {
    /// The host's own; nil where it has not said it.
    public var host: Zone?
    /// Its site's; nil where it has none.
    public var site: Zone?
    /// The fixed ones by name.
    public var named: [String: Zone]

    /// Zones.
    public init(host: Zone? = nil, site: Zone? = nil, named: [Zone] = []) {
        self.host = host
        self.site = site
        self.named = [:]
        for zone in named { self.named[zone.name] = zone }
    }

    /// The zone of those clocks.
    ///
    /// - Parameter user: Which window or freeze asks, for the error.
    /// - Throws: ``ScheduleError`` (`unknownZone`).
    public func zone(of clocks: MaintenanceWindow.Clocks, for user: String) throws(ScheduleError) -> Zone {
        switch clocks {
        case .host:
            if let host { return host }
            throw ScheduleError(
                .unknownZone,
                "\(user) runs on the host's clocks, and the host has not said its zone; wait for its report, or name a zone like Europe/Berlin"
            )
        case .site:
            if let site { return site }
            throw ScheduleError(
                .unknownZone,
                "\(user) runs on the clocks of the host's site, and the site has no zone; give it one, or name a zone like Europe/Berlin"
            )
        case .zone(let name):
            if let zone = named[name] { return zone }
            if name == "UTC" { return .utc }
            throw ScheduleError(
                .unknownZone,
                "\(user) runs on the clocks of \"\(name.prefix(64))\", which is no zone here; write one like Europe/Berlin, or UTC"
            )
        }
    }
}
