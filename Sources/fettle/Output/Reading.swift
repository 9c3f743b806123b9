import ArgumentParser
import Glibc

/// What every command has that reads: which server, how to print, whether to go on.
struct Reading: ParsableArguments {
    @OptionGroup(title: "Which server") var data: DataOption
    @OptionGroup(title: "How to print") var output: OutputOption
    @Option(
        name: .long, defaultAsFlag: 2,
        help: ArgumentHelp(
            "Print again whenever something has changed, asking every so many seconds, until Ctrl-C; a terminal is drawn anew.",
            valueName: "seconds"))
    var watch: Int? = nil

    func validate() throws {
        guard watch.map({ (1...86_400).contains($0) }) ?? true else {
            throw ValidationError("--watch takes 1 to 86400 seconds")
        }
    }

    /// Fetches and prints, once or as often as `--watch` says.
    func run(_ fetch: (OperatorClient) async throws -> Shown) async throws {
        let client = try data.client
        let first = try await fetch(client)
        let text = try output.text(first)
        guard let watch else {
            emit(text)
            return note(first)
        }
        let redraws = isatty(1) == 1 && environment("TERM") != "dumb"
        var last: String?
        var shown = first
        while true {
            let text = try output.text(shown)
            if text != last {
                if redraws {
                    emit("\u{1B}[H\u{1B}[2J" + text)
                } else {
                    emit((last == nil ? "" : separator) + text)
                }
                note(shown)
                last = text
            }
            try await Task.sleep(for: .seconds(watch))
            do {
                shown = try await fetch(client)
            } catch let failure as CommandFailure where failure.exitCode == CommandFailure.failure {
                // A server that restarts is no reason to go; one that refuses is.
                say("fettle: \(failure.description)")
            }
        }
    }

    /// What stands between two states in a file or pipe.
    private var separator: String {
        switch output.output {
        case .yaml: "---\n"
        case .json, .csv, .name: ""
        case .table, .wide: "\n"
        }
    }

    private func note(_ shown: Shown) {
        guard output.query == nil, output.output == .table || output.output == .wide else { return }
        for note in shown.notes { say(note) }
    }
}
