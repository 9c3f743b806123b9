import Agent
import Digest
import Foundation
import Inventory
import Testing

@Suite struct ScanProcessTests {
    private let stale = "/usr/lib/libssl.so.3 (deleted)"

    @Test func namesUnitsUsersSessionsContainersAndProcesses() throws {
        let fixture = try ScanFixture().systemd()
        try fixture.write("etc/passwd", "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n")
        let user = "0::/user.slice/user-1000.slice"
        try fixture.process(10, "/usr/sbin/sshd", group: "0::/system.slice/ssh.service\n", maps: [stale])
        try fixture.process(
            11, "/usr/sbin/sshd", group: "0::/system.slice/ssh.service\n", maps: [stale, "/a (deleted)"])
        try fixture.process(
            12, "/usr/bin/app", group: "\(user)/user@1000.service/app.slice/app.service\n", maps: [stale])
        try fixture.process(
            13, "/usr/lib/systemd/systemd", group: "\(user)/user@1000.service/init.scope\n", maps: [stale])
        try fixture.process(14, "/usr/bin/bash", group: "\(user)/session-3.scope\n", maps: [stale])
        try fixture.process(
            15, "/usr/sbin/nginx", group: "0::/system.slice/docker-\(String(repeating: "ab", count: 32)).scope\n",
            maps: [stale])
        try fixture.process(16, "/opt/lonely", group: "0::/\n", maps: [stale])
        try fixture.process(17, "/usr/sbin/cron", group: "0::/system.slice/cron.service\n", maps: ["/usr/sbin/cron"])
        try fixture.write("proc/18/maps", "").write("proc/version", "")

        let survey = fixture.tree.processSurvey()
        #expect(survey.unread == 0)
        #expect(survey.initFiles == .known([]))
        #expect(survey.restarts == .known(survey.needs))
        #expect(
            survey.needs.map { "\($0.kind.rawValue) \($0.name) \($0.user)" } == [
                "container abababababab ", "process lonely ", "session ann ann", "unit ssh.service ",
                "unit user@1000.service ", "user-unit app.service ann",
            ])
        let ssh = try #require(survey.needs.first { $0.name == "ssh.service" })
        #expect(ssh.processes == ["sshd"])
        #expect(ssh.files == ["/a", "/usr/lib/libssl.so.3"])
    }

    @Test func whatCannotBeReadMakesTheAnswerUnknownWithHowMany() throws {
        let fixture = try ScanFixture().systemd()
        try fixture.process(10, "/usr/sbin/sshd", group: "0::/system.slice/ssh.service\n", maps: [stale])
        // A folder in place of a file cannot be read, whoever tries.
        try fixture.write("proc/11/maps/x", "").write("proc/12/maps/x", "")
        let survey = fixture.tree.processSurvey()
        #expect(survey.unread == 2)
        let why = try #require(survey.restarts.why)
        #expect(why.hasPrefix("2 processes could not be read") && why.contains("ssh.service"))
    }

    @Test(arguments: [
        "/memfd:x", "/dev/zero", "/SYSV00000000", "/[aio]", "/tmp/ffi1", "/var/tmp/y", "/run/user/0/orcexec.abc",
        "/drm mm object",
    ])
    func leavesOutWhatIsDeletedByDesign(path: String) throws {
        let fixture = try ScanFixture().systemd()
        try fixture.process(10, "/usr/bin/x", group: "0::/system.slice/x.service\n", maps: [path + " (deleted)"])
        #expect(fixture.tree.processSurvey().needs.isEmpty)
    }

    @Test(arguments: [
        ("0::/system.slice/ssh.service\n", "", ProcessOwner.unit("ssh.service")),
        ("12:pids:/x\n1:name=systemd:/system.slice/cron.service\n0::/\n", "", .unit("cron.service")),
        ("1:name=systemd:/\n0::/system.slice/system-getty.slice/getty@tty1.service\n", "", .unit("getty@tty1.service")),
        ("0::/web1/payload/system.slice/ssh.service\n", "0::/web1/payload/init.scope\n", .unit("ssh.service")),
        ("0::/web1/payload/system.slice/ssh.service\n", "0::/init.scope\n", .container("web1")),
        ("0::/machine.slice/systemd-nspawn@db.service/payload/init.scope\n", "", .container("db")),
        ("0::/machine.slice/systemd-nspawn@db.service/supervisor\n", "", .unit("systemd-nspawn@db.service")),
        ("0::/lxc.payload.c1/system.slice/x.service\n", "", .container("c1")),
        ("0::/system.slice/_cgroup.service/sub\n", "", .unit("cgroup.service")),
        ("0::/user.slice/user-0.slice/session-c2.scope\n", "", .session(uid: 0)),
        ("0::/user.slice\n", "", .nobody), ("garbage\n", "", .nobody),
    ])
    func tellsTheOwnerFromTheControlGroup(text: String, first: String, owner: ProcessOwner) {
        let root = ControlGroup(parsing: first).managerRoot
        #expect(ControlGroup(parsing: text).owner(below: root) == owner)
    }

    @Test func readsOnlyExecutableMappingsOfFiles() {
        let maps = """
            00400000-00401000 r--p 00000000 08:01 1 /usr/bin/a
            00401000-00402000 r-xp 00000000 08:01 1 /usr/bin/a
            7f0000000000-7f0000001000 r-xp 00000000 08:01 77                         /opt/with blank (deleted)
            7f0000002000-7f0000003000 rwxp 00000000 00:00 0 [heap]
            7f0000004000-7f0000005000 r-xp 00000000 00:00 0 /dev/zero (deleted)
            ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]
            """
        let files = MappedFile.executable(in: Array(maps.utf8))
        #expect(files.map(\.path) == ["/usr/bin/a", "/opt/with blank"])
        #expect(files.map(\.isDeleted) == [false, true])
        #expect(files.map(\.range) == ["401000-402000", "7f0000000000-7f0000001000"])
        #expect(files[1].inode == 77)
    }
}

