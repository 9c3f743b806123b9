import Rollout
import Timestamps
public import Wire

/// What jobs say to the server, between the cycles: a question or what is new of one, each as soon as the server is well.
extension AgentLoop {
    /// A job's message that waits.
    public enum JobMessage: Hashable, Sendable {
        /// For a grant or a ticket.
        case question(RelayedQuestion)
        /// Records, log and how far the job is.
        case progress(RelayedProgress)

        var job: String {
            switch self {
            case .question(let question): question.job
            case .progress(let progress): progress.job
            }
        }
    }

    /// The most messages that wait; the executor sends again what is not answered.
    static let maximumJobMessages = 16

    /// Takes a job's message: a later one of the same kind and job replaces the one that waits.
    mutating func wantJobMessage(
        _ message: JobMessage, _ now: Moment, _ random: inout some RandomNumberGenerator
    ) -> [Effect] {
        guard version >= .two else { return [] }
        jobMessages.removeAll { waiting in
            switch (waiting, message) {
            case (.question(let one), .question(let other)): one.job == other.job
            case (.progress(let one), .progress(let other)): one.job == other.job
            default: false
            }
        }
        if jobMessages.count < Self.maximumJobMessages { jobMessages.append(message) }
        return speakForJobs(now, &random)
    }

    /// Begins an exchange for the jobs where none is under way and no failure asks for patience.
    mutating func speakForJobs(_ now: Moment, _ random: inout some RandomNumberGenerator) -> [Effect] {
        // After a failure the regular contact comes first: its check-in may be what the host needs to be heard again.
        guard healthy, cycle == nil, !jobMessages.isEmpty, now.uptime >= jobDue else { return [] }
        var cycle = Cycle()
        cycle.isForJobs = true
        self.cycle = cycle
        return proceed(now, &random)
    }

    /// The end of an exchange for the jobs: the next regular contact stays where it was.
    mutating func finishJobs(_ now: Moment) -> [Effect] {
        cycle = nil
        healthy = true
        lastSuccess = now.wall
        return []
    }

    /// The server has answered a question.
    mutating func took(_ answer: JobAnswer, to question: RelayedQuestion) -> [Effect] {
        jobMessages.removeAll { $0 == .question(question) }
        return [.tellJob(RelayedAnswer(question: question, answer: answer))]
    }

    /// The server has taken what is new of a job.
    mutating func took(
        _ reply: JobProgressReply, of progress: RelayedProgress
    ) throws(ProtocolViolation) -> [Effect] {
        let last = progress.progress.entries.last?.ordinal
        if let last, reply.expectedEntry > last + 1 {
            throw ProtocolViolation.acknowledgedUnsent(expected: reply.expectedEntry, next: last + 1)
        }
        jobMessages.removeAll { $0 == .progress(progress) }
        return [.acknowledgeJob(RelayedReply(job: progress.job, reply: reply))]
    }

    /// What a server says to one job and not to the host: it does not know it, or finds the message bad.
    mutating func jobRefused(
        _ error: ExchangeError, _ now: Moment, _ random: inout some RandomNumberGenerator
    ) -> [Effect]? {
        guard let message = sentJobMessage, case .refused(let status, let problem, let after) = error,
            [400, 404, 409, 413, 422].contains(status), !Self.excluding.contains(problem?.kind ?? ""),
            problem?.kind != "exchange-token-stale"
        else { return nil }
        sentJobMessage = nil
        jobMessages.removeAll { $0 == message }
        refusals[error.name, default: 0] += 1
        let why = problem.map { "\($0.title): \($0.detail)" } ?? "\(error)"
        let effect: Effect =
            switch message {
            case .question(let question):
                .tellJob(
                    RelayedAnswer(
                        question: question,
                        answer: JobAnswer(order: nil, retryAfter: after, reason: String(why.prefix(1000)))))
            case .progress(let progress):
                .acknowledgeJob(RelayedReply(job: progress.job, reply: nil, refusal: String(why.prefix(1000))))
            }
        return [effect] + proceed(now, &random)
    }
}
