import Digest
import Inventory
import JSON
import PackageManagers
import Rollout
import Timestamps
import Wire

/// The proof: a fresh look at the host against the goal, or against what it was.
extension JobWork {
    /// Units whose state the job changed itself.
    private var ownUnits: Set<String> {
        let named = actions.stopServices + actions.restartServices
        return Set(named + named.map { "\($0).service" })
    }

    /// Whether the goal versions are in and everything outside of the order is as it was.
    func rescan() -> StepResult { compare(wanted: .goal, words: "the goal versions are in") }

    /// Whether the host is as it was before the job.
    func verifyRollback() -> StepResult { compare(wanted: .before, words: "the packages are as they were before") }

    private func compare(wanted: Standing, words: String) -> StepResult {
        tell("looks at the host afresh", always: true)
        guard let plan = plan() else { return .failed("the fetched plan cannot be read", ["code": "no-plan"]) }
        guard let value = folder.json(Self.beforeFile, limit: 64 << 20), let before = try? HostState(json: value) else {
            return .failed("what the host was before cannot be read, so that nothing is proved", ["code": "no-before"])
        }
        do throws(AptChangeError) {
            let now = try tool.state()
            let standing = try tool.standing(of: plan)
            let differences = now.differences(
                from: before, outside: plan, allowing: ownUnits, includingOwnConfiguration: wanted == .before)
            let lost = lostServices(since: before.units)
            var detail: [String: JSONValue] = [
                "state": .string(Self.digest(now).hex),
                "differences": .array(differences.prefix(200).map { .string($0.message.cut(to: 500)) }),
                "packages": results(plan, now),
            ]
            detail.merge(self.standing(plan).detail) { $1 }
            let isThere = standing == wanted || plan.steps.isEmpty
            guard isThere else {
                return .failed("a fresh look at the host does not find that \(words)", detail)
            }
            guard lost.isEmpty else {
                detail["services"] = .array(lost.prefix(100).map { .string($0.cut(to: 500)) })
                return .failed("\(words), but \(lost.prefix(3).joined(separator: "; "))", detail)
            }
            guard differences.isEmpty else {
                let first = differences.prefix(3).map(\.message).joined(separator: "; ")
                return .failed(
                    "\(words), but outside of the order \(differences.count) things changed: \(first)", detail)
            }
            return .done("\(words), and everything outside of the order is as it was", detail)
        } catch {
            return .failed("the host could not be looked at: \(error)", ["code": "no-state"])
        }
    }

    /// What became of each package of the order, by dpkg's own word.
    func packageResults() -> JSONValue {
        guard let plan = plan(), let now = try? tool.state() else { return [] }
        return results(plan, now)
    }

    private func results(_ plan: AptPlan, _ now: HostState) -> JSONValue {
        var list: [JSONValue] = plan.steps.map { step in
            let found = now.packages[step.id] ?? step.fromArchitecture.flatMap { now.packages["\(step.name):\($0)"] }
            let isWhole = found.map { $0.state == "installed" && !$0.needsReinstall } ?? false
            let result: String
            if !isWhole, found.map({ $0.state != "not-installed" && $0.state != "config-files" }) ?? false {
                result = "failed"
            } else if found?.version == step.to {
                result = "upgraded"
            } else if found?.version == step.from {
                result = "unchanged"
            } else {
                result = "failed"
            }
            var fields: [String: JSONValue] = [
                "package": .string(step.id), "result": .string(result),
                "message": .string(isWhole || found == nil ? "" : "dpkg says \(found?.state ?? "")"),
            ]
            if let from = step.from { fields["from"] = .string(from) }
            if let to = step.to { fields["to"] = .string(to) }
            if let version = found?.version { fields["now"] = .string(version) }
            return .object(fields)
        }
        for id in plan.unchanged {
            let version = now.packages[id]?.version ?? ""
            list.append([
                "package": .string(id), "to": .string(version), "now": .string(version), "result": "unchanged",
                "message": "it had the ordered version already",
            ])
        }
        for id in excluded {
            list.append([
                "package": .string(id), "result": "unchanged",
                "message": "the agent's own package is not changed by an ordinary job",
            ])
        }
        return .array(Array(list.prefix(1500)))
    }

    /// A package of the order that no security archive offers at the ordered version, by the host's own indexes; nil where
    /// there is none. What cannot be told counts as such.
    func firstWithoutSecurity() -> String? {
        guard let scan = try? Apt.scan(resolver: .none, now: Moment.now().wall), case .known(let offers) = scan.offers
        else { return goals.first?.id }
        let security = Set(offers.offers.filter(\.security).map { "\($0.name):\($0.architecture) \($0.candidate)" })
        let installed = Set(scan.set.packages.map { "\($0.name):\($0.architecture) \($0.version)" })
        let names = Set(scan.set.packages.map { "\($0.name):\($0.architecture)" })
        return goals.first {
            names.contains($0.id) && !installed.contains("\($0.id) \($0.version)")
                && !security.contains("\($0.id) \($0.version)")
        }?.id
    }

    /// Finds the job that this one takes back: the newest of the same campaign that changed something here.
    func findEarlier(campaign: String) -> StepResult {
        let folders = folder.siblings()
        var best: (folder: JobFolder, time: Timestamp, outcome: JobOutcome?)?
        for other in folders where other.job != folder.job {
            guard let order = try? other.readOrder(), order.offer.campaign == campaign, !order.offer.rollsBack,
                let entries = try? other.journal().entries,
                let begun = entries.last(where: { $0.phase == .mutateIntent }),
                other.folder.contains(Self.beforeFile)
            else { continue }
            if best.map({ $0.time < begun.time }) ?? true { best = (other, begun.time, entries.outcome) }
        }
        guard let best else {
            return .failed(
                "no job of this campaign has changed this host, or its way back is not kept any more; nothing was changed",
                ["code": "no-earlier-job"])
        }
        do throws(SystemError) {
            for name in [Self.planFile, Self.beforeFile] {
                guard let bytes = try best.folder.folder.read(name, limit: 64 << 20) else {
                    return .failed("\(name) of job \(best.folder.job) cannot be read", ["code": "no-earlier-job"])
                }
                CrashPoint.pass("before \(name)")
                try folder.folder.replace(name, with: bytes)
                CrashPoint.pass("after \(name)")
            }
            if best.outcome == .succeeded { try expectWhatCameSince() }
            // Its files, by name: a link keeps them although the earlier job's folder may be removed.
            try folder.folder.linkAll(from: best.folder.folder, below: "packages")
        } catch {
            return .failed(
                "the way back of job \(best.folder.job) cannot be taken over: \(error)", ["code": "no-earlier-job"])
        }
        // Anything but success may have left the packages so that only force takes them back.
        return .done(
            "takes back what job \(best.folder.job) changed",
            [
                "earlier": .string(best.folder.job),
                "intact": .bool(best.outcome == .succeeded || best.outcome == .installedRebootPending),
            ])
    }

    /// The earlier job had proved that all outside of its order was as before: what differs there now has come since, by
    /// other people's hands, and is no part of the way back. Where the host cannot be read the older look stands.
    private func expectWhatCameSince() throws(SystemError) {
        guard let plan = plan(), let value = folder.json(Self.beforeFile, limit: 64 << 20),
            let before = try? HostState(json: value), let now = try? tool.state()
        else { return }
        try folder.folder.replace(
            Self.beforeFile, with: before.withOthers(of: now, outside: plan).json.canonicalBytes())
    }
}
