import Testing

@testable import Agent

/// What a job runs has an end, whatever it does.
@Suite struct BoundedRunTests {
    @Test("A program that writes without a pause is ended at its time limit", .timeLimit(.minutes(2)))
    func chatter() {
        let run = BoundedRun(command: ["yes"], timeout: 2, grace: 2).run()
        #expect(run.end == .timeout)
        #expect(run.bytes > run.output.count && run.output.count == 64 << 10)
    }

    @Test("What is left in the background and writes on does not keep a run from its end", .timeLimit(.minutes(2)))
    func background() {
        // It ends by itself, of SIGPIPE.
        let run = BoundedRun(command: ["sh", "-c", "yes & exit 3"], timeout: 60).run()
        #expect(run.end == .exit(3))
    }

    @Test("All that a program wrote before its end is kept")
    func whole() {
        let run = BoundedRun(command: ["head", "-c", "200000", "/dev/zero"], timeout: 60).run()
        #expect(run.end == .exit(0) && run.bytes == 200_000)
    }
}
