import Inventory
import JSON
import Store
import Timestamps
import Wire

/// Which packages changed on a host between two times.
enum HostDifference {
    static func json(_ call: Call, _ transaction: Transaction) throws -> JSONValue {
        let host = try call.host(transaction)
        // The host's clock may be ahead of ours.
        let to = call.time("to") ?? call.now.adding(seconds: 366 * 86_400)
        let from =
            try call.time("from") ?? transaction.history.first(organisation: host.organisation, host: host.id)
            ?? Timestamp(milliseconds: 0)
        guard
            let difference = try transaction.history.difference(
                organisation: host.organisation, host: host.id, from: from, to: to)
        else {
            throw Refusal(
                .init(
                    "no-history", title: "There is no history for that time", status: 404,
                    detail: "The host had not reported yet at \(from).",
                    cure: "See the times it reported: fettle hosts history \(host.hostname)"))
        }
        var changes: [JSONValue] = difference.added.map {
            change("added", $0.name, $0.architecture, before: nil, after: $0.version)
        }
        changes += difference.removed.map {
            change("removed", $0.name, $0.architecture, before: $0.version, after: nil)
        }
        changes += difference.changed.map {
            change("changed", $0.to.name, $0.to.architecture, before: $0.from.version, after: $0.to.version)
        }
        changes.sort {
            ($0["name"]?.string ?? "", $0["change"]?.string ?? "") < (
                $1["name"]?.string ?? "", $1["change"]?.string ?? ""
            )
        }
        return [
            "host": .string(host.id), "from": .string(from.description),
            "to": .string(min(to, call.now).description), "changes": .array(changes),
        ]
    }

    private static func change(
        _ change: String, _ name: String, _ architecture: String, before: String?, after: String?
    ) -> JSONValue {
        [
            "change": .string(change), "name": .string(name), "architecture": .string(architecture),
            "before": before.map { .string($0) } ?? .null, "after": after.map { .string($0) } ?? .null,
        ]
    }
}
