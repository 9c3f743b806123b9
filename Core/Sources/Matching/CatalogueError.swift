/// Why a catalogue cannot be written or read.
public enum CatalogueError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The bytes are no catalogue, or one of another layout.
    case notACatalogue(String)
    /// The file is damaged: what was read points outside of it, or its digest is another.
    case damaged(String)
    /// More was added than a catalogue holds.
    case tooLarge(String)

    /// What happened and what to do.
    public var description: String {
        switch self {
        case .notACatalogue(let what):
            "this is no catalogue that this program reads: \(what). Build it again from its feeds."
        case .damaged(let what): "the catalogue is damaged: \(what). Delete it; it is built again from its feeds."
        case .tooLarge(let what): "the feeds do not fit a catalogue: \(what)"
        }
    }
}
