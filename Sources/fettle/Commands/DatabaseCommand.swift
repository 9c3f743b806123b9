import ArgumentParser
import Store

/// `fettle db migrate`.
struct DatabaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "db", abstract: "Look after the database.", subcommands: [Migrate.self])

    struct Migrate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Bring the schema up to date, or say what that would do.",
            discussion: "fettle serve does this when it starts; here it can be tried first.")
        @OptionGroup var data: DataOption
        @Option(help: "sqlite:PATH or postgresql://…. Default: $FETTLE_DATABASE, else SQLite in the data folder.")
        var database: String?
        @Flag(help: "Change nothing; say what would be done and whether it can be.")
        var check = false

        func run() async throws {
            let address = database ?? environment("FETTLE_DATABASE") ?? "sqlite:\(data.path)/fettle.sqlite"
            do {
                if check {
                    print(try await Store.plan(address))
                } else {
                    let store = try await Store.open(address, program: "fettle \(fettleVersion)", now: now())
                    await store.close()
                    say("the schema is up to date")
                }
            } catch {
                throw CommandFailure.failed("\(error)")
            }
        }
    }
}
