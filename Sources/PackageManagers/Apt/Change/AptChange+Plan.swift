import Glibc
import Inventory
import Timestamps
import Versions

extension AptChange {
    /// Asks apt's own resolver for the exact difference that an order makes; changes nothing, uses no network.
    ///
    /// Packages of the order that are not on this host are left out, unless one that is here needs them. The answer is a
    /// refusal when apt would touch, add or remove anything else. At most 5,000 goals.
    public func plan(_ goals: [PackageGoal]) -> AptPlan {
        do throws(ChangeRefusal) {
            return try PlanMaker(root: root, goals: goals).plan()
        } catch {
            return AptPlan(refusal: error)
        }
    }
}

/// One planning, step by step.
struct PlanMaker {
    let root: ChangeRoot
    let goals: [PackageGoal]

    /// A goal with what is installed of it.
    private struct Wanted {
        var goal: PackageGoal
        var installed: DpkgPackage
    }

    func plan() throws(ChangeRefusal) -> AptPlan {
        try validate()
        let database: DpkgDatabase
        do throws(PackageScanError) {
            database = try DpkgDatabase(root.tree)
        } catch {
            throw ChangeRefusal(.broken, "the package database cannot be read: \(error)")
        }
        let broken = database.packages.filter { $0.isAbnormal }.map(\.id)
        guard broken.isEmpty, !database.hasJournal else {
            throw ChangeRefusal(
                .broken, packages: broken,
                broken.isEmpty
                    ? "dpkg was interrupted and its journal is not merged; run dpkg --configure -a, then try again"
                    : "\(list(broken)) \(broken.count == 1 ? "is" : "are") not whole; "
                        + "run dpkg --audit and dpkg --configure -a, then try again")
        }
        var wanted: [Wanted] = []
        var absent: [PackageGoal] = []
        var result = AptPlan()
        for goal in goals {
            let here = database.packages.first {
                $0.name == goal.name && $0.isOnDisk && matches($0.architecture, goal.architecture, database)
            }
            if let here {
                if here.version == goal.version {
                    result.unchanged.append(goal.id)
                } else {
                    wanted.append(Wanted(goal: goal, installed: here))
                }
            } else {
                absent.append(goal)
            }
        }
        guard !wanted.isEmpty else {
            result.skipped = absent.map(\.id)
            return result
        }
        try refuseNewerAndHeld(wanted)
        let records = try IndexRecords(
            (wanted.map(\.goal) + absent).map { ($0.name, $0.architecture, $0.version) }, root)
        try refuseUnavailable(wanted, records)
        try refusePinned(wanted)
        let answer = try ask(wanted.map(\.goal), absent.filter { record($0, records) != nil })
        try refuseOutside(answer, wanted, absent, database)
        for goal in wanted {
            result.steps.append(
                step(goal.goal, from: goal.installed, kind: .upgrade, record(goal.goal, records)))
        }
        for goal in absent {
            if answer.installs[aptName(goal.name, goal.architecture, database)] == goal.version {
                try refuseOtherFile(goal, records)
                result.steps.append(step(goal, from: nil, kind: .install, record(goal, records)))
            } else {
                result.skipped.append(goal.id)
            }
        }
        result.automatic = automatic(result.steps, database)
        return AptPlan(
            steps: result.steps, unchanged: result.unchanged, skipped: result.skipped, automatic: result.automatic)
    }

    // MARK: Refusals

    private func validate() throws(ChangeRefusal) {
        guard goals.count <= 5000 else {
            throw ChangeRefusal(.badOrder, "the order names \(goals.count) packages; at most 5000 are taken at a time")
        }
        var seen: Set<String> = []
        for goal in goals {
            guard Self.isName(goal.name), Self.isName(goal.architecture), Self.isVersion(goal.version) else {
                throw ChangeRefusal(
                    .badOrder, packages: [goal.id],
                    "the order names \(goal.id.prefix(80)) \(goal.version.prefix(80)), which is no Debian package")
            }
            guard seen.insert(goal.id).inserted else {
                throw ChangeRefusal(.badOrder, packages: [goal.id], "the order names \(goal.id) twice")
            }
        }
    }

