import Glibc
import JSON
public import Logging
import Timestamps

/// Writes log records to standard error: JSON lines where a program reads them, text where a person does.
public struct ServerLog: LogHandler {
    public var metadata: Logger.Metadata = [:]
    public var logLevel: Logger.Level = .info
    private let label: String
    private let asText: Bool

    /// A handler for that label; text where standard error is a terminal.
    public init(label: String) {
        self.label = label
        self.asText = isatty(2) == 1
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        var fields = metadata
        for (key, value) in event.metadata ?? [:] { fields[key] = value }
        if let error = event.error { fields["error"] = "\(error)" }
        let time = ServerClock.system.now()
        var line: [UInt8]
        if asText {
            let clock = time.description.dropFirst(11).prefix(8)
            var text = "\(clock) \(event.level == .info ? "" : "\(event.level): ")\(event.message)"
            for (key, value) in fields.sorted(by: { $0.key < $1.key }) { text += " \(key)=\(value)" }
            line = Array(text.utf8.map { $0 < 0x20 ? 0x20 : $0 })
        } else {
            var record: [String: JSONValue] = [
                "time": .string(time.description), "level": .string(event.level.rawValue),
                "message": .string(event.message.description), "logger": .string(label),
            ]
            for (key, value) in fields where record[key] == nil { record[key] = .string("\(value)") }
            line = JSONValue.object(record).canonicalBytes()
        }
        line.append(0x0A)
        // One write a record: lines of several threads do not mix.
        _ = line.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
    }
}
