/// Changes a host's packages by apt, exactly as ordered: asks, checks, fetches, runs, repairs and goes back.
///
/// Nothing here decides *whether*: the caller journals each step first. Everything is found again after a crash: plans and
/// states are values with a JSON form, files lie in ``folder`` (`packages`, `runs`), and a run that outlives its starter is
/// found by its number.
///
/// The order of a job: ``plan(_:)``, ``preflight(_:requirements:now:)``, ``prefetch(_:limits:)``, ``state()``,
/// ``start(_:plan:number:lockWait:)`` with ``wait(for:seconds:progress:)``, ``standing(of:)``, and where that is not the
/// goal ``repair(_:after:firstNumber:seconds:lockWait:progress:)`` and
/// ``rollBack(_:firstNumber:seconds:lockWait:progress:)``.
public struct AptChange: Sendable {
    /// The host.
    public let root: ChangeRoot
    /// The job's folder as the host itself sees it, absolute.
    public let folder: String

    /// Changes of that host, with the job's files in `folder`.
    public init(root: ChangeRoot = .host, folder: String) {
        self.root = root
        self.folder = folder
    }
}
