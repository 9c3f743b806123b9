import Access
import Foundation
import HTTPTypes
import JSON
import Logging
import NIOHTTP1
import Store
import Synchronization
import Testing
import Wire

@testable import Server

extension ServerTests {
    /// What the router does for every operation.
    @Suite struct APIRouterTests {
        @Test func methodsThatAreNotThereAreTold() async throws {
            try await TestServer.with { server in
                let api = try DirectAPI(server)
                for method in ["TRACE", "PUT", "DELETE", "PATCH", "BREW"] {
                    let answer = try await api.call(method, "/api/v1/hosts")
                    #expect(answer.status == 405, "\(method)")
                    #expect(answer.headers.first(name: "allow") == "GET, HEAD, OPTIONS")
                    #expect(answer.problem?.cure.contains("GET") == true)
                }
                let options = try await api.call("OPTIONS", "/api/v1/hosts/x/labels")
                #expect(options.status == 204)
                #expect(options.headers.first(name: "allow") == "GET, HEAD, OPTIONS, PATCH, PUT")
                for path in ["/api/v1/nothing", "/api/v1/hosts/", "/api/v1/hosts//labels", "/api/v2/hosts", "/"] {
                    #expect(try await api.call("GET", path).status == 404)
                    #expect(try await api.call("TRACE", path).status == 404)
                }
                // The real listener does the same.
                let client = try await TestClient.connect(.unix("\(server.folder)/fettle.sock"))
                #expect(try await client.send(.TRACE, "/api/v1/hosts").status == 405)
                let head = try await client.send(.HEAD, "/api/v1/me")
                #expect(head.status == 200 && head.body.isEmpty)
                #expect((head.headers.first(name: "content-length").flatMap { Int($0) } ?? 0) > 50)
                await client.close()
            }
        }

        @Test func requestsAreNamed() async throws {
            try await TestServer.with { server in
                let api = try DirectAPI(server)
                let named = try await api.call("GET", "/api/v1/nothing", headers: ["x-request-id": "mine-1"])
                #expect(named.headers.first(name: "x-request-id") == "mine-1")
                #expect(named.problem?.instance == "urn:fettle:request:mine-1")
                let odd = try await api.call("GET", "/api/v1/me", headers: ["x-request-id": "a b\tc"])
                #expect(odd.headers.first(name: "x-request-id")?.hasPrefix("r-") == true)
            }
        }

        @Test func whatIsSentIsChecked() async throws {
            try await TestServer.with { server in
                let api = try DirectAPI(server)
                let unknown = try await api.call("GET", "/api/v1/hosts?limit=0&silent=perhaps&colour=red")
                #expect(unknown.status == 400)
                #expect(
                    unknown.problem?.errors.map(\.parameter) == ["query silent", "query limit", "query colour"])
                #expect(unknown.problem?.errors.allSatisfy { !$0.cure.isEmpty } == true)
                #expect(try await api.call("GET", "/api/v1/hosts?limit=501").status == 400)
                #expect(try await api.call("GET", "/api/v1/hosts?limit=007").status == 400)
                #expect(try await api.call("GET", "/api/v1/hosts?q=a%00b").status == 400)

                let path = "/api/v1/organisations"
                let wrong = try await api.call("POST", path, body: ["id": "A!", "names": 1])
                #expect(wrong.status == 400)
                #expect(wrong.problem?.errors.map(\.pointer) == ["/id", "/names"])
                #expect(try await api.call("POST", path, body: ["id": "b"], type: "text/plain").status == 415)
                #expect(try await api.call("POST", path, headers: ["content-type": "application/json"]).status == 400)
                let long = try await api.call(
                    "POST", path, body: ["id": .string(String(repeating: "a", count: 70_000))])
                #expect(long.status == 413)
                let twice = try await api.send(
                    "POST", path, headers: ["content-type": "application/json"],
                    body: Array(#"{"id":"a","id":"b"}"#.utf8))
                #expect(twice.status == 400)
                #expect(try await api.call("POST", "/api/v1/authorities/rotate", body: [:]).status == 400)
                #expect(try await api.call("GET", "/api/v1/me", headers: ["accept": "text/html"]).status == 406)
                #expect(
                    try await api.call("GET", "/api/v1/me", headers: ["accept": "text/html, */*;q=0.1"]).status == 200)
            }
        }

