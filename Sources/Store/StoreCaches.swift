/// What a store keeps in memory between transactions; everything in it can be read again.
final class StoreCaches: Sendable {
    /// Which number a package has.
    let packages = PackageCache()
    /// What check-ins need of each host.
    let directory: HostDirectory
    /// What lists, counts and search are answered from.
    let fleet: FleetIndex
    /// Which number an update has.
    let updates = UpdateCache()

    init() {
        directory = HostDirectory()
        fleet = FleetIndex(directory: directory)
    }
}
