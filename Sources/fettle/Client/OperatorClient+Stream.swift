import NIOCore
import NIOHTTP1

extension OperatorClient {
    /// Gets a resource of any length, in parts as they come; the server waits for whoever takes them.
    func stream(_ path: String, _ take: (ByteBuffer) async throws -> Void) async throws {
        let channel = try await open { channel in
            try channel.pipeline.syncOperations.addHTTPClientHandlers()
            return try NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>(
                wrappingChannelSynchronously: channel)
        }
        let headers = headers
        let isWhole = try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(
                .head(HTTPRequestHead(version: .http1_1, method: .GET, uri: path, headers: headers)))
            try await outbound.write(.end(nil))
            var refusal: NIOHTTPClientResponseFull?
            for try await part in inbound {
                switch part {
                case .head(let head) where head.status.code >= 400:
                    refusal = NIOHTTPClientResponseFull(head: head, body: ByteBuffer())
                case .head: break
                case .body(var bytes):
                    if refusal == nil { try await take(bytes) } else { refusal?.body?.writeBuffer(&bytes) }
                case .end:
                    if let refusal { _ = try answer(refusal) }
                    return true
                }
            }
            return false
        }
        guard isWhole else { throw CommandFailure.failed("the server broke off while it answered GET \(path)") }
    }
}
