import Glibc
public import Timestamps

/// Now, on both clocks: waits are counted on the one that nobody can set, certificates expire on the other.
public struct Moment: Hashable, Sendable {
    /// Milliseconds since the host started, time asleep included (CLOCK_BOOTTIME).
    public var uptime: Int64
    /// The host's clock.
    public var wall: Timestamp

    /// A moment with these readings.
    public init(uptime: Int64, wall: Timestamp) {
        self.uptime = uptime
        self.wall = wall
    }

    /// The moment of the call.
    public static func now() -> Moment {
        func milliseconds(_ clock: clockid_t) -> Int64 {
            var time = timespec()
            clock_gettime(clock, &time)
            return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
        }
        return Moment(
            uptime: milliseconds(CLOCK_BOOTTIME),
            wall: Timestamp(milliseconds: milliseconds(CLOCK_REALTIME) + injectedOffset))
    }

    /// Tests on a machine whose clock they cannot set step the agent's alone: `FETTLE_TEST_CLOCK_OFFSET`, in seconds.
    private static let injectedOffset: Int64 = {
        guard let text = getenv("FETTLE_TEST_CLOCK_OFFSET"), let seconds = Int64(String(cString: text)),
            abs(seconds) < 10_000_000_000
        else { return 0 }
        return seconds * 1000
    }()
}
