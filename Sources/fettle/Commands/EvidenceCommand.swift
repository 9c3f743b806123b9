import ArgumentParser
import Digest
import Glibc
import JSON
import TextTable

/// `fettle evidence list | taken | waive`.
struct EvidenceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evidence",
        abstract: "Evidence before a patch: what is held, what was taken, and who let it go in an emergency.",
        discussion: """
            Where the decision table asks for forensics, campaigns leave a host out until its volatile evidence (processes, \
            sockets, logins, changed files) is noted with its digest. The evidence itself stays with you.

            Examples:
              fettle evidence list --blocking
              fettle evidence taken CVE-2024-3094 web1 --file /srv/cases/web1.tar
              fettle evidence waive CVE-2024-3094 web1 --reason "it is being used against us now"
            """,
        subcommands: [List.self, Taken.self, Waive.self], defaultSubcommand: List.self)

    private static let columns: [Column] = [
        .member("hostname", "HOST"), .member("vulnerability"),
        Column("PACKAGES") { ($0["packages"]?.array ?? []).compactMap(\.string).joined(separator: " ") },
        Column("STANDING") { standing($0) },
        Column("NEXT") { $0.text("next").isEmpty ? "nothing" : $0.text("next") },
        Column("BY", raw: { $0.text("due") }, text: { String($0.text("due").prefix(16)) }),
        .age("since", "SINCE", wide: true),
        Column("DIGEST", wide: true) { item in
            (item["records"]?.array ?? []).map { $0.text("digest") }.first { !$0.isEmpty } ?? ""
        },
        .member("reason", wide: true),
    ]

    private static func standing(_ item: JSONValue) -> String {
        if item["blocksInstallation"]?.bool == true { return "held" }
        return item.text("waivedBy").isEmpty ? "kept" : "waived by \(item.text("waivedBy"))"
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List where evidence has to be kept before a patch.",
            discussion: """
                Examples:
                  fettle evidence list --blocking
                  fettle evidence list --vulnerability CVE-2024-3094 -o json
                """)
        @OptionGroup var reading: Reading
        @OptionGroup var organisation: OrganisationOption
        @Option(help: "Only on this host.", completion: hostNames) var host: String?
        @Option(help: "Only of this vulnerability, by any of its ids.") var vulnerability: String?
        @Flag(help: "Only where it keeps campaigns away.") var blocking = false

        func run() async throws {
            try await reading.run { client in
                let query: [(String, String?)] = [
                    ("host", host), ("vulnerability", vulnerability), ("blocking", blocking ? "true" : nil),
                    organisation.query(client),
                ]
                var shown = Shown(
                    try await client.list("/api/v1/evidence", query), columns,
                    empty: "nothing waits for evidence, as far as is known", name: { $0.text("host") })
                let counts = try await client.get("/api/v1/evidence", query + [("limit", "1")])
                if let unjudged = counts["unjudged"]?.integer, unjudged > 0 {
                    shown.notes.append(
                        "\(counted(unjudged, "host")) \(unjudged == 1 ? "has" : "have") not reported what is installed: nothing is known there"
                    )
                }
                return shown
            }
        }
    }

    struct Taken: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Note that evidence was taken on hosts; campaigns may patch them then.",
            discussion: """
                With --file the file's SHA-256 is noted; it is read here and sent nowhere. The scope is noted with it where \
                it was not before.

                Examples:
                  fettle evidence taken CVE-2024-3094 web1 --file /srv/cases/web1.tar
                  fettle evidence taken CVE-2024-3094 web1 web2 --step scope
                  fettle evidence taken CVE-2024-3094 web1 --step verdict --file /srv/cases/report.pdf
                """)
        @OptionGroup var changing: Changing
        @OptionGroup var output: OutputOption
        @OptionGroup var organisation: OrganisationOption
        @Argument(help: "The vulnerability, by any of its ids.") var vulnerability: String
        @Argument(help: "The hosts: names, ids or the beginnings of ids.", completion: hostNames) var hosts: [String]
        @Option(help: "What was done: volatile-evidence (default), scope, verdict.") var step = "volatile-evidence"
        @Option(help: "The file that holds it.", completion: .file()) var file: String?
        @Option(help: "The SHA-256 of what was kept, instead of --file.") var digest: String?

        func validate() throws {
            guard ["scope", "volatile-evidence", "verdict"].contains(step) else {
                throw ValidationError("--step is volatile-evidence, scope or verdict")
            }
            if file != nil, digest != nil { throw ValidationError("give --file or --digest, not both") }
            if step == "volatile-evidence", file == nil, digest == nil {
                throw ValidationError("volatile evidence needs --file, or its SHA-256 as --digest")
            }
            if let digest, SHA256Digest(hex: digest) == nil {
                throw ValidationError("--digest is not 64 hexadecimal digits")
            }
        }

        func run() async throws {
            let kept = try file.map(EvidenceCommand.sha256) ?? digest?.lowercased()
            let client = try changing.data.client
            try await changing.each(hosts, output) { host in
                guard changing.goesOn("note \(step) of \(vulnerability) on \(host)") else { return nil }
                func note(_ step: String, _ digest: String?) async throws -> JSONValue {
                    var body: [String: JSONValue] = ["vulnerability": .string(vulnerability), "step": .string(step)]
                    if let digest { body["digest"] = .string(digest) }
                    return try await client.post(organisation.path(client, "hosts", host, "evidence"), .object(body))
                }
                if step == "volatile-evidence" {
                    let held = try await client.list(
                        "/api/v1/evidence",
                        [("host", host), ("vulnerability", vulnerability), organisation.query(client)])
                    if held.first?.text("next") == "scope" { _ = try await note("scope", nil) }
                }
                let done = try await note(step, kept)
                let next = done.text("next")
                say(
                    "\(host): \(step) of \(vulnerability) is noted"
                        + (done["blocksInstallation"]?.bool == true ? "; patches still wait" : "; patches may go on")
                        + (next.isEmpty ? "" : "; next is \(next)"))
                return done
            }
        }
    }

    struct Waive: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let hosts be patched without evidence; it cannot be taken back.",
            discussion: """
                Whoever may decide on exceptions may do it. It is in the audit log, and stands beside the finding.

                Examples:
                  fettle evidence waive CVE-2024-3094 web1 --reason "it is being used against us now"
                """)
        @OptionGroup var changing: Changing
        @OptionGroup var confirming: Confirming
        @OptionGroup var output: OutputOption
        @OptionGroup var organisation: OrganisationOption
        @Argument(help: "The vulnerability, by any of its ids.") var vulnerability: String
        @Argument(help: "The hosts: names, ids or the beginnings of ids.", completion: hostNames) var hosts: [String]
        @Option(help: "Why; it enters the audit log.") var reason: String

        func run() async throws {
            let client = try changing.data.client
            let sum = "let \(hosts.joined(separator: ", ")) be patched without evidence of \(vulnerability)"
            guard changing.goesOn(sum) else { return }
            try confirming.confirm(sum)
            try await changing.each(hosts, output) { host in
                let done = try await client.post(
                    organisation.path(client, "hosts", host, "evidence", "waive"),
                    ["vulnerability": .string(vulnerability), "reason": .string(reason)])
                say("\(host): evidence of \(vulnerability) is waived; patches may go on")
                return done
            }
        }
    }

    /// A file's digest in hexadecimal, whatever its size.
    private static func sha256(of path: String) throws -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw CommandFailure.usage("--file \(path) cannot be read: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var hash = SHA256()
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw CommandFailure.failed("\(path) could not be read to its end: \(String(cString: strerror(errno)))")
            }
            if count == 0 { return hash.finalize().hex }
            buffer.withUnsafeBytes { hash.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
    }
}
