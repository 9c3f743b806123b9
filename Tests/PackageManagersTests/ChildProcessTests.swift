import Foundation
import PackageManagers
import Testing

@Suite struct ChildProcessTests {
    private func run(
        _ script: String, seconds: Int = 20, limit: Int = 1 << 20
    ) throws(ChildProcess.Failure) -> ChildProcess.Result {
        try ChildProcess.run(
            ["sh", "-c", script], environment: ["A": "b"], timeoutSeconds: seconds, outputLimit: limit)
    }

    @Test func bothStreamsAndTheStatusComeBack() throws {
        let result = try run("echo out $A; echo err >&2; sleep 0.5; nice; exit 7")
        #expect(String(decoding: result.output, as: UTF8.self).hasPrefix("out b\n19"))
        #expect(String(decoding: result.errors, as: UTF8.self) == "err\n")
        #expect(result.status == 7)
    }

    @Test func aProgramThatHangsIsEndedWithItsChildren() throws {
        let root = try TemporaryRoot()
        let start = Date()
        #expect(throws: ChildProcess.Failure.timeout(seconds: 1)) {
            try run("sleep 61 & echo $! > \(root.path)/child; sleep 62", seconds: 1)
        }
        #expect(Date().timeIntervalSince(start) < 10)
        let child = try #require(Int32(try String(contentsOfFile: "\(root.path)/child", encoding: .utf8).dropLast()))
        usleep(200_000)
        // A zombie may be left where nobody reaps orphans; it runs no more.
        let state = (try? String(contentsOfFile: "/proc/\(child)/stat", encoding: .utf8)) ?? "Z"
        #expect(state.contains("Z"))
    }

    @Test func endlessOutputIsCutOff() {
        #expect(throws: ChildProcess.Failure.tooMuchOutput(bytes: 1000)) { try run("yes", limit: 1000) }
    }

    @Test func whatCannotBeStartedSaysSo() {
        #expect(throws: ChildProcess.Failure.self) { try ChildProcess.run(["/does/not/exist"], environment: [:]) }
        #expect(throws: ChildProcess.Failure.killed(signal: 9)) { try run("kill -9 $$") }
    }
}
