import Synchronization

/// The one connection that writes. Submissions that gather while a commit runs share the next one.
///
/// Each submission runs in a savepoint, so that one that fails leaves its neighbours alone; all are answered after
/// the one fsync that makes them durable.
actor SQLiteWriter {
    private struct Inbox {
        var waiting: [Submission] = []
        var drainIsDue = false
        var closed = false
    }

    /// The most submissions in one commit: keeps the wait of the first one bounded.
    static let largestBatch = 256

    private let executor: ConnectionExecutor
    private let connection: SQLiteConnection
    private let caches: StoreCaches
    private let inbox = Mutex(Inbox())

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    init(path: String, caches: StoreCaches) throws(StoreError) {
        self.executor = ConnectionExecutor(label: "fettle.sqlite.writer")
        self.connection = try SQLiteConnection(path: path, readOnly: false)
        self.caches = caches
    }

    /// Queues `body` and returns once it is on disk.
    nonisolated func submit<T: Sendable>(_ body: @escaping @Sendable (Transaction) throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            let submission = Submission(body, continuation)
            let (accepted, first) = inbox.withLock { inbox in
                guard !inbox.closed else { return (false, false) }
                inbox.waiting.append(submission)
                defer { inbox.drainIsDue = true }
                return (true, !inbox.drainIsDue)
            }
            guard accepted else {
                submission.refuse(StoreError(.closed, "the store is closed", cure: "open it again"))
                return
            }
            if first { Task { await drain() } }
        }
    }

    /// Runs `body` on the connection, outside any transaction.
    func exclusively<T: Sendable>(_ body: @Sendable (any SQLConnection) throws -> T) throws -> T {
        try body(connection)
    }

    /// Commits what is queued, then closes.
    func close() {
        inbox.withLock { $0.closed = true }
        drain()
        try? connection.script("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
    }

    private func drain() {
        while true {
            let batch = inbox.withLock { inbox in
                let batch = Array(inbox.waiting.prefix(Self.largestBatch))
                inbox.waiting.removeFirst(batch.count)
                if batch.isEmpty { inbox.drainIsDue = false }
                return batch
            }
            if batch.isEmpty { return }
            commit(batch)
        }
    }

    private func commit(_ batch: [Submission]) {
        do {
            try run("BEGIN IMMEDIATE")
        } catch {
            for submission in batch { submission.refuse(error) }
            return
        }
        var finishers: [@Sendable (StoreError?) -> Void] = []
        var actions: [@Sendable () -> Void] = []
        var failure: StoreError?
        var kept = 0
        for submission in batch {
            guard failure == nil else {
                finishers.append { submission.refuse($0 ?? Self.interrupted) }
                continue
            }
            do {
                try connection.script("SAVEPOINT submission")
            } catch {
                // It never ran, but somebody waits for it.
                failure = error
                finishers.append { submission.refuse($0 ?? Self.interrupted) }
                continue
            }
            do {
                let transaction = Transaction(connection, caches: caches)
                let (finish, succeeded) = submission.perform(transaction)
                finishers.append(finish)
                if succeeded {
                    try run("RELEASE submission")
                    actions += transaction.afterCommit
                    kept += 1
                } else if connection.inTransaction {
                    try connection.script("ROLLBACK TO submission; RELEASE submission")
                } else {
                    // SQLite ended the whole transaction (a full disk, a failed read): the neighbours lost theirs too.
                    failure = Self.interrupted
                }
            } catch {
                failure = error
            }
        }
        if failure == nil {
            do { try run("COMMIT") } catch { failure = error }
        }
        if failure != nil, connection.inTransaction { try? connection.script("ROLLBACK") }
        if failure == nil {
            for action in actions { action() }
            if kept > 0 { caches.commits.carried(kept) }
        }
        for finish in finishers { finish(failure) }
    }

    /// Prepared once, unlike a script.
    private func run(_ statement: String) throws(StoreError) { _ = try connection.execute(statement, []) }

    private static let interrupted = StoreError(
        .busy, "a write beside this one in the same commit failed, so neither was kept", cure: "try again")
}
