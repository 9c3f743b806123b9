extension AptChange {
    /// The commands of a run, of which each is only run after success of the one before.
    func commands(
        _ kind: AptRun.Kind, steps: [PackageStep], lockWait: Int
    ) throws(AptChangeError) -> [[String]] {
        if kind == .configure {
            try waitForLocks(seconds: lockWait)
            return [AptCommand.dpkg + ["--configure", "-a"]]
        }
        guard let kept = try kept(checking: false) else {
            throw AptChangeError("nothing was fetched into \(folder)/packages: prefetch comes before every run")
        }
        let database = try database()
        switch kind {
        case .configure: return []
        case .apply:
            let open = steps.filter { step in here(step, database)?.version != step.to }
            let files = try open.map { step throws(AptChangeError) in
                try file(step, step.architecture, step.to, kept.new)
            }
            try rehearse(files, removing: [], expected: open.map { (name($0, database), $0.to ?? "") }, back: false)
            return [AptCommand.run(lockWait: lockWait, downgrades: false) + files]
        case .reinstall:
            let broken = steps.filter { here($0, database)?.needsReinstall ?? false }
            let files = try broken.map { step throws(AptChangeError) in
                // As far as it came: the new one where it is at hand, else the old one.
                if let file = try? file(step, step.architecture, step.to, kept.new) { return file }
                return try file(step, step.oldArchitecture, step.from, kept.old)
            }
            guard !files.isEmpty else { throw AptChangeError("no package of the order must be unpacked again") }
            try waitForLocks(seconds: lockWait)
            return [AptCommand.dpkg + ["--install"] + files]
        case .complete:
            let open = steps.filter { step in step.to != nil && here(step, database)?.version != step.to }
            let files = try open.map { step throws(AptChangeError) in
                try file(step, step.architecture, step.to, kept.new)
            }
            guard !files.isEmpty else { throw AptChangeError("every package of the order is unpacked") }
            try waitForLocks(seconds: lockWait)
            return [AptCommand.dpkg + ["--install"] + files, AptCommand.dpkg + ["--configure", "-a"]]
        case .rollBack, .forceBack:
            let isForced = kind == .forceBack
            let back = steps.filter { step in
                let now = here(step, database)
                return step.from != nil && (now?.version != step.from || now?.isAbnormal ?? true)
            }
            let gone = steps.filter { $0.from == nil && !isRunningKernel($0) && here($0, database) != nil }
            let files = try back.map { step throws(AptChangeError) in
                guard step.mayReturn else {
                    throw AptChangeError(
                        "the order does not allow \(step.id) to return to \(step.from ?? ""): nobody tested that version"
                    )
                }
                return try file(step, step.oldArchitecture, step.from, kept.old)
            }
            let names = gone.map { name($0, database) }
            guard isForced else {
                try rehearse(
                    files, removing: names, expected: back.map { (name($0, database), $0.from ?? "") }, back: true)
                return [AptCommand.run(lockWait: lockWait, downgrades: true) + files + names.map { $0 + "-" }]
            }
            try waitForLocks(seconds: lockWait)
            var commands: [[String]] = []
            if !files.isEmpty { commands.append(AptCommand.dpkg + ["--force-downgrade", "--install"] + files) }
            if !names.isEmpty {
                commands.append(AptCommand.dpkg + ["--force-remove-reinstreq", "--remove"] + names)
            }
            guard !commands.isEmpty else { throw AptChangeError("no package of the order is other than before") }
            return commands
        }
    }

    func database() throws(AptChangeError) -> DpkgDatabase {
        do throws(PackageScanError) {
            return try DpkgDatabase(root.tree)
        } catch {
            throw AptChangeError("the package database cannot be read: \(error)")
        }
    }

    /// Whether the host runs the kernel of this package: it cannot be taken away under it.
    func isRunningKernel(_ step: PackageStep) -> Bool {
        let release = (try? root.tree.read("proc/sys/kernel/osrelease", limit: 4096)) ?? []
        return step.name == "linux-image-\(String(decoding: release, as: UTF8.self).trimmed)"
    }

    /// The package of a step as it is on the disk now; nil where it is not.
    func here(_ step: PackageStep, _ database: DpkgDatabase) -> DpkgPackage? {
        database.packages.first { package in
            package.name == step.name && package.isOnDisk
                && (package.architecture == step.architecture || package.architecture == step.fromArchitecture)
        }
    }

    private func name(_ step: PackageStep, _ database: DpkgDatabase) -> String {
        step.architecture == "all" || step.architecture == database.nativeArchitecture ? step.name : step.id
    }

    /// A kept file as the host sees it, with its digest checked once more.
    private func file(
        _ step: PackageStep, _ architecture: String, _ version: String?, _ kept: [KeptPackage]
    ) throws(AptChangeError) -> String {
        guard let version,
            let package = kept.first(where: {
                $0.name == step.name && $0.architecture == architecture && $0.version == version
            })
        else {
            throw AptChangeError(
                "the file of \(step.name):\(architecture) \(version ?? "") is not at hand in \(folder)/packages")
        }
        let path = "\(folder)/packages/\(package.file)"
        guard FileDigest.sha256(root.outside(path)) == package.sha256 else {
            throw AptChangeError("\(path) is not the file that was fetched: its SHA-256 differs; fetch it again")
        }
        return path
    }

    /// Lets apt say what a run over files would do; anything but the expected is not begun.
    private func rehearse(
        _ files: [String], removing: [String], expected: [(name: String, version: String)], back: Bool
    ) throws(AptChangeError) {
        guard !files.isEmpty || !removing.isEmpty else {
            throw AptChangeError(back ? "all packages are as they were before" : "all packages are at their goals")
        }
        let answer: ResolverAnswer
        do throws(ChildProcess.Failure) {
            answer = ResolverAnswer(
                try root.run(
                    AptCommand.question + (back ? ["--allow-downgrades"] : []) + AptCommand.withoutRepositories
                        + ["install"] + files + removing.map { $0 + "-" }))
        } catch {
            throw AptChangeError("apt-get was asked for a rehearsal, but \(error)")
        }
        if let complaint = answer.complaint {
            throw AptChangeError("apt refuses the run: \(complaint); nothing was changed by it")
        }
        var installs = answer.installs
        for (name, version) in expected where installs[name] == version { installs[name] = nil }
        let missing = expected.filter { answer.installs[$0.name] != $0.version }.map(\.name)
        let removals = answer.removals.filter { !removing.contains($0) }
        guard installs.isEmpty, missing.isEmpty, removals.isEmpty else {
            let words =
                installs.keys.sorted().map { "change \($0)" } + missing.map { "leave out \($0)" }
                + removals.map { "remove \($0)" }
            throw AptChangeError(
                "the host is not as it was planned for: apt would now \(words.prefix(8).joined(separator: ", ")); "
                    + "nothing was changed by it; plan again")
        }
    }
}
