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
              fettle-agent --experimental-dump-help | fettle man --definitions > fettle-agent.8
            """)
    @Argument(help: "The command: hosts, login. Default: fettle itself.") var command: String?
    @Option(help: "Write fettle.1 and a page for every command into this folder.", completion: .directory)
    var folder: String?
    @Flag(help: "Print the page of another program of Fettle's, whose --experimental-dump-help stands on the input.")
    var definitions = false

    func validate() throws {
        guard [command != nil, folder != nil, definitions].count(where: { $0 }) < 2 else {
            throw ValidationError("say a command, --folder or --definitions: one of them")
        }
    }

    func run() throws {
        if definitions {
            var bytes: [UInt8] = []
            while let line = readLine(strippingNewline: false), bytes.count < 8 << 20 { bytes += line.utf8 }
            return emit(try ManualPage.program(bytes).text)
        }
        let pages = try ManualPage.all()
        if let folder {
            for page in pages { try write(page.text, to: "\(folder)/\(page.name).\(page.section)") }
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
