import Glibc
public import Inventory

/// What the running processes showed.
public struct ProcessSurvey: Hashable, Sendable {
    /// What runs code from files that were deleted or replaced, sorted.
    public var needs: [RestartNeed]
    /// How many processes could not be read.
    public var unread: Int
    /// What was the matter with the first of those, without its number.
    public var problem: String
    /// The replaced files that process 1 runs.
    public var initFiles: Fact<[String]>

    /// The needs as a fact: with processes that could not be read the list is not the whole truth, and so unknown.
    public var restarts: Fact<[RestartNeed]> {
        guard unread > 0 else { return .known(needs) }
        let names = needs.map(\.name)
        let seen =
            names.isEmpty ? "the others need no restart" : "of the others these do: " + names.joined(separator: ", ")
        let count = unread == 1 ? "1 process" : "\(unread) processes"
        return .unknown(String("\(count) could not be read (\(problem)); \(seen)".prefix(2000)))
    }
}

extension HostTree {
    /// Looks through all processes for executable mappings of files that were deleted or replaced since, and through
    /// those of interpreters for programs that were.
    public func processSurvey() -> ProcessSurvey {
        var survey = ProcessSurvey(
            needs: [], unread: 0, problem: "", initFiles: .unknown("\(proc)/1: No such file or directory"))
        let names: [String]
        do {
            names = try Self.names(in: proc)
        } catch {
            survey.unread = 1
            survey.problem = error.description
            return survey
        }
        let manager = (try? procText("1/cgroup")).map { ControlGroup(parsing: $0).managerRoot } ?? []
        let users = UserNames(passwd: (try? text("/etc/passwd", limit: 16 << 20)) ?? "")
        let own = Namespaces(of: "self", in: self)
        var current: [String: Bool] = [:]
        var found: [NeedKey: (processes: [String], files: [String])] = [:]
        for name in names where name.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            let process: StaleProcess?
            do {
                process = try staleProcess(name, own: own, current: &current)
            } catch  where error.isAbsence {
                // It ended while it was looked at.
                continue
            } catch {
                survey.unread += 1
                let text = HostTreeError.text(of: error.number)
                if survey.problem.isEmpty { survey.problem = text }
                if name == "1" { survey.initFiles = .unknown(text) }
                continue
            }
            if name == "1" { survey.initFiles = .known(process?.files ?? []) }
            guard let process else { continue }
            let key = needKey(of: process, managerRoot: manager, own: own, users: users)
            found[key, default: ([], [])].processes.append(process.name)
            found[key, default: ([], [])].files.append(contentsOf: process.files)
        }
        survey.needs = found.map { key, value in
            RestartNeed(
                kind: key.kind, name: key.name, user: key.user, processes: value.processes, files: value.files)
        }.sorted { ($0.kind.rawValue, $0.name, $0.user) < ($1.kind.rawValue, $1.name, $1.user) }
        return survey
    }

    private struct NeedKey: Hashable {
        let kind: RestartNeed.Kind
        let name: String
        let user: String
    }

    private struct StaleProcess {
        let number: String
        let name: String
        let files: [String]
    }

    /// The namespaces that tell a container from the host: a service may have a mount namespace of its own, but shares
    /// the host's processes.
    private struct Namespaces {
        let processes: String?
        let mounts: String?

        init(of process: String, in tree: HostTree) {
            processes = try? HostTree.target(of: "\(tree.proc)/\(process)/ns/pid")
            mounts = try? HostTree.target(of: "\(tree.proc)/\(process)/ns/mnt")
        }
    }

    /// The process with the replaced files that it runs; nil where there are none.
    private func staleProcess(
        _ number: String, own: Namespaces, current: inout [String: Bool]
    ) throws(HostTreeError) -> StaleProcess? {
        let maps = try Self.contents(of: "\(proc)/\(number)/maps", limit: 64 << 20)
        // Kernel threads have no memory of their own, and dead processes none any more.
        guard !maps.isEmpty else { return nil }
        var files: Set<String> = []
        let (executable, isDeleted) = MappedFile.withoutMark(try Self.target(of: "\(proc)/\(number)/exe"))
        let mounts = try? Self.target(of: "\(proc)/\(number)/ns/mnt")
        // What a process in another mount namespace calls /usr is found below its own root; but what it was started from
        // before it went there lies in ours.
        let tops = mounts == own.mounts ? [root] : ["\(proc)/\(number)/root", root]
        let program = "\(proc)/\(number)/exe"
        if isDeleted, !MappedFile.isTransient(executable), !tops.contains(where: { isSame(program, $0 + executable) }) {
            files.insert(Self.bounded(executable))
        }
        for file in MappedFile.executable(in: maps) where !MappedFile.isTransient(file.path) {
            let key = "\(mounts ?? "") \(file.inode) \(file.isDeleted) \(file.path)"
            let isCurrent: Bool
            if let known = current[key] {
                isCurrent = known
            } else {
                isCurrent = self.isCurrent(file, process: number, tops: tops)
                current[key] = isCurrent
            }
            if !isCurrent { files.insert(Self.bounded(file.path)) }
        }
        if let program = try replacedProgram(of: number, executable: executable, tops: tops) {
            files.insert(Self.bounded(program))
        }
        guard !files.isEmpty else { return nil }
        return StaleProcess(number: number, name: processName(number, executable: executable), files: files.sorted())
    }

    /// A path of a user's choice, cut to what a fact takes (1,024 bytes).
    private static func bounded(_ path: String) -> String { String(decoding: path.utf8.prefix(1000), as: UTF8.self) }

    /// Whether a mapped file is still the one that its path leads to.
    ///
    /// The kernel's word *deleted* is checked against the path, because file systems in layers and over networks drop
    /// names that exist. Numbers of inodes are only a first look: in layers the mapping may bear the lower file's, so
    /// the mapping itself is asked (map_files) before a file counts as replaced.
    private func isCurrent(_ file: MappedFile, process: String, tops: [String]) -> Bool {
        let mapping = "\(proc)/\(process)/map_files/\(file.range)"
        if file.isDeleted { return tops.contains { isSame(mapping, $0 + file.path) } }
        let onDisk = tops.compactMap { Self.identity(of: $0 + file.path) }
        guard !onDisk.isEmpty, !onDisk.contains(where: { $0.inode == file.inode }),
            let mapped = Self.identity(of: mapping)
        else { return true }
        return onDisk.contains(mapped)
    }

    private func isSame(_ one: String, _ other: String) -> Bool {
        guard let one = Self.identity(of: one), let other = Self.identity(of: other) else { return false }
        return one == other
    }

    /// The program's name; of an interpreter the name that the process gave itself.
    private func processName(_ number: String, executable: String) -> String {
        let base = executable.split(separator: "/").last.map(String.init) ?? executable
        let interpreters = ["python", "perl", "ruby", "bash", "dash", "sh", "busybox", "java", "node"]
        if interpreters.contains(where: base.hasPrefix), let own = try? procText("\(number)/comm", limit: 256) {
            let own = trimmed(own)
            if !own.isEmpty { return own }
        }
        return String(base.prefix(255))
    }

    private func needKey(
        of process: StaleProcess, managerRoot: [String], own: Namespaces, users: UserNames
    ) -> NeedKey {
        let group = (try? procText("\(process.number)/cgroup")).map { ControlGroup(parsing: $0) }
        let owner = group?.owner(below: managerRoot) ?? .nobody
        if case .container(let name) = owner { return NeedKey(kind: .container, name: name, user: "") }
        let others = Namespaces(of: process.number, in: self)
        // A sandbox inside a service has process numbers of its own, but not another root.
        if let theirs = others.processes, let ours = own.processes, theirs != ours,
            !isSame("\(proc)/\(process.number)/root/", root + "/")
        {
            return NeedKey(kind: .container, name: "unnamed", user: "")
        }
        switch owner {
        case .unit(let name): return NeedKey(kind: .unit, name: name, user: "")
        case .userUnit(let name, let uid): return NeedKey(kind: .userUnit, name: name, user: users[uid])
        case .session(let uid): return NeedKey(kind: .session, name: users[uid], user: users[uid])
        case .container, .nobody: return NeedKey(kind: .process, name: process.name, user: "")
        }
    }
}

/// The users' names, read from passwd(5) itself: name services may load modules into the agent, and are not asked.
struct UserNames: Sendable {
    private var names: [UInt32: String] = [:]

    init(passwd: String) {
        for line in passwd.split(separator: "\n") {
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            guard fields.count >= 3, let uid = UInt32(fields[2]), names[uid] == nil else { continue }
            names[uid] = String(fields[0].prefix(255))
        }
    }

    /// The name of that user, else the number.
    subscript(uid: UInt32) -> String { names[uid] ?? String(uid) }
}