        @Test func whoeverIsNotSignedInLearnsNothing() async throws {
            try await TestServer.with { server in
                let api = try DirectAPI(server)
                let answer = try await api.call("GET", "/api/v1/hosts?limit=0", as: nil)
                #expect(answer.status == 401, "before the parameters are looked at")
                #expect(answer.headers.first(name: "www-authenticate")?.hasPrefix("Bearer") == true)
                #expect(try await api.call("GET", "/api/v1/openapi.json", as: nil).status == 200)
            }
        }

        @Test func aSessionNeedsItsTokenToChangeSomething() async throws {
            try await TestServer.with { server in
                let api = try DirectAPI(server)
                let caller = Caller(
                    principal: Principal(id: "user:u-1", grants: [Grant(.admin, organisation: nil)]),
                    credential: .session(id: "s-1", csrf: "right"), address: "192.0.2.1", user: nil)
                func make(_ token: String?, _ id: String) async throws -> Int {
                    try await api.call(
                        "POST", "/api/v1/organisations", as: caller,
                        headers: token.map { ["x-csrf-token": $0] } ?? [:], body: ["id": .string(id)]
                    ).status
                }
                #expect(try await make(nil, "c1") == 403)
                #expect(try await make("wrong", "c1") == 403)
                #expect(try await make("right", "c1") == 201)
                let me = try await api.call("GET", "/api/v1/me", as: caller)
                #expect(me.json["csrf"] == "right")
            }
        }

        @Test(arguments: TestEngine.allCases)
        func aRepeatIsAnsweredAndNotDoneAgain(_ engine: TestEngine) async throws {
            try await TestServer.with(engine) { server in
                let api = try DirectAPI(server)
                let path = "/api/v1/enrolment-tokens"
                func post(_ key: String, _ body: JSONValue, as caller: Caller = .socket) async throws -> Answer {
                    try await api.call("POST", path, as: caller, headers: ["idempotency-key": key], body: body)
                }
                let first = try await post("k1", ["uses": 2])
                let again = try await post("k1", ["uses": 2])
                #expect(first.status == 201 && again.status == 201)
                #expect(again.body == first.body, "the token's text too")
                #expect(again.headers.first(name: "location") == first.headers.first(name: "location"))
                #expect(again.headers.first(name: "idempotency-replayed") == "true")
                #expect(first.headers.first(name: "idempotency-replayed") == nil)
                #expect(try await api.call("GET", path).json["items"]?.array?.count == 1)

                #expect(try await post("k1", ["uses": 3]).status == 422)
                let other = Caller.test("token:t2", [Grant(.admin, organisation: nil)])
                #expect(try await post("k1", ["uses": 3], as: other).status == 201, "each has keys of their own")

                // What was refused did nothing, so its key is free again.
                #expect(try await post("k2", ["address": "nowhere:99999"]).status == 422)
                #expect(try await post("k2", ["uses": 1]).status == 201)

                // The database alone does not tell the token.
                let secret = try #require(first.json["token"]?.string)
                let stored = try await server.server.state.store.write { transaction in
                    try transaction.idempotencyKeys.begin(
                        principal: "operator:socket", key: "k1",
                        fingerprint: IdempotencyRecords.Request(
                            principal: "operator:socket", key: "k1", method: "POST", target: path,
                            body: JSONValue.object(["uses": 2]).canonicalBytes()
                        ).fingerprint, now: server.clock.clock.now())
                }
                guard case .answered(_, let bytes) = stored else {
                    Issue.record("the answer is not kept: \(stored)")
                    return
                }
                #expect(!String(decoding: bytes, as: UTF8.self).contains(secret.suffix(20)))

                server.clock.advance(IdempotencyKeys.lifetime + 1)
                let fresh = try await post("k1", ["uses": 3])
                #expect(fresh.status == 201 && fresh.body != first.body, "after a day it is a new request")
            }
        }

