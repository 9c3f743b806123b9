import Foundation
import Synchronization

/// What a run is at, on standard error: each step as it begins, and counts every two seconds.
enum Progress {
    private static let start = ContinuousClock.now
    private static let lastCount = Mutex(ContinuousClock.now)

    /// Says that a step begins.
    static func step(_ text: String) {
        lastCount.withLock { $0 = .now }
        write(text)
    }

    /// Says how far a step is, at most every two seconds.
    static func count(_ done: Int, of total: Int, _ what: String) {
        let due = lastCount.withLock { last in
            let now = ContinuousClock.now
            guard now - last >= .seconds(2) else { return false }
            last = now
            return true
        }
        if due { write("  \(done) of \(total) \(what)") }
    }

    private static func write(_ text: String) {
        let seconds = (ContinuousClock.now - start).components.seconds
        FileHandle.standardError.write(Data("\(seconds) s: \(text)\n".utf8))
    }
}

/// Why something cannot be measured here, and what to do about it.
struct BenchmarkError: Error, CustomStringConvertible {
    let description: String

    init(_ text: String) { description = text }
}
