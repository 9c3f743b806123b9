/// Lets write transactions run beside each other, or one of them alone, in the order in which they came.
///
/// SSI takes reads of small tables and of neighbouring keys for conflicts, so that transactions which touch different
/// hosts can abort each other again and again. One that lost takes the exclusive passage, where it meets no other.
actor WriteGate {
    enum Passage: Sendable {
        case shared, exclusive
    }

    private var inside = 0
    private var closed = false
    private var waiting: [(Passage, CheckedContinuation<Void, Never>)] = []

    /// Waits for the passage; `leave` must follow.
    func enter(_ passage: Passage) async {
        if waiting.isEmpty, admits(passage) {
            admit(passage)
            return
        }
        await withCheckedContinuation { waiting.append((passage, $0)) }
    }

    /// Gives the passage back.
    func leave(_ passage: Passage) {
        inside -= 1
        if passage == .exclusive { closed = false }
        while let (next, continuation) = waiting.first, admits(next) {
            waiting.removeFirst()
            admit(next)
            continuation.resume()
        }
    }

    private func admits(_ passage: Passage) -> Bool {
        passage == .shared ? !closed : inside == 0
    }

    private func admit(_ passage: Passage) {
        inside += 1
        if passage == .exclusive { closed = true }
    }
}
