import Access
import Audit
import HTML
import HTTPTypes
import Hummingbird
import JSON
import NIOCore
import Pages
import Store
import Timestamps

/// Who did what: the audit log as a page and as a file.
enum ActivityPages {
    private static let parameters: Set<String> = ["actor", "action", "subject", "from", "to", "after"]

    static let all: [PageDeclaration] = [
        PageDeclaration(
            .get, "/activity", "activity", access: .permission(.auditRead), parameters: parameters, activity),
        PageDeclaration(
            .get, "/activity.csv", "activity-export", access: .permission(.auditExport), parameters: parameters, export),
    ]

    private static func activity(_ call: PageCall) async throws -> Response {
        var model = ActivityModel()
        model.actor = call.query["actor"] ?? ""
        model.action = call.query["action"] ?? ""
        model.subject = call.query["subject"] ?? ""
        model.from = call.query["from"] ?? ""
        model.to = call.query["to"] ?? ""
        model.mayExport = call.may(.auditExport)
        do {
            let filter = try filter(call)
            let found = try await AuditRows(call).rows(filter, after: key(call.query["after"]), limit: 50)
            model.rows = found.rows
            model.next = found.next
        } catch let error as FilterFault {
            model.problem = error.fault
        }
        return call.html(activityPage(model, call.context()))
    }

    private struct FilterFault: Error {
        let fault: String
    }

    private static func filter(_ call: PageCall) throws -> AuditFilter {
        var filter = AuditFilter()
        func text(_ name: String) -> String? { call.query[name].flatMap { $0.isEmpty ? nil : $0 } }
        func time(_ name: String) throws -> Timestamp? {
            guard let text = text(name) else { return nil }
            guard let time = Timestamp(rfc3339: text) ?? Timestamp(rfc3339: text + "T00:00:00Z") else {
                throw FilterFault(fault: "\"\(text)\" is neither a day (2026-11-21) nor a time (2026-11-21T09:30:00Z).")
            }
            return time
        }
        filter.actor = text("actor")
        filter.action = text("action")
        filter.subject = text("subject")
        filter.since = try time("from")
        filter.until = try time("to")
        filter.newestFirst = true
        return filter
    }

    private static func key(_ text: String?) -> AuditPageKey? {
        guard let parts = text?.split(separator: "."), parts.count == 2, let time = Int64(parts[0]),
            let id = Int64(parts[1])
        else { return nil }
        return AuditPageKey(recordedAt: Timestamp(milliseconds: time), id: id)
    }

    /// Everything that the filter finds, newest first; the file is written while it is read.
    private static func export(_ call: PageCall) async throws -> Response {
        let filter: AuditFilter
        do {
            filter = try Self.filter(call)
        } catch let error as FilterFault {
            throw Refusal(.malformed(error.fault))
        }
        let (now, actor) = (call.now, try call.person.actor)
        let organisation = try call.organisationID
        try await call.state.store.write { transaction in
            try transaction.audit.append(
                organisation: organisation, actor: actor, action: "audit.exported", subject: "audit", now: now)
        }
        let body = ResponseBody { writer in
            var text = CSV.line(["time", "actor", "name", "action", "subject", "detail", "leaf"])
            var after: AuditPageKey?
            repeat {
                let page = try await AuditRows(call).rows(filter, after: after, limit: 500)
                for row in page.rows {
                    text += CSV.line([
                        row.time.description, row.actor, row.actorName, row.action, row.subject, row.detail,
                        row.sequence.map(String.init) ?? "",
                    ])
                }
                try await writer.write(ByteBuffer(string: text))
                text = ""
                after = key(page.next)
            } while after != nil
            try await writer.finish(nil)
        }
        return .csv("fettle-activity.csv", body)
    }
}

extension Response {
    /// A table to be saved as a file.
    static func csv(_ name: StaticString, _ body: ResponseBody) -> Response {
        Response(
            status: .ok,
            headers: [
                .contentType: "text/csv; charset=utf-8; header=present",
                .contentDisposition: "attachment; filename=\"\(name)\"",
            ], body: body)
    }
}

extension HTTPField.Name {
    fileprivate static let contentDisposition = Self(validated: "Content-Disposition")
}

/// Comma-separated values (RFC 4180) that a spreadsheet takes for text: a cell that begins like a formula gets an
/// apostrophe before it (ASVS 5.0, V1.2.10).
enum CSV {
    static func line(_ cells: [String]) -> String {
        cells.map(cell).joined(separator: ",") + "\r\n"
    }

