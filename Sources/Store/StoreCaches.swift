import Synchronization

/// What a store keeps in memory between transactions; everything in it can be read again.
final class StoreCaches: Sendable {
    /// Which number a package has.
    let packages = LineCache()
    /// Which number an update has that hosts wait for.
    let updates = LineCache()
    /// What lists show of a facts document.
    let summaries = SummaryCache()
    /// What check-ins need of each host.
    let directory: HostDirectory
    /// What lists, counts and search are answered from.
    let fleet: FleetIndex
    /// Who wants to know of commits.
    let commits = CommitObserver()

    init() {
        directory = HostDirectory()
        fleet = FleetIndex(directory: directory)
    }
}

/// Tells whoever measures how many writes each database transaction carried.
final class CommitObserver: Sendable {
    private let observer = Mutex<(@Sendable (Int) -> Void)?>(nil)

    func observe(_ observer: @escaping @Sendable (Int) -> Void) {
        self.observer.withLock { $0 = observer }
    }

    func carried(_ writes: Int) {
        observer.withLock { $0 }?(writes)
    }
}
