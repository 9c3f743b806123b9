public import Digest
public import Timestamps

/// A value as both engines know it.
public enum SQLValue: Hashable, Sendable {
    /// No value.
    case null
    /// 64 bits.
    case integer(Int64)
    /// IEEE 754, 64 bits.
    case real(Double)
    /// UTF-8 without NUL, which PostgreSQL cannot hold.
    case text(String)
    /// Bytes.
    case blob([UInt8])
}

/// What can be a statement's parameter.
public protocol SQLRepresentable {
    /// The value to bind.
    var sqlValue: SQLValue { get }
}

extension SQLValue: SQLRepresentable {
    /// As it is bound.
    public var sqlValue: SQLValue { self }
}
extension Int64: SQLRepresentable {
    /// As it is bound.
    public var sqlValue: SQLValue { .integer(self) }
}
extension Int: SQLRepresentable {
    /// As it is bound.
    public var sqlValue: SQLValue { .integer(Int64(self)) }
}
extension Bool: SQLRepresentable {
    /// 1 or 0: neither engine's own boolean, so that statements stay the same.
    public var sqlValue: SQLValue { .integer(self ? 1 : 0) }
}
extension Double: SQLRepresentable {
    /// As it is bound.
    public var sqlValue: SQLValue { .real(self) }
}
extension String: SQLRepresentable {
    /// As it is bound.
    public var sqlValue: SQLValue { .text(self) }
}
extension [UInt8]: SQLRepresentable {
    /// As it is bound.
    public var sqlValue: SQLValue { .blob(self) }
}
extension Timestamp: SQLRepresentable {
    /// Milliseconds since the epoch.
    public var sqlValue: SQLValue { .integer(milliseconds) }
}
extension SHA256Digest: SQLRepresentable {
    /// The 32 bytes.
    public var sqlValue: SQLValue { .blob(bytes) }
}
