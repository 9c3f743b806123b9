/// A time, a zone or a window that cannot be used.
public struct ScheduleError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong.
    public enum Code: String, Sendable {
        /// The text is no local time.
        case badLocalTime = "bad-local-time"
        /// The zone's data is damaged, or of a kind that is not read.
        case badZone = "bad-zone"
        /// The window does not hold the job that it is for.
        case windowTooShort = "window-too-short"
        /// The rule says nothing that could be followed.
        case badRule = "bad-rule"
        /// The rule has a part that is not supported.
        case unsupportedRule = "unsupported-rule"
        /// A window or a freeze contradicts itself, or is out of bounds.
        case badWindow = "bad-window"
        /// Nobody has said on which clocks the window runs.
        case unknownZone = "unknown-zone"
    }
    /// What is wrong.
    public var code: Code
    /// One sentence: what, where, and what to do.
    public var description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
