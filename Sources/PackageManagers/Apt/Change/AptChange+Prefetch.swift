import Glibc
import JSON

extension AptChange {
    /// Fetches the files of the new and of the installed versions into `folder/packages`, each checked by its digest.
    ///
    /// What is there and right is not fetched again, and a file that is there in part is gone on with. The old versions come
    /// from a repository, from apt's own cache, else are packed again by dpkg-repack where it is installed; a package for which
    /// all fail has no way back. The result is kept in the folder, see ``kept()``.
    ///
    /// - Throws: where the folder cannot be written, the files are more than allowed, or there is no room for them.
    public func prefetch(
        _ plan: AptPlan, limits: PrefetchLimits = PrefetchLimits()
    ) throws(AptChangeError) -> Prefetch {
        if let refusal = plan.refusal { throw AptChangeError(refusal.description) }
        let packages = root.outside("\(folder)/packages")
        try DurableFile.makeFolder(packages)
        let database = try database()
        let returning = plan.steps.filter { $0.from != nil }
        let records: IndexRecords
        do throws(ChangeRefusal) {
            records = try IndexRecords(
                plan.steps.map { ($0.name, $0.architecture, $0.to ?? "") }
                    + returning.map { ($0.name, $0.fromArchitecture ?? $0.architecture, $0.from ?? "") }, root)
        } catch {
            throw AptChangeError(error.description)
        }
        var wanted: [Wanted] = []
        for step in plan.steps {
            wanted.append(
                Wanted(step.name, step.architecture, step.to ?? "", step.sha256, records, isOld: false))
        }
        for step in returning where step.mayReturn {
            wanted.append(
                Wanted(
                    step.name, step.fromArchitecture ?? step.architecture, step.from ?? "", nil, records, isOld: true))
        }
        let total = wanted.reduce(Int64(0)) { $0 + ($1.record?.bytes ?? 0) }
        guard total <= limits.bytes else {
            throw AptChangeError(
                "the files of this order are \(total >> 20) MiB, more than the \(limits.bytes >> 20) MiB allowed; "
                    + "raise the limit or split the order")
        }
        let open = wanted.filter { $0.record != nil && !isAtHand($0, packages) }
        try makeSureOfRoom(open, packages)
        let complaints = download(open, limits, native: database.nativeArchitecture)
        var result = Prefetch()
        for wanted in wanted {
            if wanted.isOld {
                switch old(wanted, packages, complaints, limits) {
                case .success(let package): result.old.append(package)
                case .failure(let missing): result.noWayBack.append(missing.missing)
                }
            } else if let package = fetched(wanted, packages) {
                result.new.append(package)
            } else {
                result.missing.append(
                    Prefetch.Missing(
                        package: wanted.id, version: wanted.version, why: why(wanted, packages, complaints)))
            }
        }
        for step in returning where !step.mayReturn {
            result.noWayBack.append(
                Prefetch.Missing(
                    package: step.id, version: step.from ?? "",
                    why: "the order does not name \(step.from ?? "") among the versions to return to"))
        }
        try DurableFile.write(result.json.canonicalBytes(), to: "\(packages)/manifest.json")
        return result
    }

    /// What ``prefetch(_:limits:)`` left, with every file's digest checked anew; nil where it was never done.
    ///
    /// - Throws: where a file is missing or is not what was fetched.
    public func kept() throws(AptChangeError) -> Prefetch? { try kept(checking: true) }

    func kept(checking: Bool) throws(AptChangeError) -> Prefetch? {
        let packages = root.outside("\(folder)/packages")
        let path = "\(packages)/manifest.json"
        let prefetch: Prefetch
        do {
            let bytes = try FileTree(root: "/").read(path, limit: 8 << 20)
            prefetch = try Prefetch(json: JSONValue(parsing: bytes, limits: .facts))
        } catch let error as FileError where error.isMissing {
            return nil
        } catch {
            throw AptChangeError("\(path) cannot be read: \(error); remove it and fetch again")
        }
        guard checking else { return prefetch }
        for package in prefetch.new + prefetch.old
        where FileDigest.sha256("\(packages)/\(package.file)") != package.sha256 {
            throw AptChangeError(
                "\(packages)/\(package.file) is missing or is not the file that was fetched; fetch it again")
        }
        return prefetch
    }

