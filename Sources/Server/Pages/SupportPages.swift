import Access
import HTML
import HTTPTypes
import Hummingbird
import NIOCore
import Pages
import Store
import Timestamps

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
        PageDeclaration(.get, "/events", "events", access: .permission(.hostsRead), events),
    ]

    /// Says `changed` when anything did that lists of hosts show: server-sent events (HTML standard, section 9.2).
    ///
    /// It says that, not what: the page is asked for again with the caller's own rights, so nothing can leak here. A
    /// browser that comes back with the last event's id hears at once if it missed something.
    private static func events(_ call: PageCall) async throws -> Response {
        let organisation = try call.organisationID
        let state = call.state
        guard let slot = state.eventStreams.enter(try call.person.principal.id) else {
            throw Refusal(.overloaded, retryAfter: flattened(30))
        }
        let last = HTTPField.Name("Last-Event-ID").flatMap { call.request.headers[$0] }
        let token = try await state.store.read { try $0.fleetCounts.token(organisation: organisation).description }
        let caller = call.caller
        let body = ResponseBody { writer in
            defer { slot.leave() }
            var known = token
            var text = "retry: 3000\nid: \(token)\n"
            text += last == nil || last == token ? "event: begun\ndata:\n\n" : "event: changed\ndata:\n\n"
            try await writer.write(ByteBuffer(string: text))
            var quiet = 0
            let start = ContinuousClock.now
            while !state.gates.agents.stopping, !Task.isCancelled, ContinuousClock.now - start < .seconds(1800) {
                try await Task.sleep(for: .seconds(1))
                // Whoever was logged out, or lost the right to look, hears no more: their browser asks anew and is refused.
                if quiet % 5 == 4, try await !state.mayStillLook(caller, organisation, call.request, call.exchange) {
                    break
                }
                let now = try await state.store.read {
                    try $0.fleetCounts.token(organisation: organisation).description
                }
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
        return Response(status: .ok, headers: [.contentType: "text/event-stream; charset=utf-8"], body: body)
    }
}

extension ServerState {
    fileprivate func mayStillLook(
        _ before: Caller?, _ organisation: String, _ request: Request, _ exchange: Exchange
    ) async throws -> Bool {
        guard let caller = try await people.authenticate(request, exchange) else { return false }
        return caller.principal.may(.hostsRead, organisation: organisation)
    }
}

/// How many pages are kept fresh at once: each holds a connection.
final class EventStreams: Sendable {
    static let maximum = 500
    /// Of one person: a row of tabs, not a flood.
    static let maximumPerPerson = 20
    private let gate = RequestGate(maximum: EventStreams.maximum, maximumPerPeer: EventStreams.maximumPerPerson)

    /// One stream's place.
    struct Slot: Sendable {
        fileprivate let gate: RequestGate
        fileprivate let person: String

        func leave() { gate.leave(person) }
    }

    /// A place; nil where all are taken.
    func enter(_ person: String) -> Slot? {
        guard case .admitted = gate.enter(person) else { return nil }
        return Slot(gate: gate, person: person)
    }

    /// How many there are now.
    var count: Int { gate.inWork }
}
