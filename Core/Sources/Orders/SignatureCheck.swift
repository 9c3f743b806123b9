import JSON

/// Checks the signatures of envelopes against roles, and reads what they hold.
struct SignatureCheck: Sendable {
    let verifier: any SignatureVerifier

    /// Documents are small and flat; a script may be long.
    private static let limits = JSONLimits(
        maximumBytes: Envelope.maximumPayloadBytes, maximumDepth: 16, maximumItems: 100_000,
        maximumStringBytes: 128 << 10)

    /// Checks that the envelope says it holds that kind of document.
    static func type<Document: OrderDocument>(
        _ envelope: Envelope, _ name: String, _: Document.Type
    ) throws(OrderRefusal) {
        guard envelope.payloadType == Document.payloadType else {
            throw OrderRefusal(
                .wrongType,
                "A \(name) was expected (\(Document.payloadType)), but the envelope holds "
                    + "\"\(envelope.payloadType.prefix(128))\".")
        }
    }

    /// Checks that as many different keys of the role have signed as it asks for.
    func check(
        _ envelope: Envelope, document name: String, role: OrderRole, in roles: RolesDocument
    ) throws(OrderRefusal) {
        guard envelope.payload.count <= Envelope.maximumPayloadBytes,
            envelope.signatures.count <= Envelope.maximumSignatures
        else {
            throw OrderRefusal(
                .tooLarge,
                "The \(name) has \(envelope.payload.count) bytes and \(envelope.signatures.count) signatures; at most "
                    + "\(Envelope.maximumPayloadBytes) and \(Envelope.maximumSignatures) are read.")
        }
        let wanted = roles.roles[role] ?? RolesDocument.Keys(keys: [])
        let threshold = Int(clamping: max(wanted.threshold, 1))
        let bytes = envelope.signedBytes
        var good: Set<[UInt8]> = []
        var isRepeated = false
        var bad: String?
        for signature in envelope.signatures {
            // The key is found by its own bytes' name, never by a name that a document gives it.
            guard let key = wanted.keys.first(where: { Envelope.keyID(of: $0) == signature.keyID }) else { continue }
            if good.contains(key) {
                isRepeated = true
            } else if verifier.isValid(signature: signature.bytes, of: bytes, by: key) {
                good.insert(key)
            } else {
                bad = signature.keyID
            }
        }
        if good.count >= threshold { return }
        if let bad {
            throw OrderRefusal(
                .badSignature,
                "The signature of key \(bad) does not fit the \(name): it was altered on the way, or forged.")
        }
        if isRepeated {
            throw OrderRefusal(
                .repeatedKey,
                "The \(name) must be signed by \(threshold) different \(role.rawValue) keys, but one key signed it more "
                    + "than once.")
        }
        if !good.isEmpty {
            throw OrderRefusal(
                .belowThreshold,
                "The \(name) must be signed by \(threshold) \(role.rawValue) keys and is signed by \(good.count).")
        }
        for other in OrderRole.allCases where other != role {
            let keys = (roles.roles[other]?.keys ?? []).map(Envelope.keyID(of:))
            if envelope.signatures.contains(where: { keys.contains($0.keyID) }) {
                throw OrderRefusal(
                    .wrongRole,
                    "The \(name) is signed by a \(other.rawValue) key; only \(role.rawValue) keys may sign it.")
            }
        }
        throw OrderRefusal(
            .unknownKey,
            "The \(name) is not signed by any \(role.rawValue) key that this organisation's roles document "
                + "(version \(roles.version)) names; where the keys were changed, the next check-in brings the new roles."
        )
    }

    /// Reads the document: its bytes must be what it writes itself, so that two readers never see two documents.
    static func document<Document: OrderDocument>(
        _ envelope: Envelope, _ name: String
    ) throws(OrderRefusal) -> Document {
        let document: Document
        do {
            document = try Document(json: JSONValue(parsing: envelope.payload, limits: limits))
        } catch {
            throw OrderRefusal(
                .malformed,
                "The \(name) cannot be read (\(error)); server and agent may be of versions that do not go together.")
        }
        guard document.json.canonicalBytes() == envelope.payload else {
            throw OrderRefusal(
                .notCanonical, "The bytes of the \(name) are not its canonical form; it was not made by a signer.")
        }
        return document
    }
}

extension RolesDocument {
    /// Checks that every role can be filled, and that no key has two.
    func checkSoundness() throws(OrderRefusal) {
        var seen: Set<[UInt8]> = []
        for role in OrderRole.allCases {
            let keys = roles[role] ?? Keys(keys: [])
            for key in keys.keys where !seen.insert(key).inserted {
                throw OrderRefusal(
                    .rolesUnsound,
                    "The roles document names key \(Envelope.keyID(of: key)) more than once; a key has one role only.")
            }
            guard keys.threshold >= 1, keys.threshold <= Int64(keys.keys.count) else {
                throw OrderRefusal(
                    .rolesUnsound,
                    "The roles document asks for \(keys.threshold) \(role.rawValue) keys and names \(keys.keys.count).")
            }
        }
    }
}
