import Access
import HTML
import HTTPTypes
import Hummingbird
import NIOCore
import Pages
import Store
import Timestamps

import struct Crypto.SymmetricKey

/// What stands beside the pages: our files, the colours, the style page, and the events that keep pages fresh.
enum SupportPages {
    static let all: [PageDeclaration] = [
        PageDeclaration(.get, "/assets/{name}", "asset", access: .open) { call in
            guard let asset = Assets.named(call.path("name")) else { throw Refusal(.noSuchPage) }
            // The name has the content's digest: it never stands for anything else.
            return .bytes(
                asset.bytes, type: asset.type, headers: [.cacheControl: "public, max-age=31536000, immutable"])
        },
        PageDeclaration(.post, "/theme", "theme", access: .signedIn) { call in
            let theme = Theme(rawValue: call.field("theme")) ?? .system
            return call.seeOther(
                Location(untrusted: call.form?["back"] ?? "") ?? Location(), cookies: [PageTheme.set(theme)])
        },
        PageDeclaration(.get, "/style", "style", access: .signedIn) { call in
            call.html(stylePage(call.context()))
        },
        PageDeclaration(.get, "/events", "events", access: .permission(.hostsRead)) { call in
            let (state, organisation) = (call.state, try call.organisationID)
            return try await events(call, .hostsRead) {
                try await state.store.read { try $0.fleetCounts.token(organisation: organisation).description }
            }
        },
    ]

    /// Says `changed` when a token did: server-sent events (HTML standard, section 9.2).
    ///
    /// It says that, not what: the page is asked for again with the caller's own rights, so nothing can leak here. A
    /// browser that comes back with the last event's id hears at once if it missed something.
    ///
    /// - Parameters:
    ///   - permission: what the stream ends without.
    ///   - token: changes whenever what the page shows does.
    static func events(
        _ call: PageCall, _ permission: Permission, _ token: @escaping @Sendable () async throws -> String
    ) async throws -> Response {
        let organisation = try call.organisationID
        let state = call.state
        let headers: HTTPFields = [.contentType: "text/event-stream; charset=utf-8"]
        if call.request.method == .head { return Response(status: .ok, headers: headers) }
        guard let slot = state.eventStreams.enter(try call.person.principal.id) else {
            throw Refusal(.overloaded, retryAfter: flattened(30))
        }
        let last = HTTPField.Name("Last-Event-ID").flatMap { call.request.headers[$0] }
        @Sendable func newest() async throws -> String {
            state.eventStreams.id(of: try await token())
        }
        let first = try await newest()
        let body = ResponseBody { writer in
            // The place is held as long as there is this body, whether it comes to be written or not.
            defer { withExtendedLifetime(slot) {} }
            var known = first
            var text = "retry: 3000\nid: \(first)\n"
            text += last == nil || last == first ? "event: begun\ndata:\n\n" : "event: changed\ndata:\n\n"
            try await writer.write(ByteBuffer(string: text))
            var (quiet, ticks) = (0, 0)
            let start = ContinuousClock.now
            while !state.gates.agents.stopping, !Task.isCancelled, ContinuousClock.now - start < .seconds(1800) {
                try await Task.sleep(for: .seconds(1))
                // Whoever was logged out, or lost the right to look, hears no more: their browser asks anew and is refused.
                ticks += 1
                if ticks % 5 == 0, try await !state.mayStillLook(permission, organisation, call.request, call.exchange)
                {
                    break
                }
                let now = try await newest()
                if now != known {
                    known = now
                    quiet = 0
                    try await writer.write(ByteBuffer(string: "id: \(now)\nevent: changed\ndata:\n\n"))
                } else {
                    quiet += 1
                    if quiet % 15 == 0 { try await writer.write(ByteBuffer(string: ": still here\n\n")) }
                }
            }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: headers, body: body)
    }
}

extension ServerState {
    fileprivate func mayStillLook(
        _ permission: Permission, _ organisation: String, _ request: Request, _ exchange: Exchange
    ) async throws -> Bool {
        guard let caller = try await people.authenticate(request, exchange) else { return false }
        return caller.principal.may(permission, organisation: organisation)
    }
}

/// How many pages are kept fresh at once: each holds a connection.
final class EventStreams: Sendable {
    static let maximum = 500
    /// Of one person: a row of tabs, not a flood.
    static let maximumPerPerson = 20
    private let gate = RequestGate(maximum: EventStreams.maximum, maximumPerPeer: EventStreams.maximumPerPerson)

    /// Of this process alone: after a start every page is asked for once more.
    private let key = SymmetricKey(size: .bits256)

    /// One stream's place, left when nothing holds it any more.
    final class Slot: Sendable {
        private let gate: RequestGate
        private let person: String

        fileprivate init(_ gate: RequestGate, _ person: String) {
            self.gate = gate
            self.person = person
        }

        deinit { gate.leave(person) }
    }

    /// What stands for a state of the fleet in events: it tells whether two are the same, and nothing of counts that the
    /// viewer may not know.
    func id(of token: String) -> String { base64URLEncoded(messageCode(key, token)) }

    /// A place; nil where all are taken.
    func enter(_ person: String) -> Slot? {
        guard case .admitted = gate.enter(person) else { return nil }
        return Slot(gate, person)
    }

    /// How many there are now.
    var count: Int { gate.inWork }
}
