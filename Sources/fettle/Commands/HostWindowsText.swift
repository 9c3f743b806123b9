import JSON
import Timestamps

/// A host's windows for a terminal.
enum HostWindowsText {
    static func show(_ host: String, _ command: WindowsPreviewCommand) async throws {
        let client = try command.data.client
        let found = try await client.get(
            "/api/v1/hosts/\(OperatorClient.escaped(host))/windows",
            [("count", String(command.next)), ("after", command.after), command.organisation.query(client)])
        let items = found["items"]?.array ?? []
        var shown = Shown(
            items,
            [
                .member("opens"), .member("shuts"), .member("zone"), .member("utc"),
                Column("MINUTES") { $0["minutes"]?.integer.map(String.init) ?? "" },
                Column("LAST START") { $0.text("lastStart").isEmpty ? "too short" : $0.text("lastStart") },
                Column("WINDOWS", wide: true) {
                    ($0["windows"]?.array ?? []).compactMap(\.string).joined(separator: " ")
                },
                .member("note"),
            ], name: { $0.text("utc") })
        shown.notes = notes(found)
        if command.output.output == .json || command.output.output == .yaml || command.output.query != nil {
            return emit(try command.output.text(Shown(item: found)))
        }
        emit(try command.output.text(shown))
        for note in shown.notes { say(printable(note)) }
    }

    private static func notes(_ found: JSONValue) -> [String] {
        func names(_ key: String) -> String {
            (found[key]?.array ?? []).compactMap(\.string).joined(separator: ", ")
        }
        let zone = found.text("zone").isEmpty ? "an unknown zone (it has not said it)" : found.text("zone")
        var place = "\(found.text("hostname")): on the clocks of \(zone)"
        if !found.text("site").isEmpty {
            place += ", site \(found.text("site"))"
            place +=
                found.text("siteZone").isEmpty ? " (no Site of that name has a zone)" : " (\(found.text("siteZone")))"
        }
        let groups = names("groups")
        var lines = [place + (groups.isEmpty ? "; in no group" : "; in the groups \(groups)") + "."]
        if !names("frozen").isEmpty { lines.append("Frozen now: \(names("frozen")).") }
        if found["open"]?.bool == true { lines.append("A window is open now.") }
        if !found.text("why").isEmpty { lines.append("No window opens: \(found.text("why"))") }
        return lines
    }
}
