import ArgumentParser
import JSON

/// `fettle hosts labels HOST`.
struct HostLabelsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "labels", abstract: "Show a host's labels.",
        discussion: """
            Examples:
              fettle hosts labels web1
              fettle hosts labels web1 -o json
            """)
    @OptionGroup var reading: Reading
    @OptionGroup var organisation: OrganisationOption
    @Argument(help: "The host's name, or its id or the beginning of it.", completion: hostNames) var host: String

    func run() async throws {
        try await reading.run { client in
            let labels = try await client.get(organisation.path(client, "hosts", host, "labels"))
            let rows: [JSONValue] = (labels.object ?? [:]).sorted { $0.key < $1.key }.map {
                ["label": .string($0.key), "value": $0.value]
            }
            let table = Shown(
                rows, [.member("label"), .member("value")], empty: "no labels", name: { $0.text("label") })
            var shown = Shown(item: labels, text: table.text).with(csv: table.csv, names: table.names)
            shown.notes = table.notes
            return shown
        }
    }
}

/// `fettle hosts label HOST… KEY=VALUE… KEY-…`.
struct HostLabelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "label", abstract: "Set and remove labels of hosts.",
        discussion: """
            KEY=VALUE sets a label, KEY- removes one, anything else names a host. Roles and filters select hosts by labels.

            Examples:
              fettle hosts label web1 site=berlin tier=web
              fettle hosts label web1 web2 canary-
            """)
    @OptionGroup var changing: Changing
    @OptionGroup var output: OutputOption
    @OptionGroup var organisation: OrganisationOption
    @Argument(help: "Hosts, and labels as KEY=VALUE or KEY-.", completion: hostNames) var words: [String]

    private var hosts: [String] { words.filter { !$0.contains("=") && !$0.hasSuffix("-") } }

    private var changes: [String: JSONValue] {
        var changes: [String: JSONValue] = [:]
        for word in words {
            if let sign = word.firstIndex(of: "=") {
                changes[String(word[..<sign])] = .string(String(word[word.index(after: sign)...]))
            } else if word.hasSuffix("-") {
                changes[String(word.dropLast())] = .null
            }
        }
        return changes
    }

    func validate() throws {
        guard !hosts.isEmpty else { throw ValidationError("say which host") }
        guard !changes.isEmpty else { throw ValidationError("say which labels: KEY=VALUE sets one, KEY- removes one") }
        guard changes[""] == nil else { throw ValidationError("a label has a name before = or -") }
    }

    func run() async throws {
        let client = try changing.data.client
        try await changing.each(hosts, output) { host in
            let path = organisation.path(client, "hosts", host, "labels")
            if changing.dryRun {
                let present = try await client.get(path).object ?? [:]
                let after = present.merging(changes) { $1 }.filter { $0.value != .null }
                say("dry run: the labels of \(host) would be: \(labelText(.object(after))); nothing was changed")
                return nil
            }
            let labels = try await client.patch(path, .object(changes))
            let text = labelText(labels)
            say("\(host): \(text.isEmpty ? "no labels" : text)")
            return ["host": .string(host), "labels": labels]
        }
    }
}
