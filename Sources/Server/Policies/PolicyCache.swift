import Digest
import Inventory
import JSON
import Policy
import Store
import Synchronization

/// The policies of one organisation, as they are in force.
struct PoliciesInForce: Sendable {
    /// The newest version; nil before anything was applied.
    var version: PolicyVersion?
    /// What is stored.
    var stored: [StoredPolicy] = []
    /// What it says.
    var set: PolicySet
    /// What of it this program cannot read: written by another version of it.
    var problems: [PolicyProblem]

    /// Their version; 0 before anything was applied.
    var number: Int64 { version?.version ?? 0 }
}

/// What does not change while the server runs and is dear to read: policies by version, facts by digest.
final class PolicyCache: Sendable {
    private let sets = Mutex<[String: PoliciesInForce]>([:])
    private let facts = Mutex<[SHA256Digest: PolicyFacts]>([:])

    /// As many hosts as a server is made for, and their facts of before.
    private static let maximumFacts = 300_000

    /// What is in force for this transaction.
    func inForce(_ transaction: Transaction, organisation: String) throws -> PoliciesInForce {
        let version = try transaction.policies.version(organisation: organisation)
        if let known = sets.withLock({ $0[organisation] }), known.version == version { return known }
        let stored = version == nil ? [] : try transaction.policies.all(organisation: organisation)
        var documents: [PolicyNode] = []
        var problems: [PolicyProblem] = []
        for object in stored {
            do throws(PolicyProblem) { documents += try object.document() } catch { problems.append(error) }
        }
        let read = PolicySet.read(documents)
        let found = PoliciesInForce(
            version: version, stored: stored, set: read.set, problems: problems + read.problems)
        sets.withLock { $0[organisation] = found }
        return found
    }

    /// What policies ask of the facts of that digest.
    func facts(_ digest: SHA256Digest, _ read: () throws -> [UInt8]?) rethrows -> PolicyFacts {
        if let known = facts.withLock({ $0[digest] }) { return known }
        guard let bytes = try read(), let parsed = try? HostFacts(parsing: bytes) else { return PolicyFacts() }
        let found = PolicyFacts(parsed)
        facts.withLock { facts in
            if facts.count >= Self.maximumFacts { facts = [:] }
            facts[digest] = found
        }
        return found
    }
}

extension StoredPolicy {
    /// The object as a document, named by itself.
    func document() throws(PolicyProblem) -> [PolicyNode] {
        try PolicyNode.documents(json: Array(content.utf8), file: "\(title) (in force)")
    }

    /// The object as JSON.
    var json: JSONValue { (try? JSONValue(parsing: Array(content.utf8), limits: Self.limits)) ?? .null }

    private static let limits = JSONLimits(
        maximumBytes: PolicyLimits.maximumBytes, maximumDepth: PolicyLimits.maximumDepth + 1,
        maximumItems: PolicyLimits.maximumNodes, maximumStringBytes: PolicyLimits.maximumTextBytes)
}
