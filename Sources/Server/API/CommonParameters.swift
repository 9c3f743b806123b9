import HTTPTypes

extension HTTPField.Name {
    static let requestID = fieldName("X-Request-Id")
    static let link = fieldName("Link")
    static let idempotencyKey = fieldName("Idempotency-Key")
    static let idempotencyReplayed = fieldName("Idempotency-Replayed")
    static let csrfToken = fieldName("X-CSRF-Token")
    static let rateLimit = fieldName("RateLimit")
    static let rateLimitPolicy = fieldName("RateLimit-Policy")

    private static func fieldName(_ text: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(text) else { preconditionFailure("\(text) is no header field's name") }
        return name
    }
}

extension Parameter {
    static let organisation: Parameter = .query(
        "organisation", OrganisationSchema.id,
        "The organisation; by default the only one that you know, else `default`.")
    static let limit: Parameter = .query(
        "limit", .integer(1...500), "How many items a page has at most; 100 by default.")
    static let cursor: Parameter = .query(
        "cursor", .matching("^[A-Za-z0-9_-]+$", 1...4096), "Where to go on: `next` of the page before.")
    static let ifMatch: Parameter = .header(
        "If-Match", .text(1...2048), "The ETag of what is changed, or *.", required: true)
    static let ifNoneMatch: Parameter = .header(
        "If-None-Match", .text(1...2048), "The ETag of what you have: 304 where it is still that.")
    static let idempotencyKey: Parameter = .header(
        "Idempotency-Key", .matching("^[A-Za-z0-9_.:-]+$", 1...128),
        "Any name for this request: within 24 hours the same request is answered again and not done again.")
    static let requestID: Parameter = .header(
        "X-Request-Id", .text(1...128), "The request's name: yours if it is well-formed, else a new one.")
    static let rateLimit: Parameter = .header(
        "RateLimit", .text(), "What is left: `r` requests, and `t` seconds until all are there again.")
    static let rateLimitPolicy: Parameter = .header(
        "RateLimit-Policy", .text(), "The policy: `q` requests in `w` seconds.")
    static let entityTag: Parameter = .header("ETag", .text(), "Names this representation.")
    static let link: Parameter = .header("Link", .text(), "rel=\"next\": the next page (RFC 8288).")
    static let retryAfter: Parameter = .header("Retry-After", .text(), "Seconds to wait.")
}

extension Operation {
    /// Whether it takes Idempotency-Key. What anybody may do does not: its answer (a session's cookie, a device's code) is
    /// for whoever sent the request, and nobody is known by whom a second one could be told from them.
    var isRepeatable: Bool { method == .post && access != .open }

    /// All parameters: those declared, and those of its traits.
    var allParameters: [Parameter] {
        var all = parameters
        if about == .organisation, !path.parameterNames.contains("organisation") { all.append(.organisation) }
        if traits.contains(.paginated) { all += [.limit, .cursor] }
        if traits.contains(.conditional) { all.append(.ifMatch) }
        if method == .get { all.append(.ifNoneMatch) }
        if isRepeatable { all.append(.idempotencyKey) }
        return all
    }

    /// Everything that it may answer: what it declares, and what the router answers for it.
    var allResponses: [ResponseDeclaration] {
        var all = responses
        func problem(_ status: HTTPResponse.Status, _ description: String) {
            if !all.contains(where: { $0.status == status }) { all.append(.problem(status, description)) }
        }
        problem(.badRequest, "The request is not as described here; `errors` names each place.")
        problem(.unauthorized, access == .open ? "The API token is not valid." : "Nobody is signed in.")
        if case .permission = access { problem(.forbidden, "Your roles do not include this.") }
        if method != .get { problem(.forbidden, "It comes from another site, or the CSRF token is missing or wrong.") }
        if about == .organisation || !path.parameterNames.isEmpty {
            problem(.notFound, "There is no such thing, or none that you may know of.")
        }
        problem(.notAcceptable, "None of the accepted forms is there.")
        if body != nil {
            problem(.contentTooLarge, "The body is too large.")
            problem(.unsupportedMediaType, "The body has another media type.")
        }
        if method == .get, !all.contains(where: { $0.status == .notModified }) {
            all.append(ResponseDeclaration(.notModified, "It is what If-None-Match names."))
        }
        if isRepeatable {
            problem(.conflict, "A request with the same Idempotency-Key is in work.")
        }
        if !allParameters.isEmpty || body != nil {
            problem(
                .unprocessableContent,
                "A value has the form that is described but no meaning here, or the Idempotency-Key is another request's."
            )
        }
        if traits.contains(.conditional) {
            problem(.preconditionFailed, "It has changed since you saw it.")
            problem(.preconditionRequired, "If-Match is missing.")
        }
        problem(.tooManyRequests, "Too many requests: wait as Retry-After says.")
        problem(.internalServerError, "The server failed.")
        problem(.serviceUnavailable, "The server or its database cannot answer now: wait as Retry-After says.")
        return all
    }
}
