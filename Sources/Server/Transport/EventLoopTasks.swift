import NIOCore

/// Runs a connection's task on the thread of its event loop: a check-in then needs no change of thread, which was a
/// quarter of its cost. What may take long goes to the shared pool: ``offEventLoop(_:)``.
final class EventLoopTasks: TaskExecutor {
    private let eventLoop: any EventLoop

    init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        eventLoop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

/// Runs work that may take long, such as reading a large document, on the shared pool: other connections of the same
/// event loop must not wait for it.
func offEventLoop<T: Sendable>(_ body: @Sendable () async throws -> T) async throws -> T {
    try await withTaskExecutorPreference(globalConcurrentExecutor) { try await body() }
}