    static func cell(_ text: String) -> String {
        var text = text
        // Spreadsheets skip blanks and take the full-width forms for the plain ones.
        if let first = text.unicodeScalars.first(where: { !$0.properties.isWhitespace }),
            "=+-@\u{FF1D}\u{FF0B}\u{FF0D}\u{FF20}".unicodeScalars.contains(first)
                || text.unicodeScalars.first.map({ $0 == "\t" || $0 == "\r" || $0 == "\n" }) == true
        {
            text = "'" + text
        }
        let quoted = text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
        return "\"\(quoted)\""
    }
}

/// Leaves of the audit log as rows.
struct AuditRows: Sendable {
    let call: PageCall

    init(_ call: PageCall) {
        self.call = call
    }

    /// A page of an organisation's leaves.
    func rows(
        _ filter: AuditFilter, after: AuditPageKey?, limit: Int
    ) async throws -> (rows: [ActivityRow], next: String?) {
        let organisation = try call.organisationID
        let context = call.context()
        let seesHosts = call.mayEverywhere(.hostsRead)
        return try await call.state.store.read { transaction in
            let leaves = try transaction.audit.search(
                organisation: organisation, filter, after: after, limit: limit + 1)
            var names: [String: String] = [:]
            func name(_ id: String) throws -> String {
                if let known = names[id] { return known }
                let name = try ActivityText.name(id, transaction, organisation: organisation)
                names[id] = name
                return name
            }
            let rows = try leaves.prefix(limit).map { leaf -> ActivityRow in
                guard let event = try? AuditEvent(canonical: leaf.event) else {
                    return ActivityRow(
                        id: leaf.id, sequence: leaf.sequence, time: leaf.recordedAt, actor: "", actorName: "unreadable",
                        action: "unreadable", subject: "")
                }
                let isHost = event.subject.hasPrefix("host:")
                // "created token" and "token t-…" shall not read "created token token t-…".
                let kind = (event.action.split(separator: ".").first.map(String.init) ?? "") + " "
                let subject = try name(event.subject)
                return ActivityRow(
                    id: leaf.id, sequence: leaf.sequence, time: leaf.recordedAt, actor: event.actor,
                    actorName: try name(event.actor), action: event.action,
                    subject: subject.hasPrefix(kind) ? String(subject.dropFirst(kind.count)) : subject,
                    location: isHost && seesHosts ? context.to("hosts", String(event.subject.dropFirst(5))) : nil,
                    detail: ActivityText.detail(event.detail))
            }
            let more = leaves.count > limit
            let last = leaves.prefix(limit).last
            return (rows, more ? last.map { "\($0.recordedAt.milliseconds).\($0.id)" } : nil)
        }
    }
}

/// The audit log in words.
enum ActivityText {
    /// `host.scan-requested`: "scan requested".
    static func words(_ action: String) -> String {
        let parts = action.split(separator: ".")
        return (parts.last.map(String.init) ?? action).split(separator: "-").joined(separator: " ")
            + (parts.count > 1 ? " (\(parts[0]))" : "")
    }

    /// A person's or host's name, where there still is one.
    static func name(_ id: String, _ transaction: Transaction, organisation: String? = nil) throws -> String {
        let parts = id.split(separator: ":", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { return id }
        switch parts[0] {
        case "user":
            guard let user = try transaction.users.get(parts[1]) else { return id }
            return user.displayName.isEmpty ? user.name : user.displayName
        case "host":
            guard let organisation, let host = try transaction.hosts.show(organisation: organisation, id: parts[1])
            else { return id }
            return host.hostname
        case "token":
            // Ids are long, and begin differently enough.
            return parts[1].utf8.count > 14 ? "token \(parts[1].prefix(12))…" : "token \(parts[1])"
        default: return id == "operator:socket" ? "Server's operator" : id
        }
    }

    /// The members of an object in a few words.
    static func detail(_ value: JSONValue) -> String {
        guard let members = value.object else { return "" }
        return members.sorted { $0.key < $1.key }.compactMap { name, value in
            let text: String
            switch value {
            case .string(let string): text = string
            case .null: return nil
            default: text = String(decoding: value.canonicalBytes(), as: UTF8.self)
            }
            return text.isEmpty ? nil : "\(name): \(text)"
        }.joined(separator: "; ")
    }
}
