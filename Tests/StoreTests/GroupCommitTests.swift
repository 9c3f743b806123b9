import CSQLite
import Store
import Synchronization
import Testing
import Timestamps

extension StoreTests {
    @Suite struct GroupCommitTests {
        /// SQLite itself refuses the savepoint, as it would without memory: whoever waits must be told.
        @Test(.timeLimit(.minutes(1))) func aSavepointThatFailsIsToldToAllWhoWait() async throws {
            SavepointGuard.install()
            try await TestEngine.sqlite.withStore { store throws in
                try await store.write { try $0.settings.set("before", [1], now: t0) }
                SavepointGuard.refuses.store(true, ordering: .sequentiallyConsistent)
                defer { SavepointGuard.refuses.store(false, ordering: .sequentiallyConsistent) }
                let failed = await withTaskGroup(of: Bool.self) { group in
                    for number in 0..<20 {
                        group.addTask {
                            do {
                                try await store.write { try $0.settings.set("n\(number)", [1], now: t0) }
                                return false
                            } catch { return error is StoreError }
                        }
                    }
                    return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
                }
                #expect(failed == 20)
                SavepointGuard.refuses.store(false, ordering: .sequentiallyConsistent)
                try await store.write { try $0.settings.set("after", [1], now: t0) }
                #expect(try await store.read { try $0.settings.value("n1") } == nil)
                #expect(try await store.read { try $0.settings.value("after") } == [1])
            }
        }
    }
}

/// Stands between SQLite and the store's savepoints: an authorizer (sqlite.org/c3ref/set_authorizer.html) on every
/// connection of this process that opens one of these tests' databases.
private enum SavepointGuard {
    static let refuses = Atomic(false)

    static func install() {
        let entry:
            @convention(c) (OpaquePointer?, UnsafePointer<UnsafeMutablePointer<CChar>?>?, UnsafeRawPointer?) ->
                Int32 = { handle, _, _ in
                    guard let name = sqlite3_db_filename(handle, "main"),
                        String(cString: name).contains("fettle-store-")
                    else { return SQLITE_OK }
                    return sqlite3_set_authorizer(
                        handle,
                        { _, action, operation, _, _, _ in
                            guard action == SQLITE_SAVEPOINT, let operation, String(cString: operation) == "BEGIN",
                                SavepointGuard.refuses.load(ordering: .sequentiallyConsistent)
                            else { return SQLITE_OK }
                            return SQLITE_DENY
                        }, nil)
                }
        sqlite3_auto_extension(unsafeBitCast(entry, to: (@convention(c) () -> Void).self))
    }
}
