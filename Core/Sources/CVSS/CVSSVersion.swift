/// The versions of the Common Vulnerability Scoring System.
public enum CVSSVersion: String, Sendable, Hashable, CaseIterable {
    /// CVSS v2 (2007).
    case v2 = "2.0"
    /// CVSS v3.0 (2015).
    case v30 = "3.0"
    /// CVSS v3.1 (2019).
    case v31 = "3.1"
    /// CVSS v4.0 (2023).
    case v4 = "4.0"

    /// What a vector starts with; nothing in version 2.
    var prefix: String { self == .v2 ? "" : "CVSS:\(rawValue)/" }

    /// The metrics in the order of the specification.
    var metrics: [CVSSMetric] {
        switch self {
        case .v2: CVSSMetric.v2
        case .v30, .v31: CVSSMetric.v3
        case .v4: CVSSMetric.v4
        }
    }
}

/// A metric of one version, with the values it may have.
struct CVSSMetric: Sendable {
    enum Group: Sendable { case base, threat, environmental, supplemental }
    let name: String
    let group: Group
    let values: [String]
    /// Where "not defined" stands among the values; nil where the metric must be defined.
    let undefined: UInt8?

    private init(_ name: String, _ group: Group, _ values: String, undefined: String = "X") {
        self.name = name
        self.group = group
        self.values = values.split(separator: " ").map(String.init)
        self.undefined = self.values.firstIndex(of: undefined).map { UInt8($0) }
    }

    private init(v2 name: String, _ group: Group, _ values: String) {
        self.init(name, group, values, undefined: "ND")
    }

    static let v2: [CVSSMetric] = [
        CVSSMetric(v2: "AV", .base, "L A N"), CVSSMetric(v2: "AC", .base, "H M L"),
        CVSSMetric(v2: "Au", .base, "M S N"),
        CVSSMetric(v2: "C", .base, "N P C"), CVSSMetric(v2: "I", .base, "N P C"), CVSSMetric(v2: "A", .base, "N P C"),
        CVSSMetric(v2: "E", .threat, "ND U POC F H"), CVSSMetric(v2: "RL", .threat, "ND OF TF W U"),
        CVSSMetric(v2: "RC", .threat, "ND UC UR C"), CVSSMetric(v2: "CDP", .environmental, "ND N L LM MH H"),
        CVSSMetric(v2: "TD", .environmental, "ND N L M H"), CVSSMetric(v2: "CR", .environmental, "ND L M H"),
        CVSSMetric(v2: "IR", .environmental, "ND L M H"), CVSSMetric(v2: "AR", .environmental, "ND L M H"),
    ]

    static let v3: [CVSSMetric] = [
        CVSSMetric("AV", .base, "N A L P"), CVSSMetric("AC", .base, "L H"), CVSSMetric("PR", .base, "N L H"),
        CVSSMetric("UI", .base, "N R"), CVSSMetric("S", .base, "U C"), CVSSMetric("C", .base, "N L H"),
        CVSSMetric("I", .base, "N L H"), CVSSMetric("A", .base, "N L H"), CVSSMetric("E", .threat, "X U P F H"),
        CVSSMetric("RL", .threat, "X O T W U"), CVSSMetric("RC", .threat, "X U R C"),
        CVSSMetric("CR", .environmental, "X L M H"), CVSSMetric("IR", .environmental, "X L M H"),
        CVSSMetric("AR", .environmental, "X L M H"), CVSSMetric("MAV", .environmental, "N A L P X"),
        CVSSMetric("MAC", .environmental, "L H X"), CVSSMetric("MPR", .environmental, "N L H X"),
        CVSSMetric("MUI", .environmental, "N R X"), CVSSMetric("MS", .environmental, "U C X"),
        CVSSMetric("MC", .environmental, "N L H X"), CVSSMetric("MI", .environmental, "N L H X"),
        CVSSMetric("MA", .environmental, "N L H X"),
    ]

    /// The values in the order of the levels that the interpolation counts with.
    static let v4: [CVSSMetric] = [
        CVSSMetric("AV", .base, "N A L P"), CVSSMetric("AC", .base, "L H"), CVSSMetric("AT", .base, "N P"),
        CVSSMetric("PR", .base, "N L H"), CVSSMetric("UI", .base, "N P A"), CVSSMetric("VC", .base, "H L N"),
        CVSSMetric("VI", .base, "H L N"), CVSSMetric("VA", .base, "H L N"), CVSSMetric("SC", .base, "H L N"),
        CVSSMetric("SI", .base, "H L N"), CVSSMetric("SA", .base, "H L N"), CVSSMetric("E", .threat, "A P U X"),
        CVSSMetric("CR", .environmental, "H M L X"), CVSSMetric("IR", .environmental, "H M L X"),
        CVSSMetric("AR", .environmental, "H M L X"), CVSSMetric("MAV", .environmental, "N A L P X"),
        CVSSMetric("MAC", .environmental, "L H X"), CVSSMetric("MAT", .environmental, "N P X"),
        CVSSMetric("MPR", .environmental, "N L H X"), CVSSMetric("MUI", .environmental, "N P A X"),
        CVSSMetric("MVC", .environmental, "H L N X"), CVSSMetric("MVI", .environmental, "H L N X"),
        CVSSMetric("MVA", .environmental, "H L N X"), CVSSMetric("MSC", .environmental, "H L N X"),
        CVSSMetric("MSI", .environmental, "H L N X S"), CVSSMetric("MSA", .environmental, "H L N X S"),
        CVSSMetric("S", .supplemental, "X N P"), CVSSMetric("AU", .supplemental, "X N Y"),
        CVSSMetric("R", .supplemental, "X A U I"), CVSSMetric("V", .supplemental, "X D C"),
        CVSSMetric("RE", .supplemental, "X L M H"), CVSSMetric("U", .supplemental, "X Clear Green Amber Red"),
    ]
}
