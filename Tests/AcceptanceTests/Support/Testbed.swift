import Foundation

/// The throw-away hosts of `Testbed/`, and the two programs that run on and beside them.
enum Testbed {
    /// The repository's root.
    static let repository = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    /// A script of `Testbed/`.
    static func script(_ name: String) -> String { "\(repository)/Testbed/\(name)" }

    /// One of the programs that were built with these tests.
    static func program(_ name: String) -> String {
        URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
            .deletingLastPathComponent().appendingPathComponent(name).path
    }

    /// The folder of the root with that name (`Testbed/make-roots --help` lists them), made if it is not there yet.
    static func root(_ name: String) throws -> String {
        let output = try run([script("make-roots"), name], seconds: 900).output
        guard let path = output.split(separator: "\n").last.map(String.init) else {
            throw CommandError(description: "make-roots \(name) printed no path")
        }
        return path
    }
}
