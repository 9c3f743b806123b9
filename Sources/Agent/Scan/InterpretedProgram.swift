import Glibc

/// A program in a file that an interpreter has read and closed: nothing that is mapped shows that it was replaced.
///
/// Seen is the program itself, by the file's time of change, as needrestart(1) does it. Not seen are the modules that it
/// has loaded from other files of source text: from outside nothing tells which those are. Modules in machine code are
/// mapped, and seen like any other library.
package enum InterpretedProgram {
    /// A change within so many seconds after the start of the process is taken for one before it: the time of the start
    /// is exact to a second, and clocks are set. needrestart's own tolerance.
    package static let tolerance: Int64 = 10

    private struct Interpreter {
        let name: String
        /// Options after which no file follows: the program stands in the command line, or is found by another name.
        let withoutFile: Set<Character>
        /// Options whose value is the next argument, where it is not joined to them.
        let withValue: Set<Character>
    }

    private static let interpreters = [
        Interpreter(name: "python", withoutFile: ["c", "m"], withValue: ["W", "X", "Q"]),
        Interpreter(name: "perl", withoutFile: ["e", "E"], withValue: ["I"]),
        Interpreter(name: "ruby", withoutFile: ["e"], withValue: ["I", "r", "E", "C"]),
        Interpreter(name: "node", withoutFile: ["e", "p"], withValue: ["r", "C"]),
    ]

    /// Whether that executable is an interpreter whose program is looked for: `python3.11`, `perl`, `ruby3.1`, `node`.
    package static func isInterpreter(_ executable: String) -> Bool { interpreter(executable) != nil }

    private static func interpreter(_ executable: String) -> Interpreter? {
        let base = executable.split(separator: "/").last ?? ""
        return interpreters.first { interpreter in
            base.hasPrefix(interpreter.name)
                && base.dropFirst(interpreter.name.count).utf8.allSatisfy { $0 == 0x2E || (0x30...0x39).contains($0) }
        }
    }

    /// The file of the program that an interpreter runs, from /proc/PID/cmdline; nil where none is named.
    ///
    /// - Parameter executable: the interpreter's own file.
    package static func file(in commandLine: [UInt8], executable: String) -> String? {
        guard let interpreter = interpreter(executable) else { return nil }
        var arguments = commandLine.split(separator: 0, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }.dropFirst()
        while let argument = arguments.popFirst() {
            if argument == "--" { return arguments.first.flatMap { $0.isEmpty ? nil : $0 } }
            guard argument.hasPrefix("-") else { return argument.isEmpty ? nil : argument }
            // The program comes from standard input.
            if argument == "-" { return nil }
            if argument.hasPrefix("--") { continue }
            let letters = Array(argument.dropFirst())
            for (index, letter) in letters.enumerated() {
                if interpreter.withoutFile.contains(letter) { return nil }
                guard interpreter.withValue.contains(letter) else { continue }
                if index == letters.count - 1 { _ = arguments.popFirst() }
                break
            }
        }
        return nil
    }

    /// When a process started, in clock ticks after the host did: the 22nd field of /proc/PID/stat, proc_pid_stat(5).
    package static func startTicks(in stat: String) -> Int64? {
        // The second field is the name in brackets, which may hold anything.
        guard let end = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: end)...].split(separator: " ")
        return fields.count > 19 ? Int64(fields[19]) : nil
    }

    /// When the host started, in seconds since the epoch: `btime` in /proc/stat, proc_stat(5).
    package static func bootTime(in stat: String) -> Int64? {
        for line in stat.split(separator: "\n") where line.hasPrefix("btime ") { return Int64(line.dropFirst(6)) }
        return nil
    }
}

extension HostTree {
    /// The program that an interpreter's process runs, where its file was replaced or changed since the process started.
    ///
    /// - Parameters:
    ///   - executable: the interpreter.
    ///   - tops: the roots in which the process's paths are looked for.
    /// - Throws: where the process's own files cannot be read: then nothing is known of it.
    func replacedProgram(
        of number: String, executable: String, tops: [String]
    ) throws(HostTreeError) -> String? {
        guard InterpretedProgram.isInterpreter(executable) else { return nil }
        let commandLine = try Self.contents(of: "\(proc)/\(number)/cmdline", limit: 4 << 20)
        guard var file = InterpretedProgram.file(in: commandLine, executable: executable) else { return nil }
        if !file.hasPrefix("/") { file = try Self.target(of: "\(proc)/\(number)/cwd") + "/" + file }
        guard !MappedFile.isTransient(file) else { return nil }
        var status = stat()
        // A program that is not there is no proof: processes write into their command line what they like.
        guard tops.contains(where: { stat($0 + file, &status) == 0 }), status.st_mode & S_IFMT == S_IFREG else {
            return nil
        }
        guard let ticks = InterpretedProgram.startTicks(in: try procText("\(number)/stat", limit: 65_536)),
            let boot = InterpretedProgram.bootTime(in: try procText("stat", limit: 16 << 20))
        else { throw HostTreeError(path: "\(proc)/\(number)/stat", number: EINVAL) }
        let started = boot + ticks / Int64(sysconf(Int32(_SC_CLK_TCK)))
        return status.st_ctim.tv_sec > started + InterpretedProgram.tolerance ? file : nil
    }
}
