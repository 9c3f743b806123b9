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

/// Programs in source text: what the interpreter has read is not mapped.
@Suite struct ScanInterpreterTests {
    @Test(
        arguments: [
            ("/usr/bin/python3.11", ["python3", "/usr/bin/app"], "/usr/bin/app"),
            ("/usr/bin/python3.11", ["/usr/bin/python3", "-u", "-Wignore", "app.py", "-c", "x"], "app.py"),
            ("/usr/bin/python3", ["python3", "-uW", "ignore", "app.py"], "app.py"),
            ("/usr/bin/python3", ["python3", "-uc", "import x", "/usr/bin/no"], nil),
            ("/usr/bin/python3", ["python3", "-m", "http.server"], nil),
            ("/usr/bin/python3", ["python3", "-"], nil), ("/usr/bin/python3", ["python3"], nil),
            ("/usr/bin/perl", ["/usr/bin/perl", "-wT", "-I", "/lib", "/usr/sbin/tool"], "/usr/sbin/tool"),
            ("/usr/bin/perl", ["perl", "-ne", "print"], nil), ("/usr/bin/perl", ["perl", "--", "-odd"], "-odd"),
            ("/usr/bin/ruby3.1", ["ruby", "-r", "json", "/srv/x.rb"], "/srv/x.rb"),
            ("/usr/bin/node", ["node", "--inspect", "/srv/x.js"], "/srv/x.js"),
            ("/usr/bin/pythonic", ["pythonic", "/x"], nil), ("/usr/bin/perlbug", ["perlbug", "/x"], nil),
        ] as [(String, [String], String?)])
    func findsTheProgramInTheCommandLine(executable: String, arguments: [String], file: String?) {
        let line = arguments.flatMap { Array($0.utf8) + [0 as UInt8] }
        #expect(InterpretedProgram.file(in: line, executable: executable) == file)
    }

    @Test func readsTheStartWhateverTheProcessIsCalled() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 1 2 3"
        #expect(InterpretedProgram.startTicks(in: stat) == 98765)
        #expect(InterpretedProgram.startTicks(in: "7 (a) S 1") == nil)
        #expect(InterpretedProgram.bootTime(in: "cpu 1 2\nbtime 1795000000\nprocesses 3\n") == 1_795_000_000)
    }

    private func service(_ fixture: ScanFixture, bootedAgo: Int64) throws {
        if !FileManager.default.fileExists(atPath: fixture.folder.path() + "/proc/20") {
            let group = "0::/system.slice/app.service\n"
            try fixture.process(20, "/usr/bin/python3.11", group: group, maps: ["/usr/bin/python3.11"])
        }
        try fixture.write("proc/20/cmdline", "python3\0-u\0/usr/bin/app\0")
        // Started a hundred seconds after the host.
        try fixture.write(
            "proc/20/stat",
            "20 (app) S 1 20 20 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 \(100 * sysconf(Int32(_SC_CLK_TCK))) 0\n")
        try fixture.write("proc/stat", "cpu 0 0\nbtime \(Int64(time(nil)) - bootedAgo)\n")
    }

    @Test func aProgramReplacedAfterItsStartIsFound() throws {
        let fixture = try ScanFixture().systemd().write("usr/bin/app", "print()\n")
        try service(fixture, bootedAgo: 50)
        #expect(fixture.tree.processSurvey().needs.isEmpty)
        try service(fixture, bootedAgo: 105)
        #expect(fixture.tree.processSurvey().needs.isEmpty, "within the tolerance")
        try service(fixture, bootedAgo: 3600)
        let survey = fixture.tree.processSurvey()
        #expect(survey.unread == 0)
        #expect(survey.needs.map(\.name) == ["app.service"])
        #expect(survey.needs.first?.files == ["/usr/bin/app"])
    }

    @Test func aStartThatCannotBeReadIsAGap() throws {
        let fixture = try ScanFixture().systemd().write("usr/bin/app", "print()\n")
        try service(fixture, bootedAgo: 3600)
        try fixture.write("proc/20/stat", "garbage")
        #expect(fixture.tree.processSurvey().unread == 1)
    }

    /// A path of a user's choice may be longer than a fact takes; cut in the middle of a character it stays text.
    @Test func longPathsAreBounded() throws {
        let long = "/opt/" + String(repeating: "é/", count: 1300) + "x"
        let fixture = try ScanFixture().systemd()
        try fixture.process(
            10, "/usr/bin/x", group: "0::/system.slice/x.service\n", maps: [long + " (deleted)", "/usr/bin/x"])
        let survey = fixture.tree.processSurvey()
        let file = try #require(survey.needs.first?.files.first)
        #expect(file.utf8.count <= 1024 && file.hasPrefix("/opt/"))
        var facts = HostFacts(agentVersion: "1")
        facts.restarts = survey.restarts
        #expect(try HostFacts(parsing: facts.bytes) == facts)
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

    /// A real interpreter: its program's file is put anew beside a process that has long read it.
    @Test func aScriptReplacedUnderARealInterpreterIsFound() throws {
        let fixture = try ScanFixture()
        let script = fixture.folder.appending(path: "service.pl")
        try fixture.write("service.pl", "sleep 600;\n")
        let process = try ChildProcess("/usr/bin/perl", [script.path()], environment: [])
        defer { process.end() }
        usleep(200_000)
        #expect(staleFiles(fixture) == [])
        usleep(UInt32(InterpretedProgram.tolerance + 2) * 1_000_000)
        try fixture.write("service.pl.new", "sleep 601;\n")
        #expect(rename(script.path() + ".new", script.path()) == 0)
        #expect(staleFiles(fixture) == ["service.pl"])
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
