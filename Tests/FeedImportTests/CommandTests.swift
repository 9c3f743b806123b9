import Feeds
import Foundation
import JSON
import Testing

@testable import FeedImport

/// The built `fettle feeds`, with feeds of true size that are made of samples.
@Suite struct FeedCommandTests {
    struct Ended {
        var status: Int32
        var output: String
        var errors: String
        /// The most private memory that was seen while it ran, in bytes.
        var memory = 0
    }

    private func fettle(_ arguments: [String], _ scratch: Scratch) throws -> Ended {
        let own = CommandLine.arguments[0]
        let process = Process()
        process.executableURL = URL(filePath: try Self.program(own))
        process.arguments = arguments
        process.currentDirectoryURL = URL(filePath: scratch.path)
        var variables = ProcessInfo.processInfo.environment
        variables["FETTLE_FEEDS"] = "\(scratch.path)/feeds"
        process.environment = variables
        let (output, errors) = (URL(filePath: "\(scratch.path)/out"), URL(filePath: "\(scratch.path)/err"))
        for file in [output, errors] { FileManager.default.createFile(atPath: file.path, contents: nil) }
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: errors)
        process.standardInput = FileHandle.nullDevice
        try process.run()
        var memory = 0
        while process.isRunning {
            memory = max(memory, Self.privateMemory(process.processIdentifier))
            Thread.sleep(forTimeInterval: 0.01)
        }
        process.waitUntilExit()
        return Ended(
            status: process.terminationStatus, output: String(decoding: try Data(contentsOf: output), as: UTF8.self),
            errors: String(decoding: try Data(contentsOf: errors), as: UTF8.self), memory: memory)
    }

    private static func program(_ own: String) throws -> String {
        for candidate in [own, (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? own] {
            var folder = URL(filePath: candidate).deletingLastPathComponent()
            for _ in 0..<6 {
                let file = folder.appending(path: "fettle").path
                if FileManager.default.isExecutableFile(atPath: file),
                    FileManager.default.fileExists(atPath: folder.appending(path: "fettle-agent").path)
                {
                    return file
                }
                folder = folder.deletingLastPathComponent()
            }
        }
        throw Scratch.Failed(program: "fettle is not built beside \(own)")
    }

    private static func privateMemory(_ process: Int32) -> Int {
        guard let text = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("RssAnon:") }),
            let number = line.split(whereSeparator: { !$0.isNumber }).first
        else { return 0 }
        return (Int(number) ?? 0) * 1024
    }

    private func json(_ text: String) throws -> JSONValue {
        try JSONValue(parsing: Array(text.utf8), limits: .facts)
    }

    @Test func `Feeds are imported, shown, held, accepted, bundled and removed`() throws {
        let scratch = try Scratch()
        _ = try scratch.write("in/one.json", osv("A-1"))
        _ = try scratch.write("in/two.json", osv("A-2"))
        let first = try fettle(["feeds", "import", "in", "--name", "mine", "-o", "json"], scratch)
        #expect(first.status == 0, "\(first.errors)")
        #expect(try json(first.output)[0]?["stored"]?.integer == 2)
        #expect(first.errors.contains("mine: 2 records"))
        _ = try scratch.write("small.json", osv("A-1"))
        let held = try fettle(["feeds", "import", "small.json", "--name", "mine"], scratch)
        #expect(held.status == 5 && held.errors.contains("held") && held.errors.contains("fettle feeds accept mine"))
        let status = try json(try fettle(["feeds", "status", "-o", "json"], scratch).output)
        #expect(status[0]?["state"]?.string == "held" && status[0]?["stored"]?.integer == 2)
        #expect(status[0]?["next"]?.string?.contains("fettle feeds accept mine") == true)
        #expect(status[0]?["dated"]?.string == "2026-01-02T03:04:05Z")
        let taken = try fettle(["feeds", "accept", "mine", "-o", "json"], scratch)
        #expect(try taken.status == 0 && json(taken.output)[0]?["records"]?.integer == 1, "\(taken.errors)")
        #expect(try fettle(["feeds", "accept", "mine"], scratch).status == 1)
        // What was done before the one that went wrong is printed.
        let again = try fettle(["feeds", "accept", "mine", "-o", "json"], scratch)
        #expect(again.status == 1 && again.output == "[]\n")
        #expect(try fettle(["feeds", "accept", "other"], scratch).status == 3)
        // Each that is named is tried.
        let some = try fettle(["feeds", "remove", "other", "mine", "--dry-run", "-o", "json"], scratch)
        #expect(
            some.status == 5 && some.errors.contains("would take out mine") && some.output.isEmpty, "\(some.errors)")
        let table = try fettle(["feeds", "status"], scratch).output
        #expect(table.hasPrefix("FEED") && table.contains("mine") && table.contains("good"))
        let bundle = try json(try fettle(["feeds", "bundle", "b.tar", "-o", "json"], scratch).output)
        #expect(bundle["feeds"] == ["mine"])
        #expect(bundle["sha256"]?.string == (try DurableFile.digest(of: "\(scratch.path)/b.tar")))
        let there = try fettle(
            ["feeds", "import", "b.tar", "--feeds", "there", "-o", "json", "--query", "[].outcome"], scratch)
        #expect(try json(there.output) == ["stored"])
        let bad = try fettle(["feeds", "import", "in/one.json", "err"], scratch)
        #expect(bad.status == 5 && bad.errors.contains("of no kind that is known"))
        #expect(try fettle(["feeds", "import", "nowhere"], scratch).status == 1)
        #expect(try fettle(["feeds", "import", "in", "--kind", "nonsense"], scratch).status == 2)
        #expect(try fettle(["feeds", "sync", "nonsense"], scratch).status == 3)
        let removed = try fettle(["feeds", "remove", "mine", "--yes", "-o", "json"], scratch)
        #expect(try removed.status == 0 && json(removed.output)[0]?["removed"] == true)
        #expect(try fettle(["feeds", "status", "-o", "name"], scratch).output.contains("mine") == false)
        try brokenAndBad(scratch)
        let sources = try fettle(["feeds", "sources", "--configuration"], scratch).output
        #expect(try FeedConfiguration(parsing: Array(sources.utf8), path: "x") == .builtIn)
        let yaml = try fettle(["feeds", "sources", "--configuration", "-o", "yaml"], scratch).output
        #expect(yaml.contains("feeds:") && !yaml.hasPrefix("{"), "\(yaml.prefix(200))")
    }

    /// What people see of a first revision that is held, and of a manifest that cannot be read.
    private func brokenAndBad(_ scratch: Scratch) throws {
        _ = try scratch.write("bad/one.json", osv("A-1"))
        _ = try scratch.write("bad/two.json", "{\"id\":\"A-2\"}")
        for expected in ["nothing of it is in use", "it waits"] {
            let held = try fettle(["feeds", "import", "bad", "--name", "bad", "--kind", "osv"], scratch)
            #expect(held.status == 5 && held.errors.contains("fettle feeds accept bad"), "\(held.errors)")
            #expect(
                held.errors.contains("1 of its 2 records cannot be used") || expected == "it waits", "\(held.errors)")
        }
        let row = try json(try fettle(["feeds", "status", "-o", "json"], scratch).output)[0]
        #expect(row?["state"]?.string == "held" && row?["stored"] == nil && row?["held"]?["quarantined"]?.integer == 1)
        let list = try #require(row?["held"]?["quarantineFile"]?.string)
        #expect(FileManager.default.fileExists(atPath: list.hasPrefix("/") ? list : "\(scratch.path)/\(list)"))
        let manifest = "\(scratch.path)/feeds/bad/manifest.json"
        try Data("{".utf8).write(to: URL(filePath: manifest))
        #expect(try fettle(["feeds", "status"], scratch).output.contains("broken"))
        // A person's word is for what was looked at: mending comes first, and alone.
        let mended = try fettle(["feeds", "accept", "bad"], scratch)
        #expect(mended.status == 1 && mended.errors.contains("had to be mended first"), "\(mended.errors)")
        #expect(try fettle(["feeds", "accept", "bad"], scratch).status == 0)
        try Data("{".utf8).write(to: URL(filePath: manifest))
        let sync = try fettle(["feeds", "sync", "bad"], scratch)
        #expect(sync.errors.contains("was made anew") && sync.errors.contains("imported by hand"), "\(sync.errors)")
        try Data("{".utf8).write(to: URL(filePath: manifest))
        let removed = try fettle(["feeds", "remove", "bad", "--yes"], scratch)
        #expect(removed.status == 0, "\(removed.errors)")
        #expect(!FileManager.default.fileExists(atPath: "\(scratch.path)/feeds/bad"))
    }

    /// In release at true size; a debug build, which is fifty times slower, gets a tenth.
    private static let share: Int = {
        #if DEBUG
        return 10
        #else
        return 1
        #endif
    }()

    @Test(.enabled(if: SharedData.isPresent))
    func `A year of NVD, the Debian tracker and EPSS at true size import in bounded memory`() throws {
        let scratch = try Scratch()
        let script = """
            import gzip, json, sys
            feeds, share = sys.argv[1], int(sys.argv[2])
            sample = json.load(gzip.open(feeds + '/nvd/nvdcve-2.0-sample.json.gz'))['vulnerabilities']
            out, size, count = open('nvd.json', 'w'), 0, 0
            out.write('{"format":"NVD_CVE","version":"2.0","resultsPerPage":1,"vulnerabilities":[')
            while count < 40_000 // share:
                item = sample[count % len(sample)]
                item['cve']['id'] = 'CVE-2026-%d' % (10000 + count)
                text = json.dumps(item)
                out.write((',' if count else '') + text)
                size += len(text); count += 1
            out.write(']}'); out.close()
            tracker = json.load(open(feeds + '/debian/tracker-mock.json'))
            issue = next(iter(next(iter(tracker.values())).values()))
            out, size, issues = open('tracker.json', 'w'), 0, 0
            out.write('{')
            while size < 70_000_000 // share:
                package = {'CVE-2026-%d' % (10000 + issues + k): issue for k in range(10)}
                text = json.dumps('package-%d' % (issues // 10)) + ': ' + json.dumps(package)
                out.write((', ' if issues else '') + text)
                size += len(text); issues += 10
            out.write('}'); out.close()
            rows = 300_000 // share
            with gzip.open('epss.csv.gz', 'wt', compresslevel=1) as out:
                out.write('#model_version:v2025.03.14,score_date:2026-11-20T12:55:00Z\\ncve,epss,percentile\\n')
                for row in range(rows): out.write('CVE-2026-%d,%.5f,%.5f\\n' % (1000 + row, row / rows, row / rows))
            print(count, issues, rows)
            """
        _ = try scratch.write("make.py", script)
        let made = try scratch.run("python3", "make.py", SharedData.feeds, "\(Self.share)").split(separator: " ").map {
            Int($0.filter(\.isNumber)) ?? 0
        }
        for (file, count) in zip(["nvd.json", "tracker.json", "epss.csv.gz"], made) {
            let clock = ContinuousClock.now
            let ended = try fettle(["feeds", "import", file, "-o", "json"], scratch)
            let seconds = ContinuousClock.now - clock
            #expect(ended.status == 0, "\(ended.errors)")
            let row = try json(ended.output)[0]
            #expect(row?["records"]?.integer == Int64(count), "\(file)")
            #expect(row?["quarantined"]?.integer == 0, "\(file)")
            #expect(row?["stored"]?.integer == Int64(count), "\(file)")
            print(
                "\(file): \(count) records = \(row?["stored"]?.integer ?? 0) stored + \(row?["quarantined"]?.integer ?? -1) quarantined,",
                "\(row?["unmapped"]?.integer ?? -1) fields unmapped;",
                "\(fileSize("\(scratch.path)/\(file)") / 1_000_000) MB in \(seconds), \(ended.memory / 1_000_000) MB private memory"
            )
            #expect(ended.memory < 64_000_000, "\(file): \(ended.memory) bytes of private memory")
            // Cut in the middle: refused, and what was there stays.
            guard file != "epss.csv.gz" else { continue }
            let handle = try FileHandle(forWritingTo: URL(filePath: "\(scratch.path)/\(file)"))
            try handle.truncate(atOffset: UInt64(fileSize("\(scratch.path)/\(file)") * 97 / 100))
            let cut = try fettle(["feeds", "import", file], scratch)
            #expect(cut.status == 1 && cut.errors.contains("is not whole"), "\(cut.errors)")
        }
        let status = try json(try fettle(["feeds", "status", "-o", "json"], scratch).output).array ?? []
        #expect(status.compactMap { $0["records"]?.integer } == [Int64(made[1]), Int64(made[2]), Int64(made[0])])
    }

    /// The built program over the shared data, as a person runs it.
    @Test(.enabled(if: SharedData.isPresent))
    func `What the past shows of the order is printed, and beats CVSS and EPSS alone`()
        throws
    {
        let scratch = try Scratch()
        let ended = try fettle(
            ["backtest", "priority", "--data", "\(SharedData.path ?? "")/priority", "-o", "json"], scratch)
        #expect(ended.status == 0, "\(ended.errors)")
        let rows = try json(ended.output).array ?? []
        #expect(rows.count == 6)
        let dates = Set(rows.compactMap { $0["date"]?.string })
        #expect(dates.count == 2)
        for row in rows { print("backtest:", String(decoding: row.canonicalBytes(), as: UTF8.self)) }
    }
}
