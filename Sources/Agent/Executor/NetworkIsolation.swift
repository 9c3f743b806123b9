import Glibc

/// The executor's life without a network: it leaves the host's, and joins it again only for the moment in which it starts
/// the network process, because a child inherits its parent's.
struct NetworkIsolation {
    /// The host's network namespace; -1 where it is the executor's own.
    private(set) var hostNetwork: Int32 = -1
    /// `yes`, or `no: ` and why; for the status.
    private(set) var state = "not tried"
    /// Leaves the network that the caller is in; false with errno where that is refused.
    private let leave: () -> Bool

    /// An executor that still has the host's network.
    ///
    /// - Parameter leave: how a network is left.
    init(leave: @escaping () -> Bool = SystemCalls.leaveNetwork) {
        self.leave = leave
        hostNetwork = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)
    }

    /// Whether the executor has no network.
    var isIsolated: Bool { state == "yes" }

    /// Gives the host's network up, after the network process was started in it.
    mutating func isolate() {
        guard geteuid() == 0 else {
            state = "no: not run as root, so both processes have the caller's rights"
            return
        }
        depart()
    }

    /// Runs `body` in the host's network.
    ///
    /// Where the kernel then refuses to let the executor out again, ``state`` says so: nothing may show it as isolated.
    mutating func lend<Result>(_ body: () throws(SystemError) -> Result) throws(SystemError) -> Result {
        guard isIsolated else { return try body() }
        guard hostNetwork >= 0, SystemCalls.enterNetwork(hostNetwork) else {
            throw SystemError("lend", "the host's network")
        }
        defer { depart() }
        return try body()
    }

    private mutating func depart() {
        if leave() {
            state = "yes"
            return
        }
        let why = SystemError("unshare", "the network").reason
        if isIsolated { Journal.write(.error, "the executor could not leave the host's network again: \(why)") }
        state = "no: \(why)"
        close(hostNetwork)
        hostNetwork = -1
    }
}
