import ArgumentParser
import Versions

/// `fettle version compare|key|schemes`.
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Compare versions the way a package manager does.",
        discussion: """
            Examples:
              fettle version compare deb 1.0~rc1-1 1.0-1
              fettle version key rpm 1:2.3-4.el9
              fettle version schemes
            """, subcommands: [Compare.self, Key.self, Schemes.self])

    struct Compare: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print <, = or > for two versions, or ? where the scheme has no order for them.",
            discussion: """
                With - instead of A and B, pairs are read from standard input, tab-separated, one a line, and each is \
                answered by one line. A pair with a version that the scheme refuses is answered by ?, with the reason \
                on standard error and exit status 1 at the end.

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
            let scheme = try versionScheme(named: scheme)
            if let b {
                do throws(VersionError) {
                    emit(try Versions.compare(a, b, scheme: scheme).symbol + "\n")
                } catch {
                    throw CommandFailure.failed(error.description)
                }
                return
            }
            guard a == "-" else {
                throw CommandFailure.usage("give two versions, or - to read tab-separated pairs from standard input")
            }
            try comparePairs(scheme)
        }

        private func comparePairs(_ scheme: any VersionScheme.Type) throws {
            var number = 0
            var refused = 0
            var output = ""
            while let line = readLine() {
                number += 1
                let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
                guard fields.count == 2 else {
                    emit(output)
                    throw CommandFailure.failed("line \(number): \(fields.count) fields where two versions belong")
                }
                do throws(VersionError) {
                    output += try Versions.compare(String(fields[0]), String(fields[1]), scheme: scheme).symbol + "\n"
                } catch {
                    output += "?\n"
                    refused += 1
                    if refused <= 20 { say("line \(number): \(error.description)") }
                }
                // Whole blocks: a write a line is most of the time otherwise.
                if output.utf8.count >= 65_536 {
                    emit(output)
                    output = ""
                }
            }
            emit(output)
            if refused > 0 {
                throw CommandFailure.failed(
                    "\(refused) of \(number) pairs have a version that is none of \(scheme.name)")
            }
        }
    }

    struct Key: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print a version's key in hexadecimal: keys in plain byte order are versions in order.",
            discussion: """
                With - instead of V, versions are read from standard input, one a line.

                Examples:
                  fettle version key deb 1:2.3~rc1-4
                """)

        @Argument(help: "The ordering, one of `fettle version schemes`.")
        var scheme: String
        @Argument(help: "The version, or - to read versions.")
        var version: String

        func run() throws {
            let scheme = try versionScheme(named: scheme)
            do {
                guard version == "-" else {
                    emit(try scheme.key(for: version).hexadecimal + "\n")
                    return
                }
                while let line = readLine() { emit(try scheme.key(for: line).hexadecimal + "\n") }
            } catch {
                throw CommandFailure.failed("\(error)")
            }
        }
    }

    struct Schemes: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the orderings by name, one a line.",
            discussion: """
                Examples:
                  fettle version schemes
                """)

        func run() throws {
            emit(VersionSchemes.all.map { $0.name + "\n" }.joined())
        }
    }
}

private func versionScheme(named name: String) throws -> any VersionScheme.Type {
    guard let scheme = VersionSchemes.named(name) else {
        let known = VersionSchemes.all.map { $0.name }.joined(separator: ", ")
        throw CommandFailure.usage("there is no version scheme \"\(name)\"; there are: \(known)")
    }
    return scheme
}
