import Agent
import Glibc

/// A folder for one test; removed with what is in it when the test lets go of it.
final class TemporaryFolder {
    let path: String

    init() {
        var template = Array("/tmp/fettle-agent-test-XXXXXX".utf8CString)
        path = mkdtemp(&template).map { String(cString: $0) } ?? "/nonexistent"
    }

    deinit { Self.remove(path) }

    var folder: DurableFolder {
        get throws { try DurableFolder(path) }
    }

    private static func remove(_ path: String) {
        if let folder = try? DurableFolder(path, create: false), let names = try? folder.names() {
            for name in names where unlink(folder.path(of: name)) != 0 { remove(folder.path(of: name)) }
        }
        rmdir(path)
    }
}
