import JSON
import Store

/// What is to be said of a campaign beside its state.
struct CampaignRemarks: Hashable, Sendable {
    /// Why it could not be frozen.
    var errors: [String] = []
    /// What people should know of the plan.
    var notes: [String] = []
    /// Why its release is not signed; empty where it is, or was not asked for.
    var signing = ""

    var json: JSONValue {
        [
            "errors": .array(errors.map(JSONValue.string)), "notes": .array(notes.map(JSONValue.string)),
            "signing": .string(signing),
        ]
    }
}

extension CampaignRecord {
    /// Forgets why it was not signed: it is asked for anew.
    mutating func clearSigningRemark() {
        var remarks = storedRemarks
        remarks.signing = ""
        self.remarks = remarks.json.canonicalText
    }

    /// The remarks; none where they cannot be read.
    var storedRemarks: CampaignRemarks {
        guard let value = try? JSONValue(parsing: Array(remarks.utf8), limits: .plan) else { return CampaignRemarks() }
        return CampaignRemarks(
            errors: value["errors"]?.array?.compactMap(\.string) ?? [],
            notes: value["notes"]?.array?.compactMap(\.string) ?? [], signing: value["signing"]?.string ?? "")
    }
}
