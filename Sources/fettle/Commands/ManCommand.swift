import ArgumentParser
import Glibc
import JSON

/// `fettle man`.
struct ManCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "man", abstract: "Print a manual page, or write all of them; made of what --help is made of.",
        discussion: """
            Examples:
              fettle man hosts | mandoc -l -
              fettle man --folder /usr/local/share/man/man1
            """)
    @Argument(help: "The command: hosts, login. Default: fettle itself.") var command: String?
    @Option(help: "Write fettle.1 and a page for every command into this folder.", completion: .directory)
    var folder: String?

    func validate() throws {
        guard command == nil || folder == nil else { throw ValidationError("say a command or --folder, not both") }
    }

    func run() throws {
        let pages = try ManualPage.all()
        if let folder {
            for page in pages { try write(page.text, to: "\(folder)/\(page.name).1") }
            return say("\(pages.count) pages are in \(folder)")
        }
        let name = command.map { "fettle-\($0)" } ?? "fettle"
        guard let page = pages.first(where: { $0.name == name }) else {
            throw CommandFailure.notFound("there is no command \"\(command ?? "")\"; fettle --help lists them")
        }
        emit(page.text)
    }

    private func write(_ text: String, to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw CommandFailure.failed("cannot write \(path): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard bytes.withUnsafeBytes({ Glibc.write(descriptor, $0.baseAddress, $0.count) }) == bytes.count else {
            throw CommandFailure.failed("cannot write \(path): \(String(cString: strerror(errno)))")
        }
    }
}