/// Real processes on this machine, whose files are replaced under them.
@Suite(.serialized) struct ScanRealProcessTests {
    /// A copy of sleep(1) that runs with a copy of the C library, both in the fixture's folder.
    private func sleeper(_ fixture: ScanFixture) throws -> ChildProcess {
        let files = FileManager.default
        let libraries = ["/lib/x86_64-linux-gnu/libc.so.6", "/lib/aarch64-linux-gnu/libc.so.6", "/lib64/libc.so.6"]
        let library = try #require(libraries.first { files.fileExists(atPath: $0) })
        try files.copyItem(
            at: URL(filePath: library).resolvingSymlinksInPath(), to: fixture.folder.appending(path: "libc.so.6"))
        try files.copyItem(
            at: URL(filePath: "/bin/sleep").resolvingSymlinksInPath(), to: fixture.folder.appending(path: "sleeper"))
        let process = try ChildProcess(
            fixture.folder.appending(path: "sleeper").path(), ["600"],
            environment: ["LD_LIBRARY_PATH=\(fixture.folder.path())"])
        // It has started when the library is mapped.
        for _ in 0..<500 {
            let maps = (try? String(contentsOfFile: "/proc/\(process.number)/maps", encoding: .utf8)) ?? ""
            if maps.contains("\(fixture.folder.lastPathComponent)/libc.so.6") { return process }
            usleep(10_000)
        }
        process.end()
        throw CancellationError()
    }

    private func staleFiles(_ fixture: ScanFixture) -> [String] {
        HostTree.machine.processSurvey().needs.flatMap(\.files).filter {
            $0.contains(fixture.folder.lastPathComponent)
        }.map { URL(filePath: $0).lastPathComponent }.sorted()
    }

    @Test func aReplacedLibraryAndADeletedProgramAreFoundAndNothingElse() throws {
        let fixture = try ScanFixture()
        let process = try sleeper(fixture)
        defer { process.end() }
        let library = fixture.folder.appending(path: "libc.so.6")
        #expect(staleFiles(fixture) == [])
        // The same file, touched: nothing to restart for.
        try FileManager.default.setAttributes([.modificationDate: Date()], ofItemAtPath: library.path())
        #expect(staleFiles(fixture) == [])
        // Renamed over, as dpkg does.
        let fresh = fixture.folder.appending(path: "libc.so.6.dpkg-new")
        try FileManager.default.copyItem(at: library, to: fresh)
        #expect(rename(fresh.path(), library.path()) == 0)
        #expect(staleFiles(fixture) == ["libc.so.6"])
        try FileManager.default.removeItem(at: fixture.folder.appending(path: "sleeper"))
        #expect(staleFiles(fixture) == ["libc.so.6", "sleeper"])
        process.end()
        #expect(staleFiles(fixture) == [])
    }

    @Test func twoScansOfAnIdleMachineAreEqual() throws {
        // Other programs may come and go while the tests run; a fact that moves by itself would differ every time.
        var last = HostTree.machine.facts(set: SoftwareSet([]), agentVersion: "test")
        var digests: [String] = []
        for _ in 0..<8 {
            let next = HostTree.machine.facts(set: SoftwareSet([]), previous: last, agentVersion: "test")
            digests.append(next.digest.hex)
            if next.digest == last.digest { return }
            last = next
        }
        Issue.record("every scan differs from the one before: \(digests)")
    }
}
