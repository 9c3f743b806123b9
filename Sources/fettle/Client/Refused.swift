import Wire

/// The API's no.
struct Refused: Error {
    let problem: Problem
    let place: OperatorClient.Place

    /// As the command's end, with what to do next.
    var failure: CommandFailure {
        var lines = ["\(problem.title): \(problem.detail)"]
        for fault in problem.errors where fault.detail != problem.detail {
            lines.append("\(fault.pointer ?? fault.parameter ?? ""): \(fault.detail) \(fault.cure)")
        }
        lines.append(cure)
        let text = lines.filter { !$0.isEmpty }.joined(separator: "\n")
        return switch problem.status {
        case 401, 403: .denied(text)
        case 404: .notFound(text)
        default: .failed(text)
        }
    }

    private var cure: String {
        guard problem.status == 401, case .web(let context) = place else { return problem.cure }
        return "Log in: fettle login\(context.name.isEmpty ? "" : " --context \(context.name)")"
    }
}

/// Who answers has not proved to be the server.
struct UntrustedServer: Error {
    let context: Context
    let reason: String

    /// As the command's end, with what to do next.
    var failure: CommandFailure {
        let trust =
            context.authority == nil
            ? "no authority that this system trusts vouches for it" : "the pinned authority does not vouch for it"
        return .denied(
            """
            \(context.server) is not proved to be your server: \(trust) under that name (\(reason)). Nothing was sent.
            Where the server's authority was replaced, compare the new one on the server (fettle authority) and pin it:
              fettle login \(context.server) --ca-pin SHA256
            """)
    }
}
