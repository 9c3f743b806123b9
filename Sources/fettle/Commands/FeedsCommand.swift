import ArgumentParser
import CDispatch
import FeedImport
import Glibc
import JSON
import Timestamps

/// `fettle feeds sync|import|accept|bundle|status|sources|remove`.
struct FeedsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "feeds", abstract: "Keep what vendors and databases say of vulnerabilities up to date.",
        discussion: """
            Feeds are kept in a folder, each with its revision in use. A newer one takes its place only when all of it could \
            be read; one that has lost many records, or of which many cannot be used, waits for a person (fettle feeds accept).

            Examples:
              fettle feeds sync
              fettle feeds sync osv-debian kev epss
              fettle feeds import nvdcve-2.0-2026.json.gz
              fettle feeds bundle feeds.tar
              fettle feeds status
            """,
        subcommands: [
            FeedsStatusCommand.self, FeedsSyncCommand.self, FeedsImportCommand.self, FeedsAcceptCommand.self,
            FeedsBundleCommand.self, FeedsSourcesCommand.self, FeedsRemoveCommand.self,
        ])
}

/// `--feeds`.
struct FeedsOption: ParsableArguments {
    @Option(
        name: .long,
        help: """
            The folder of the feeds. Default: $FETTLE_FEEDS, else `feeds` in the server's data folder ($FETTLE_DATA, \
            ./var, /var/lib/fettle).
            """,
        completion: .directory)
    var feeds: String?

    /// The folder.
    var folder: FeedFolder {
        if let path = feeds ?? environment("FETTLE_FEEDS") { return FeedFolder(path) }
        if let data = environment("FETTLE_DATA") { return FeedFolder("\(data)/feeds") }
        return FeedFolder(access("./var", F_OK) == 0 ? "./var/feeds" : "/var/lib/fettle/feeds")
    }
}

/// `fettle feeds status`.
struct FeedsStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show each feed: how old it is, how much is in it, what waits or went wrong.",
        discussion: """
            DATED is the newest date in the feed itself, CHECKED when its source last answered.

            Examples:
              fettle feeds status
              fettle feeds status -o json --query "[?state!='good'].feed"
            """)

    @OptionGroup(title: "Which feeds") var feeds: FeedsOption
    @OptionGroup(title: "How to print") var output: OutputOption

    func run() async throws {
        try await failing {
            let folder = feeds.folder
            let configuration = try folder.configuration()
            let broken = try folder.broken()
            let manifests = try folder.names().filter { name in !broken.contains { $0.name == name } }.compactMap {
                try folder.manifest($0)
            }
            let rows =
                manifests.map { FeedRow.status($0, configuration, folder) }
                + broken.map { FeedRow.broken($0.name, $0.reason) }
            var shown = Shown(
                rows.sorted { $0.text("feed") < $1.text("feed") }, FeedRow.columns,
                empty: "no feeds in \(folder.path) yet; say: fettle feeds sync"
            ) { $0.text("feed") }
            let kept = Set(manifests.map(\.feed.name) + broken.map(\.name))
            let missing = configuration.feeds.filter { $0.isEnabled && !kept.contains($0.name) }.count
            if missing > 0, !manifests.isEmpty {
                shown.notes.append("\(missing) more feeds are set up and were never fetched (fettle feeds sources)")
            }
            emit(try output.text(shown))
            if output.query == nil, output.output == .table || output.output == .wide { shown.notes.forEach(say) }
        }
    }
}

/// `fettle feeds sources`.
struct FeedsSourcesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sources", abstract: "Print which feeds are set up and where they come from.",
        discussion: """
            What --configuration prints may be changed and put into the folder as feeds.json; it is used instead of what is built in.

            Examples:
              fettle feeds sources
              fettle feeds sources --configuration > /var/lib/fettle/feeds/feeds.json
            """)

    @OptionGroup(title: "Which feeds") var feeds: FeedsOption
    @OptionGroup(title: "How to print") var output: OutputOption
    @Flag(help: "Print the whole configuration as feeds.json has it.")
    var configuration = false

    func run() async throws {
        try await failing {
            let used = try feeds.folder.configuration()
            if configuration { return try output.show(used.json) { emit(jsonText($0)) } }
            let columns = [
                Column.member("name", "FEED"), Column.member("kind"),
                Column("SYNC") { $0["enabled"]?.bool == true ? "yes" : "by name" },
                Column.member("url"), Column.member("source", wide: true), Column.member("stream", wide: true),
                Column.member("checksum", wide: true),
            ]
            emit(try output.text(Shown(used.feeds.map(\.json), columns) { $0.text("name") }))
        }
    }
}

