import Glibc
import NIOPosix
public import Orders
public import Rollout
import Signer
import Synchronization
public import Timestamps

/// Asks the signer's process over its Unix socket: one connection a question.
public struct SignerClient: OrderSigner {
    /// Its socket.
    public let socket: String

    /// A client of the signer at that socket.
    public init(socket: String) { self.socket = socket }

    public func roles(organisation: String) async throws -> Envelope {
        try await signed(.roles(organisation: organisation))
    }

    public func release(
        plan: Plan, author: String, approvals: [ReleaseDocument.Approval], approvalsRequired: Int64, expires: Timestamp
    ) async throws -> Envelope {
        let document = ReleaseDocument(
            plan: try HostPlan(json: plan.json), approvals: approvals, approvalsRequired: approvalsRequired,
            issued: Timestamp(seconds: Int64(time(nil))), expires: expires)
        return try await signed(.release(document, hosts: plan.hosts, author: author))
    }

    public func rollback(
        plan: HostPlan, author: String, approvals: [ReleaseDocument.Approval], approvalsRequired: Int64,
        expires: Timestamp
    ) async throws -> Envelope {
        let document = ReleaseDocument(
            plan: plan, approvals: approvals, approvalsRequired: approvalsRequired,
            issued: Timestamp(seconds: Int64(time(nil))), expires: expires, isRollbackOnly: true)
        return try await signed(.rollback(document, author: author))
    }

    public func grant(_ document: GrantDocument) async throws -> Envelope { try await signed(.grant(document)) }

    public func ticket(_ document: TicketDocument) async throws -> Envelope { try await signed(.ticket(document)) }

    /// Why the signer cannot be used now; nil where it can.
    func problem() async -> String? {
        do {
            switch try await ask(.status, attempts: 1) {
            case .works: return nil
            case .refused(let refusal): return refusal.description
            case .signed: return "it answers another question than it was asked"
            }
        } catch {
            return "\(error)"
        }
    }

    private func signed(_ request: SignerRequest) async throws -> Envelope {
        switch try await ask(request, attempts: 5) {
        case .signed(let envelope): return envelope
        case .refused(let refusal): throw refusal
        case .works: throw SignerAway(socket: socket, reason: "it answers another question than it was asked")
        }
    }

    /// The signer may just be starting again: asks once more after 0.1, 0.2, 0.4 and 0.8 seconds. Every question may be asked
    /// twice, see ``Signer``.
    private func ask(_ request: SignerRequest, attempts: Int) async throws -> SignerReply {
        var pause = Duration.milliseconds(100)
        for attempt in 1... {
            do {
                // A thread of the pool waits for the answer, none of ours.
                return try await NIOThreadPool.singleton.runIfActive { [socket] in
                    try askSigner(request, socket: socket)
                }
            } catch let error as CancellationError {
                throw error
            } catch {
                guard attempt < attempts else { throw SignerAway(socket: socket, reason: "\(error)") }
                try await Task.sleep(for: pause)
                pause *= 2
            }
        }
        throw SignerAway(socket: socket, reason: "it was not asked")
    }
}

/// The signer cannot be reached: nothing can be ordered until it can.
public struct SignerAway: Error, Sendable, CustomStringConvertible {
    /// Where it was looked for.
    public let socket: String
    /// What went wrong.
    public let reason: String

    public var description: String {
        "the signer at \(socket) does not answer (\(reason)); no host is ordered anything until it does: see the server's "
            + "log, or start it: fettle signer"
    }
}

/// Whether the signer answers, asked at most every five seconds.
final class SignerProbe: Sendable {
    private let client: SignerClient
    private let last = Mutex<(at: ContinuousClock.Instant, problem: String?)?>(nil)

    init(_ client: SignerClient) { self.client = client }

    func problem() async -> String? {
        let now = ContinuousClock.now
        if let last = last.withLock({ $0 }), now - last.at < .seconds(5) { return last.problem }
        let problem = await client.problem()
        last.withLock { $0 = (now, problem) }
        return problem
    }
}
