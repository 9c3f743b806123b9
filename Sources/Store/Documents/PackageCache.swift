import Synchronization

/// Which number a package has, by its line, and the other way round.
///
/// Packages never change and are never removed, so nothing goes stale. Two generations bound it: once the young one is
/// full it becomes the old one, and what is asked for in the old one moves to the young.
final class PackageCache: Sendable {
    private struct Generation {
        var ids: [String: Int64] = [:]
        var lines: [Int64: String] = [:]
    }
    private struct State {
        var young = Generation()
        var old = Generation()
    }

    private let capacity: Int
    private let state = Mutex(State())

    /// A cache of at most twice that many packages, at about 300 bytes each.
    init(capacity: Int = 200_000) {
        self.capacity = capacity
    }

    /// The numbers of these lines; nil for those that it does not hold.
    func ids(of lines: [String]) -> [Int64?] {
        state.withLock { state in
            lines.map { line in
                if let id = state.young.ids[line] { return id }
                guard let id = state.old.ids[line] else { return nil }
                insert(line, id, &state)
                return id
            }
        }
    }

    /// The lines of these numbers; nil for those that it does not hold.
    func lines(of ids: [Int64]) -> [String?] {
        state.withLock { state in
            ids.map { id in
                if let line = state.young.lines[id] { return line }
                guard let line = state.old.lines[id] else { return nil }
                insert(line, id, &state)
                return line
            }
        }
    }

    /// Remembers packages that are on disk.
    func insert(_ packages: [(line: String, id: Int64)]) {
        state.withLock { state in
            for (line, id) in packages { insert(line, id, &state) }
        }
    }

    private func insert(_ line: String, _ id: Int64, _ state: inout State) {
        state.young.ids[line] = id
        state.young.lines[id] = line
        if state.young.ids.count >= capacity {
            state.old = state.young
            state.young = Generation()
        }
    }
}