/// `fettle feeds accept`.
struct FeedsAcceptCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "accept", abstract: "Put revisions into use that wait for a person.",
        discussion: """
            fettle feeds status -o json says why each waits, and names the file of what was put aside.

            Examples:
              fettle feeds accept osv-pypi
            """)

    @OptionGroup(title: "Which feeds") var feeds: FeedsOption
    @OptionGroup(title: "How to print") var output: OutputOption
    @Argument(help: "The feeds.") var names: [String]
    @Flag(name: .long, help: "Change nothing; say what would be done.") var dryRun = false

    func run() async throws {
        try await failing {
            if !dryRun { try mend(feeds.folder) }
            try await Changing.each(names, output, isDry: dryRun) { name in
                guard let manifest = try feeds.folder.manifest(name) else {
                    throw CommandFailure.notFound("there is no feed \(name) in \(feeds.folder.path)")
                }
                guard let held = manifest.held else {
                    throw CommandFailure.failed("nothing of \(name) waits to be accepted")
                }
                if dryRun {
                    say("dry run: would put \(name) with \(held.revision.stored) records into use; nothing was changed")
                    return nil
                }
                try feeds.folder.accept(name)
                say("\(name): \(held.revision.stored) records are in use")
                return [
                    "id": .string(name), "feed": .string(name), "records": .integer(Int64(held.revision.stored)),
                    "accepted": true,
                ]
            }
        }
    }
}

/// Makes manifests anew that cannot be read, before a person's word is taken for one of them: what waits may be another file
/// than the one that was looked at.
private func mend(_ folder: FeedFolder) throws {
    let report = FeedReport()
    var names: [String] = []
    try folder.repair(
        folder.configuration(), now: { now() },
        done: { feed, result in
            report.add(feed.name, result)
            names.append(feed.name)
        })
    guard !names.isEmpty else { return }
    throw CommandFailure.failed("\(names.joined(separator: ", ")) had to be mended first; look: fettle feeds status")
}

/// `fettle feeds remove`.
struct FeedsRemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Take feeds out of the folder, with all they say.",
        discussion: """
            Examples:
              fettle feeds remove osv-hackage
            """)

    @OptionGroup(title: "Which feeds") var feeds: FeedsOption
    @OptionGroup(title: "How to print") var output: OutputOption
    @OptionGroup var confirming: Confirming
    @Argument(help: "The feeds.") var names: [String]
    @Flag(name: .long, help: "Change nothing; say what would be done.") var dryRun = false

    func run() async throws {
        try await failing {
            try await Changing.each(names, output, isDry: dryRun) { name in
                guard try feeds.folder.names().contains(name) else {
                    throw CommandFailure.notFound("there is no feed \(name) in \(feeds.folder.path)")
                }
                if dryRun {
                    say("dry run: would take out \(name); nothing was changed")
                    return nil
                }
                try confirming.confirm("take out the feed \(name)")
                try feeds.folder.remove(name)
                say("\(name) is taken out")
                return ["id": .string(name), "feed": .string(name), "removed": true]
            }
        }
    }
}

/// `fettle feeds bundle`.
struct FeedsBundleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bundle", abstract: "Write all feeds in use into one file, for sites without a network.",
        discussion: """
            The file is a tar with a list of the feeds and their SHA-256; fettle feeds import FILE compares them and takes \
            the feeds in. With the name's end .zst it is compressed. The list proves that a bundle came whole, not who made it: \
            compare the SHA-256 of the file, which is printed, where others have had it in their hands.

            Examples:
              fettle feeds bundle /media/stick/feeds.tar
              fettle feeds bundle feeds.tar osv-debian kev
            """)

    @OptionGroup(title: "Which feeds") var feeds: FeedsOption
    @OptionGroup(title: "How to print") var output: OutputOption
    @Argument(help: "The file.", completion: .file()) var file: String
    @Argument(help: "The feeds; all that are in use where none are named.") var names: [String] = []

    func run() async throws {
        try await failing {
            try mend(feeds.folder)
            let written = try FeedBundle.write(feeds.folder, names: names, to: file, now: now())
            try output.tell(
                [
                    "file": .string(file), "feeds": .array(written.feeds.map { .string($0.feed.name) }),
                    "bytes": .integer(written.bytes), "sha256": .string(written.digest),
                ],
                "\(file): \(written.feeds.count) feeds, \(written.bytes) bytes, SHA-256 \(written.digest)")
        }
    }
}

/// Runs what works on feeds, and says why it failed in the way of all commands.
func failing(_ body: () async throws -> Void) async throws {
    do {
        try await body()
    } catch let error as ImportError {
        throw error.kind == .usage ? CommandFailure.usage(error.description) : .failed(error.description)
    }
}
