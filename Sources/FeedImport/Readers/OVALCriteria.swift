import Feeds

/// What a definition's criteria say of packages, as far as they are "this package, in these versions, on these releases".
///
/// AND narrows (release, module stream, architecture, two bounds of one package), OR adds. A condition on another package, a
/// test that is not of packages, and what is negated are not evaluated but counted: what they would have narrowed is told of
/// every host.
struct OVALCriteria {
    /// A package with the versions that have the vulnerability.
    struct Finding {
        var kind: OVALTests.Kind
        var name: String
        var lower: String?
        var includesLower = false
        var upper: String?
        var includesUpper = false
        /// Whether the versions are said not to be affected.
        var isNotAffected = false
        var architectures: [String] = []
        var context = Context()

        /// Whether it asks for nothing but that the package is there.
        var isUnbounded: Bool { lower == nil && upper == nil && !isNotAffected }
    }

    /// What must hold besides.
    struct Context {
        /// The releases; nil where the criteria name none.
        var platforms: [DistributionStream]?
        var module = ""
    }

    private enum Atom {
        case platform([DistributionStream])
        case module(String)
        case packages([Finding])
        case ignored
    }

    let tests: OVALTests
    /// What was not understood, with how often.
    private(set) var unmapped: [String: Int] = [:]

    init(tests: OVALTests) { self.tests = tests }

    /// What the criteria of a definition find.
    mutating func findings(_ criteria: XMLElement) -> [Finding] { evaluate(criteria, Context()) }

    private mutating func evaluate(_ criteria: XMLElement, _ outer: Context) -> [Finding] {
        if criteria["negate"] == "true" {
            drop("criteria that are negated")
            return []
        }
        var context = outer
        var packages: [Finding] = []
        var nested: [XMLElement] = []
        let isAnd = criteria["operator"] != "OR"
        for child in criteria.children {
            if child.name == "criteria" {
                if isAnd, let atom = condition(child) {
                    apply(atom, to: &context)
                } else {
                    nested.append(child)
                }
                continue
            }
            switch atom(child) {
            case .packages(let found): packages += found
            case let atom: if isAnd { apply(atom, to: &context) }
            }
        }
        if isAnd { packages = merged(packages) }
        var found = packages.map { finding in
            var finding = finding
            finding.context = context
            return finding
        }
        var below: [Finding] = []
        for child in nested { below += evaluate(child, context) }
        if isAnd, !below.isEmpty, !found.isEmpty {
            // "This package is there, and one of those is too old": the first is only a condition.
            let conditions = found.filter(\.isUnbounded).count
            if conditions > 0 { drop("criterion: a package that must be there besides", conditions) }
            found.removeAll(where: \.isUnbounded)
            if !found.isEmpty { drop("criteria: packages that must be found together") }
        }
        return found + below
    }

    private func apply(_ atom: Atom, to context: inout Context) {
        switch atom {
        case .platform(let platforms): context.platforms = platforms
        case .module(let name): context.module = name
        case .packages, .ignored: break
        }
    }

    /// What a group of criteria says where it is nothing but a condition, such as "on one of these releases".
    private mutating func condition(_ criteria: XMLElement) -> Atom? {
        guard criteria["negate"] != "true" else { return nil }
        var platforms: [DistributionStream] = []
        var module: String?
        var isCondition = false
        for child in criteria.children {
            let inner: Atom? = child.name == "criteria" ? condition(child) : atom(child)
            switch inner {
            case .platform(let found):
                for platform in found where !platforms.contains(platform) { platforms.append(platform) }
                isCondition = true
            case .module(let name):
                module = name
                isCondition = true
            case .ignored: break
            case .packages, nil: return nil
            }
        }
        guard isCondition else { return criteria.children.isEmpty ? nil : .ignored }
        return module.map(Atom.module) ?? .platform(platforms)
    }

    /// Two bounds of one package are one finding; a package that must only be there does not count beside bounded ones.
    private mutating func merged(_ findings: [Finding]) -> [Finding] {
        guard findings.count > 1 else { return findings }
        var result: [Finding] = []
        for finding in findings {
            if let index = result.firstIndex(where: {
                $0.name == finding.name && !$0.isNotAffected && !finding.isNotAffected
                    && ($0.lower == nil || finding.lower == nil) && ($0.upper == nil || finding.upper == nil)
            }) {
                if let lower = finding.lower {
                    result[index].lower = lower
                    result[index].includesLower = finding.includesLower
                }
                if let upper = finding.upper {
                    result[index].upper = upper
                    result[index].includesUpper = finding.includesUpper
                }
                if result[index].architectures.isEmpty { result[index].architectures = finding.architectures }
            } else {
                result.append(finding)
            }
        }
        let bounded = result.filter { !$0.isUnbounded }
        if !bounded.isEmpty, bounded.count < result.count {
            drop("criterion: a package that must be there besides", result.count - bounded.count)
            result = bounded
        }
        if Set(result.map(\.name)).count > 1 { drop("criteria: packages that must be found together") }
        return result
    }

