import FeedImport
import Glibc
import JSON
import Synchronization
import Timestamps

/// What became of feeds, told as it happens and as data at the end.
final class FeedReport: Sendable {
    private struct State {
        var rows: [JSONValue] = []
        var failed = 0
        var held = 0
        var progressShown = false
        var last = ContinuousClock.now
    }

    private let state = Mutex(State())

    /// Shows how far it is, on a terminal, a few times a second.
    var progress: @Sendable (FeedProgress) -> Void {
        { [self] progress in
            state.withLock { state in
                let moment = ContinuousClock.now
                guard showsProgress, moment - state.last > .milliseconds(150) else { return }
                state.last = moment
                let text =
                    switch progress {
                    case .fetching(let name, let bytes, let total?):
                        "\(name): \(FeedRow.size(bytes)) of \(FeedRow.size(total))"
                    case .fetching(let name, let bytes, nil): "\(name): \(FeedRow.size(bytes))"
                    case .reading(let name, let records): "\(name): \(records) records read"
                    }
                sayProgress(text, isFirst: !state.progressShown)
                state.progressShown = true
            }
        }
    }

    /// Tells what became of one.
    func add(_ name: String, _ result: Result<FeedOutcome, ImportError>) {
        state.withLock { state in
            let (row, text) = FeedRow.outcome(name, result)
            state.rows.append(row)
            switch result {
            // Also one that was there before: it waits until somebody has looked.
            case .success(let outcome): if outcome.manifest.held != nil { state.held += 1 }
            case .failure: state.failed += 1
            }
            if state.progressShown {
                sayProgress(text, isFirst: false)
                state.progressShown = false
            } else {
                say(text)
            }
        }
    }

    /// Prints the data where that is wanted, and fails where something did.
    func finish(_ output: OutputOption) throws {
        let (rows, failed, held) = state.withLock { ($0.rows, $0.failed, $0.held) }
        if output.output != .table || output.query != nil {
            emit(try output.text(Shown(rows, FeedRow.outcomeColumns) { $0.text("feed") }))
        }
        guard failed + held > 0 else { return }
        var parts: [String] = []
        if failed > 0 { parts.append("\(failed) of \(rows.count) feeds failed") }
        if held > 0 { parts.append("\(held) wait for a person: fettle feeds accept NAME") }
        throw CommandFailure(
            exitCode: failed == rows.count ? CommandFailure.failure : CommandFailure.partial,
            description: parts.joined(separator: "; "))
    }
}

/// Feeds as rows.
enum FeedRow {
    /// `12.3 MB`.
    static func size(_ bytes: Int64) -> String {
        if bytes < 10_000 { return "\(bytes) B" }
        if bytes < 1_000_000 { return "\(bytes / 1_000) kB" }
        return "\(bytes / 1_000_000).\(bytes / 100_000 % 10) MB"
    }

    static func outcome(_ name: String, _ result: Result<FeedOutcome, ImportError>) -> (JSONValue, String) {
        switch result {
        case .failure(let error):
            return (
                ["feed": .string(name), "outcome": "failed", "error": .string(error.description)],
                "\(name): \(error.description)"
            )
        case .success(let outcome):
            let manifest = outcome.manifest
            let revision =
                switch outcome {
                case .held: manifest.held?.revision
                default: manifest.revision
                }
            var members: [String: JSONValue] = ["feed": .string(name), "kind": .string(manifest.feed.kind.rawValue)]
            var text = "\(name): "
            if let revision {
                members.merge(counts(revision)) { $1 }
                text += counted(Int64(revision.stored), "record")
                if revision.quarantined > 0 { text += ", \(revision.quarantined) put aside" }
                if revision.alarmed > 0 { text += ", \(counted(Int64(revision.alarmed), "statement")) given up" }
                if revision.unknown > 0 { text += ", \(counted(Int64(revision.unknown), "document")) of no known kind" }
                if revision.unmapped > 0 { text += ", \(counted(Int64(revision.unmapped), "field")) without a use" }
            }
            switch outcome {
            case .unchanged:
                members["outcome"] = "unchanged"
                text =
                    "\(name): unchanged"
                    + (manifest.held == nil
                        ? ""
                        : "; \(manifest.revision == nil ? "it" : "a newer revision") waits: fettle feeds accept \(name)")
            case .repaired:
                members["outcome"] = "repaired"
                text =
                    "\(name): its manifest could not be read and was made anew from its files; the broken one is kept beside it"
                    + (manifest.held.map { "; it is held, \($0.reason): fettle feeds accept \(name)" } ?? "")
            case .stored: members["outcome"] = "stored"
            case .held:
                members["outcome"] = "held"
                members["reason"] = manifest.held.map { .string($0.reason) } ?? .null
                let before = manifest.revision == nil ? "nothing of it is in use" : "what was in use stays"
                text =
                    "\(name): held, \(manifest.held?.reason ?? ""); \(before). To take it: fettle feeds accept \(name)"
            }
            return (.object(members), text)
        }
    }

