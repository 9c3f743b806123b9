import Digest
import HTTPTypes
import JSON
import Store
import Timestamps
import Wire

import enum Crypto.AES
import struct Crypto.SymmetricKey

/// Does a request with an Idempotency-Key once, and answers its repeats for 24 hours as it answered the first time.
///
/// Answers may hold secrets that are shown once, such as a token: they are sealed with a key from the data folder.
struct IdempotencyRecords: Sendable {
    /// What makes two requests the same.
    struct Request: Sendable {
        let principal: String
        let key: String
        let method: String
        let target: String
        let body: [UInt8]

        var fingerprint: SHA256Digest {
            SHA256.hash(Array("\(method) \(target)\n".utf8) + body)
        }
    }

    private let store: Store
    private let key: [UInt8]

    init(store: Store, secret: APISecret) {
        self.store = store
        key = secret.key(for: "idempotency")
    }

    /// Runs `body` unless it was run before.
    ///
    /// - Throws: a refusal with 409 while the same request is in work, with 422 where the key named another one; and
    ///   what `body` throws: where nothing was done, the key may be used again.
    func run(_ request: Request, now: Timestamp, _ body: () async throws -> DressedAnswer) async throws -> DressedAnswer
    {
        let state = try await store.write { transaction in
            try transaction.idempotencyKeys.begin(
                principal: request.principal, key: request.key, fingerprint: request.fingerprint, now: now)
        }
        switch state {
        case .otherRequest:
            throw Refusal(
                .init(
                    "idempotency-key-reused", title: "The key names another request", status: 422,
                    detail: "This Idempotency-Key was used for another request in the last 24 hours.",
                    cure: "Choose a new key for each new request."))
        case .inWork:
            throw Refusal(
                .init(
                    "idempotency-key-in-use", title: "The same request is in work", status: 409,
                    detail: "A request with this Idempotency-Key began and has not been answered.",
                    cure:
                        "Wait and send it again. If it stays, the server stopped in between: look whether it was done, "
                        + "and use a new key if not."))
        case .answered(let status, let answer): return try replay(status, answer, request)
        case .new: break
        }
        let response: DressedAnswer
        do {
            response = try await body()
        } catch {
            if Self.didNothing(error) {
                try? await store.write { try $0.idempotencyKeys.forget(principal: request.principal, key: request.key) }
            }
            throw error
        }
        // From here on it was done: a key whose answer cannot be kept stays in work.
        let answer = try seal(response, request)
        try await store.write { transaction in
            try transaction.idempotencyKeys.finish(
                principal: request.principal, key: request.key, status: Int64(response.status.code), answer: answer)
        }
        return response
    }

    /// Whether the request can be sent again with the same key: it was refused, or the database did not take it. Where
    /// the connection was lost, the commit may have been kept.
    private static func didNothing(_ error: any Error) -> Bool {
        if let error = error as? StoreError, error.kind == .connection { return false }
        return error is Refusal || databaseRefusal(error) != nil
    }

    /// The header fields that are part of what was answered.
    private static let kept: [HTTPField.Name] = [.contentType, .location, .eTag, .link]

    private func seal(_ answer: DressedAnswer, _ request: Request) throws -> [UInt8] {
        var headers: [String: JSONValue] = [:]
        for name in Self.kept {
            if let value = answer.headers[name] { headers[name.rawName] = .string(value) }
        }
        let head = JSONValue.object(headers).canonicalBytes()
        let plain = [UInt8(head.count >> 8), UInt8(head.count & 255)] + head + answer.bytes
        let box = try AES.GCM.seal(plain, using: SymmetricKey(data: key), authenticating: name(request))
        guard let combined = box.combined else { throw Refusal(.internalError) }
        return Array(combined)
    }

    private func replay(_ status: Int64, _ sealed: [UInt8], _ request: Request) throws -> DressedAnswer {
        let box = try AES.GCM.SealedBox(combined: sealed)
        let plain = Array(try AES.GCM.open(box, using: SymmetricKey(data: key), authenticating: name(request)))
        guard plain.count >= 2 else { throw Refusal(.internalError) }
        let length = Int(plain[0]) << 8 | Int(plain[1])
        guard plain.count >= 2 + length else { throw Refusal(.internalError) }
        let head = try JSONValue(parsing: Array(plain[2..<2 + length]), limits: .message)
        var headers: HTTPFields = [.idempotencyReplayed: "true"]
        for name in Self.kept { headers[name] = head[name.rawName]?.string }
        return DressedAnswer(
            status: .init(code: Int(status)), headers: headers, bytes: Array(plain[(2 + length)...]))
    }

    private func name(_ request: Request) -> [UInt8] { Array("\(request.principal)|\(request.key)".utf8) }
}
