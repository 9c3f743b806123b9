import HTTPTypes
import JSON
import Testing

@testable import Server

/// Calls of people and programs of the one organisation, drawn from a seed: every operation of the API's document and
/// every page, with names, filters, places in lists, entity tags and keys of both organisations and of none.
struct RandomCalls {
    struct Call: Sendable, CustomStringConvertible {
        let sender: TwoOrganisations.Sender
        var method: String
        var target: String
        var headers: [String: String]
        var body: String?
        /// The values of the other organisation in it.
        var theirs: Set<String> = []

        init(_ sender: TwoOrganisations.Sender, _ method: String, _ target: String) {
            self.sender = sender
            self.method = method
            self.target = target
            headers = sender.headers
            headers["x-request-id"] = "walk"
        }

        /// All that it says, to be found in an answer that repeats it.
        var said: String {
            ([target, body ?? ""] + headers.values + theirs).joined(separator: "\n")
        }

        /// The same call about what there is nowhere.
        var twin: Call {
            var twin = self
            for value in theirs.sorted(by: { $0.utf8.count > $1.utf8.count }) {
                let missing = RandomCalls.missing(value)
                func replaced(_ text: String) -> String {
                    guard value.utf8.count >= 6 else {
                        return text.replacing("/\(value)/", with: "/\(missing)/")
                            .replacing("event=\(value)", with: "event=\(missing)")
                    }
                    return text.replacing(value, with: missing)
                        .replacing(PageBrowser.encoded(value), with: PageBrowser.encoded(missing))
                }
                twin.target = replaced(twin.target)
                twin.body = twin.body.map(replaced)
                for (name, text) in twin.headers where sender.headers[name] == nil {
                    twin.headers[name] = replaced(text)
                }
            }
            return twin
        }

        var description: String {
            let more = headers.filter { sender.headers[$0.key] == nil && $0.key != "x-request-id" }
            return "\(sender.name): \(method) \(target) \(more) \(body ?? "")"
        }
    }

    /// A value of the same kind and length that nothing has.
    static func missing(_ value: String) -> String {
        if value == TwoOrganisations.theirs { return "canary-org-z" }
        if value.utf8.count < 6 { return "9999" + value.suffix(1) }
        let quote = value.hasSuffix("\"") ? "\"" : ""
        let kept = value.dropLast(4 + quote.utf8.count)
        let last = value.dropLast(quote.utf8.count).suffix(4)
        return kept + (last == "0000" ? "1111" : "0000") + quote
    }

    private let both: TwoOrganisations
    private let steps: [ServerTests.WalkTests.Step]
    private let pages: [PageDeclaration]
    private var random: SplitMix
    private var theirs: Set<String> = []

    /// What would only keep the senders themselves out.
    private static let ownOperations: Set<String> = [
        "logOut", "endOtherSessions", "changePassword", "proposeSecondFactor", "confirmSecondFactor",
        "removeSecondFactor",
    ]
    private static let ownPages: Set<String> = ["logout", "account-password", "account-factor", "events"]

    init(_ both: TwoOrganisations, seed: UInt64) {
        self.both = both
        random = SplitMix(state: seed)
        steps = ServerTests.WalkTests.Step.all.filter { !Self.ownOperations.contains($0.id) }
        pages = PageTable.all.filter {
            !Self.ownPages.contains($0.name) && $0.path != "/settings/sessions/end-others"
        }
    }

    mutating func next(_ number: Int) -> Call {
        theirs = []
        var call = happens(55) ? operation(number) : page(number)
        call.theirs = theirs
        return call
    }

