import Digest
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import JSON
import Logging
import NIOCore
import NIOHTTP1
import NIOSSL
import Store
import Synchronization
import Testing
import Timestamps
import Wire

@testable import Server

extension ServerTests {
    /// Whatever is asked in one organisation, nothing of another one is told or changed: random calls of the API and the
    /// pages, by everybody whom one organisation has, with names, places and keys of the other.
    ///
    /// `FETTLE_ISOLATION_SEED` repeats a run, `FETTLE_ISOLATION_CALLS` makes it longer.
    @Suite struct IsolationPropertyTests {
        private static func withBoth(
            _ engine: TestEngine, _ body: (TwoOrganisations) async throws -> Void
        ) async throws {
            try await TestServer.with(engine) {
                $0.limits.apiRequestsPerMinute = 1_000_000
                // Nothing is signed while the test looks.
                $0.auditCheckpointInterval = 86_400
            } body: { server in
                try await body(try await TwoOrganisations(server))
            }
        }

        @Test(arguments: TestEngine.allCases) func randomCallsStayInTheirOrganisation(_ engine: TestEngine) async throws
        {
            let environment = ProcessInfo.processInfo.environment
            let seed = environment["FETTLE_ISOLATION_SEED"].flatMap(UInt64.init) ?? UInt64.random(in: 1...999_999)
            let count = environment["FETTLE_ISOLATION_CALLS"].flatMap(Int.init) ?? 400
            try await Self.withBoth(engine) { both in
                try await both.settle()
                let before = try await both.everythingOfTheirs(engine)
                #expect(before.count > 50, "the dump has their rows: \(before.count)")
                var calls = RandomCalls(both, seed: seed)
                let wire = WebConnection(both.server)
                var (compared, statuses) = (0, [Int: Int]())
                for number in 0..<count {
                    let call = calls.next(number)
                    let place = "seed \(seed), call \(number) on \(engine): \(call)"
                    let answer = try await wire.send(call)
                    statuses[answer.status, default: 0] += 1
                    #expect(answer.status < 500, "\(place): \(answer.text.prefix(500))")
                    Self.expectNoCanary(answer, call, both, place)
                    guard !call.theirs.isEmpty else { continue }
                    compared += 1
                    try await Self.expectAsIfAbsent(call, answer, wire, place)
                }
                print("isolation, seed \(seed) on \(engine): \(count) calls, \(compared) compared, \(statuses)")
                #expect(compared > count / 4 && (statuses[200] ?? 0) > count / 10, "seed \(seed): \(statuses)")
                try await both.settle()
                let after = try await both.everythingOfTheirs(engine)
                let changed = Set(before).symmetricDifference(after).sorted()
                #expect(changed.isEmpty, "seed \(seed) on \(engine) changed: \(changed.prefix(10))")
                // They find everything as it was, so the canaries are what there is to see.
                var seen = ""
                for path in ["hosts", "patches", "campaigns", "audit?limit=500", "enrolment-tokens", "users"] {
                    seen += try await wire.send(RandomCalls.Call(both.theirAdmin, "GET", "/api/v1/\(path)")).text
                }
                for canary in ["canaryhost0", "canarynote1", "9.canary", "canarycampaign", "canaryviewer@"] {
                    #expect(seen.contains(canary), "\(canary)")
                }
                await wire.close()
            }
        }

        /// Nothing that is theirs, in whatever part of the answer, unless the request said it.
        private static func expectNoCanary(
            _ answer: Answer, _ call: RandomCalls.Call, _ both: TwoOrganisations, _ place: String
        ) {
            let said = call.said
            let told = answer.headers.map { "\($0.name): \($0.value)" }.joined(separator: "\n") + "\n" + answer.text
            for canary in both.canaries where told.contains(canary) && !said.contains(canary) {
                Issue.record("\(place) tells of \(canary): \(told.prefix(2000))")
            }
        }

        /// The same call about what there is nowhere must be answered the same.
        private static func expectAsIfAbsent(
            _ call: RandomCalls.Call, _ first: Answer, _ wire: WebConnection, _ place: String
        ) async throws {
            var theirs = first
            var differences: [String] = []
            // What time changes is the same at the next look; what tells of them is not.
            for attempt in 0..<3 {
                if attempt > 0 {
                    try await Task.sleep(for: .milliseconds(1100))
                    theirs = try await wire.send(call)
                }
                let none = try await wire.send(call.twin)
                let left = Comparable(theirs, call.theirs.map { $0 })
                let right = Comparable(none, call.theirs.map { RandomCalls.missing($0) })
                differences = []
                // A key that this caller has used for another request is refused before anything is looked up, and what
                // was done cannot be done again: neither tells of others.
                if left.body.contains("idempotency-key-reused") || right.body.contains("idempotency-key-reused") {
                    return
                }
                if theirs.status < 400, call.target == call.twin.target, call.method == "POST" { return }
                if left.status != right.status { differences.append("\(left.status) and \(right.status)") }
                // What was done twice has two names; an export is itself in the next one.
                let isDone = call.method != "GET" && call.method != "HEAD" && theirs.status < 400
                if !isDone, !call.target.contains("export"), !call.target.hasPrefix("/activity.csv") {
                    if left.headers != right.headers { differences.append("\(left.headers)\n\(right.headers)") }
                    if left.body != right.body {
                        let at = zip(left.body, right.body).prefix { $0 == $1 }.count
                        differences.append(
                            "at \(at): \(left.body.dropFirst(max(0, at - 100)).prefix(300))\n"
                                + "\(right.body.dropFirst(max(0, at - 100)).prefix(300))")
                    }
                }
                if differences.isEmpty { return }
            }
            Issue.record("\(place) is not answered as \(call.twin.target) is: \(differences.joined(separator: "\n"))")
        }

