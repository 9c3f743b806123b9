/// A score from 0.0 to 10.0, in tenths.
public struct CVSSScore: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// 0 to 100.
    public let tenths: Int

    init(tenths: Int) { self.tenths = max(0, min(100, tenths)) }

    /// One decimal: `9.8`, `10.0`.
    public var description: String { "\(tenths / 10).\(tenths % 10)" }

    /// By the number.
    public static func < (left: Self, right: Self) -> Bool { left.tenths < right.tenths }
}

/// The words for scores.
public enum CVSSSeverity: String, Sendable, Hashable, CaseIterable {
    /// 0.0; version 2 has no such word.
    case none
    /// Up to 3.9.
    case low
    /// 4.0 to 6.9.
    case medium
    /// From 7.0; up to 8.9 where there is ``critical``.
    case high
    /// From 9.0, not in version 2.
    case critical

    /// The word for a score: the qualitative scale of versions 3 and 4, for version 2 that of the NVD.
    public init(_ score: CVSSScore, version: CVSSVersion) {
        switch score.tenths {
        case 0 where version != .v2: self = .none
        case ..<40: self = .low
        case ..<70: self = .medium
        case 90... where version != .v2: self = .critical
        default: self = .high
        }
    }
}

/// What a vector scores.
public struct CVSSScores: Sendable, Hashable {
    /// From the base metrics alone.
    public let base: CVSSScore
    /// With the temporal (version 4: threat) metrics; nil where none is defined in versions 2 and 4.
    public let temporal: CVSSScore?
    /// With all metrics; nil where no environmental one is defined in versions 2 and 4. Version 3.1 has another equation
    /// for it, so that it may differ from the base score though no environmental metric is defined.
    public let environmental: CVSSScore?
    /// The score that rests on every metric that is defined.
    public let overall: CVSSScore
}

extension CVSSVector {
    /// All scores, exactly as the specification of the version has them.
    public var scores: CVSSScores {
        let (temporal, environmental) = (defines(.threat), defines(.environmental))
        let all: (base: Int, temporal: Int, environmental: Int) =
            switch version {
            case .v2: CVSS2(values).tenths
            case .v30, .v31: CVSS3(values, isFirst: version == .v30).tenths
            case .v4: CVSS4.tenths(values)
            }
        let isAlwaysDefined = version == .v30 || version == .v31
        return CVSSScores(
            base: CVSSScore(tenths: all.base),
            temporal: temporal || isAlwaysDefined ? CVSSScore(tenths: all.temporal) : nil,
            environmental: environmental || isAlwaysDefined ? CVSSScore(tenths: all.environmental) : nil,
            overall: CVSSScore(tenths: environmental ? all.environmental : temporal ? all.temporal : all.base))
    }

    /// The severity of the score that says most.
    public var severity: CVSSSeverity { CVSSSeverity(scores.overall, version: version) }

    /// Which metrics the score rests on, in the words of version 4.0: `CVSS-B`, `CVSS-BT`, `CVSS-BE`, `CVSS-BTE`.
    public var nomenclature: String {
        "CVSS-B" + (defines(.threat) ? "T" : "") + (defines(.environmental) ? "E" : "")
    }
}