    // MARK: One file

    /// A file to be fetched.
    private struct Wanted {
        var name: String
        var architecture: String
        var version: String
        /// The digest that it must have; nil where nobody knows it.
        var sha256: String?
        var record: IndexRecords.Record?
        var isOld: Bool

        init(
            _ name: String, _ architecture: String, _ version: String, _ sha256: String?, _ records: IndexRecords,
            isOld: Bool
        ) {
            self.name = name
            self.architecture = architecture
            self.version = version
            record = records.record(name, architecture, version, sha256: sha256)
            self.sha256 = sha256 ?? record?.sha256
            self.isOld = isOld
        }

        var id: String { "\(name):\(architecture)" }
        /// As apt and dpkg-repack name it.
        var file: String { "\(name)_\(version.replacing(":", with: "%3a"))_\(architecture).deb" }
    }

    private struct NoWayBack: Error { var missing: Prefetch.Missing }

    private func isAtHand(_ wanted: Wanted, _ packages: String) -> Bool {
        let path = "\(packages)/\(wanted.file)"
        guard let digest = FileDigest.sha256(path) else { return false }
        if let sha256 = wanted.sha256, digest == sha256 { return true }
        var status = stat()
        // apt goes on with a part; what is whole and wrong is of no use.
        if let record = wanted.record, stat(path, &status) == 0, Int64(status.st_size) >= record.bytes { unlink(path) }
        return false
    }

    private func makeSureOfRoom(_ open: [Wanted], _ packages: String) throws(AptChangeError) {
        let needed = open.reduce(Int64(16 << 20)) { $0 + ($1.record?.bytes ?? 0) }
        var space = statvfs()
        guard !open.isEmpty, statvfs(packages, &space) == 0 else { return }
        let free = Int64(space.f_bavail) * Int64(space.f_frsize)
        guard free >= needed else {
            throw AptChangeError(
                "\(packages) has \(free >> 20) MiB free, and \(needed >> 20) MiB are to be fetched; make room there")
        }
    }

    /// Has apt fetch files, each by its exact version; what it complained of.
    private func download(_ open: [Wanted], _ limits: PrefetchLimits, native: String) -> [String] {
        var complaints: [String] = []
        for start in stride(from: 0, to: open.count, by: 200) {
            let names = open[start..<min(start + 200, open.count)].map { wanted in
                wanted.architecture == "all" || wanted.architecture == native
                    ? "\(wanted.name)=\(wanted.version)" : "\(wanted.id)=\(wanted.version)"
            }
            do throws(ChildProcess.Failure) {
                let result = try root.run(
                    ["apt-get", "-q", "-y", "-o", "Debug::NoLocking=true", "-o", "Acquire::Retries=3"]
                        + AptCommand.privateCaches + ["download", "--"] + names,
                    in: "\(folder)/packages", seconds: limits.seconds)
                complaints += result.lines.filter { $0.hasPrefix("E:") }
                if result.lines.contains(where: { $0.contains("Hash Sum mismatch") }) {
                    complaints += result.lines.filter { $0.contains("Hash Sum mismatch") }
                }
            } catch {
                complaints.append("E: the download failed: \(error)")
            }
        }
        return complaints
    }

    private func fetched(_ wanted: Wanted, _ packages: String) -> KeptPackage? {
        let path = "\(packages)/\(wanted.file)"
        guard let sha256 = wanted.sha256, let digest = FileDigest.sha256(path), digest == sha256 else { return nil }
        return kept(wanted, digest, path, .repository)
    }

