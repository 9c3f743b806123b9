import Hummingbird

/// What the listener for people and their programs serves: the API below `/api/`, pages everywhere else.
struct WebRoutes: Sendable {
    let state: ServerState
    let api: APIRouter

    init(state: ServerState, api services: APIServices) {
        self.state = state
        let people = state.people
        self.api = APIRouter(state: state, services: services, authenticate: { try await people.authenticate($0, $1) })
    }

    func respond(_ request: Request, _ exchange: Exchange) async throws -> (String, Response) {
        if request.uri.path.hasPrefix("/api/") || request.uri.path.hasPrefix("/v1/") {
            return await api.respond(request, exchange)
        }
        return try await page(request, exchange)
    }

    private func page(_ request: Request, _ exchange: Exchange) async throws -> (String, Response) {
        try await PageRoutes(state: state, rates: api.services.rates).respond(request, exchange)
    }
}
