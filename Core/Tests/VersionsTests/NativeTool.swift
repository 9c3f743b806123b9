import Foundation

/// A program that brings the tool an ecosystem orders its versions with; it answers a whole file of tab-separated lines in
/// one run, a line each.
struct NativeTool: Sendable {
    let scheme: String
    let program: String
    let arguments: [String]
    /// What must be there for the program to answer.
    let needs: [String]

    var isPresent: Bool { ([program] + needs).allSatisfy { FileManager.default.fileExists(atPath: $0) } }

    func answers(_ lines: [String]) throws -> [String] {
        let file = FileManager.default.temporaryDirectory.appending(path: "fettle-native-\(UUID().uuidString)")
        try Data(lines.map { $0 + "\n" }.joined().utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.environment = ["PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "NODE_PATH": "/usr/share/nodejs"]
        process.standardInput = try FileHandle(forReadingFrom: file)
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: output, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
            .dropLast().map(String.init)
    }

    /// One line of Python for each pair.
    private static func python(_ scheme: String, needs: [String], _ setUp: String, _ compare: String) -> NativeTool {
        let script = """
            import sys
            \(setUp)
            for line in sys.stdin:
                a, b = line.rstrip("\\n").split("\\t")
                try:
                    c = \(compare)
                    print("<" if c < 0 else ">" if c > 0 else "=")
                except Exception:
                    print("!")
            """
        return NativeTool(scheme: scheme, program: "/usr/bin/python3", arguments: ["-c", script], needs: needs)
    }

    private static let modules = "/usr/lib/python3/dist-packages/"

    static let all: [NativeTool] = [
        python(
            "rpm", needs: [modules + "rpm/__init__.py"], "import rpm",
            "(lambda x, y: -1 if x < y else 1 if x > y else 0)(rpm.ver(a), rpm.ver(b))"),
        python(
            "alpm", needs: ["/usr/lib/x86_64-linux-gnu/libalpm.so.13"],
            "import ctypes; alpm = ctypes.CDLL('libalpm.so.13')",
            "alpm.alpm_pkg_vercmp(a.encode(), b.encode())"),
        python(
            "pypi", needs: [modules + "packaging/version.py"], "from packaging.version import Version",
            "(lambda x, y: -1 if x < y else 1 if x > y else 0)(Version(a), Version(b))"),
        NativeTool(
            scheme: "npm", program: "/usr/bin/node",
            arguments: [
                "-e",
                """
                const semver = require('/usr/share/nodejs/semver');
                const answers = require('fs').readFileSync(0, 'utf8').split('\\n').slice(0, -1).map(line => {
                    const [a, b] = line.split('\\t');
                    try { const c = semver.compare(a, b); return c < 0 ? '<' : c > 0 ? '>' : '='; } catch { return '!'; }
                });
                process.stdout.write(answers.map(a => a + '\\n').join(''));
                """,
            ], needs: ["/usr/share/nodejs/semver/index.js"]),
        NativeTool(
            scheme: "gem", program: "/usr/bin/ruby",
            arguments: [
                "-e",
                """
                STDIN.each_line do |line|
                  a, b = line.chomp.split("\\t", -1)
                  begin
                    puts({ -1 => "<", 0 => "=", 1 => ">" }[Gem::Version.new(a) <=> Gem::Version.new(b)])
                  rescue ArgumentError
                    puts "!"
                  end
                end
                """,
            ], needs: []),
        NativeTool(
            scheme: "composer", program: "/usr/bin/php",
            arguments: [
                "-r",
                """
                require '/usr/share/php/Composer/Semver/autoload.php';
                while (($line = fgets(STDIN)) !== false) {
                    [$a, $b] = explode("\\t", rtrim($line, "\\n"));
                    echo Composer\\Semver\\Comparator::lessThan($a, $b) ? "<"
                        : (Composer\\Semver\\Comparator::greaterThan($a, $b) ? ">"
                        : (Composer\\Semver\\Comparator::equalTo($a, $b) ? "=" : "?")), "\\n";
                }
                """,
            ], needs: ["/usr/share/php/Composer/Semver/autoload.php"]),
    ]

    /// node-semver's `satisfies`, for lines of a version and a range: `1`, `0` or `!`.
    static let ranges = NativeTool(
        scheme: "npm range", program: "/usr/bin/node",
        arguments: [
            "-e",
            """
            const semver = require('/usr/share/nodejs/semver');
            const answers = require('fs').readFileSync(0, 'utf8').split('\\n').slice(0, -1).map(line => {
                const [v, r] = line.split('\\t');
                try { return new semver.Range(r).test(new semver.SemVer(v)) ? '1' : '0'; } catch { return '!'; }
            });
            process.stdout.write(answers.map(a => a + '\\n').join(''));
            """,
        ], needs: ["/usr/share/nodejs/semver/index.js"])
}