        /// An answer without what differs from request to request, and with one name for the things that were asked for.
        private struct Comparable {
            var status: Int
            var headers: [String]
            var body: String

            private static var time: Regex<Substring> { /20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/ }
            /// A form to log in has a new cookie each time.
            private static var loginCookie: Regex<Substring> { /__Host-fettle-login=[^;]*/ }

            init(_ answer: Answer, _ values: [String]) {
                // What repeats the name that was asked for has another tag for another name.
                // What changed "to" now, a difference without an end, has another now.
                // So has a list that says when the credential that asks was used last: now.
                let isTimed =
                    ["\"asOf\":", "\"reasons\":", "\"to\":\""].contains { answer.text.contains($0) }
                    || answer.text.matches(of: Self.time).contains { Self.isNow($0.output) }
                func neutral(_ text: String) -> String {
                    var text = text
                    for value in values.sorted(by: { $0.utf8.count > $1.utf8.count }) {
                        if value.utf8.count < 6 {
                            text = text.replacing("\\\"\(value)\\\"", with: "X").replacing("/\(value)/", with: "/X/")
                            continue
                        }
                        text = text.replacing(value, with: "X").replacing(PageBrowser.encoded(value), with: "X")
                            .replacing(value.replacing("@", with: "%40").replacing(":", with: "%3A"), with: "X")
                            .replacing(value.replacing("\"", with: "%22"), with: "X")
                    }
                    return text
                }
                status = answer.status
                let varying: Set<String> = ["date", "ratelimit", "ratelimit-policy", "content-length", "x-request-id"]
                headers = answer.headers.filter {
                    !varying.contains($0.name.lowercased()) && !(isTimed && $0.name.lowercased() == "etag")
                }.map { "\($0.name.lowercased()): \(neutral($0.value).replacing(Self.loginCookie, with: ""))" }.sorted()
                var body = neutral(answer.text)
                body = body.replacing(/"(asOf|to)":"[^"]*"/, with: "").replacing(/name="csrf" value="[^"]*"/, with: "")
                // What is done now has another now in the next answer.
                for time in Set(body.matches(of: Self.time).map { String($0.output) }) where Self.isNow(time) {
                    body = body.replacing(time, with: "NOW")
                }
                self.body = body
            }

            private static func isNow(_ time: some StringProtocol) -> Bool {
                guard let said = Timestamp(rfc3339: String(time)) else { return false }
                return abs(Date.now.timeIntervalSince1970 - Double(said.milliseconds) / 1000) < 30
            }
        }

        // MARK: - What they do

        /// What ours see is the same whatever the others do, also where they install the same software.
        @Test(arguments: TestEngine.allCases) func whatOthersDoIsNotSeen(_ engine: TestEngine) async throws {
            try await Self.withBoth(engine) { both in
                let server = both.server
                let wire = WebConnection(server)
                let stream = try await EventStream(both.admin, server)
                #expect(try await eventually { stream.text.contains("event: begun") })
                try await both.settle()
                let before = try await Self.look(both, wire)
                #expect(before.count >= 15 && before.joined().contains("homelypackage"))

                let token = try await server.token(uses: 10, organisation: TwoOrganisations.theirs)
                var same = try await TestHost.enrol(
                    server, organisation: TwoOrganisations.theirs, hostname: "canaryhost9", token: token)
                try await same.reported(TwoOrganisations.truth("homely", 0))
                _ = try await same.checkedIn()
                try await same.reported(TwoOrganisations.truth("secondcanary", 0))
                try await server.user(
                    "canarynew@\(TwoOrganisations.theirs)",
                    grants: [["role": "admin", "organisation": .string(TwoOrganisations.theirs)]])
                try await both.settle()
                // Servers that share a database read once more what changed lately, of everybody.
                try await server.server.state.store.refreshDirectory()
                try await Task.sleep(for: .milliseconds(2500))
                let after = try await Self.look(both, wire)
                for (old, new) in zip(before, after) where old != new {
                    let at = zip(old, new).prefix { $0 == $1 }.count
                    Issue.record(
                        "\(engine): \(old.prefix(60)) differs at \(at): \(new.dropFirst(max(0, at - 100)).prefix(300))")
                }
                #expect(!stream.text.contains("changed"), "\(engine): \(stream.text)")

                // A document that the others have is as new as one that nobody has.
                let held = TwoOrganisations.truth("secondcanary", 0)
                let unheld = TwoOrganisations.truth("unheardof", 0)
                for ((document, theirs), (_, nobodys)) in zip(held.documents, unheld.documents) {
                    let one = try await both.ourHost.upload(document, held.digests[document].hex, theirs)
                    let other = try await both.ourHost.upload(document, unheld.digests[document].hex, nobodys)
                    #expect(one.status == other.status && one.body == other.body, "\(engine) \(document)")
                    #expect(one.status == 201)
                }

                // And what is ours is heard.
                var ours = both.ourHost
                try await ours.reported(TwoOrganisations.truth("thirdhome", 0))
                #expect(try await eventually { stream.text.contains("event: changed") }, "\(engine): \(stream.text)")
                stream.stop()
                await wire.close()
            }
        }

