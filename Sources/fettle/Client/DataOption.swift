import ArgumentParser
import Glibc

/// Which server a command talks to.
struct DataOption: ParsableArguments {
    @Option(
        name: .long,
        help: """
            The server of this machine with this data folder, over its Unix socket. Default: $FETTLE_DATA; else the \
            context in use; else ./var, else /var/lib/fettle.
            """,
        completion: .directory)
    var data: String?
    @Option(
        name: .long,
        help:
            "The server and login of this context. Default: $FETTLE_CONTEXT, else the one in use (fettle context list).",
        completion: .custom { _, _, _ in (try? ContextFile.read().contexts.keys.sorted()) ?? [] })
    var context: String?

    func validate() throws {
        guard data == nil || context == nil else { throw ValidationError("say --data or --context, not both") }
    }

    /// The folder on this machine: the first that has a server's socket, else the first.
    var path: String {
        if let data { return data }
        if let value = environment("FETTLE_DATA") { return value }
        let places = ["./var", "/var/lib/fettle"]
        return places.first { access("\($0)/fettle.sock", F_OK) == 0 } ?? places[0]
    }

    /// The client of that server.
    var client: OperatorClient {
        get throws {
            guard let context = try chosen() else { return OperatorClient(data: path) }
            return OperatorClient(context)
        }
    }

    /// The context to use; nil for this machine's socket.
    func chosen() throws -> Context? {
        if data != nil { return nil }
        if let name = context ?? environment("FETTLE_CONTEXT") {
            return name == Context.local ? nil : try ContextFile.read().context(name)
        }
        if environment("FETTLE_DATA") != nil { return nil }
        let file = try ContextFile.read()
        return try file.current.map { try file.context($0) }
    }
}
