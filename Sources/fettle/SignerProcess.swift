import Glibc
import Logging
import Synchronization

/// The signer as a child of the server: started with it, started again when it ends, ended after it.
///
/// Its standard input is a pipe that nobody writes to: when this process ends, however it does, the pipe does too, and the
/// signer goes.
final class SignerProcess: Sendable {
    private let keeper: Task<Void, Never>
    private let current: Current

    /// The process of the moment.
    private final class Current: Sendable {
        let process = Mutex<ChildProcess?>(nil)
    }

    /// The signer's socket in a data folder.
    static func socket(_ data: String) -> String { "\(data)/signer/signer.sock" }

    /// Starts a signer on that data folder.
    ///
    /// - Parameters:
    ///   - output: a file for what it says; nil for this process's own standard error.
    init(data: String, output: String? = nil, logger: Logger) throws {
        let program = try ownProgram()
        let current = Current()
        self.current = current
        keeper = Task {
            var pause = Duration.milliseconds(200)
            while !Task.isCancelled {
                let started = ContinuousClock.now
                do {
                    let child = try ChildProcess(
                        program, ["signer", "run", "--data", data, "--until-input-ends"], output: output, input: .pipe)
                    current.process.withLock { $0 = child }
                    let code = try await child.ended()
                    current.process.withLock { $0 = nil }
                    logger.error("the signer ended and is started again", metadata: ["code": "\(code)"])
                } catch is CancellationError {
                    return
                } catch {
                    logger.error("the signer cannot be started", metadata: ["error": "\(error)"])
                }
                // One that works for a while was no faulty one.
                pause = ContinuousClock.now - started > .seconds(60) ? .milliseconds(200) : min(pause * 2, .seconds(15))
                try? await Task.sleep(for: pause)
            }
        }
    }

    /// Ends it; after five seconds hard.
    func stop() async {
        keeper.cancel()
        await keeper.value
        guard let child = current.process.withLock({ $0 }) else { return }
        child.send(SIGTERM)
        for _ in 0..<100 where child.exit == nil { try? await Task.sleep(for: .milliseconds(50)) }
        if child.exit == nil { child.send(SIGKILL) }
        _ = try? await child.ended()
    }
}

/// The path of this program.
func ownProgram() throws -> String {
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
    guard count > 0 else { throw CommandFailure.failed("cannot find this program's own path: is /proc mounted?") }
    return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
