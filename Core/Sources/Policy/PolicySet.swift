public import Digest
public import JSON

/// All policies of an organisation.
public struct PolicySet: Sendable {
    /// The objects, sorted by kind and name.
    public let objects: [PolicyObject]

    /// Reads documents of one or several files.
    ///
    /// - Returns: The set, and what is wrong: with an error in it the set is not whole.
    public static func read(_ documents: [PolicyNode]) -> (set: PolicySet, problems: [PolicyProblem]) {
        var problems: [PolicyProblem] = []
        var objects: [PolicyObject] = []
        var known: [String: PolicyPlace] = [:]
        for (index, document) in documents.enumerated() {
            guard index < PolicyLimits.maximumDocuments else {
                problems.append(
                    PolicyProblem(
                        at: document.place,
                        message:
                            "\(documents.count) documents, and \(PolicyLimits.maximumDocuments) are the most; take out what is not used"
                    ))
                break
            }
            guard let object = PolicyObject(document, problems: &problems) else { continue }
            if let first = known[object.title] {
                problems.append(
                    PolicyProblem(
                        at: object.place("metadata.name"), path: "metadata.name",
                        message: "a second \(object.title); the first is at \(first): rename one"))
                continue
            }
            known[object.title] = object.place
            objects.append(object)
        }
        return (PolicySet(objects), problems)
    }

    init(_ objects: [PolicyObject]) {
        self.objects = objects.sorted { $0.kind != $1.kind ? $0.kind < $1.kind : $0.name < $1.name }
    }

    /// The objects of a kind, by name.
    public func all<Spec: PolicySpec>(_ type: Spec.Type) -> [(object: PolicyObject, spec: Spec)] {
        objects.compactMap { object in (object.spec as? Spec).map { (object, $0) } }
    }

    /// The object of that kind and name.
    public func first<Spec: PolicySpec>(_ type: Spec.Type, named name: String) -> Spec? {
        objects.first { $0.name == name && $0.spec is Spec }?.spec as? Spec
    }

    /// The hosts of a group, in their order; nil where there is no such group.
    public func members(of group: String, among hosts: [PolicyHost]) -> [PolicyHost]? {
        first(HostGroup.self, named: group).map { group in hosts.filter(group.includes) }
    }

    /// The canonical form of all: a list.
    public var json: JSONValue { .array(objects.map(\.json)) }

    /// The SHA-256 of the canonical form: what a version of the policies is named by.
    public var digest: SHA256Digest { SHA256.hash(json.canonicalBytes()) }
}
