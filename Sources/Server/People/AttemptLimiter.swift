import Glibc
import Synchronization
import Timestamps

/// Delays whoever keeps failing: some attempts are free, then each failure doubles the wait, up to a cap. Attempts that
/// come during a wait are not judged and do not make it longer, so nobody can keep somebody out for ever.
final class AttemptLimiter: Sendable {
    private struct Entry {
        var failures = 0
        var until = Timestamp(milliseconds: 0)
        var last = Timestamp(milliseconds: 0)
    }

    private let entries = Mutex<[String: Entry]>([:])
    private let free: Int
    private let cap: Int64
    private let memory: Int64
    private let maximumEntries: Int

    /// - Parameters:
    ///   - free: failures before the first wait, of one second.
    ///   - cap: the longest wait, in seconds.
    ///   - memory: seconds without an attempt after which failures are forgotten.
    init(free: Int, cap: Int64, memory: Int64 = 3600, maximumEntries: Int = 100_000) {
        self.free = free
        self.cap = cap
        self.memory = memory
        self.maximumEntries = maximumEntries
    }

    /// Counts an attempt as failed until ``succeeded(_:)`` or ``withdrawn(_:)`` says otherwise, so that attempts at once
    /// count too. Returns the seconds to wait where it must not be made; it is not counted then.
    func begin(_ key: String, now: Timestamp) -> Int? {
        entries.withLock { entries in
            if entries.count >= maximumEntries, entries[key] == nil { shrink(&entries, now) }
            var entry = entries[key] ?? Entry()
            if now.seconds(since: entry.last) > memory { entry = Entry() }
            guard now >= entry.until else { return Int((entry.until.milliseconds - now.milliseconds + 999) / 1000) }
            entry.failures += 1
            entry.last = now
            if entry.failures > free {
                let wait = min(cap, Int64(1) << Int64(min(entry.failures - free - 1, 20)))
                entry.until = now.adding(seconds: wait)
            }
            entries[key] = entry
            return nil
        }
    }

    /// The attempt was right: all failures are forgotten.
    func succeeded(_ key: String) { entries.withLock { $0[key] = nil } }

    /// The attempt does not count: it was right, but says nothing about others from there, or it was not judged.
    func withdrawn(_ key: String) {
        entries.withLock { entries in
            guard var entry = entries[key] else { return }
            entry.failures = max(0, entry.failures - 1)
            if entry.failures <= free { entry.until = Timestamp(milliseconds: 0) }
            entries[key] = entry.failures == 0 ? nil : entry
        }
    }

    /// Forgets what is old, and if that is not enough, who failed least.
    private func shrink(_ entries: inout [String: Entry], _ now: Timestamp) {
        entries = entries.filter { now.seconds(since: $0.value.last) <= memory }
        if entries.count >= maximumEntries {
            let worst = entries.sorted { $0.value.failures > $1.value.failures }.prefix(maximumEntries / 2)
            entries = Dictionary(uniqueKeysWithValues: worst.map { ($0.key, $0.value) })
        }
    }
}

/// What counts as one address for limits: an IPv4 address, or an IPv6 network of 64 bits, which is what one customer has.
func addressKey(_ address: String) -> String {
    guard address.contains(":") else { return address }
    var bytes = in6_addr()
    let text = address.split(separator: "%").first.map(String.init) ?? address
    guard inet_pton(AF_INET6, text, &bytes) == 1 else { return address }
    let octets = withUnsafeBytes(of: bytes) { Array($0) }
    let isMapped = octets[..<10].allSatisfy { $0 == 0 } && octets[10] == 0xFF && octets[11] == 0xFF
    if isMapped { return octets[12...].map { String($0) }.joined(separator: ".") }
    return octets[..<8].map(hexadecimal).joined() + "/64"
}