        /// Everything that the admin of ours can look at.
        private static func look(_ both: TwoOrganisations, _ wire: WebConnection) async throws -> [String] {
            var targets: [String] = WalkTests.Step.all.filter {
                $0.method == "GET" && $0.isOfOrganisation && !$0.path.contains("{")
                    // Exports are noted; the last checkpoint is as old as it is.
                    && !["exportAudit", "showAuditCheckpoint", "proveAudit"].contains($0.id)
            }.map { $0.target(TwoOrganisations.ours, [:]) }
            for text in ["canary", "package", "homelypackage", "secondcanary"] {
                targets += [
                    "/api/v1/search?q=\(text)", "/search?q=\(text)", "/patches/\(text)", "/hosts?patch=\(text)",
                ]
            }
            let host = both.ourHost.id
            targets += ["/api/v1/hosts/\(host)", "/api/v1/hosts/\(host)/patches", "/api/v1/hosts/\(host)/history"]
            targets += ["/", "/hosts", "/patches", "/patches/package0", "/hosts/\(host)", "/activity", "/campaigns"]
            targets += ["/settings/enrolment", "/settings/people", "/settings/organisations", "/api/v1/organisations"]
            var seen: [String] = []
            for target in targets {
                let answer = try await wire.send(RandomCalls.Call(both.admin, "GET", target))
                let text = answer.text.replacing(/"asOf":"[^"]*"/, with: "").replacing(/<time[^<]*<\/time>/, with: "")
                for canary in both.canaries where text.contains(canary) && !target.contains(canary) {
                    Issue.record("\(target) tells of \(canary)")
                }
                seen.append("\(target) \(answer.status) \(text)")
            }
            return seen
        }
    }
}

// MARK: -

/// One connection after the other to the listener for people.
private final class WebConnection: Sendable {
    let server: TestServer
    private let kept = Mutex<TestClient?>(nil)

    init(_ server: TestServer) { self.server = server }

    func send(_ call: RandomCalls.Call) async throws -> Answer {
        let headers = HTTPHeaders(
            call.headers.merging(["host": "localhost:\(server.port("web"))"]) { $1 }.map { ($0.key, $0.value) })
        let body = call.body.map { Array($0.utf8) }
        let method = HTTPMethod(rawValue: call.method)
        let answer: Answer
        do {
            answer = try await client().send(method, call.target, headers: headers, body: body)
        } catch is ConnectionLost {
            kept.withLock { $0 = nil }
            answer = try await client().send(method, call.target, headers: headers, body: body)
        }
        if answer.headers.first(name: "connection") == "close" { await close() }
        if call.target.hasPrefix("/api/") { ResponseChecker.check(answer, method, call.target) }
        return answer
    }

    private func client() async throws -> TestClient {
        if let client = kept.withLock({ $0 }) { return client }
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .certificates(try server.authorities())
        let client = try await TestClient.connect(
            .tls(port: server.port("web"), NIOSSLContext(configuration: configuration)))
        kept.withLock { $0 = client }
        return client
    }

    func close() async {
        let client = kept.withLock { kept in
            defer { kept = nil }
            return kept
        }
        await client?.close()
    }
}

/// A page's event stream, and what it said so far.
private final class EventStream: Sendable {
    private let said = Mutex("")
    private let task = Mutex<Task<Void, any Error>?>(nil)

    init(_ sender: TwoOrganisations.Sender, _ server: TestServer) async throws {
        let head = HTTPRequest(
            method: .get, scheme: "https", authority: "localhost",
            path: "/events?organisation=\(TwoOrganisations.ours)",
            headerFields: [.cookie: sender.headers["cookie"] ?? ""])
        let exchange = Exchange(logger: Logger(label: "events") { _ in SwiftLogNoOpLogHandler() }, peer: nil)
        let (_, response) = try await PageRoutes(
            state: server.server.state, rates: RateLimits(perMinute: 1000)
        ).respond(
            Request(head: head, body: RequestBody(buffer: ByteBuffer())), exchange)
        #expect(response.status == .ok)
        let body = response.body
        let running = Task { try await body.write(Writer(stream: self)) }
        task.withLock { $0 = running }
    }

    var text: String { said.withLock { $0 } }

    func stop() { task.withLock { $0?.cancel() } }

    private struct Writer: ResponseBodyWriter {
        let stream: EventStream

        mutating func write(_ buffer: ByteBuffer) async throws {
            stream.said.withLock { $0 += String(buffer: buffer) }
        }

        consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
    }
}
