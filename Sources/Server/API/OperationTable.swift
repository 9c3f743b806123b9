import HTTPTypes

/// All operations: what the API is.
struct OperationTable: Sendable {
    let operations: [Operation]

    /// Every list of operations is named here.
    static let all: OperationTable = OperationTable(
        HostOperations.all
            + PatchOperations.all
            + VulnerabilityOperations.all
            + ExceptionOperations.all
            + PriorityOperations.all + EvidenceOperations.all
            + ChangelogOperations.all
            + OSVOperations.all
            + CampaignOperations.all
            + WhyOperation.all
            + PolicyOperations.all
            + WindowOperations.all
            + SearchOperations.all
            + EnrolmentTokenOperations.all
            + OrganisationOperations.all
            + OrganisationSettings.all
            + AuditOperations.all
            + ServerOperations.all
            + PeopleOperations.all
            + PeopleAccountOperations.all
            + PeopleDeviceOperations.all
            + DescriptionOperations.all)

    init(_ operations: [Operation]) {
        self.operations = operations
    }

    /// What a path and method lead to.
    enum Match {
        case operation(Operation, [String: String])
        /// The path exists, with these methods.
        case otherMethods([String])
        case nothing
    }

    /// Finds the operation; HEAD finds GET's.
    func match(_ method: HTTPRequest.Method, path: String) -> Match {
        guard path.hasPrefix("/") else { return .nothing }
        let parts = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        let found = operations.compactMap { operation in
            operation.path.match(parts).map { (operation, $0) }
        }
        guard let literals = found.map(\.0.path.literals).max() else { return .nothing }
        // Of /tokens/new and /tokens/{id} the more literal one is meant, with all its methods.
        let meant = found.filter { $0.0.path.literals == literals }
        let wanted = method == .head ? .get : method
        if let (operation, values) = meant.first(where: { $0.0.method == wanted }) {
            return .operation(operation, values)
        }
        return .otherMethods(Self.methods(meant.map(\.0)))
    }

    private static func methods(_ operations: [Operation]) -> [String] {
        var methods = Set(operations.map(\.method.rawValue))
        if methods.contains("GET") { methods.insert("HEAD") }
        methods.insert("OPTIONS")
        return methods.sorted()
    }
}