    private mutating func drop(_ what: String, _ count: Int = 1) { unmapped[what, default: 0] += count }

    // MARK: - One criterion

    private mutating func atom(_ element: XMLElement) -> Atom {
        if element.name == "extend_definition" {
            if let platform = DistributionStream(platform: element["comment"] ?? "") { return .platform([platform]) }
            drop("extend_definition")
            return .ignored
        }
        guard element.name == "criterion" else {
            drop("criteria/\(element.name)")
            return .ignored
        }
        let test = tests.tests[element["test_ref"] ?? ""]
        let comment = element["comment"] ?? test?.comment ?? ""
        if element["negate"] == "true" || test?.isAbsence == true {
            drop("criterion that is negated")
            return .ignored
        }
        if comment.contains("is signed with") { return .ignored }
        if comment.hasPrefix("Module "), comment.hasSuffix(" is enabled") {
            return .module(String(comment.dropFirst(7).dropLast(11)))
        }
        if comment.contains("must be installed") { return .ignored }
        guard let test else { return told(comment) }
        if test.kind == .other {
            if let platform = DistributionStream(platform: comment) { return .platform([platform]) }
            // Which machine, or which kernel runs: another question than what is installed.
            if test.element != "uname_test" { drop("tests/\(test.element)") }
            return .ignored
        }
        let names = tests.packages(test)
        let isRelease = names.allSatisfy { $0.hasSuffix("-release") || $0.hasSuffix("-release-server") }
        if isRelease || comment.hasSuffix("is installed"), let platform = DistributionStream(platform: comment) {
            return .platform([platform])
        }
        guard !names.isEmpty, let states = tests.states(test) else { return told(comment) }
        // A release that is not known here: what follows is for nobody.
        if isRelease { return .platform([]) }
        if !states.isEmpty, states.allSatisfy({ $0.isSignature && $0.bound == nil }) { return .ignored }
        var finding = Finding(kind: test.kind, name: "")
        for state in states {
            if state.isOther { drop("states: a condition other than version, architecture and signature") }
            if !state.architectures.isEmpty { finding.architectures = state.architectures }
            guard let bound = state.bound else { continue }
            guard Self.set(bound.operation, bound.version, on: &finding) else {
                drop("states/evr[\(bound.operation.prefix(32))]")
                return .ignored
            }
        }
        return .packages(
            names.map { name in
                var copy = finding
                copy.name = name
                return copy
            })
    }

    private static func set(_ operation: String, _ version: String, on finding: inout Finding) -> Bool {
        // Before the first version there is none, after it are all.
        let isZero = ["0", "0-0", "0:0-0", "0:0"].contains(version)
        switch operation {
        case "less than":
            if isZero { finding.isNotAffected = true } else { finding.upper = version }
        case "less than or equal":
            finding.upper = version
            finding.includesUpper = true
        case "greater than": if !isZero { finding.lower = version }
        case "greater than or equal":
            if !isZero {
                finding.lower = version
                finding.includesLower = true
            }
        case "equals":
            if isZero {
                finding.isNotAffected = true
            } else {
                finding.lower = version
                finding.includesLower = true
                finding.upper = version
                finding.includesUpper = true
            }
        default: return false
        }
        return true
    }

    /// What a criterion's comment says, where the document does not bring the test: files that were cut to a few
    /// definitions are passed round without them.
    private mutating func told(_ comment: String) -> Atom {
        if let platform = DistributionStream(platform: comment), comment.contains("is installed") {
            return .platform([platform])
        }
        for separator in [" is earlier than ", " DPKG is earlier than ", " is <", " is &lt;"] {
            guard let range = comment.firstRange(of: separator) else { continue }
            let name = comment[..<range.lowerBound].trimmed
            let version = comment[range.upperBound...].split(whereSeparator: { $0 == " " || $0 == "," }).first.map(
                String.init)
            guard let version, !name.isEmpty, !name.contains(" ") else { break }
            drop("criterion without its test: read by its comment")
            var finding = Finding(kind: .rpm, name: name)
            _ = Self.set("less than", OVALTests.withoutZeroEpoch(version), on: &finding)
            return .packages([finding])
        }
        if comment.hasSuffix(" is not affected"), let name = comment.split(separator: " ").first {
            drop("criterion without its test: read by its comment")
            return .packages([Finding(kind: .rpm, name: String(name), isNotAffected: true)])
        }
        drop("criterion without its test")
        return comment.hasSuffix("is installed") ? .platform([]) : .ignored
    }
}
