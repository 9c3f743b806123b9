import HTTPTypes
import JSON
import Store
import Timestamps
import Wire

/// How a command line without a browser comes in (RFC 8628 in shape): it asks, a person decides in their browser, it gets
/// an API token.
enum PeopleDeviceOperations {
    static let all: [Operation] = [authorise, poll, show, decide]

    private static let code: Parameter = .path("code", .matching("^[A-Za-z -]+$", 8...16), "The user code.")

    private static let authorise: Operation = Operation(
        .post, "/api/v1/device/authorisations", id: "authoriseDevice", tag: .people,
        summary: "Ask to be let in.", access: .open, about: .installation,
        body: BodyDeclaration(
            .object([
                .required("machine", .text(1...64), "The machine that the program runs on; its token is named so.")
            ])),
        responses: [
            ResponseDeclaration(
                .created, "Show the user code and the address, then ask for the answer.",
                .object([
                    .required("deviceCode", .text(1...200), "For the program alone."),
                    .required("userCode", .text(1...16), "For the person to compare."),
                    .required("verificationURI", .text(1...1024)),
                    .required("verificationURIComplete", .text(1...1024)),
                    .required("expiresIn", .integer(0...86_400), "Seconds."),
                    .required("interval", .integer(1...3600), "The least seconds between two questions."),
                ])),
            .problem(.unprocessableContent, "A field cannot be used."),
        ]
    ) { call in
        let made = try await call.people.authoriseDevice(
            machine: call.body["machine"]?.string ?? "", base: call.state.webAddress, call.visit)
        return Answer(
            status: .created,
            content: .json([
                "deviceCode": .string(made.deviceCode), "userCode": .string(made.userCode),
                "verificationURI": .string(made.verificationURI),
                "verificationURIComplete": .string(made.verificationURIComplete),
                "expiresIn": .integer(made.expiresIn), "interval": .integer(made.interval),
            ]))
    }

    private static let poll: Operation = Operation(
        .post, "/api/v1/device/tokens", id: "pollDevice", tag: .people, summary: "Ask whether you were let in.",
        description:
            "The kind of the problem is RFC 8628's error: authorization_pending, slow_down, access_denied, expired_token.",
        access: .open, about: .installation,
        body: BodyDeclaration(.object([.required("deviceCode", .text(1...200))])),
        responses: [
            ResponseDeclaration(
                .created, "The token.",
                .object([
                    .required("token", .text(1...200)), .required("id", PeopleSchema.id),
                    .required("user", .text(1...64)), .required("expires", .time),
                ])),
            .problem(.badRequest, "Not yet, or never."),
        ]
    ) { call in
        func refusal(_ kind: String, _ detail: String, _ cure: String, wait: Int? = nil) -> Refusal {
            Refusal(Problem(kind, title: "Not let in", status: 400, detail: detail, cure: cure), retryAfter: wait)
        }
        switch try await call.people.pollDevice(code: call.body["deviceCode"]?.string ?? "", call.visit) {
        case .pending:
            throw refusal("authorization_pending", "Nobody has decided yet.", "Ask again after the interval.")
        case .slowDown(let interval):
            throw refusal(
                "slow_down", "The question came too soon.", "Wait \(interval) seconds between questions from now on.",
                wait: Int(interval))
        case .denied: throw refusal("access_denied", "Somebody said no.", "Run fettle login again if that was wrong.")
        case .expired:
            throw refusal(
                "expired_token", "The time is over, or there never was such a code.", "Run fettle login again.")
        case .granted(let token, let user):
            return Answer(
                status: .created,
                content: .json([
                    "token": .string(token.text), "id": .string(token.record.id), "user": .string(user.name),
                    "expires": .string(token.record.expiresAt.description),
                ]))
        }
    }

    private static let show: Operation = Operation(
        .get, "/api/v1/device/authorisations/{code}", id: "showDeviceAuthorisation", tag: .people,
        summary: "Show what waits with a user code.", description: "Needs a session.", access: .signedIn,
        about: .installation, parameters: [code],
        responses: [
            .ok(
                .object([
                    .required("userCode", .text(1...16)), .required("machine", .text(1...64)),
                    .required("address", .text(0...200)), .required("created", .time), .required("expires", .time),
                ])), .problem(.forbidden, "It needs a session."),
        ]
    ) { call in
        let login = try await call.people.waitingDevice(userCode: try call.path("code"), by: call.caller)
        return .json([
            "userCode": .string(People.shown(login.userCode)), "machine": .string(login.machine),
            "address": .string(login.address), "created": .string(login.createdAt.description),
            "expires": .string(login.expiresAt.description),
        ])
    }

    private static let decide: Operation = Operation(
        .post, "/api/v1/device/authorisations/{code}/decision", id: "decideDeviceAuthorisation", tag: .people,
        summary: "Let a program in to act for you, or not.", description: "Needs a session.", access: .signedIn,
        about: .installation, parameters: [code],
        body: BodyDeclaration(.object([.required("approve", .boolean)])),
        responses: [ResponseDeclaration(.noContent, "It is decided.")]
    ) { call in
        try await call.people.decideDevice(
            userCode: try call.path("code"), isApproved: call.body["approve"]?.bool ?? false, by: call.caller)
        return .noContent
    }
}