    private func kept(
        _ wanted: Wanted, _ digest: String, _ path: String, _ source: KeptPackage.Source
    ) -> KeptPackage? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return KeptPackage(
            name: wanted.name, architecture: wanted.architecture, version: wanted.version, sha256: digest,
            bytes: Int64(status.st_size), file: wanted.file, source: source)
    }

    /// What apt said of this file, in one sentence.
    private func why(_ wanted: Wanted, _ packages: String, _ complaints: [String]) -> String {
        if wanted.record == nil { return "no repository of this host offers it" }
        let stem = "/\(wanted.name)_"
        if let line = complaints.first(where: { $0.contains(stem) }) {
            let words = line.split(separator: " ").map(String.init)
            // "E: Failed to fetch URL  404  File not found [IP: …]"
            let reason = words.drop { !$0.contains(stem) }.dropFirst().joined(separator: " ")
            if reason.contains("Hash Sum mismatch") {
                return
                    "the file on the server differs from its hash in the signed index; the mirror is broken or was tampered with"
            }
            return reason.isEmpty ? line : "the server says: \(reason)"
        }
        if let digest = FileDigest.sha256("\(packages)/\(wanted.file)") {
            return "its SHA-256 is \(digest.prefix(16))…, not \((wanted.sha256 ?? "").prefix(16))…"
        }
        return complaints.last.map { String($0.drop { $0 != " " }).trimmed }
            ?? "apt fetched nothing and does not say why"
    }

    // MARK: The way back

    private func old(
        _ wanted: Wanted, _ packages: String, _ complaints: [String], _ limits: PrefetchLimits
    ) -> Result<KeptPackage, NoWayBack> {
        if let package = fetched(wanted, packages) { return .success(package) }
        let path = "\(packages)/\(wanted.file)"
        let cached = root.outside("/var/cache/apt/archives/\(wanted.file)")
        if let digest = FileDigest.sha256(cached), wanted.sha256 == nil || wanted.sha256 == digest,
            holds(wanted, "/var/cache/apt/archives/\(wanted.file)"),
            let package = copy(cached, to: path, digest).flatMap({ kept(wanted, digest, $0, .cache) })
        {
            return .success(package)
        }
        unlink(path)
        if access(root.outside("/usr/bin/dpkg-repack"), X_OK) == 0 {
            _ = try? root.run(
                ["dpkg-repack", wanted.architecture == "all" ? wanted.name : wanted.id], in: "\(folder)/packages",
                seconds: limits.seconds)
            if let digest = FileDigest.sha256(path), holds(wanted, "\(folder)/packages/\(wanted.file)"),
                let package = kept(wanted, digest, path, .repacked)
            {
                return .success(package)
            }
        }
        return .failure(
            NoWayBack(
                missing: Prefetch.Missing(
                    package: wanted.id, version: wanted.version,
                    why: "the installed \(wanted.version) is in no repository and not in apt's cache"
                        + ", and dpkg-repack \(access(root.outside("/usr/bin/dpkg-repack"), X_OK) == 0 ? "failed" : "is not installed")"
                )))
    }

    /// Whether a file is the package that its name says.
    private func holds(_ wanted: Wanted, _ path: String) -> Bool {
        guard
            let result = try? root.run(
                ["dpkg-deb", "-W", "--showformat=${Package} ${Version} ${Architecture}", path]), result.status == 0
        else { return false }
        return String(decoding: result.output, as: UTF8.self).trimmed
            == "\(wanted.name) \(wanted.version) \(wanted.architecture)"
    }

    private func copy(_ source: String, to path: String, _ digest: String) -> String? {
        guard let bytes = try? FileTree(root: "/").read(source, limit: 2 << 30),
            (try? DurableFile.write(bytes, to: path)) != nil, FileDigest.sha256(path) == digest
        else { return nil }
        return path
    }
}
