/// The tests of an OVAL document with the packages and versions that they name: what its definitions refer to.
struct OVALTests {
    /// What a test looks at.
    enum Kind: Sendable {
        case rpm, dpkg, other
    }

    /// A test of one package, or of something else.
    struct Test {
        var kind: Kind
        /// The element's name, such as `uname_test`.
        var element: String
        var comment: String
        /// Whether it holds where the package is *not* there.
        var isAbsence: Bool
        var object: String
        var states: [String]
    }

    /// What a state asks of a package.
    struct State {
        /// The comparison and the version that it compares with.
        var bound: (operation: String, version: String)?
        /// The architectures that it is limited to.
        var architectures: [String] = []
        /// Whether it asks who signed the package.
        var isSignature = false
        /// Whether it asks something that is not understood.
        var isOther = false
    }

    private(set) var tests: [String: Test] = [:]
    private var names: [String: [String]] = [:]
    private var nameVariables: [String: String] = [:]
    private var states: [String: State] = [:]
    private var variables: [String: [String]] = [:]

    /// The most tests, objects and states of each.
    static let maximumCount = 4_000_000

    /// Reads all of a document's tests, objects, states and variables.
    init(_ bytes: UnsafeRawBufferPointer) throws(XMLFault) {
        let scanner = try XMLScanner(bytes)
        guard try scanner.next() == "oval_definitions" else {
            throw XMLFault(description: "its root is not <oval_definitions>")
        }
        while let name = try scanner.next() {
            if name.hasSuffix("_test") {
                add(test: try scanner.element())
            } else if name.hasSuffix("_object") {
                add(object: try scanner.element())
            } else if name.hasSuffix("_state") {
                add(state: try scanner.element())
            } else if name == "constant_variable" {
                let element = try scanner.element()
                if let id = element["id"] { variables[id] = element.all("value").map(\.text) }
            }
            guard max(tests.count, names.count, states.count, variables.count) <= Self.maximumCount else {
                throw XMLFault(description: "it has more than \(Self.maximumCount) tests, objects or states")
            }
        }
    }

    /// The names of the packages that a test looks at.
    func packages(_ test: Test) -> [String] {
        if let variable = nameVariables[test.object] { return variables[variable] ?? [] }
        return names[test.object] ?? []
    }

    /// What a test asks of them, all to hold together; nil where a state is missing.
    func states(_ test: Test) -> [State]? {
        var result: [State] = []
        for id in test.states {
            guard let state = states[id] else { return nil }
            result.append(state)
        }
        return result
    }

    private mutating func add(test element: XMLElement) {
        guard let id = element["id"] else { return }
        let kind: Kind =
            switch element.name {
            case "rpminfo_test", "rpmverifypackage_test": .rpm
            case "dpkginfo_test": .dpkg
            default: .other
            }
        tests[id] = Test(
            kind: kind, element: element.name, comment: element["comment"] ?? "",
            isAbsence: element["check_existence"] == "none_exist" || element["check"] == "none satisfy",
            object: element.child("object")?["object_ref"] ?? "",
            states: element.all("state").compactMap { $0["state_ref"] })
    }

    private mutating func add(object element: XMLElement) {
        guard let id = element["id"], let name = element.child("name") else { return }
        if let variable = name["var_ref"] {
            nameVariables[id] = variable
        } else {
            names[id] = [name.text]
        }
    }

    private mutating func add(state element: XMLElement) {
        guard let id = element["id"] else { return }
        var state = State()
        for child in element.children {
            switch child.name {
            case "evr", "version":
                // Where both stand, the one with the release says more.
                if state.bound == nil || child.name == "evr" {
                    state.bound = (child["operation"] ?? "equals", Self.withoutZeroEpoch(child.text))
                }
            case "arch": state.architectures = Self.alternatives(child.text)
            case "signature_keyid": state.isSignature = true
            default: state.isOther = true
            }
        }
        states[id] = state
    }

    /// OVAL writes an epoch of 0 before versions that have none, and before those that have one of their own.
    static func withoutZeroEpoch(_ version: String) -> String {
        version.hasPrefix("0:") ? String(version.dropFirst(2)) : version
    }

    /// `(aarch64|x86_64)` and `aarch64|x86_64` as a list.
    private static func alternatives(_ text: String) -> [String] {
        let inner = text.hasPrefix("(") && text.hasSuffix(")") ? String(text.dropFirst().dropLast()) : text
        return inner.split(separator: "|").map { $0.trimmed }.filter {
            !$0.isEmpty && $0.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" }
        }
    }
}
