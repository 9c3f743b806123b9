public import Digest
public import JSON

/// One policy object: a document, read and right by itself.
public struct PolicyObject: Sendable {
    /// The version of the documents' form.
    public static let apiVersion = "fettle/v1"

    /// Its name; unique among those of its kind.
    public let name: String
    /// What people are told of it; empty where nothing.
    public let note: String
    /// What it says.
    public let spec: any PolicySpec
    /// Where it begins.
    public let place: PolicyPlace
    private let places: [String: PolicyPlace]
    let references: [PolicyReading.Reference]
    /// The canonical form: sorted, nothing in it that is the default. Two documents that mean the same have the same.
    public let json: JSONValue

    /// Its kind: `HostGroup`.
    public var kind: String { type(of: spec).kind }

    /// `HostGroup/web`.
    public var title: String { "\(kind)/\(name)" }

    /// The SHA-256 of the canonical form.
    public var digest: SHA256Digest { SHA256.hash(json.canonicalBytes()) }

    /// Where a key of it stands, or the nearest around it.
    public func place(_ path: String) -> PolicyPlace {
        var path = Substring(path)
        while true {
            if let place = places[String(path)] { return place }
            guard let cut = path.lastIndex(where: { $0 == "." || $0 == "[" }) else { return place }
            path = path[..<cut]
        }
    }

    /// Reads a document.
    ///
    /// - Parameter problems: What is wrong with it, appended; then there is no object.
    public init?(_ document: PolicyNode, problems: inout [PolicyProblem]) {
        var reading = PolicyReading()
        defer { problems += reading.problems }
        guard case .map = document.content else {
            reading.refuse(
                document, "",
                "expected a document, found \(document.phrase); begin it with apiVersion: \(Self.apiVersion)")
            return nil
        }
        // The kind first: it says what else may stand here.
        guard let version = document["apiVersion"] else {
            reading.refuse(document, "", "the key apiVersion is missing; add apiVersion: \(Self.apiVersion)")
            return nil
        }
        guard case .text(Self.apiVersion, _) = version.content else {
            reading.refuse(
                version, "apiVersion",
                "expected \(Self.apiVersion), found \(version.phrase); this program reads no other version")
            return nil
        }
        let kinds = PolicyKinds.all.map { $0.kind }
        guard let kind = document["kind"] else {
            reading.refuse(document, "", "the key kind is missing; add one of \(kinds.joined(separator: ", "))")
            return nil
        }
        guard case .text(let word, _) = kind.content, let type = PolicyKinds.named(word) else {
            var hint = ""
            if case .text(let word, _) = kind.content { hint = ClosestName.hint(word, among: kinds) }
            reading.refuse(
                kind, "kind", "expected one of \(kinds.joined(separator: ", ")), found \(kind.phrase)\(hint)")
            return nil
        }
        guard let read = Self.read(type, document, &reading) else { return nil }
        name = read.name
        note = read.note
        spec = read.spec
        json = read.json
        place = document.place
        places = reading.places
        references = reading.references
    }

    private static func read<Spec: PolicySpec>(
        _ type: Spec.Type, _ document: PolicyNode, _ reading: inout PolicyReading
    ) -> (name: String, note: String, spec: any PolicySpec, json: JSONValue)? {
        let shape = PolicyDocument<Spec>.shape
        guard let read = shape.read(document, "", &reading), let spec = read.spec else { return nil }
        return (read.metadata.name, read.metadata.note, spec, shape.write(read))
    }
}

/// What every object has.
struct PolicyMetadata: Hashable, Sendable {
    var name = ""
    var note = ""

    static let codec = PolicyCodec<PolicyMetadata>.object(PolicyMetadata()) { keys in
        keys.required("name", \.name, .name, "Its name; unique among those of its kind.")
        keys.key("note", \.note, .words(2000), "What people are told of it.")
    }
}

/// The form of every document.
struct PolicyDocument<Spec: PolicySpec>: Sendable {
    var version = PolicyObject.apiVersion
    var kind = Spec.kind
    var metadata = PolicyMetadata()
    var spec: Spec?

    static var shape: PolicyShape<PolicyDocument<Spec>> {
        var keys = PolicyShape(PolicyDocument<Spec>())
        keys.required("apiVersion", \.version, .constant(PolicyObject.apiVersion), "The version of this form.")
        keys.required("kind", \.kind, .constant(Spec.kind), "What it is.")
        keys.required("metadata", \.metadata, PolicyMetadata.codec, "What it is called.")
        let codec = Spec.codec
        keys.required(
            "spec", \.spec,
            PolicyCodec<Spec?>(
                schema: codec.schema,
                read: { node, path, reading in codec.read(node, path, &reading).map(Optional.some) },
                write: { $0.map(codec.write) ?? .null }), Spec.about)
        return keys
    }
}

extension PolicyCodec where Value == String {
    /// One word and no other.
    static func constant(_ word: String) -> PolicyCodec {
        PolicyCodec(schema: ["const": .string(word)]) { node, path, reading in
            guard case .text(word, _) = node.content else {
                reading.refuse(node, path, "expected \(word), found \(node.phrase)")
                return nil
            }
            return word
        } write: {
            .string($0)
        }
    }
}

/// What editors are told of policies.
public enum PolicySchema {
    /// The JSON Schema (draft 2020-12) of one document of any kind.
    public static var json: JSONValue {
        var kinds: [String: JSONValue] = [:]
        for kind in PolicyKinds.all { kinds[kind.kind] = schema(kind) }
        return [
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Fettle policy \(PolicyObject.apiVersion)",
            "type": "object", "required": ["apiVersion", "kind"],
            "properties": [
                "kind": ["enum": .array(PolicyKinds.all.map { .string($0.kind) })],
                "apiVersion": ["const": .string(PolicyObject.apiVersion)],
            ],
            "allOf": .array(
                PolicyKinds.all.map { kind in
                    [
                        "if": ["properties": ["kind": ["const": .string(kind.kind)]], "required": ["kind"]],
                        "then": ["$ref": .string("#/$defs/\(kind.kind)")],
                    ]
                }),
            "$defs": .object(kinds),
        ]
    }

    private static func schema<Spec: PolicySpec>(_ type: Spec.Type) -> JSONValue {
        guard case .object(var members) = PolicyDocument<Spec>.shape.schema else { return true }
        members["description"] = .string(Spec.about)
        return .object(members)
    }
}
