import CVSS

/// CVSS metrics in words: the names and values of FIRST's specifications of 2.0, 3.1 and 4.0.
enum CVSSWords {
    /// Every metric that a vector defines, in its order.
    static func explain(_ vector: CVSSVector) -> [(name: String, value: String)] {
        let words = table(vector.version)
        return vector.description.split(separator: "/").compactMap { field in
            let pair = field.split(separator: ":", maxSplits: 1).map(String.init)
            guard pair.count == 2, pair[0] != "CVSS", let metric = words[pair[0]],
                pair[1] != "X", pair[1] != "ND"
            else { return nil }
            return (metric.name, metric.values[pair[1]] ?? pair[1])
        }
    }

    private struct Metric {
        var name: String
        var values: [String: String]

        init(_ name: String, _ values: [String: String]) {
            self.name = name
            self.values = values
        }
    }

    private static let high = ["H": "high", "M": "medium", "L": "low", "N": "none"]

    private static func table(_ version: CVSSVersion) -> [String: Metric] {
        switch version {
        case .v2: v2
        case .v30, .v31: v3
        case .v4: v4
        }
    }

    private static let v2: [String: Metric] = {
        let impact = ["N": "none", "P": "partial", "C": "complete"]
        let need = high.merging(["ND": "not defined"]) { $1 }
        return [
            "AV": Metric("Access vector", ["L": "local", "A": "adjacent network", "N": "network"]),
            "AC": Metric("Access complexity", high),
            "Au": Metric("Authentication", ["M": "multiple", "S": "single", "N": "none"]),
            "C": Metric("Confidentiality impact", impact), "I": Metric("Integrity impact", impact),
            "A": Metric("Availability impact", impact),
            "E": Metric(
                "Exploitability", ["U": "unproven", "POC": "proof of concept", "F": "functional", "H": "high"]),
            "RL": Metric(
                "Remediation level",
                ["OF": "official fix", "TF": "temporary fix", "W": "workaround", "U": "unavailable"]),
            "RC": Metric(
                "Report confidence", ["UC": "unconfirmed", "UR": "uncorroborated", "C": "confirmed"]),
            "CDP": Metric(
                "Collateral damage",
                ["N": "none", "L": "low", "LM": "low to medium", "MH": "medium to high", "H": "high"]),
            "TD": Metric("Target distribution", high), "CR": Metric("Confidentiality requirement", need),
            "IR": Metric("Integrity requirement", need), "AR": Metric("Availability requirement", need),
        ]
    }()

    private static let vectors = ["N": "network", "A": "adjacent", "L": "local", "P": "physical"]

    private static let v3: [String: Metric] = {
        var table = [
            "AV": Metric("Attack vector", vectors), "AC": Metric("Attack complexity", high),
            "PR": Metric("Privileges required", high),
            "UI": Metric("User interaction", ["N": "none", "R": "required"]),
            "S": Metric("Scope", ["U": "unchanged", "C": "changed"]), "C": Metric("Confidentiality impact", high),
            "I": Metric("Integrity impact", high), "A": Metric("Availability impact", high),
            "E": Metric(
                "Exploit code maturity",
                ["U": "unproven", "P": "proof of concept", "F": "functional", "H": "high"]),
            "RL": Metric(
                "Remediation level",
                ["O": "official fix", "T": "temporary fix", "W": "workaround", "U": "unavailable"]),
            "RC": Metric("Report confidence", ["U": "unknown", "R": "reasonable", "C": "confirmed"]),
            "CR": Metric("Confidentiality requirement", high), "IR": Metric("Integrity requirement", high),
            "AR": Metric("Availability requirement", high),
        ]
        for name in ["AV", "AC", "PR", "UI", "S", "C", "I", "A"] {
            guard let metric = table[name] else { continue }
            table["M\(name)"] = Metric(
                "Modified \(metric.name.prefix(1).lowercased())\(metric.name.dropFirst())", metric.values)
        }
        return table
    }()

    private static let v4: [String: Metric] = {
        var table = [
            "AV": Metric("Attack vector", vectors), "AC": Metric("Attack complexity", high),
            "AT": Metric("Attack requirements", ["N": "none", "P": "present"]),
            "PR": Metric("Privileges required", high),
            "UI": Metric("User interaction", ["N": "none", "P": "passive", "A": "active"]),
            "VC": Metric("Confidentiality, vulnerable system", high),
            "VI": Metric("Integrity, vulnerable system", high),
            "VA": Metric("Availability, vulnerable system", high),
            "SC": Metric("Confidentiality, other systems", high), "SI": Metric("Integrity, other systems", high),
            "SA": Metric("Availability, other systems", high),
            "E": Metric("Exploit maturity", ["A": "attacked", "P": "proof of concept", "U": "unreported"]),
            "CR": Metric("Confidentiality requirement", high), "IR": Metric("Integrity requirement", high),
            "AR": Metric("Availability requirement", high),
        ]
        for name in ["AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA"] {
            guard let metric = table[name] else { continue }
            var values = metric.values
            if name == "SI" || name == "SA" { values["S"] = "safety" }
            table["M\(name)"] = Metric(
                "Modified \(metric.name.prefix(1).lowercased())\(metric.name.dropFirst())", values)
        }
        table["S"] = Metric("Safety", ["N": "negligible", "P": "present"])
        table["AU"] = Metric("Automatable", ["N": "no", "Y": "yes"])
        table["R"] = Metric("Recovery", ["A": "automatic", "U": "user", "I": "irrecoverable"])
        table["V"] = Metric("Value density", ["D": "diffuse", "C": "concentrated"])
        table["RE"] = Metric("Response effort", ["L": "low", "M": "moderate", "H": "high"])
        table["U"] = Metric(
            "Provider urgency", ["Clear": "clear", "Green": "green", "Amber": "amber", "Red": "red"])
        return table
    }()
}
