import ArgumentParser
import JSON
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

        @OptionGroup var output: OutputOption
        @Argument(help: "The ordering: \(VersionSchemes.all.map { $0.name }.joined(separator: ", ")).")
        var scheme: String
        @Argument(help: "The one version, or - to read pairs.")
        var a: String
        @Argument(help: "The other version.")
        var b: String?

        func run() throws {
            let scheme = try versionScheme(named: scheme)
            if let b {
                let symbol: String
                do throws(VersionError) {
                    symbol = try Versions.compare(a, b, scheme: scheme).symbol
                } catch {
                    throw CommandFailure.failed(error.description)
                }
                return try output.show(Self.json(a, b, symbol)) { _ in emit(symbol + "\n") }
            }
            guard a == "-" else {
                throw CommandFailure.usage("give two versions, or - to read tab-separated pairs from standard input")
            }
            try comparePairs(scheme)
        }

        private static func json(_ a: String, _ b: String, _ symbol: String) -> JSONValue {
            ["a": .string(a), "b": .string(b), "order": .string(symbol)]
        }

        private func comparePairs(_ scheme: any VersionScheme.Type) throws {
            var number = 0
            var refused = 0
            var text = ""
            var values: [JSONValue] = []
            while let line = readLine() {
                number += 1
                let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
                guard fields.count == 2 else {
                    try output.show(values) { _ in emit(text) }
                    throw CommandFailure.failed("line \(number): \(fields.count) fields where two versions belong")
                }
                var symbol = "?"
                do throws(VersionError) {
                    symbol = try Versions.compare(String(fields[0]), String(fields[1]), scheme: scheme).symbol
                } catch {
                    refused += 1
                    if refused <= 20 { say("line \(number): \(error.description)") }
                }
                guard output.isForPeople else {
                    values.append(Self.json(String(fields[0]), String(fields[1]), symbol))
                    continue
                }
                text += symbol + "\n"
                // Whole blocks: a write a line is most of the time otherwise.
                if text.utf8.count >= 65_536 {
                    emit(text)
                    text = ""
                }
            }
            try output.show(values) { _ in emit(text) }
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
                With - instead of V, versions are read from standard input, one a line, and each is answered by one line; \
                one that the scheme refuses by ?, with the reason on standard error and exit status 1 at the end.

                Examples:
                  fettle version key deb 1:2.3~rc1-4
                """)

        @OptionGroup var output: OutputOption
        @Argument(help: "The ordering, one of `fettle version schemes`.")
        var scheme: String
        @Argument(help: "The version, or - to read versions.")
        var version: String

        func run() throws {
            let scheme = try versionScheme(named: scheme)
            guard version == "-" else {
                let key: String
                do throws(VersionError) {
                    key = try scheme.key(for: version).hexadecimal
                } catch {
                    throw CommandFailure.failed(error.description)
                }
                return try output.show(Self.json(version, key)) { _ in emit(key + "\n") }
            }
            var number = 0
            var refused = 0
            var values: [JSONValue] = []
            while let line = readLine() {
                number += 1
                var key: String?
                do throws(VersionError) {
                    key = try scheme.key(for: line).hexadecimal
                } catch {
                    refused += 1
                    if refused <= 20 { say("line \(number): \(error.description)") }
                }
                if output.isForPeople {
                    emit((key ?? "?") + "\n")
                } else {
                    values.append(Self.json(line, key))
                }
            }
            try output.show(values) { _ in }
            guard refused == 0 else {
                throw CommandFailure.failed("\(refused) of \(number) versions are none of \(scheme.name)")
            }
        }

        /// - Parameter key: nil where the version was refused.
        private static func json(_ version: String, _ key: String?) -> JSONValue {
            ["version": .string(version), "key": key.map { .string($0) } ?? .null]
        }
    }

    struct Schemes: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the orderings by name, one a line.",
            discussion: """
                Examples:
                  fettle version schemes
                """)

        @OptionGroup var output: OutputOption

        func run() throws {
            let names = VersionSchemes.all.map { $0.name }
            try output.show(names.map { ["id": .string($0), "name": .string($0)] }) { _ in
                emit(names.map { $0 + "\n" }.joined())
            }
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
