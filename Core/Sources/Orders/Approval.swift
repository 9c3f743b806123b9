public import Digest
import JSON

extension ReleaseDocument.Approval {
    /// The payload type of what an approver signs.
    public static let payloadType = "application/vnd.fettle.approval+json"

    /// The bytes that an approver signs (in DSSE's encoding, see ``Envelope/signedBytes``): canonical JSON of the plan's digest.
    /// The plan names organisation, campaign and epoch, so that no signature fits another plan.
    public static func signedPayload(plan: SHA256Digest) -> [UInt8] {
        let document: JSONValue = ["planDigest": .string(plan.hex)]
        return document.canonicalBytes()
    }

    /// What the signature is over.
    public static func signedBytes(plan: SHA256Digest) -> [UInt8] {
        Envelope(payloadType: payloadType, payload: signedPayload(plan: plan)).signedBytes
    }
}
