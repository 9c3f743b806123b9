import Digest
import Hummingbird
import Inventory
import JSON
import Store
import Timestamps
import Wire

extension AgentRoutes {
    /// Takes numbered reports; the answer is given when what it acknowledges is on disk.
    func reports(_ batch: ReportBatch, _ host: HostRecord) async throws -> ReportReply {
        let now = state.clock.now()
        _ = try await exchangeToken(batch.exchangeToken, host, now)
        for (index, report) in batch.reports.enumerated().dropFirst()
        where report.sequence != batch.reports[index - 1].sequence + 1 {
            throw Refusal(
                .malformed("the reports are not numbered one after the other", pointer: "/reports/\(index)/sequence"))
        }
        let submission = ReportSubmission(
            organisation: host.organisation, host: host.id, incarnation: batch.incarnation,
            entries: batch.reports.map(\.stored),
            // What the host has deleted was acknowledged by this server before it was restored.
            acceptsGap: true)
        let (outcome, gap) = try await state.store.write { transaction -> (ReportOutcome, Int64?) in
            // As it is in this transaction: the directory's record may be one report behind.
            let record = try transaction.hosts.show(organisation: host.organisation, id: host.id) ?? host
            let expected = try transaction.reports.expectedReport(record, incarnation: batch.incarnation)
            let first = submission.entries.first?.sequence ?? expected
            let outcome = try transaction.reports.accept(
                submission, from: record, now: now, summarise: summary(facts:))
            return (outcome, first > expected ? first - expected : nil)
        }
        if let gap {
            try await state.noteRestore(
                organisation: host.organisation, host: host.id, fence: state.epoch,
                reason: "host \(host.id) was told that \(gap) reports are safe which this server does not have")
        }
        state.metrics.count(.reports, "result=\"accepted\"", by: UInt64(outcome.accepted))
        let first = submission.entries.first?.sequence ?? outcome.nextReport
        let duplicates =
            min(Int64(submission.entries.count), max(0, outcome.nextReport - first)) - Int64(outcome.accepted)
        if duplicates > 0 { state.metrics.count(.reports, "result=\"duplicate\"", by: UInt64(duplicates)) }
        if !outcome.needed.isEmpty { state.metrics.count(.reports, "result=\"needs-documents\"") }
        return ReportReply(expectedReport: outcome.nextReport, needed: outcome.needed.compactMap(\.needed))
    }

    /// Takes a document, or what turns one the organisation holds into it.
    func upload(
        _ name: DocumentName, _ bytes: [UInt8], type: String, _ host: HostRecord
    ) async throws -> Response {
        let now = state.clock.now()
        let organisation = host.organisation
        do {
            let isNew: Bool
            switch type {
            case "application/vnd.fettle.document":
                let parse: @Sendable () throws -> (HostFacts?, CheckedDocument) = {
                    (name.kind == .facts ? try HostFacts(parsing: bytes) : nil, try CheckedDocument(name, bytes: bytes))
                }
                // Checked here and not in the transaction: the one writer must not wait for a hash.
                let (facts, document) = bytes.count > 128 << 10 ? try await offEventLoop(parse) : try parse()
                if let facts { state.store.remember(summary(of: facts), facts: name.digest) }
                isNew = try await state.store.write { transaction in
                    try transaction.documents.put(organisation: organisation, document, now: now)
                }
            case "application/vnd.fettle.delta" where name.kind != .facts:
                let delta = try LineDelta(parsing: bytes)
                isNew = try await state.store.write { transaction in
                    try transaction.documents.put(organisation: organisation, name, delta: delta, now: now)
                }
            default:
                throw Refusal(
                    .malformed(
                        "the content type \"\(type.prefix(64))\" is neither application/vnd.fettle.document nor, for set "
                            + "and offers, application/vnd.fettle.delta"))
            }
            state.metrics.count(
                .uploads, "document=\"\(name.kind.rawValue)\",result=\"\(isNew ? "created" : "known")\"")
            return Response(status: isNew ? .created : .ok, headers: [.contentLength: "0"])
        } catch {
            state.metrics.count(.uploads, "document=\"\(name.kind.rawValue)\",result=\"refused\"")
            throw Self.uploadRefusal(error)
        }
    }

    private static func uploadRefusal(_ error: any Error) -> any Error {
        let cure = "Send the document again, whole; if it stays, the agent has a defect: report it."
        switch error {
        case DocumentError.unknownBase(let digest):
            return Refusal(
                .init(
                    "base-unknown", title: "The delta's base is not known", status: 409,
                    detail: "No document of this organisation has the digest \(digest.hex).",
                    cure: "Send the whole document."))
        case let error as DocumentError:
            return Refusal(
                .init(
                    "digest-mismatch", title: "The document has another digest", status: 422,
                    detail: error.description, cure: cure))
        case let error as LineDocumentError:
            return Refusal(
                .init(
                    "bad-document", title: "The document is not well formed", status: 422, detail: error.description,
                    cure: cure))
        case let error as JSONError:
            return Refusal(
                .init(
                    "bad-document", title: "The document is not well formed", status: 422, detail: error.description,
                    cure: cure, pointer: error.pointer))
        default: return error
        }
    }

    func documentName(_ kind: Substring, _ digest: Substring) throws(Refusal) -> DocumentName {
        guard let kind = DocumentKind(rawValue: String(kind)), let digest = SHA256Digest(hex: digest) else {
            throw Refusal(
                .malformed("a document's path is documents/{set|offers|facts}/ and 64 hexadecimal digits"))
        }
        return DocumentName(kind, digest)
    }
}

extension Report {
    /// As the store keeps it.
    fileprivate var stored: ReportEntry {
        ReportEntry(
            sequence: sequence, observed: observed, bootID: bootID, digests: digests.stored, cause: cause)
    }
}

extension DocumentName {
    /// As the protocol asks for it.
    fileprivate var needed: NeededDocument? {
        HostDocument(rawValue: kind.rawValue).map { NeededDocument(document: $0, digest: digest) }
    }
}

/// What lists show of a facts document.
@Sendable
func summary(facts bytes: [UInt8]) -> FactsSummary? {
    (try? HostFacts(parsing: bytes)).map(summary(of:))
}

/// What lists show of a host's facts.
private func summary(of facts: HostFacts) -> FactsSummary {
    var reboot: JSONValue = ["unknown": .string(facts.reboot.why ?? "")]
    if let verdict = facts.reboot.value {
        reboot = [
            "value": [
                "required": .bool(verdict.required),
                "reasons": .array(verdict.reasons.map { .string($0.kind.rawValue) }),
            ]
        ]
    }
    let fetched =
        facts.packages.value?.lastUpdate ?? .unknown(facts.packages.why ?? "")
    let json: JSONValue = [
        "reboot": reboot, "unknowns": .integer(Int64(facts.unknowns.count)),
        "indexesFetched": fetched.json { .string($0.description) },
    ]
    var summary = FactsSummary(
        hostname: facts.hostname.value, operatingSystem: facts.operatingSystem.value?.name ?? "",
        json: String(decoding: json.canonicalBytes(), as: UTF8.self))
    summary.rebootRequired = facts.reboot.value?.required
    summary.broken = facts.packages.value.map { Int64($0.abnormal.count + ($0.interruptedTransaction ? 1 : 0)) }
    summary.restarts = facts.restarts.value.map { Int64($0.count) }
    summary.indexesFetched = facts.packages.value?.lastUpdate.value
    summary.addresses = (facts.addresses.value ?? []).prefix(64).map(\.address)
    return summary
}
