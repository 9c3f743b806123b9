/// A write that waits for its turn: its closure, and whom to tell how it ended.
struct Submission: Sendable {
    /// Runs the closure and returns what must be told once the outcome of the commit is known: nil for success.
    ///
    /// The second result says whether the closure succeeded; where it failed its changes must be undone.
    let perform: @Sendable (Transaction) -> (finish: @Sendable (StoreError?) -> Void, succeeded: Bool)

    /// Tells the waiting task that the transaction never began.
    let refuse: @Sendable (StoreError) -> Void

    init<T: Sendable>(
        _ body: @escaping @Sendable (Transaction) throws -> T, _ continuation: CheckedContinuation<T, any Error>
    ) {
        perform = { transaction in
            do {
                let value = try body(transaction)
                if let failure = transaction.failure { throw failure }
                return (
                    { error in
                        if let error {
                            continuation.resume(throwing: error)
                        } else {
                            continuation.resume(returning: value)
                        }
                    }, true
                )
            } catch {
                return ({ _ in continuation.resume(throwing: error) }, false)
            }
        }
        refuse = { continuation.resume(throwing: $0) }
    }
}