        @Test(arguments: TestEngine.allCases)
        func ofRacingRepeatsOneIsDone(_ engine: TestEngine) async throws {
            try await TestServer.with(engine) { server in
                let api = try DirectAPI(server)
                let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                    for _ in 0..<12 {
                        group.addTask {
                            try await api.call(
                                "POST", "/api/v1/enrolment-tokens", headers: ["idempotency-key": "race"], body: [:]
                            ).status
                        }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(statuses.allSatisfy { $0 == 201 || $0 == 409 }, "\(statuses)")
                #expect(statuses.contains(201))
                #expect(try await api.call("GET", "/api/v1/enrolment-tokens").json["items"]?.array?.count == 1)
            }
        }

        @Test func whatHasNotChangedIsNotSentAgain() async throws {
            try await TestServer.with { server in
                let api = try DirectAPI(server)
                let path = "/api/v1/organisations/default"
                let first = try await api.call("GET", path)
                let tag = try #require(first.headers.first(name: "etag"))
                for known in [tag, "W/\(tag)", "\"x\", \(tag)", "*"] {
                    let again = try await api.call("GET", path, headers: ["if-none-match": known])
                    #expect(again.status == 304 && again.body.isEmpty, "\(known)")
                    #expect(again.headers.first(name: "etag") == tag)
                }
                #expect(try await api.call("GET", path, headers: ["if-none-match": "\"x\""]).status == 200)
            }
        }

        @Test(arguments: TestEngine.allCases)
        func nobodyOverwritesWhatTheyDidNotSee(_ engine: TestEngine) async throws {
            try await TestServer.with(engine) { server in
                let api = try DirectAPI(server)
                let host = try await TestHost.enrol(server)
                let path = "/api/v1/hosts/\(host.id)/labels"
                #expect(try await api.call("PUT", path, body: ["site": "berlin"]).status == 428)
                let tag = try #require(try await api.call("GET", path).headers.first(name: "etag"))
                let put = try await api.call("PUT", path, headers: ["if-match": tag], body: ["site": "berlin"])
                #expect(put.status == 200 && put.json == ["site": "berlin"])
                #expect(try await api.call("PUT", path, headers: ["if-match": tag], body: [:]).status == 412)
                #expect(try await api.call("PUT", path, headers: ["if-match": "nonsense"], body: [:]).status == 412)
                let newTag = try #require(put.headers.first(name: "etag"))
                let merge = "application/merge-patch+json"
                let patch = try await api.call(
                    "PATCH", path, headers: ["if-match": newTag], body: ["tier": "web", "site": nil], type: merge)
                #expect(patch.status == 200 && patch.json == ["tier": "web"])
                #expect(
                    try await api.call("PATCH", path, headers: ["if-match": "*"], body: ["a": "b"]).status == 415,
                    "a merge patch says that it is one")
                #expect(
                    try await api.call("PATCH", path, headers: ["if-match": "*"], body: ["no space": "b"], type: merge)
                        .status == 400)
                #expect(try await api.call("GET", "/api/v1/hosts?labels=tier%3Dweb").json["items"]?.array?.count == 1)
                #expect(
                    try await api.call("GET", "/api/v1/hosts?labels=tier%3Dapi").json["items"]?.array?.isEmpty == true)
                #expect(try await api.call("GET", "/api/v1/hosts?labels=tier%3D(").status == 422)
            }
        }

        @Test func everyListHasPages() async throws {
            try await TestServer.with { server in
                let api = try DirectAPI(server)
                for number in 0..<5 {
                    #expect(
                        try await api.call("POST", "/api/v1/organisations", body: ["id": "o\(number)"]).status == 201)
                    #expect(try await api.call("POST", "/api/v1/enrolment-tokens", body: [:]).status == 201)
                }
                for (path, count) in [("organisations", 6), ("enrolment-tokens", 5), ("audit", 5)] {
                    var seen: [JSONValue] = []
                    var target = "/api/v1/\(path)?limit=2"
                    var pages = 0
                    while true {
                        let answer = try await api.call("GET", target)
                        let items = try #require(answer.json["items"]?.array)
                        seen += items
                        pages += 1
                        guard let next = answer.json["next"]?.string else {
                            #expect(answer.headers.first(name: "link") == nil)
                            break
                        }
                        #expect(items.count == 2)
                        target = "/api/v1/\(path)?limit=2&cursor=\(next)"
                        #expect(
                            answer.headers.first(name: "link")
                                == "</api/v1/\(path)?cursor=\(next)&limit=2>; rel=\"next\"")
                        #expect(
                            try await api.call("GET", target + "&organisation=o1").status == 422
                                || path == "organisations")
                    }
                    #expect(seen.count >= count && Set(seen).count == seen.count, "\(path): \(seen.count)")
                    #expect(pages == (seen.count + 1) / 2)
                }
                #expect(try await api.call("GET", "/api/v1/audit?cursor=made-up").status == 422)
            }
        }

        @Test func tooManyRequestsWait() async throws {
            try await TestServer.with(.sqlite) {
                $0.limits.apiRequestsPerMinute = 3
            } body: { server in
                let api = try DirectAPI(server)
                let caller = Caller.test("token:busy", [])
                for left in [2, 1, 0] {
                    let answer = try await api.call("GET", "/api/v1/me", as: caller)
                    #expect(answer.headers.first(name: "ratelimit")?.contains("r=\(left)") == true)
                    #expect(answer.headers.first(name: "ratelimit-policy") == "\"default\";q=3;w=60")
                }
                let refused = try await api.call("GET", "/api/v1/me", as: caller)
                #expect(refused.status == 429)
                #expect(refused.headers.first(name: "retry-after").flatMap { Int($0) } ?? 0 > 0)
                #expect(try await api.call("GET", "/api/v1/me", as: .test("token:other", [])).status == 200)
                for _ in 0..<9 { #expect(try await api.call("GET", "/api/v1/me").status == 200, "the socket is free") }
            }
        }

        /// Whom the database turned away may come again with the same key, as the answer's Retry-After tells them.
        @Test func aBusyDatabaseLeavesTheKeyFree() async throws {
            try await TestServer.with { server in
                let state = server.server.state
                let records = try APIServices(state: state).idempotency
                func run(_ key: String, _ error: (any Error)?) async throws -> DressedAnswer {
                    let request = IdempotencyRecords.Request(
                        principal: "token:t", key: key, method: "POST", target: "/x", body: [])
                    return try await records.run(request, now: state.clock.now()) {
                        if let error { throw error }
                        return DressedAnswer(status: .created, headers: [:], bytes: [1])
                    }
                }
                let busy = StoreError(.busy, "a lock was not free", cure: "try again")
                await #expect(throws: StoreError.self) { try await run("k1", busy) }
                #expect(try await run("k1", nil).bytes == [1])
                // The commit may have been kept: the key stays in work.
                let lost = StoreError(.connection, "the connection was lost", cure: "try again")
                await #expect(throws: StoreError.self) { try await run("k2", lost) }
                let refused = await #expect(throws: Refusal.self) { try await run("k2", nil) }
                #expect(refused?.problem.status == 409)
            }
        }

        @Test func whoeverIsNotLetInWaitsToo() async throws {
            let rates = RateLimits(perMinute: 3)
            func ask(_ address: String, _ answer: Result<Caller?, any Error>) async -> Int {
                let peer = Peer(address: address, listener: "web")
                let exchange = Exchange(logger: Logger(label: "rates"), peer: peer)
                do {
                    let rate = try await rates.checked(exchange) { try answer.get() }.rate
                    return rate?.isAllowed == false ? 429 : 200
                } catch { return (error as? Refusal)?.problem.status ?? 0 }
            }
            let wrong = Result<Caller?, any Error>.failure(Refusal(.tokenRefused))
            for number in 1...3 { #expect(await ask("2001:db8::\(number)", wrong) == 401) }
            #expect(await ask("2001:db8::99", wrong) == 429, "a network of /64 is one")
            #expect(await ask("2001:db8::99", .success(nil)) == 429)
            #expect(await ask("2001:db8:0:1::1", .success(nil)) == 200)
            #expect(await ask("2001:db8::99", .success(.test("token:a", []))) == 200, "others there are let in")
            var statuses: [Int] = []
            for number in 0..<40 { statuses.append(await ask("192.0.2.1", .success(.test("token:\(number)", [])))) }
            #expect(statuses.prefix(30).allSatisfy { $0 == 200 } && statuses.last == 429, "one address in all")
        }
    }
}
