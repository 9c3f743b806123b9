public import JSON

/// The exact difference that an order makes on this host, as apt's own resolver sees it; or why it is refused.
public struct AptPlan: Sendable, Hashable {
    /// What changes, sorted by package; empty where nothing is to be done and where the order is refused.
    public var steps: [PackageStep]
    /// Packages of the order that are at their version already: `name:architecture`.
    public var unchanged: [String]
    /// Packages of the order that are not installed on this host and that nothing asks for.
    public var skipped: [String]
    /// The packages of the steps that apt counts as installed automatically; the runs keep that mark.
    public var automatic: [String]
    /// Why nothing may be done; nil where the plan can be carried out.
    public var refusal: ChangeRefusal?

    /// A plan.
    public init(
        steps: [PackageStep] = [], unchanged: [String] = [], skipped: [String] = [], automatic: [String] = [],
        refusal: ChangeRefusal? = nil
    ) {
        self.steps = steps.sorted { $0.id.utf8.lexicographicallyPrecedes($1.id.utf8) }
        self.unchanged = unchanged
        self.skipped = skipped
        self.automatic = automatic
        self.refusal = refusal
    }

    /// One sentence for a person.
    public var message: String {
        if let refusal { return refusal.description }
        let already = unchanged.isEmpty ? "" : ", \(unchanged.count) already at the ordered version"
        let absent = skipped.isEmpty ? "" : ", \(skipped.count) not installed here"
        if steps.isEmpty { return "nothing to do" + already + absent }
        let counts = PackageStep.Kind.allCases.compactMap { kind in
            let count = steps.count { $0.kind == kind }
            return count == 0 ? nil : "\(count) package\(count == 1 ? "" : "s") to \(kind.rawValue)"
        }
        return counts.joined(separator: ", ") + already + absent
    }

    /// The plan as JSON, for a journal.
    public var json: JSONValue {
        var fields: [String: JSONValue] = [
            "steps": .array(steps.map(\.json)), "unchanged": .array(unchanged.map(JSONValue.string)),
            "skipped": .array(skipped.map(JSONValue.string)), "automatic": .array(automatic.map(JSONValue.string)),
        ]
        if let refusal { fields["refusal"] = refusal.json }
        return .object(fields)
    }

    /// Reads ``json``.
    public init(json: JSONValue, at pointer: String = "") throws(JSONError) {
        var object = try JSONObject(json, at: pointer)
        var steps: [PackageStep] = []
        for step in try object.objects("steps", maximumCount: 20_000) { steps.append(try PackageStep(step)) }
        self.init(
            steps: steps, unchanged: try object.strings("unchanged", maximumCount: 20_000, maximumBytes: 512),
            skipped: try object.strings("skipped", maximumCount: 20_000, maximumBytes: 512),
            automatic: try object.strings("automatic", maximumCount: 20_000, maximumBytes: 512),
            refusal: try object.optionalObject("refusal").map { refusal throws(JSONError) in
                try ChangeRefusal(refusal)
            })
        try object.finish()
    }
}

/// Why an order is not carried out; nothing was changed.
public struct ChangeRefusal: Error, Sendable, Hashable, CustomStringConvertible {
    /// The reason, stable for programs.
    public enum Code: String, CaseIterable, Sendable {
        /// It would change, add or remove packages that the order does not name.
        case outsideOrder = "outside-order"
        /// It would remove a package.
        case removal
        /// No configured repository offers the version (any more).
        case unavailable
        /// The repository's file is another than the order's.
        case otherFile = "other-file"
        /// The package is on hold.
        case held
        /// The host's preferences keep the version away.
        case pinned
        /// The host has a newer version already.
        case newerInstalled = "newer-installed"
        /// It depends on what cannot be had, or conflicts with what is installed.
        case unsolvable
        /// The package database is not whole: a package is half-installed, or dpkg was interrupted.
        case broken
        /// apt could not be asked.
        case resolverFailed = "resolver-failed"
        /// The order itself is malformed.
        case badOrder = "bad-order"
    }
    /// The reason.
    public var code: Code
    /// The packages concerned, as `name:architecture` or as apt names them.
    public var packages: [String]
    /// One sentence for a person: what, and what to do.
    public var description: String

    /// A refusal.
    public init(_ code: Code, packages: [String] = [], _ description: String) {
        self.code = code
        self.packages = packages
        self.description = description
    }

    /// The refusal as JSON.
    public var json: JSONValue {
        [
            "code": .string(code.rawValue), "packages": .array(packages.map(JSONValue.string)),
            "message": .string(description),
        ]
    }

    /// Reads ``json``.
    public init(_ object: JSONObject) throws(JSONError) {
        var object = object
        let code = try object.string("code", maximumBytes: 64)
        guard let known = Code(rawValue: code) else {
            throw JSONError(.outOfBounds, pointer: object.pointer(to: "code"), reason: "\"\(code)\" is no refusal")
        }
        self.init(
            known, packages: try object.strings("packages", maximumCount: 20_000, maximumBytes: 512),
            try object.string("message", maximumBytes: 65_536))
        try object.finish()
    }
}

/// What went wrong outside the packages themselves: files that cannot be written, programs that do not start.
public struct AptChangeError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What happened, where, and what to do.
    public var description: String

    /// An error of that text.
    public init(_ description: String) { self.description = description }
}
