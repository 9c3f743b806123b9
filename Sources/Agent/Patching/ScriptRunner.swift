import Digest
import Glibc
import Rollout

/// Runs the scripts of a plan: written to a file, checked against its digest once more, run by the interpreter of its
/// first line, as root.
struct ScriptRunner {
    let folder: DurableFolder
    let log: JobLog
    let environment: [String: String]

    /// The digest by which a script's run is journaled.
    static func digest(of text: String) -> SHA256Digest { SHA256.hash(Array(text.utf8)) }

    /// Runs that text.
    func run(_ text: String, name: String, file: String, timeout: Int64) -> BoundedRun.Result {
        let bytes = Array(text.utf8)
        func failure(_ why: String) -> BoundedRun.Result {
            BoundedRun.Result(end: .notStarted(why), output: [], digest: SHA256.hash([]), bytes: 0)
        }
        do throws(SystemError) {
            try folder.replace(file, with: bytes, mode: 0o700)
            // What runs is what lies there: the disk has had its chance to be something else.
            guard let read = try folder.read(file, limit: PlannedScript.maximumBytes),
                SHA256.hash(read) == SHA256.hash(bytes)
            else { return failure("the file of the script is not what was approved") }
        } catch {
            return failure("\(error)")
        }
        log.line("script \(name)")
        let command = Self.interpreter(of: text) + [folder.path(of: file)]
        let run = BoundedRun(command: command, timeout: timeout, environment: environment)
        let result = run.run { log.write($0) }
        log.line("script \(name): \(result.end.text)")
        return result
    }

    /// The words of the first line (`#!`); the file itself may lie where nothing may be executed.
    static func interpreter(of text: String) -> [String] {
        guard let line = text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false).first,
            line.hasPrefix("#!")
        else { return ["/bin/sh"] }
        let rest = trimmed(line.dropFirst(2))
        guard !rest.isEmpty else { return ["/bin/sh"] }
        // One argument at most, as execve(2) has it.
        return rest.split(separator: " ", maxSplits: 1).map { trimmed($0) }
    }
}
