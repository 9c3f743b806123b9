import ArgumentParser
import JSON
import Store

/// `fettle db migrate`.
struct DatabaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "db", abstract: "Look after the database.",
        discussion: """
            Examples:
              fettle db migrate --check
            """, subcommands: [Migrate.self])

    struct Migrate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Bring the schema up to date, or say what that would do.",
            discussion: """
                fettle serve does this when it starts; here it can be tried first.

                Examples:
                  fettle db migrate --check
                  fettle db migrate --database postgresql://fettle@db/fettle
                """)
        @Option(help: "The server's data folder. Default: $FETTLE_DATA, else ./var.", completion: .directory)
        var data: String?
        @Option(help: "sqlite:PATH or postgresql://…. Default: $FETTLE_DATABASE, else SQLite in the data folder.")
        var database: String?
        @Flag(
            name: [.long, .customLong("dry-run")], help: "Change nothing; say what would be done and whether it can be."
        )
        var check = false
        @OptionGroup var output: OutputOption

        func run() async throws {
            let address =
                database ?? environment("FETTLE_DATABASE")
                ?? "sqlite:\(data ?? environment("FETTLE_DATA") ?? "./var")/fettle.sqlite"
            do {
                if check {
                    let plan = "\(try await Store.plan(address))"
                    try output.show(["changed": false, "plan": .string(plan)]) { _ in emit(plan + "\n") }
                } else {
                    let isPending = try await !Store.plan(address).pending.isEmpty
                    let store = try await Store.open(address, program: "fettle \(fettleVersion)", now: now())
                    await store.close()
                    try output.tell(
                        ["changed": .bool(isPending)],
                        isPending ? "the schema is up to date now" : "the schema was up to date; nothing was changed")
                }
            } catch {
                throw CommandFailure.failed("\(error)")
            }
        }
    }
}
