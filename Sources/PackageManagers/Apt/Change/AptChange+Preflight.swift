import Glibc
import Inventory
public import Timestamps

extension AptChange {
    /// Looks whether the host may change now. What cannot be found out is unknown, and counts as no.
    ///
    /// - Parameters:
    ///   - now: against which the age of the indexes is judged.
    public func preflight(
        _ plan: AptPlan, requirements: PreflightRequirements = PreflightRequirements(), now: Timestamp
    ) -> Preflight {
        let scan = try? Apt.scan(root: root.path, resolver: .none, now: now)
        let facts = scan?.packages.value
        return Preflight(facts: [
            space(plan, requirements), memory(requirements), locks(requirements), packages(facts), journal(facts),
            holds(plan, facts), indexes(facts, requirements, now), reboot(requirements), power(requirements),
        ])
    }

    private func locks(_ requirements: PreflightRequirements) -> PreflightFact {
        do throws(AptChangeError) {
            let start = Clock.milliseconds
            while let holder = try lockHolders().first {
                guard Clock.milliseconds - start < requirements.lockWait * 1000 else {
                    return PreflightFact(
                        .locks, .no,
                        "\(holder.program) works on packages now (it holds \(holder.path)); wait for it to end")
                }
                usleep(200_000)
            }
            return PreflightFact(.locks, .yes, "nobody else works on packages")
        } catch {
            return PreflightFact(.locks, .unknown, error.description)
        }
    }

    private func packages(_ facts: PackageFacts?) -> PreflightFact {
        guard let facts else { return unread(.packages) }
        guard facts.abnormal.isEmpty else {
            let names = facts.abnormal.prefix(8).map { "\($0.package) (\($0.state))" }.joined(separator: ", ")
            return PreflightFact(
                .packages, .no,
                "not whole: \(names)\(facts.abnormal.count > 8 ? " and more" : ""); run dpkg --configure -a, then dpkg --audit"
            )
        }
        return PreflightFact(.packages, .yes, "all packages are whole")
    }

    private func journal(_ facts: PackageFacts?) -> PreflightFact {
        guard let facts else { return unread(.journal) }
        return facts.interruptedTransaction
            ? PreflightFact(
                .journal, .no,
                "dpkg was interrupted: its journal in /var/lib/dpkg/updates is not merged; run dpkg --configure -a")
            : PreflightFact(.journal, .yes, "dpkg was not interrupted")
    }

    private func holds(_ plan: AptPlan, _ facts: PackageFacts?) -> PreflightFact {
        guard let facts else { return unread(.holds) }
        let held = plan.steps.filter { step in
            facts.holds.contains("\(step.name):\(step.fromArchitecture ?? step.architecture)")
        }.map(\.name)
        return held.isEmpty
            ? PreflightFact(.holds, .yes, "no package of the order is on hold")
            : PreflightFact(
                .holds, .no, "on hold: \(held.joined(separator: ", ")); apt-mark unhold lets them go")
    }

    private func indexes(
        _ facts: PackageFacts?, _ requirements: PreflightRequirements, _ now: Timestamp
    ) -> PreflightFact {
        guard let facts else { return unread(.indexes) }
        // Where the host's people told apt not to mind expired lists, apt goes on with them.
        let minds =
            (try? AptConfiguration(root.tree))?.flag("Acquire::Check-Valid-Until", default: true) ?? true
        let problems = facts.indexProblems.filter { problem in
            problem.kind == .unreadable || (problem.kind == .expired && minds)
        }
        if let problem = problems.first {
            return PreflightFact(
                .indexes, .no,
                "the index \(problem.subject) is \(problem.kind.rawValue): \(problem.detail); run apt-get update")
        }
        switch facts.lastUpdate {
        case .unknown(let why): return PreflightFact(.indexes, .unknown, why)
        case .known(let time):
            let age = now.seconds - time.seconds
            if let most = requirements.indexAge, age > most {
                return PreflightFact(
                    .indexes, .no,
                    "the last apt-get update was \(age / 86_400) days ago, more than \(most / 86_400); run it")
            }
            return PreflightFact(.indexes, .yes, "the indexes are \(max(0, age) / 3600) h old and valid")
        }
    }

    private func reboot(_ requirements: PreflightRequirements) -> PreflightFact {
        let tree = root.tree
        guard let path = ["run/reboot-required", "var/run/reboot-required"].first(where: { tree.status($0) != nil })
        else {
            return PreflightFact(.reboot, .yes, "no reboot is pending")
        }
        let packages = ((try? tree.read("\(path).pkgs", limit: 64 << 10)) ?? []).split(separator: 0x0A)
            .map { String(decoding: $0, as: UTF8.self) }
        let text =
            "a reboot is pending"
            + (packages.isEmpty ? "" : " because of \(Set(packages).sorted().prefix(8).joined(separator: ", "))")
        return requirements.refusesPendingReboot
            ? PreflightFact(.reboot, .no, text + "; reboot first, so that what fails later is not that change's fault")
            : PreflightFact(.reboot, .yes, text + ", which the plan accepts")
    }

    func unread(_ name: PreflightFact.Name) -> PreflightFact {
        PreflightFact(name, .unknown, "the package database cannot be read; look at \(root.tree.name("var/lib/dpkg"))")
    }
}