    private static func counts(_ revision: FeedManifest.Revision) -> [String: JSONValue] {
        var members: [String: JSONValue] = [
            "records": .integer(Int64(revision.records)), "stored": .integer(Int64(revision.stored)),
            "quarantined": .integer(Int64(revision.quarantined)), "alarmed": .integer(Int64(revision.alarmed)),
            "unmapped": .integer(Int64(revision.unmapped)), "unknown": .integer(Int64(revision.unknown)),
            "bytes": .integer(revision.bytes), "sha256": .string(revision.digest),
            "fetched": .string(revision.fetched.description), "imported": .string(revision.imported.description),
        ]
        if let dated = revision.dated { members["dated"] = .string(dated.description) }
        return members
    }

    static let outcomeColumns = [
        Column.member("feed"), Column.member("outcome"), Column.member("stored"), Column.member("quarantined"),
        Column.member("unmapped"), Column.member("alarmed", wide: true), Column.member("unknown", wide: true),
        Column.member("error", wide: true),
    ]

    /// A feed that is kept.
    static func status(_ manifest: FeedManifest, _ configuration: FeedConfiguration, _ folder: FeedFolder) -> JSONValue
    {
        let next = manifest.next(now: now(), maximumAge: configuration.maximumAge)
        var members: [String: JSONValue] = [
            "feed": .string(manifest.feed.name), "kind": .string(manifest.feed.kind.rawValue),
            "source": .string(manifest.feed.source ?? manifest.feed.kind.defaultSource),
            "url": .string(manifest.feed.url),
            "next": .string(next ?? ""),
        ]
        if let revision = manifest.revision {
            members.merge(counts(revision)) { $1 }
            members["quarantineFile"] = .string(folder.quarantineFile(of: manifest.feed.name, revision))
        }
        if let held = manifest.held {
            let file = folder.quarantineFile(of: manifest.feed.name, held.revision)
            members["held"] = .object(
                counts(held.revision).merging(["reason": .string(held.reason), "quarantineFile": .string(file)]) { $1 })
        }
        if let failure = manifest.failure { members["failure"] = .string(failure) }
        if let failed = manifest.failed { members["failed"] = .string(failed.description) }
        if let checked = manifest.checked { members["checked"] = .string(checked.description) }
        members["state"] =
            manifest.held != nil
            ? "held"
            : manifest.failure != nil ? "failed" : manifest.revision == nil ? "missing" : next == nil ? "good" : "old"
        return .object(members)
    }

    /// A feed whose manifest cannot be read.
    static func broken(_ name: String, _ reason: ImportError) -> JSONValue {
        [
            "feed": .string(name), "state": "broken", "failure": .string(reason.description),
            "next": .string("fettle feeds sync \(name)"),
        ]
    }

    static let columns = [
        Column.member("feed"), Column.member("state"), Column.age("dated", "DATED"), Column.age("checked", "CHECKED"),
        Column.member("stored", "RECORDS"), Column.member("quarantined", "PUT ASIDE"), Column.member("next"),
        Column.member("kind", wide: true), Column.member("source", wide: true), Column.member("alarmed", wide: true),
        Column.member("unmapped", wide: true), Column.member("unknown", wide: true), Column.member("bytes", wide: true),
        Column.member("sha256", wide: true), Column.member("failure", wide: true), Column.member("url", wide: true),
    ]
}
