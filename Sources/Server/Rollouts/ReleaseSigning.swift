import JSON
import Orders
import Rollout
import Signer
import Store
import Timestamps
import Wire

/// Has the release of a campaign signed, or the one that only takes its hosts back: outside any transaction, for the signer
/// is another process. What it refuses for good goes back to people; whatever else is in the way is tried again.
struct ReleaseSigning: Sendable {
    let state: ServerState

    /// Seconds after the window's end for which a release is good: for the proof of the last hosts.
    private static let afterWindow: Int64 = 4 * 86_400
    /// Seconds for which a release for the way back is good: a day for the hosts, and what the signer takes to be there.
    private static let rollbackValidity: Int64 = 4 * 86_400

    /// What is to be signed, as it was read.
    private struct Question: Sendable {
        var record: CampaignRecord
        var campaign: Campaign
        var wanted: Campaign.Signature
        var plan: Plan
        var approvals: [ApprovalRecord]
    }

    /// Does what that timer stands for.
    func run(_ timer: StoredTimer) async throws {
        let now = state.clock.now()
        let (organisation, id) = (timer.organisation, timer.subject)
        let asked = try await state.store.read { sql -> Question? in
            guard let record = try sql.campaigns.show(organisation: organisation, id: id) else { return nil }
            let campaign = try record.campaign()
            guard let wanted = campaign.pendingSignature else { return nil }
            let hosts = try sql.campaigns.hosts(organisation: organisation, campaign: id).map(\.host)
            return Question(
                record: record, campaign: campaign, wanted: wanted, plan: try record.storedPlan().plan(hosts: hosts),
                approvals: try sql.campaigns.approvals(organisation: organisation, campaign: id))
        }
        guard let question = asked else {
            return try await state.store.write {
                try RolloutTransaction(sql: $0, organisation: organisation, now: now, policies: state.policies).drop(
                    timer)
            }
        }
        let answer: Result<Envelope, any Error>
        do { answer = .success(try await ask(question, now)) } catch { answer = .failure(error) }
        try await state.store.write { sql in
            let rollout = RolloutTransaction(sql: sql, organisation: organisation, now: now, policies: state.policies)
            let current = try rollout.campaign(id)
            guard current.planDigest == question.record.planDigest, current.epoch == question.record.epoch,
                try current.campaign().pendingSignature == question.wanted
            else { return try rollout.drop(timer) }
            do {
                switch answer {
                case .success(let envelope): try rollout.take(envelope, question.wanted, current)
                case .failure(let refusal as SignerRefusal) where !refusal.code.isPassing:
                    try rollout.take(refusal, question.wanted, question.plan, current)
                case .failure(let error):
                    try rollout.handle(.signingFailed(reason: reason(error)), current, by: "server") {
                        var remarks = $0.storedRemarks
                        remarks.signing = reason(error)
                        $0.remarks = remarks.json.canonicalText
                    }
                    var again = timer
                    again.dueAt = now.adding(seconds: Campaign.signingRetry)
                    return try sql.timers.set(again)
                }
                try rollout.drop(timer)
            } catch is TransitionError {
                try rollout.drop(timer)
            }
        }
    }

    private func ask(_ question: Question, _ now: Timestamp) async throws -> Envelope {
        let campaign = question.campaign
        guard let digest = question.record.planDigest, question.plan.digest == digest else {
            throw Refusal(.unsignable("the stored plan is not the one that was approved"))
        }
        let valid = question.approvals.filter { $0.epoch == campaign.epoch && $0.planDigest == digest }.map { one in
            var signature: Envelope.Signature?
            if let key = one.keyID, let bytes = one.signature { signature = .init(keyID: key, bytes: bytes) }
            return ReleaseDocument.Approval(approver: one.approver, time: one.approvedAt, signature: signature)
        }
        if question.wanted == .rollback {
            return try await state.signer.rollback(
                plan: HostPlan(json: question.plan.json), author: campaign.author, approvals: valid,
                approvalsRequired: campaign.approvalsRequired, expires: now.adding(seconds: Self.rollbackValidity))
        }
        return try await state.signer.release(
            plan: question.plan, author: campaign.author, approvals: valid,
            approvalsRequired: campaign.approvalsRequired,
            expires: (campaign.endsAt ?? now).adding(seconds: Self.afterWindow))
    }
}

extension RolloutTransaction {
    /// The signer has signed.
    fileprivate func take(_ envelope: Envelope, _ wanted: Campaign.Signature, _ record: CampaignRecord) throws {
        switch wanted {
        case .release:
            try handle(.releaseSigned, record, by: "server") {
                $0.release = envelope.json.canonicalText
                $0.clearSigningRemark()
            }
        case .rollback:
            try handle(.rollbackSigned, record, by: "server") {
                $0.rollbackRelease = envelope.json.canonicalText
                $0.clearSigningRemark()
            }
        }
    }

    /// The signer never will: a person has to do something.
    fileprivate func take(
        _ refusal: SignerRefusal, _ wanted: Campaign.Signature, _ plan: Plan, _ record: CampaignRecord
    ) throws {
        let why = reason(refusal)
        guard wanted == .release else {
            try handle(
                .rollbackRefused(reason: "The signer refused the way back, and nothing was taken back: \(why)"), record,
                by: "server")
            return
        }
        let cure =
            refusal.code.isAboutApprovals
            ? "The signer did not accept the approvals, so the plan has to be approved anew"
            : "The signer refused the plan, so it has to be edited and approved anew"
        var next = plan
        next.epoch += 1
        try handle(
            .approvalRefused(
                plan: next.digest, reason: "\(cure): \(why)", required: refusal.approvalsRequired ?? 0), record,
            by: "server"
        ) {
            $0.plan = next.json.canonicalText
            $0.planDigest = next.digest
            $0.clearSigningRemark()
        }
    }
}

/// What went wrong, in one sentence for people.
private func reason(_ error: any Error) -> String {
    if let refusal = error as? Refusal { return String(refusal.problem.detail.prefix(1000)) }
    return String("\(error)".prefix(1000))
}
