public import Digest
public import JSON

/// What a signed document may be used for; a key of one role signs nothing of another.
public enum OrderRole: String, CaseIterable, Sendable {
    /// Says which keys the roles have; kept offline where people can.
    case root
    /// Says what may be installed and run: release documents.
    case release
    /// Says when a host may: grants and tickets.
    case director
}

/// Exact bytes with signatures, in the manner of DSSE (github.com/secure-systems-lab/dsse): what was signed is what is read.
public struct Envelope: Hashable, Sendable {
    /// One signature.
    public struct Signature: Hashable, Sendable {
        /// The key's name: the first 32 hexadecimal digits of the SHA-256 of its 32 bytes.
        public var keyID: String
        /// 64 bytes of Ed25519 (RFC 8032) over ``Envelope/signedBytes``.
        public var bytes: [UInt8]

        /// A signature.
        public init(keyID: String, bytes: [UInt8]) {
            self.keyID = keyID
            self.bytes = bytes
        }
    }
    /// What the payload is: one of ``OrderDocument/payloadType``.
    public var payloadType: String
    /// The document's bytes, canonical JSON.
    public var payload: [UInt8]
    /// The signatures; how many are needed is for the role to say.
    public var signatures: [Signature]

    /// The most bytes of a payload.
    public static let maximumPayloadBytes = 600_000
    /// The most signatures.
    public static let maximumSignatures = 16

    /// An envelope.
    public init(payloadType: String, payload: [UInt8], signatures: [Signature] = []) {
        self.payloadType = payloadType
        self.payload = payload
        self.signatures = signatures
    }

    /// What is signed: DSSE's pre-authentication encoding of type and payload.
    public var signedBytes: [UInt8] {
        var bytes = Array("DSSEv1 \(payloadType.utf8.count) \(payloadType) \(payload.count) ".utf8)
        bytes.append(contentsOf: payload)
        return bytes
    }

    /// The name of a key by its public bytes.
    public static func keyID(of publicKey: [UInt8]) -> String { String(SHA256.hash(publicKey).hex.prefix(32)) }

    /// The envelope as JSON.
    public var json: JSONValue {
        [
            "payloadType": .string(payloadType), "payload": .string(Base64.encode(payload)),
            "signatures": .array(
                signatures.map { ["keyid": .string($0.keyID), "sig": .string(Base64.encode($0.bytes))] }),
        ]
    }

    /// Reads an envelope; whether its signatures are good is for ``OrderVerifier`` to say.
    public init(json: JSONValue, at pointer: String = "") throws(JSONError) {
        var object = try JSONObject(json, at: pointer)
        let payloadType = try object.string("payloadType", maximumBytes: 128)
        let payload = try Self.bytes("payload", &object, maximum: Self.maximumPayloadBytes)
        var signatures: [Signature] = []
        for var signature in try object.objects("signatures", maximumCount: Self.maximumSignatures) {
            let bytes = try Self.bytes("sig", &signature, maximum: 64)
            signatures.append(
                Signature(keyID: try signature.string("keyid", maximumBytes: 64), bytes: bytes))
            try signature.finish()
        }
        try object.finish()
        self.init(payloadType: payloadType, payload: payload, signatures: signatures)
    }

    private static func bytes(_ key: String, _ object: inout JSONObject, maximum: Int) throws(JSONError) -> [UInt8] {
        let text = try object.string(key, maximumBytes: (maximum + 2) / 3 * 4)
        guard let bytes = Base64.decode(text), bytes.count <= maximum else {
            throw JSONError(
                .outOfBounds, pointer: object.pointer(to: key),
                reason: "expected base64 (RFC 4648, with padding) of at most \(maximum) bytes")
        }
        return bytes
    }
}
