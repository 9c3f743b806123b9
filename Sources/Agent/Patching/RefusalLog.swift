import JSON
import Timestamps

/// The orders that this host did not believe, in a file of bounded size: one line each, the oldest go first.
struct RefusalLog {
    static let file = "refusals"
    private static let maximumLines = 200
    private let folder: DurableFolder

    init(_ folder: DurableFolder) { self.folder = folder }

    /// Notes a refusal; a disk that refuses that too must not keep anything else from being done.
    func note(job: String, code: String, _ text: String, _ now: Moment) {
        Journal.write(.warning, "an order was refused (\(code)): \(text)")
        let line: JSONValue = [
            "time": .string(now.wall.description), "job": .string(job.cut(to: 64)), "code": .string(code),
            "text": .string(text.cut(to: 1000)),
        ]
        let bytes = (try? folder.read(Self.file, limit: 1 << 20)) ?? []
        let lines = bytes.split(separator: 0x0A).suffix(Self.maximumLines - 1).map(Array.init) + [line.canonicalBytes()]
        CrashPoint.pass("before \(Self.file)")
        try? folder.replace(Self.file, with: lines.flatMap { $0 + [0x0A] })
        CrashPoint.pass("after \(Self.file)")
    }

    /// The last refusals, oldest first.
    static func read(_ folder: DurableFolder) -> [JSONValue] {
        let bytes = (try? folder.read(file, limit: 1 << 20)) ?? []
        return bytes.split(separator: 0x0A).compactMap { try? JSONValue(parsing: Array($0), limits: .message) }
    }
}
