import JSON

extension Lab {
    /// What `fettle … -o json` prints.
    func json(_ arguments: [String]) throws -> JSONValue {
        let output = try fettle(arguments + ["-o", "json"]).output
        return try JSONValue(
            parsing: Array(output.utf8),
            limits: JSONLimits(
                maximumBytes: 64 << 20, maximumDepth: 32, maximumItems: 1_000_000, maximumStringBytes: 1 << 20))
    }

    /// One host as the server shows it.
    func host(_ name: String) throws -> JSONValue {
        try json(["hosts", "show", name])
    }

    /// A new enrolment token.
    func token(uses: Int = 1, organisation: String = "default") throws -> String {
        let token = try json(["tokens", "create", "--uses", "\(uses)", "--organisation", organisation])
        guard let text = token["token"]?.string else { throw CommandError(description: "no token in \(token)") }
        return text
    }
}

extension JSONValue {
    /// The offer of that package in a host's view.
    func offer(_ package: String) -> JSONValue? {
        self["offers"]?.array?.first { $0["name"]?.string == package }
    }
}
