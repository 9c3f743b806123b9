import FeedImport
import Timestamps

/// How old what a source says is, which may be in many files: as old as the file that was asked for longest ago, or as the
/// newest date in the one that stands still longest. Silence is not judged by it but by what names the stream
/// (``WholeFeeds``), whose age is that of its own files alone.
struct SourceAge {
    private var asked: Timestamp?
    private var dated: Timestamp?
    /// The revision that was asked for longest ago.
    private(set) var revision = ""

    mutating func add(_ manifest: FeedManifest) {
        guard let own = manifest.revision else { return }
        let time = max(manifest.checked ?? own.fetched, own.fetched)
        if asked.map({ time < $0 }) ?? true { (asked, revision) = (time, own.digest) }
        if let date = own.dated { dated = min(dated ?? date, date) }
    }

    /// nil where no file was added.
    var date: Timestamp? { asked.map { min($0, dated ?? $0) } }
}
