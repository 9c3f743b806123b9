import Hummingbird

/// What the listener for people and their programs serves: the API below `/api/`, pages everywhere else.
struct WebRoutes: Sendable {
    let state: ServerState

    func respond(_ request: Request, _ exchange: Exchange) async throws -> (String, Response) {
        if request.uri.path.hasPrefix("/api/") { return try await api(request, exchange) }
        return try await page(request, exchange)
    }

    private func api(_ request: Request, _ exchange: Exchange) async throws -> (String, Response) {
        guard try await state.people.authenticate(request, exchange) != nil else {
            throw Refused(route: "api", underlying: Refusal(.signInRequired))
        }
        throw Refused(route: "api", underlying: Refusal(.notFound(loggedPath(request))))
    }

    private func page(_ request: Request, _ exchange: Exchange) async throws -> (String, Response) {
        throw Refused(route: "page", underlying: Refusal(.notFound(loggedPath(request))))
    }
}
