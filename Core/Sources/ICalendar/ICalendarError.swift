/// A calendar that cannot be used.
public struct ICalendarError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The number of the line, from 1 on, as the file has it; that of the first where a property goes over several.
    public var line: Int
    /// One sentence: what, and what to do.
    public var reason: String

    init(_ line: Int, _ reason: String) {
        self.line = line
        self.reason = reason
    }

    /// `line 12: …`
    public var description: String { "line \(line): \(reason)" }
}
