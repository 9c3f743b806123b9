import Access
import JSON
import NIOHTTP1
import Testing
import Wire

@testable import Server

extension ServerTests {
    /// The walk: every operation of the OpenAPI document x everybody there can be x their own, a foreign and an unknown
    /// organisation. What may be done is what the table says, and what is denied tells nothing.
    @Suite struct WalkTests {
        /// Somebody, and in which organisation their roles are; nil for all of them.
        struct Walker: Sendable {
            let name: String
            let caller: Caller?
            let home: String?
            let permissions: Set<Permission>

            /// All roles at home and everywhere, a token of each single scope, somebody without a role, and nobody.
            static var all: [Walker] {
                var walkers: [Walker] = [
                    Walker(name: "nobody", caller: nil, home: nil, permissions: []),
                    Walker(name: "without roles", caller: .test("user:none", []), home: "", permissions: []),
                ]
                for role in Role.allCases {
                    for home in ["a-home", nil] {
                        walkers.append(
                            Walker(
                                name: "\(role) \(home ?? "everywhere")",
                                caller: .test("user:\(role)", [Grant(role, organisation: home)]), home: home,
                                permissions: role.permissions))
                    }
                }
                for scope in Permission.allCases {
                    walkers.append(
                        Walker(
                            name: "token of \(scope.rawValue)",
                            caller: .test("token:\(scope)", [Grant(.admin, organisation: "a-home")], scopes: [scope]),
                            home: "a-home", permissions: [scope]))
                }
                return walkers
            }

            func knows(_ organisation: String) -> Bool { home == nil || home == organisation }

            /// Whether they have a permission: of the installation only by a role everywhere.
            func has(_ permission: Permission) -> Bool {
                permissions.contains(permission) && (home == nil || !permission.isOfInstallation)
            }
        }

        /// One operation as the document tells of it.
        struct Step: Sendable {
            let method: String
            let path: String
            let operation: JSONValue

            static var all: [Step] {
                (OpenAPIDocument.shared["paths"]?.object ?? [:]).sorted { $0.key < $1.key }.flatMap { path, item in
                    (item.object ?? [:]).sorted { $0.key < $1.key }.map {
                        Step(method: $0.key.uppercased(), path: path, operation: $0.value)
                    }
                }
            }

            var id: String { operation["operationId"]?.string ?? "" }
            var isOpen: Bool { operation["security"]?.array?.isEmpty == true }
            var permission: Permission? { operation["x-permission"]?.string.flatMap { Permission(rawValue: $0) } }
            /// Another permission that will do as well.
            var alternative: Permission? {
                operation["x-permission-or"]?.string.flatMap { Permission(rawValue: $0) }
            }
            var isOfOrganisation: Bool { operation["x-about"] == "organisation" }
            var parameters: [JSONValue] { operation["parameters"]?.array ?? [] }

            /// The target for an organisation, with these values for the path's parameters.
            func target(_ organisation: String, _ values: [String: String]) -> String {
                var path = path
                for parameter in parameters where parameter["in"] == "path" {
                    let name = parameter["name"]?.string ?? ""
                    let value = name == "organisation" ? organisation : values[name] ?? "unknown-1"
                    path = path.replacing("{\(name)}", with: value)
                }
                var query: [String] = []
                for parameter in parameters where parameter["in"] == "query" {
                    let name = parameter["name"]?.string ?? ""
                    if name == "organisation" {
                        query.append("organisation=\(organisation)")
                    } else if parameter["required"] == true {
                        // Short, so that it finds what there is to find.
                        query.append("\(name)=e")
                    }
                }
                return query.isEmpty ? path : "\(path)?\(query.joined(separator: "&"))"
            }

            /// The smallest body that its schema takes, and its type.
            func body(_ round: Int) -> (JSONValue, String)? {
                guard let content = operation["requestBody"]?["content"]?.object, let (type, media) = content.first
                else { return nil }
                return (example(media["schema"] ?? [:], round), type)
            }
        }

        @Test func everybodyGoesEverywhere() async throws {
            try await TestServer.with { server in
                let api = try DirectAPI(server)
                var ids: [String: [String: String]] = [:]
                for organisation in ["a-home", "b-canary"] {
                    _ = try await api.call("POST", "/api/v1/organisations", body: ["id": .string(organisation)])
                    ids[organisation] = try await Self.fill(server, api, organisation)
                }
                var calls = 0
                for walker in Walker.all {
                    for step in Step.all {
                        for organisation in step.isOfOrganisation ? ["a-home", "b-canary", "c-unknown"] : ["a-home"] {
                            calls += 1
                            try await Self.visit(api, step, walker, organisation, ids, calls)
                        }
                    }
                }
                #expect(calls > 1000)
            }
        }

