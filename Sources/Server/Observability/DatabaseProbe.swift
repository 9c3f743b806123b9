import Synchronization

/// Asks whether the database answers, and never waits longer for it than a bound: a probe that hangs tells nothing.
///
/// One question at a time is under way, so that probes do not pile up in a database that hangs.
actor DatabaseProbe {
    /// How long a probe waits.
    static let bound = Duration.seconds(2)

    private let check: @Sendable () async throws -> Void
    private var question: Task<Void, any Error>?

    init(_ check: @escaping @Sendable () async throws -> Void) {
        self.check = check
    }

    /// Why the database is not fit for use, for people; nil where it answers.
    func problem() async -> String? {
        let task = question ?? ask()
        return await withCheckedContinuation { continuation in
            let answer = FirstAnswer(continuation)
            Task {
                switch await task.result {
                case .success: answer.give(nil)
                case .failure(let error): answer.give("\(error)")
                }
            }
            Task {
                try? await Task.sleep(for: Self.bound)
                answer.give("it has not answered within \(Self.bound)")
            }
        }
    }

    private func ask() -> Task<Void, any Error> {
        let task = Task { [check] in
            defer { self.question = nil }
            try await check()
        }
        question = task
        return task
    }
}

/// Resumes whoever waits with the first answer, once.
private final class FirstAnswer: Sendable {
    private let waiting: Mutex<CheckedContinuation<String?, Never>?>

    init(_ continuation: CheckedContinuation<String?, Never>) {
        waiting = Mutex(continuation)
    }

    func give(_ answer: String?) {
        waiting.withLock { waiting in
            defer { waiting = nil }
            return waiting
        }?.resume(returning: answer)
    }
}
