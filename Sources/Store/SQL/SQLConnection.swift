/// One connection to an engine. It is used by one thread at a time: its owner is an actor on an executor of its own.
///
/// Statements are written once, in the SQL that both engines share, with `?1`, `?2`… for parameters; what differs is
/// spelt by the ``Dialect``. A statement is prepared once per connection and kept.
package protocol SQLConnection: AnyObject {
    /// How this engine spells what differs.
    var dialect: Dialect { get }

    /// Runs a statement and returns the number of rows it changed.
    func execute(_ sql: String, _ parameters: [SQLValue]) throws(StoreError) -> Int

    /// Runs a statement and hands over its rows, one by one.
    func query(_ sql: String, _ parameters: [SQLValue], _ each: (inout SQLRow) throws -> Void) throws

    /// Runs statements without parameters or results; for schema and session settings.
    func script(_ sql: String) throws(StoreError)
}