        private static func visit(
            _ api: DirectAPI, _ step: Step, _ walker: Walker, _ organisation: String, _ ids: [String: [String: String]],
            _ round: Int
        ) async throws {
            let values = ids[organisation] ?? ids["a-home"] ?? [:]
            let answer = try await Self.send(api, step, walker.caller, step.target(organisation, values), round)
            let place = "\(walker.name): \(step.id) in \(organisation)"
            // A rule of the thing itself may refuse as well, under a name of its own.
            let kind = answer.problem?.kind
            if step.isOpen {
                #expect(kind != "forbidden" && kind != "sign-in-required", "\(place)")
            } else if walker.caller == nil {
                #expect(answer.status == 401, "\(place)")
            } else if step.isOfOrganisation, !walker.knows(organisation) {
                // The foreign organisation answers byte for byte as the one that does not exist.
                #expect(answer.status == 404, "\(place)")
                let unknown = try await Self.send(
                    api, step, walker.caller, step.target("d-missing", values), round)
                #expect(
                    answer.text.replacing(organisation, with: "X") == unknown.text.replacing("d-missing", with: "X"),
                    "\(place)")
            } else if let permission = step.permission {
                if walker.has(permission) || step.alternative.map(walker.has) == true {
                    #expect(kind != "forbidden" && answer.status != 401, "\(place) may: \(answer.text)")
                    if organisation == "c-unknown" { #expect(answer.status == 404, "\(place)") }
                } else {
                    #expect(answer.status == 403 && kind == "forbidden", "\(place) may not: \(answer.text)")
                }
            } else {
                #expect(kind != "forbidden" && answer.status != 401, "\(place): \(answer.text)")
            }
            #expect(answer.status < 500, "\(place): \(answer.text)")
            // Nobody of A ever reads a name of B, whatever they do.
            if walker.home != nil || walker.caller == nil {
                #expect(!answer.text.contains("secret-of-b"), "\(place)")
                for id in ids["b-canary"]?.values.map({ $0 }) ?? []
                where !step.target(organisation, values).contains(id) {
                    #expect(!answer.text.contains(id), "\(place) tells of \(id)")
                }
            }
        }

        /// What is B's answers in A as what does not exist, byte for byte.
        @Test func foreignThingsAreAsIfTheyWereNot() async throws {
            try await TestServer.with { server in
                let api = try DirectAPI(server)
                var ids: [String: [String: String]] = [:]
                for organisation in ["a-home", "b-canary"] {
                    _ = try await api.call("POST", "/api/v1/organisations", body: ["id": .string(organisation)])
                    ids[organisation] = try await Self.fill(server, api, organisation)
                }
                let before = try await Self.everything(api, "b-canary")
                let admin = Caller.test("user:a", [Grant(.admin, organisation: "a-home")])
                let foreign = ids["b-canary"] ?? [:]
                let unknown = foreign.mapValues { String($0.dropLast(3)) + "000" }
                var compared = 0
                for step in Step.all where step.isOfOrganisation {
                    let names = step.parameters.filter { $0["in"] == "path" }.compactMap { $0["name"]?.string }
                    guard let name = names.first(where: { foreign[$0] != nil }) else { continue }
                    let theirs = try await Self.send(api, step, admin, step.target("a-home", foreign), 1)
                    let none = try await Self.send(api, step, admin, step.target("a-home", unknown), 1)
                    #expect(theirs.status == 404, "\(step.id): \(theirs.text)")
                    #expect(
                        theirs.text.replacing(foreign[name] ?? "", with: "X")
                            == none.text.replacing(unknown[name] ?? "", with: "X"), "\(step.id)")
                    compared += 1
                }
                #expect(compared >= 12)
                for (old, new) in zip(before, try await Self.everything(api, "b-canary")) { #expect(old == new) }
            }
        }

        /// Hosts that a grant's labels do not select are as if they were not, and stay as they are.
        @Test func hostsOutOfReachAreAsIfTheyWereNot() async throws {
            try await TestServer.with { server in
                let api = try DirectAPI(server)
                let near = try await TestHost.enrol(server, hostname: "near")
                let far = try await TestHost.enrol(server, hostname: "far")
                for (host, site) in [(near, "berlin"), (far, "paris")] {
                    _ = try await api.call(
                        "PUT", "/api/v1/hosts/\(host.id)/labels", headers: ["if-match": "*"],
                        body: ["site": .string(site)])
                }
                let selector = try LabelSelector("site=berlin")
                let caller = Caller.test(
                    "user:berlin", [Grant(.operator, organisation: "default", selector: selector)])
                let list = try await api.call("GET", "/api/v1/hosts", as: caller)
                #expect(list.json["items"]?.array?.compactMap { $0["hostname"]?.string } == ["near"])
                for step in Step.all where step.path.contains("{host}") {
                    for name in [far.id, "far"] {
                        let unknown = name.replacing("far", with: "nix").replacing(far.id, with: "h-00000000")
                        let theirs = try await Self.send(
                            api, step, caller, step.target("default", ["host": name]), 1)
                        let none = try await Self.send(
                            api, step, caller, step.target("default", ["host": unknown]), 1)
                        // Who waives decides for the whole organisation: no grant by labels lets anybody do it.
                        #expect(theirs.status == (step.id == "waiveEvidence" ? 403 : 404), "\(step.id)")
                        #expect(
                            theirs.text.replacing(name, with: "X") == none.text.replacing(unknown, with: "X"),
                            "\(step.id)")
                    }
                }
                let away = try await api.call(
                    "PUT", "/api/v1/hosts/near/labels", as: caller, headers: ["if-match": "*"], body: ["site": "paris"])
                #expect(away.status == 403, "nobody moves a host out of their own reach")
                let into = try await api.call(
                    "PUT", "/api/v1/hosts/near/labels", as: caller, headers: ["if-match": "*"],
                    body: ["site": "berlin", "tier": "web"])
                #expect(into.status == 403, "nor into the reach of a role that they have elsewhere")
                #expect(try await api.call("GET", "/api/v1/hosts/far/labels").json == ["site": "paris"])
            }
        }

