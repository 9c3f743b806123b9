import Glibc
import Inventory

extension AptChange {
    /// Reads what the host is made of: packages with their marks, configuration files by digest, units.
    ///
    /// - Throws: where the package database cannot be read. Units that cannot be asked for are unknown.
    public func state() throws(AptChangeError) -> HostState {
        let tree = root.tree
        let database = try database()
        var automatic: Set<String> = []
        do throws(PackageScanError) {
            automatic = try ExtendedStates.automatic(tree, path: "var/lib/apt/extended_states")
        } catch {
            throw AptChangeError("apt's marks cannot be read: \(error)")
        }
        var packages: [String: HostState.Package] = [:]
        for package in database.packages where package.state != .notInstalled {
            let names = [
                package.id, "\(package.name):",
                package.architecture == "all" ? "\(package.name):\(database.nativeArchitecture)" : package.id,
            ]
            packages[package.id] = HostState.Package(
                version: package.version, state: package.state.rawValue, want: package.want.rawValue,
                needsReinstall: package.needsReinstall, isAutomatic: names.contains(where: automatic.contains))
        }
        var owners: [String: String] = [:]
        var configuration: [String: String] = [:]
        for (path, owner) in try configurationFiles() {
            owners[path] = owner
            do throws(FileError) {
                configuration[path] = try FileDigest.sha256(path, in: tree)
            } catch {
                configuration[path] = error.isMissing ? "missing" : "unreadable"
            }
        }
        return HostState(
            packages: packages, hasJournal: database.hasJournal, configuration: configuration,
            configurationOwners: owners, units: units())
    }

    /// Where the packages of a plan stand, by dpkg's own database.
    public func standing(of plan: AptPlan) throws(AptChangeError) -> Standing {
        let database = try database()
        let abnormal = database.packages.filter(\.isAbnormal).map(\.id)
        guard abnormal.isEmpty, !database.hasJournal else { return .broken(abnormal) }
        var before: [String] = []
        var goal: [String] = []
        var other: [String] = []
        for step in plan.steps {
            let version = here(step, database)?.version
            if version == step.to {
                goal.append(step.id)
            } else if version == step.from {
                before.append(step.id)
            } else {
                other.append(step.id)
            }
        }
        if before.isEmpty, other.isEmpty { return .goal }
        if goal.isEmpty, other.isEmpty { return .before }
        return .mixed(before: before, goal: goal, other: other)
    }

    /// What dpkg and apt themselves find wrong: packages that are not whole, unmet dependencies; empty where all is well.
    public func audit() -> [String] {
        var complaints: [String] = []
        for command in [
            ["dpkg", "--audit"],
            ["apt-get", "-q", "-o", "Debug::NoLocking=true"] + AptCommand.privateCaches + ["check"],
        ] {
            do throws(ChildProcess.Failure) {
                let result = try root.run(command)
                let lines = result.lines
                if command[0] == "dpkg" {
                    complaints += lines.filter { !$0.isEmpty }
                } else if result.status != 0 {
                    complaints += lines.filter { $0.contains(" : ") || $0.hasPrefix("E:") }
                }
            } catch {
                complaints.append("\(command[0]) could not be asked: \(error)")
            }
        }
        return Array(complaints.prefix(20))
    }

    /// Files of these packages that are not as their packages have them (`dpkg --verify`), as paths; nil where dpkg cannot
    /// say.
    public func alteredFiles(of names: [String]) -> [String]? {
        guard !names.isEmpty else { return [] }
        guard let result = try? root.run(["dpkg", "--verify"] + names, seconds: 300) else { return nil }
        // "??5?????? c /etc/x": what differs, c for a configuration file, the path.
        return result.output.split(separator: 0x0A).compactMap { line in
            let text = String(decoding: line, as: UTF8.self)
            guard let slash = text.firstIndex(of: "/") else { return nil }
            return String(text[slash...])
        }
    }

    // MARK: Parts

    /// The path of every configuration file that dpkg keeps, with its package.
    private func configurationFiles() throws(AptChangeError) -> [(path: String, package: String)] {
        var files: [(String, String)] = []
        do throws(PackageScanError) {
            let file: PlainFile
            do throws(FileError) {
                file = try root.tree.open("var/lib/dpkg/status")
            } catch {
                throw error.scanError
            }
            var reader = StanzaReader(file, piece: 128 << 10)
            try reader.forEach { bytes in
                let stanza = Stanza(bytes: bytes)
                guard let value = stanza.value("conffiles"), let name = stanza.value("package") else { return }
                let architecture = stanza.value("architecture").map { text($0) } ?? "all"
                for line in text(value).split(separator: "\n") {
                    // " /etc/x 0123… [obsolete | remove-on-upgrade]"; a path may hold blanks.
                    var words = line.trimmed.split(separator: " ", omittingEmptySubsequences: false)
                    if let last = words.last, last == "obsolete" || last == "remove-on-upgrade" { words.removeLast() }
                    guard words.count >= 2, line.trimmed.hasPrefix("/") else { continue }
                    words.removeLast()
                    files.append((words.joined(separator: " "), "\(text(name)):\(architecture)"))
                }
            }
        } catch {
            throw AptChangeError("the package database cannot be read: \(error)")
        }
        return files
    }

    private func units() -> Fact<[String: HostState.Unit]> {
        guard root.tree.status("run/systemd/system") != nil else { return .unknown("systemd does not run here") }
        var units: [String: HostState.Unit] = [:]
        let kinds = "--type=service,socket,timer,path"
        do throws(ChildProcess.Failure) {
            let files = try root.run(
                ["systemctl", "list-unit-files", "--no-legend", "--no-pager", "--plain", "--full", kinds])
            guard files.status == 0 else {
                return .unknown("systemctl list-unit-files failed: \(files.lines.last ?? "")")
            }
            for line in files.lines {
                let words = line.split(separator: " ").map(String.init)
                if words.count >= 2 { units[words[0]] = HostState.Unit(file: words[1], active: "") }
            }
            let loaded = try root.run(
                ["systemctl", "list-units", "--all", "--no-legend", "--no-pager", "--plain", "--full", kinds])
            guard loaded.status == 0 else { return .unknown("systemctl list-units failed: \(loaded.lines.last ?? "")") }
            for line in loaded.lines {
                // "cron.service loaded active running Regular background program processing daemon"
                let words = line.split(separator: " ").map(String.init)
                if words.count >= 4, words[0].contains(".") {
                    units[words[0], default: HostState.Unit(file: "", active: "")].active = words[2]
                }
            }
        } catch {
            return .unknown("systemctl could not be asked: \(error)")
        }
        return .known(units)
    }
}
