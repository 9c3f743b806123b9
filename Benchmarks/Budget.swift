import JSON

/// A program of others that does the same, measured in the same run.
struct Peer: Sendable {
    /// What ran.
    var name: String
    /// Its figure, in the unit of the budget it stands beside.
    var figure: Double
}

/// One line of the report: a figure against its budget, with peers' figures where some run here.
struct Budget: Sendable {
    /// What is measured, as in the design's table.
    var what: String
    /// The figure, in ``unit``; nil where it could not be measured, and then ``note`` says why.
    var figure: Double?
    /// The most it may be; nil for a figure without a budget.
    var limit: Double?
    /// The unit of all figures of the line.
    var unit: String
    /// Others' figures, taken in the same run.
    var peers: [Peer] = []
    /// What a reader must know: sizes, conditions, why it is missing.
    var note: String = ""

    /// `within`, or `MISSED` with the ratio, or `not measured`; empty for a figure without a budget.
    var verdict: String {
        guard let figure else { return "not measured" }
        guard let limit else { return "" }
        return figure <= limit ? "within" : "MISSED x\(rounded(figure / limit))"
    }

    /// The figure with its unit.
    var figureText: String { figure.map { "\(rounded($0)) \(unit)" } ?? "-" }

    /// The budget with its unit.
    var limitText: String { limit.map { "\(rounded($0)) \(unit)" } ?? "" }

    /// Each peer with its figure and how many times ours that is.
    var peerTexts: [String] {
        peers.map { peer in
            let ratio = figure.map { $0 > 0 ? " (x\(rounded(peer.figure / $0)))" : "" } ?? ""
            return "\(peer.name): \(rounded(peer.figure)) \(unit)\(ratio)"
        }
    }

    /// The line for programs.
    var json: JSONValue {
        var fields: [String: JSONValue] = [
            "what": .string(what), "unit": .string(unit), "verdict": .string(verdict), "note": .string(note),
            "peers": .array(peers.map { ["name": .string($0.name), "figure": number($0.figure)] }),
        ]
        if let figure { fields["figure"] = number(figure) }
        if let limit { fields["budget"] = number(limit) }
        return .object(fields)
    }

    private func number(_ value: Double) -> JSONValue {
        // Canonical JSON knows both kinds of number; three digits are all that a measurement tells.
        Double(rounded(value)).map { $0 == $0.rounded() ? .integer(Int64($0)) : .number($0) } ?? .null
    }
}

/// Three significant digits.
func rounded(_ value: Double) -> String {
    guard value != 0, value.isFinite else { return "0" }
    var scale = 1.0
    while value.magnitude * scale < 100 { scale *= 10 }
    let result = (value * scale).rounded() / scale
    return result == result.rounded() ? String(Int(result)) : String(result)
}

/// The value in the middle.
func median(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : values.sorted()[values.count / 2]
}

/// The value below which that share of the values lies.
func percentile(_ share: Double, of values: [Double]) -> Double {
    guard !values.isEmpty else { return 0 }
    let sorted = values.sorted()
    return sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
}