        // MARK: -

        /// One thing of each kind, under the name that a path gives it.
        private static func fill(
            _ server: TestServer, _ api: DirectAPI, _ organisation: String
        ) async throws -> [String: String] {
            let mark = organisation == "b-canary" ? "secret-of-b" : "known"
            let token = try await server.token(uses: 100, organisation: organisation)
            var host = try await TestHost.enrol(server, organisation: organisation, hostname: mark, token: token)
            try await host.reported(Truth(hostname: mark))
            let made = try await api.call(
                "POST", "/api/v1/campaigns?submit=true&organisation=\(organisation)",
                body: [
                    "title": .string(mark), "packages": ["kind": "security"], "hosts": ["ids": [.string(host.id)]],
                    "window": ["start": .string(server.nextMonth), "minutes": 60, "zone": "UTC"],
                ])
            let campaign = try #require(made.json["id"]?.string, "\(made.text)")
            #expect(made.json["state"] == "awaiting-approval", "\(made.text)")
            return ["host": host.id, "token": token.id, "campaign": campaign]
        }

        /// All that an organisation holds, as its admin sees it.
        private static func everything(_ api: DirectAPI, _ organisation: String) async throws -> [String] {
            var result: [String] = []
            for step in Step.all where step.method == "GET" && step.isOfOrganisation && !step.path.contains("{") {
                // To take the log out stands in the log.
                if step.id == "exportAudit" { continue }
                let answer = try await api.call(
                    "GET", step.target(organisation, [:]), headers: ["x-request-id": "walk"])
                // The log's records get their numbers, and its checkpoints are signed, as time goes by.
                if step.operation["tags"] == ["Audit"] {
                    result += (answer.json["items"]?.array ?? []).compactMap { $0["hash"]?.string }
                } else {
                    let bytes = (answer.json["items"] ?? answer.json).canonicalBytes()
                    result.append("\(step.id): \(String(decoding: bytes, as: UTF8.self))")
                }
            }
            return result
        }

        private static func send(
            _ api: DirectAPI, _ step: Step, _ caller: Caller?, _ target: String, _ round: Int
        ) async throws -> Answer {
            var headers = ["x-request-id": "walk"]
            if step.parameters.contains(where: { $0["name"] == "If-Match" }) { headers["if-match"] = "*" }
            let body = step.body(round)
            return try await api.call(
                step.method, target, as: caller, headers: headers, body: body?.0, type: body?.1 ?? "application/json")
        }
    }
}

/// The smallest value that a schema of the document takes; `round` makes names differ.
private func example(_ schema: JSONValue, _ round: Int) -> JSONValue {
    if let reference = schema["$ref"]?.string {
        let name = String(reference.dropFirst("#/components/schemas/".count))
        return example(OpenAPIDocument.shared["components"]?["schemas"]?[name] ?? [:], round)
    }
    if let first = schema["anyOf"]?.array?.first { return example(first, round) }
    if let first = schema["enum"]?.array?.first { return first }
    switch schema["type"]?.string ?? schema["type"]?.array?.first?.string {
    case "object":
        var members: [String: JSONValue] = [:]
        for name in schema["required"]?.array?.compactMap(\.string) ?? [] {
            members[name] = example(schema["properties"]?[name] ?? [:], round)
        }
        return .object(members)
    case "array":
        let count = Int(schema["minItems"]?.integer ?? 0)
        return .array((0..<count).map { _ in example(schema["items"] ?? [:], round) })
    case "integer": return schema["minimum"] ?? 1
    case "boolean": return true
    case "null": return nil
    default:
        if schema["format"] == "date-time" { return "2036-01-01T00:00:00Z" }
        if schema["pattern"] == "^[0-9a-f]{64}$" { return .string(String(repeating: "0", count: 64)) }
        let text = "walk-\(round)"
        let least = Int(schema["minLength"]?.integer ?? 0)
        return .string(text + String(repeating: "x", count: max(0, least - text.count)))
    }
}
