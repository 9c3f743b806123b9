import ArgumentParser
import FeedImport
import Glibc
import JSON

/// `fettle feeds sync`.
struct FeedsSyncCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sync", abstract: "Fetch feeds from their sources, as far as there is something newer.",
        discussion: """
            A download that breaks off goes on where it was, also in the next sync. Checksums are compared where a source \
            has them. Proxies are those of https_proxy, http_proxy and no_proxy.

            Examples:
              fettle feeds sync
              fettle feeds sync osv-debian kev epss -o json
            """)

    @OptionGroup(title: "Which feeds") var feeds: FeedsOption
    @OptionGroup(title: "How to print") var output: OutputOption
    @Flag(help: "Take feeds also where they have lost many records, or where many cannot be used.")
    var acceptShrink = false
    @Flag(help: "Read the files that are kept and compare their SHA-256; fetch anew what is damaged.")
    var verify = false
    @Argument(
        help: "The feeds; all that are set up to be fetched where none are named (fettle feeds sources).",
        completion: .custom { _, _, _ in FeedConfiguration.builtIn.feeds.map(\.name) })
    var names: [String] = []

    func run() async throws {
        try await failing {
            let folder = feeds.folder
            let configuration = try folder.configuration()
            let report = FeedReport()
            // First of all: what a broken manifest says of a feed cannot be asked for by its name.
            try folder.repair(
                configuration, now: { now() }, progress: report.progress, done: { report.add($0.name, $1) })
            var chosen = configuration.feeds.filter(\.isEnabled)
            if !names.isEmpty {
                chosen = try names.map { name in
                    if let feed = try configuration.feed(name) ?? (try? folder.manifest(name))?.feed { return feed }
                    throw CommandFailure.notFound("no feed is called \(name); there are: fettle feeds sources")
                }
            }
            let sync = FeedSync(
                folder, configuration, acceptsShrink: acceptShrink, verifies: verify,
                userAgent: "fettle/\(fettleVersion)",
                now: { now() }, progress: report.progress)
            try await sync.run(chosen) { feed, result in report.add(feed.name, result) }
            try report.finish(output)
        }
    }
}

/// `fettle feeds import`.
struct FeedsImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Take in feeds from files: a feed's file, a folder of them, or a bundle.",
        discussion: """
            What a file is, its content tells; zip, tar, gzip, xz, zstd and bzip2 are opened. In a folder each file is a feed \
            of its own; single records that lie loose are one feed a folder, or all of them one feed with --name.

            Examples:
              fettle feeds import feeds.tar
              fettle feeds import osv/Debian/all.zip --name osv-debian
              fettle feeds import updateinfo.xml --stream 'Amazon Linux:2023'
            """)

    @OptionGroup(title: "Which feeds") var feeds: FeedsOption
    @OptionGroup(title: "How to print") var output: OutputOption
    @Flag(
        help:
            "Take feeds also where they have lost many records, where many cannot be used, or where they are older than what is in use."
    )
    var acceptShrink = false
    @Flag(help: "Take feeds that have a keyring also where no signature comes with them (FILE.asc).")
    var acceptUnsigned = false
    @Option(help: "The feed's name. Default: of the kind and the file's name.") var name: String?
    @Option(
        help:
            "What its documents are: \(FeedKind.allCases.map(\.rawValue).joined(separator: ", ")). Default: what they tell.",
        transform: { text in
            guard let kind = FeedKind(rawValue: text) else {
                throw ValidationError("--kind is one of \(FeedKind.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            return kind
        }) var kind: FeedKind?
    @Option(help: "Whose word it is, such as nvd or redhat-vex. Default: the kind's.") var source: String?
    @Option(help: "The stream of all its records where they do not say it, such as 'Oracle Linux:9'.") var stream:
        String?
    @Argument(help: "Files, folders, bundles.", completion: .file()) var paths: [String]

    func run() async throws {
        try await failing {
            guard name == nil || paths.count == 1 else {
                throw CommandFailure.usage("--name is for one path; \(paths.count) are given")
            }
            let folder = feeds.folder
            let report = FeedReport()
            let importer = FeedImporter(
                folder, try folder.configuration(), acceptsShrink: acceptShrink, acceptsUnsigned: acceptUnsigned,
                unsigned: {
                    say("\($0): taken without a signature, as --accept-unsigned says; its keyring was not used")
                },
                now: { now() },
                progress: report.progress)
            for path in paths {
                let naming = FeedImporter.Naming(name: name, kind: kind, source: source, stream: stream)
                try importer.run(path, naming) { name, result in report.add(name, result) }
            }
            try report.finish(output)
        }
    }
}