    private mutating func happens(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

    private mutating func one<T>(of values: [T]) -> T? { values.randomElement(using: &random) }

    /// A value for what has that name: mostly the other organisation's.
    private mutating func value(_ kind: String) -> String {
        if happens(55), let value = one(of: both.theirValues[kind] ?? []) {
            theirs.insert(value)
            return value
        }
        if happens(85), let value = one(of: both.ourValues[kind] ?? []) { return value }
        return kind == "event" ? "77777" : "x-none\(Int.random(in: 0..<1000, using: &random))"
    }

    private mutating func sender(browser: Bool) -> TwoOrganisations.Sender {
        if happens(25) { return both.admin }
        return one(of: both.senders.filter { !browser || $0.isBrowser || $0.headers.isEmpty }) ?? .nobody
    }

    private mutating func path(_ template: String) -> String {
        template.split(separator: "/").map { part in
            part.hasPrefix("{") ? "/" + value(String(part.dropFirst().dropLast())) : "/" + part
        }.joined()
    }

    // MARK: - The API

    private mutating func operation(_ number: Int) -> Call {
        guard let step = one(of: steps) else { return Call(.nobody, "GET", "/") }
        var call = Call(sender(browser: false), step.method, path(step.path))
        var query: [String] = []
        for parameter in step.parameters {
            let name = parameter["name"]?.string ?? ""
            switch parameter["in"]?.string {
            case "query":
                if let text = queryValue(name, parameter, step) { query.append("\(name)=\(text)") }
            case "header" where name == "If-Match": call.headers["if-match"] = happens(50) ? "*" : value("tag")
            case "header" where name == "Idempotency-Key":
                if happens(40) { call.headers["idempotency-key"] = value("key") }
            default: break
            }
        }
        if step.method == "GET" {
            if happens(15) { call.headers["if-none-match"] = tag() }
            if happens(5) { call.method = "HEAD" }
        }
        if !query.isEmpty { call.target += "?" + query.joined(separator: "&") }
        if let (example, type) = step.body(number) {
            call.headers["content-type"] = type
            call.body = String(decoding: body(example, step).canonicalBytes(), as: UTF8.self)
        }
        return call
    }

    private mutating func tag() -> String {
        let text = value("tag")
        return text.hasPrefix("\"") ? text : "\"\(text)\""
    }

    private mutating func queryValue(
        _ name: String, _ parameter: JSONValue, _ step: ServerTests.WalkTests.Step
    ) -> String? {
        let isRequired = parameter["required"] == true
        switch name {
        case "organisation": return happens(40) ? value(name) : nil
        case "cursor":
            guard happens(30) else { return nil }
            // Mostly of this very list.
            let kind = "cursor of \(step.path.split(separator: "/").last ?? "")"
            return value(happens(70) && both.theirValues[kind] != nil ? kind : "cursor")
        case "limit": return happens(30) ? "1" : nil
        case "host": return happens(30) ? value(name) : nil
        case "dryRun": return happens(30) ? "true" : nil
        case "submit": return happens(50) ? "true" : nil
        case "event": return happens(60) ? value(name) : nil
        case "installation": return happens(15) ? "true" : nil
        case "package": return happens(20) ? value("name") : nil
        case "candidate": return happens(20) ? value(name) : nil
        case "labels": return happens(20) ? "site=\(value("text"))" : nil
        case "q", "actor", "subject": return isRequired || happens(20) ? value("text") : nil
        default: return isRequired ? value("text") : nil
        }
    }

    /// The smallest body, with values of the other organisation where they are only looked for: what is stored would be
    /// ours from then on.
    private mutating func body(_ example: JSONValue, _ step: ServerTests.WalkTests.Step) -> JSONValue {
        guard var members = example.object else { return example }
        switch step.id {
        case "createCampaign", "editCampaign":
            // Stored it would be ours from then on: only hosts, which are looked for.
            members["hosts"] = ["ids": [.string(value("host"))]]
            members["window"] = ["start": "2096-01-01T00:00", "minutes": 60, "zone": "UTC"]
        case "addGrant": members["organisation"] = .string(value("organisation"))
        case "createUser":
            if happens(60) { members["name"] = .string(value("person")) }
            members["grants"] = [["role": "viewer", "organisation": .string(value("organisation"))]]
        case "createLoginLink": members["user"] = .string(value("person"))
        case "logIn": members["name"] = .string(value("person"))
        default: break
        }
        return .object(members)
    }

    // MARK: - Pages

    private mutating func page(_ number: Int) -> Call {
        guard let page = one(of: pages) else { return Call(.nobody, "GET", "/") }
        var call = Call(sender(browser: true), page.method.rawValue, path(page.path))
        if call.target.isEmpty { call.target = "/" }
        var query: [String] = []
        if happens(30) { query.append("organisation=\(value("organisation"))") }
        for name in page.parameters.sorted() where happens(25) {
            switch name {
            case "q", "actor", "subject": query.append("\(name)=\(value("text"))")
            case "patch": query.append("patch=\(value("name"))")
            case "candidate": query.append("candidate=\(value("candidate"))")
            case "labels": query.append("labels=site=\(value("text"))")
            case "host": query.append("host=\(value("host"))")
            case "package": query.append("package=\(value("name"))")
            case "after": query.append("after=\(value("cursor"))")
            default: break
            }
        }
        if !query.isEmpty { call.target += "?" + query.joined(separator: "&") }
        if call.method == "GET" {
            if happens(5) { call.method = "HEAD" }
            return call
        }
        var fields = [
            "csrf": call.headers["x-csrf-token"] ?? "", "reason": "walk", "labels": "site=near", "note": "walk",
            "uses": "1", "hours": "1", "role": "viewer", "hosts": "", "days": "1", "code": "ABCD-EFGH",
            "decision": "deny", "title": "walk", "packages": "security", "start": "2096-01-01T00:00", "minutes": "60",
            "zone": "UTC", "budget": "1", "approvals": "1", "act": happens(50) ? "submit" : "preview", "theme": "dark",
            "back": "/", "display": "Walk", "password": "wrong", "id": "walk",
        ]
        fields["place"] = value("organisation")
        if page.name == "campaign-new" || page.name == "campaign-edit" { fields["hosts"] = value("host") }
        fields["typed"] = value("host")
        let isOfPeople = page.name == "people" || page.name == "login"
        fields["name"] = isOfPeople && happens(60) ? value("person") : "walk\(number)@\(TwoOrganisations.ours)"
        call.headers["content-type"] = "application/x-www-form-urlencoded"
        call.body = fields.sorted { $0.key < $1.key }.map { "\($0.key)=\(PageBrowser.encoded($0.value))" }
            .joined(separator: "&")
        return call
    }
}

/// Randomness that a run can repeat (SplitMix64).
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
