import Foundation
import Glibc
import Synchronization
import Testing

@testable import Agent

/// Real network namespaces, each test in a thread of its own: they belong to threads.
@Suite struct NetworkIsolationTests {
    /// Runs in a new thread, which may be in whatever network afterwards.
    private func inThread<Result: Sendable>(_ body: @escaping @Sendable () -> Result) -> Result? {
        let result = Mutex<Result?>(nil)
        let done = DispatchSemaphore(value: 0)
        Thread {
            let value = body()
            result.withLock { $0 = value }
            done.signal()
        }.start()
        done.wait()
        return result.withLock { $0 }
    }

    /// The network of the calling thread.
    private static func network() -> String {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/thread-self/ns/net")) ?? "?"
    }

    @Test(.enabled(if: geteuid() == 0)) func theHostsNetworkIsLentForAMoment() throws {
        let seen = try #require(
            inThread { () -> [String] in
                var isolation = NetworkIsolation()
                var networks = [Self.network()]
                isolation.isolate()
                networks += [isolation.state, Self.network()]
                let lent = try? isolation.lend { () throws(SystemError) in Self.network() }
                return networks + [lent ?? "?", Self.network(), isolation.state]
            })
        #expect(seen[1] == "yes" && seen[5] == "yes")
        #expect(seen[2] != seen[0])
        #expect(seen[3] == seen[0])
        #expect(seen[4] != seen[0])
    }

    @Test(.enabled(if: geteuid() == 0)) func whoCannotLeaveAgainDoesNotCallItselfIsolated() throws {
        let seen = try #require(
            inThread { () -> [String] in
                var allowed = 1
                var isolation = NetworkIsolation {
                    allowed -= 1
                    if allowed >= 0 { return SystemCalls.leaveNetwork() }
                    errno = ENOSPC
                    return false
                }
                isolation.isolate()
                let before = isolation.state
                let started = try? isolation.lend { () throws(SystemError) in "started" }
                return [before, started ?? "", isolation.state, "\(isolation.hostNetwork)"]
            })
        #expect(seen[0] == "yes")
        #expect(seen[1] == "started")
        #expect(seen[2].hasPrefix("no: "))
        #expect(seen[3] == "-1")
    }
}
