import Digest
import JSON
import Policy
import PolicyFiles
import Schedule
import Store
import Timestamps
import Wire

/// Policies as somebody sends them: files with their names.
struct PolicyUpload: Sendable {
    /// A file.
    struct File: Sendable {
        /// Its name, for messages.
        var name: String
        /// YAML or JSON.
        var text: String
    }

    /// The files.
    var files: [File]
    /// Whether what they do not have is deleted.
    var prunes: Bool

    /// The most files of one upload,
    static let maximumFiles = 200
    /// and the most bytes of all.
    static let maximumBytes = 4 << 20
}

/// What applying would do, and what speaks against it.
struct PolicyProposal: Sendable {
    /// The version that it was planned on.
    var present: Int64
    /// What changes.
    var plan: PolicyPlan
    /// What is wrong, and what is probably not meant.
    var problems: [PolicyProblem]
    /// What would be in force; nil where there is an error.
    var wanted: PolicySet?
    /// The objects in force, and those that are wanted.
    var changes: [PolicyChange] = []

    var errors: [PolicyProblem] { problems.filter { $0.severity == .error } }
}

/// The policies of one organisation: read, planned, applied. The API and the pages work on it.
struct PolicyDesk: Sendable {
    let state: ServerState
    let organisation: String
    /// Who asks, as the audit log names them.
    let actor: String
    /// Whether they see all hosts, so that warnings may name some.
    let seesHosts: Bool
    let now: Timestamp

    /// The most bytes of one object in its canonical form,
    static let maximumObjectBytes = 256 << 10
    /// and of all of an organisation's.
    static let maximumSetBytes = 8 << 20

    /// What is in force.
    func inForce() async throws -> PoliciesInForce {
        let (organisation, cache) = (organisation, state.policies)
        return try await state.store.read { try cache.inForce($0, organisation: organisation) }
    }

    /// One object that is in force.
    func find(_ kind: String, _ name: String) async throws -> StoredPolicy {
        let organisation = organisation
        guard
            let found = try await state.store.read({
                try $0.policies.find(organisation: organisation, kind: kind, name: name)
            })
        else { throw Refusal(.missing("policy", "\(kind)/\(name)")) }
        return found
    }

    /// What applying these files would do; nothing is changed.
    func propose(_ upload: PolicyUpload) async throws -> PolicyProposal {
        let present = try await inForce()
        var documents: [PolicyNode] = []
        var problems: [PolicyProblem] = []
        for file in upload.files {
            do throws(PolicyProblem) {
                documents += try PolicyYAML.documents(Array(file.text.utf8), file: file.name)
            } catch { problems.append(error) }
        }
        let given = PolicySet.read(documents)
        problems += given.problems
        guard problems.isEmpty else {
            // Where a document cannot be read, what refers to it would be reported in vain.
            return PolicyProposal(
                present: present.number, plan: PolicyPlan(from: [], to: []), problems: problems)
        }
        let named = Set(given.set.objects.map(\.title))
        let kept = upload.prunes ? [] : present.stored.filter { !named.contains($0.title) }
        for object in kept {
            do throws(PolicyProblem) { documents += try object.document() } catch { problems.append(error) }
        }
        let wanted = PolicySet.read(documents)
        problems += wanted.problems + limits(wanted.set)
        let plan = PolicyPlan(from: present.stored.map(\.json), to: wanted.set.objects.map(\.json))
        if problems.isEmpty { problems = wanted.set.validate(try await surroundings()) }
        var proposal = PolicyProposal(present: present.number, plan: plan, problems: problems)
        guard proposal.errors.isEmpty else { return proposal }
        proposal.wanted = wanted.set
        let objects = Dictionary(uniqueKeysWithValues: wanted.set.objects.map { ($0.title, $0) })
        proposal.changes = plan.steps.compactMap { step in
            if let object = objects[step.title] {
                return PolicyChange(
                    kind: object.kind, name: object.name,
                    content: (object.digest, String(decoding: object.json.canonicalBytes(), as: UTF8.self)))
            }
            let parts = step.title.split(separator: "/", maxSplits: 1)
            guard parts.count == 2 else { return nil }
            return PolicyChange(kind: String(parts[0]), name: String(parts[1]), content: nil)
        }
        return proposal
    }

    /// Puts a proposal in force; the same again changes nothing.
    ///
    /// - Throws: ``Refusal``: 422 with every error, 412 where other policies are in force meanwhile.
    func apply(_ proposal: PolicyProposal) async throws -> PolicyVersion? {
        guard let wanted = proposal.wanted else { throw Refusal(.unprocessable(Self.faults(proposal.errors))) }
        let (organisation, actor, now) = (organisation, actor, now)
        if proposal.changes.isEmpty {
            return try await state.store.read { sql in
                let version = try sql.policies.version(organisation: organisation)
                guard version?.version ?? 0 == proposal.present else { throw Refusal(.stale) }
                return version
            }
        }
        return try await state.store.write { sql in
            guard
                let version = try sql.policies.apply(
                    organisation: organisation, on: proposal.present, proposal.changes, digest: wanted.digest,
                    objects: wanted.objects.count, by: actor, now: now)
            else { throw Refusal(.stale) }
            return version
        }
    }

    /// Errors as an answer names them.
    static func faults(_ problems: [PolicyProblem]) -> [Problem.Fault] {
        problems.prefix(Schema.maximumFaults).map { problem in
            let parts = problem.message.split(separator: "; ", maxSplits: 1)
            let place = "\(problem.place): \(problem.path.isEmpty ? "" : "\(problem.path): ")"
            let cure = parts.count > 1 ? String(parts[1]) : "correct it there"
            return Problem.Fault(
                pointer: "/files", detail: "\(place)\(parts.first ?? "").",
                cure: "\(cure.prefix(1).uppercased())\(cure.dropFirst()).")
        }
    }

    private func limits(_ set: PolicySet) -> [PolicyProblem] {
        var problems: [PolicyProblem] = []
        var total = 0
        for object in set.objects {
            let size = object.json.canonicalBytes().count
            total += size
            if size > Self.maximumObjectBytes {
                problems.append(
                    PolicyProblem(
                        at: object.place,
                        message:
                            "\(object.title) has \(size) bytes, and may have \(Self.maximumObjectBytes); split it, or select hosts by labels"
                    ))
            }
        }
        if total > Self.maximumSetBytes, let first = set.objects.first {
            problems.append(
                PolicyProblem(
                    at: first.place,
                    message:
                        "all policies together have \(total) bytes, and may have \(Self.maximumSetBytes); take out what is not used"
                ))
        }
        return problems
    }

    private func surroundings() async throws -> PolicySurroundings {
        var hosts: [PolicyHost]?
        if seesHosts {
            let (organisation, cache) = (organisation, state.policies)
            hosts = try await state.store.read { sql in
                try PolicyHosts(transaction: sql, cache: cache).active(organisation: organisation)
            }
        }
        let zones = PlanWindows()
        return PolicySurroundings(now: now, hosts: hosts) { try? zones.zone($0) }
    }
}
