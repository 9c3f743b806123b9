import ArgumentParser
import Versions

/// `fettle version compare SCHEME A B`.
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Compare versions the way a package manager does.",
        discussion: """
            Examples:
              fettle version compare deb 1.0~rc1-1 1.0-1
            """, subcommands: [Compare.self])

    struct Compare: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print <, = or > for two versions.",
            discussion: """
                With - instead of A and B, pairs are read from standard input, tab-separated, one a line, and each is \
                answered by one line.

                Examples:
                  fettle version compare deb 1.0~rc1-1 1.0-1
                  printf '1.0\\t1.1\\n' | fettle version compare deb -
                """)

        @Argument(help: "The ordering: \(VersionSchemes.all.map { $0.name }.joined(separator: ", ")).")
        var scheme: String
        @Argument(help: "The one version, or - to read pairs.")
        var a: String
        @Argument(help: "The other version.")
        var b: String?

        func run() throws {
            guard let scheme = VersionSchemes.named(scheme) else {
                let known = VersionSchemes.all.map { $0.name }.joined(separator: ", ")
                throw CommandFailure.usage("there is no version scheme \"\(self.scheme)\"; there are: \(known)")
            }
            if let b {
                do {
                    emit(try compare(a, b, scheme: scheme).symbol + "\n")
                } catch {
                    throw CommandFailure.failed(error.description)
                }
                return
            }
            guard a == "-" else {
                throw CommandFailure.usage("give two versions, or - to read tab-separated pairs from standard input")
            }
            var number = 0
            while let line = readLine() {
                number += 1
                let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
                guard fields.count == 2 else {
                    throw CommandFailure.failed("line \(number): \(fields.count) fields where two versions belong")
                }
                do {
                    emit(try compare(String(fields[0]), String(fields[1]), scheme: scheme).symbol + "\n")
                } catch {
                    throw CommandFailure.failed("line \(number): \(error.description)")
                }
            }
        }
    }
}
