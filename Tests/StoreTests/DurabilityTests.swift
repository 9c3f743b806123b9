import Foundation
import Store
import Testing

extension StoreTests {
    /// A process that writes, says what was acknowledged, and is killed: all it said is there.
    @Suite struct DurabilityTests {
        @Test(arguments: TestEngine.allCases) func whatWasAcknowledgedSurvivesSIGKILL(engine: TestEngine) async throws {
            let address = try await engine.newDatabase()
            let said = FileManager.default.temporaryDirectory.appending(path: "fettle-said-\(UUID().uuidString)")
            defer { try? FileManager.default.removeItem(at: said) }
            setenv("FETTLE_TEST_ADDRESS", address, 1)
            setenv("FETTLE_TEST_SAID", said.path, 1)
            var total = 0
            for round in 1...3 {
                setenv("FETTLE_TEST_ROUND", "\(round)", 1)
                await #expect(processExitsWith: .signal(SIGKILL)) { try await writeUntilKilled() }
                let acknowledged = try String(contentsOf: said, encoding: .utf8).split(separator: "\n").map(String.init)
                #expect(acknowledged.count > total + 5)
                total = acknowledged.count
                let store = try await Store.open(address, program: "test", now: t0)
                let kept = try await store.read { sql throws in
                    try sql.rows("SELECT name FROM settings WHERE organisation = 'k'") { row in try row.text() }
                }
                let lost = Set(acknowledged).subtracting(kept)
                #expect(lost.isEmpty)
                await store.close()
            }
        }
    }
}

/// Writes from sixteen tasks until a thread kills the process at a moment nobody chose.
@Sendable private func writeUntilKilled() async throws {
    let environment = ProcessInfo.processInfo.environment
    let store = try await Store.open(environment["FETTLE_TEST_ADDRESS"] ?? "", program: "test", now: t0)
    let round = environment["FETTLE_TEST_ROUND"] ?? ""
    let file = open(environment["FETTLE_TEST_SAID"] ?? "", O_WRONLY | O_CREAT | O_APPEND, 0o600)
    killAtSomeMoment(after: 150, in: file)
    try await withThrowingTaskGroup(of: Void.self) { group in
        for task in 0..<16 {
            group.addTask {
                for number in 0..<1_000_000 {
                    let name = "\(round)-\(task)-\(number)"
                    try await store.write { try $0.settings.set(name, [1], organisation: "k", now: t0) }
                    let line = Array("\(name)\n".utf8)
                    _ = write(file, line, line.count)
                }
            }
        }
        try await group.waitForAll()
    }
}

/// Ends this process at a moment nobody chose, once so many bytes more are in the file: a slow machine needs its time.
func killAtSomeMoment(after bytes: Int64, in file: Int32) {
    let start = lseek(file, 0, SEEK_END)
    Thread.detachNewThread {
        while lseek(file, 0, SEEK_END) < Int64(start) + bytes { usleep(5_000) }
        usleep(UInt32.random(in: 0...400_000))
        kill(getpid(), SIGKILL)
    }
}