    /// Debian policy 5.6.7: small letters, digits, plus, minus, full stops; the first a letter or digit.
    static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= 256 else { return false }
        func isLetterOrDigit(_ byte: UInt8) -> Bool {
            (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte)
        }
        return isLetterOrDigit(first) && text.utf8.allSatisfy { isLetterOrDigit($0) || "+-.".utf8.contains($0) }
    }

    static func isVersion(_ text: String) -> Bool {
        text.utf8.count <= 256 && (try? DebianVersion.parse(text, strictness: .lax)) != nil
            && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x2F && $0 != 0x3D }
    }

    private func refuseNewerAndHeld(_ wanted: [Wanted]) throws(ChangeRefusal) {
        let newer = wanted.filter { wanted in
            guard let installed = versionKey(wanted.installed.version), let goal = versionKey(wanted.goal.version)
            else {
                return false
            }
            return installed > goal
        }
        if let first = newer.first {
            throw ChangeRefusal(
                .newerInstalled, packages: newer.map(\.goal.id),
                "\(first.goal.id) is at \(first.installed.version) here, newer than the ordered \(first.goal.version)"
                    + more(newer.count) + "; the order would take it back: make it anew from what the hosts have now")
        }
        let held = wanted.filter { $0.installed.want == .hold }
        if let first = held.first {
            throw ChangeRefusal(
                .held, packages: held.map(\.goal.id),
                "\(list(held.map(\.goal.name))) \(held.count == 1 ? "is" : "are") on hold here; "
                    + "apt-mark unhold \(first.goal.name) lets it go, or leave it out of the order")
        }
    }

    private func refuseUnavailable(_ wanted: [Wanted], _ records: IndexRecords) throws(ChangeRefusal) {
        let gone = wanted.map(\.goal).filter { record($0, records) == nil }
        if let first = gone.first {
            throw ChangeRefusal(
                .unavailable, packages: gone.map(\.id),
                "no repository of this host offers \(first.id) \(first.version)\(more(gone.count)); "
                    + "run apt-get update here, or make the order anew if the version was replaced")
        }
        for goal in wanted { try refuseOtherFile(goal.goal, records) }
    }

    private func refuseOtherFile(_ goal: PackageGoal, _ records: IndexRecords) throws(ChangeRefusal) {
        guard let sha256 = goal.sha256?.lowercased(), let record = record(goal, records), record.sha256 != sha256 else {
            return
        }
        throw ChangeRefusal(
            .otherFile, packages: [goal.id],
            "this host's repositories have another file of \(goal.id) \(goal.version) than the order: "
                + "SHA-256 \(record.sha256.prefix(16))… instead of \(sha256.prefix(16))…; compare its sources with the pilots'"
        )
    }

    /// Preferences of the host's own people are theirs to change.
    private func refusePinned(_ wanted: [Wanted]) throws(ChangeRefusal) {
        guard let scan = try? Apt.scan(root: root.path, resolver: .none, now: Timestamp(seconds: Int64(time(nil)))),
            let offers = scan.offers.value
        else { return }
        for goal in wanted {
            for offer in offers.offers where offer.name == goal.goal.name && offer.candidate == goal.goal.version {
                guard case .pinned(let why) = offer.status else { continue }
                throw ChangeRefusal(
                    .pinned, packages: [goal.goal.id],
                    "preferences of this host keep \(goal.goal.name) \(goal.goal.version) away (\(why)); "
                        + "change them, or leave the package out of the order")
            }
        }
    }

    private func ask(_ wanted: [PackageGoal], _ absent: [PackageGoal]) throws(ChangeRefusal) -> ResolverAnswer {
        // Packages that are not installed are named so that their exact version is the candidate; apt skips them unless
        // another needs them.
        let arguments = (wanted + absent).map { goal in
            goal.architecture == "all" ? "\(goal.name)=\(goal.version)" : "\(goal.id)=\(goal.version)"
        }
        let answer: ResolverAnswer
        do throws(ChildProcess.Failure) {
            answer = ResolverAnswer(
                try root.run(AptCommand.question + ["--only-upgrade", "install"] + arguments, seconds: 300))
        } catch {
            throw ChangeRefusal(.resolverFailed, "apt-get was asked for the order, but \(error)")
        }
        if let complaint = answer.complaint {
            let first = wanted.first { complaint.hasPrefix("\($0.name) ") } ?? wanted.first
            throw ChangeRefusal(
                .unsolvable, packages: first.map { [$0.id] } ?? [],
                "apt finds no way to install the order: \(complaint); leave the package out, or mend its repository")
        }
        return answer
    }

    private func refuseOutside(
        _ answer: ResolverAnswer, _ wanted: [Wanted], _ absent: [PackageGoal], _ database: DpkgDatabase
    ) throws(ChangeRefusal) {
        if !answer.removals.isEmpty {
            throw ChangeRefusal(
                .removal, packages: answer.removals,
                "the order would remove \(list(answer.removals)), which it conflicts with; "
                    + "remove it by hand first, or leave out what conflicts")
        }
        var allowed: [String: String] = [:]
        for goal in wanted.map(\.goal) + absent {
            allowed[aptName(goal.name, goal.architecture, database)] = goal.version
        }
        let extra = answer.installs.filter { allowed[$0.key] != $0.value }.keys.sorted()
        if !extra.isEmpty {
            let installed = Set(database.packages.filter(\.isOnDisk).flatMap { [$0.name, $0.id] })
            let words = extra.map { name in
                installed.contains(name)
                    ? "change \(name) to \(answer.installs[name] ?? "")"
                    : "install \(name) \(answer.installs[name] ?? "")"
            }
            throw ChangeRefusal(
                .outsideOrder, packages: extra,
                "the order would also \(list(words)), which it does not name; add them to the release set and have it "
                    + "approved")
        }
        let missed = wanted.map(\.goal).filter { answer.installs[aptName($0.name, $0.architecture, database)] == nil }
        if !missed.isEmpty {
            throw ChangeRefusal(
                .unsolvable, packages: missed.map(\.id),
                "apt would leave \(list(missed.map(\.id))) as it is and does not say why; try apt-get -s install by hand"
            )
        }
    }

    // MARK: Values

    private func record(_ goal: PackageGoal, _ records: IndexRecords) -> IndexRecords.Record? {
        records.record(goal.name, goal.architecture, goal.version, sha256: goal.sha256?.lowercased())
    }

    private func step(
        _ goal: PackageGoal, from: DpkgPackage?, kind: PackageStep.Kind, _ record: IndexRecords.Record?
    ) -> PackageStep {
        PackageStep(
            name: goal.name, architecture: goal.architecture, kind: kind, from: from?.version,
            fromArchitecture: from?.architecture, to: goal.version, sha256: record?.sha256 ?? goal.sha256,
            downloadBytes: record?.bytes ?? 0, installedBytes: record?.installedBytes ?? 0,
            mayReturn: from.map { goal.previous.isEmpty || goal.previous.contains($0.version) } ?? true)
    }

    /// A package may become one for all architectures, or the host's own.
    private func matches(_ installed: String, _ goal: String, _ database: DpkgDatabase) -> Bool {
        let native = database.nativeArchitecture
        return installed == goal || (installed == "all" && goal == native) || (installed == native && goal == "all")
    }

    /// As apt names a package: with its architecture only where that is foreign.
    private func aptName(_ name: String, _ architecture: String, _ database: DpkgDatabase) -> String {
        architecture == "all" || architecture == database.nativeArchitecture ? name : "\(name):\(architecture)"
    }

    private func automatic(_ steps: [PackageStep], _ database: DpkgDatabase) -> [String] {
        guard let marks = try? ExtendedStates.automatic(root.tree, path: "var/lib/apt/extended_states") else {
            return []
        }
        return steps.filter { step in
            step.kind == .install
                || [step.id, "\(step.name):\(database.nativeArchitecture)", "\(step.name):"].contains(
                    where: marks.contains)
        }.map { aptName($0.name, $0.architecture, database) }
    }

    private func list(_ names: [String]) -> String {
        names.prefix(8).joined(separator: ", ") + (names.count > 8 ? " and \(names.count - 8) more" : "")
    }

    private func more(_ count: Int) -> String { count > 1 ? " (and \(count - 1) more like it)" : "" }
}

extension DpkgPackage {
    /// Whether dpkg has work left on it: unpacked, half-done, waiting for triggers, or to be unpacked again.
    var isAbnormal: Bool {
        needsReinstall || ![State.installed, .notInstalled, .configFiles].contains(state)
    }
}
