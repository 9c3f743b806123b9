import Feeds
import Foundation
import Glibc
import JSON
import Testing
import Timestamps

@testable import FeedImport

@Suite struct FolderTests {
    private func zip(_ scratch: Scratch, _ name: String, _ records: [String]) throws -> String {
        try? FileManager.default.removeItem(atPath: "\(scratch.path)/zip-in")
        for (index, record) in records.enumerated() { _ = try scratch.write("zip-in/\(index).json", record) }
        try scratch.run(
            "python3", "-c",
            "import sys,zipfile,os\nz=zipfile.ZipFile(sys.argv[1],'w',zipfile.ZIP_DEFLATED)\nfor f in sorted(os.listdir('zip-in')): z.write('zip-in/'+f,f)\nz.close()",
            name)
        return "\(scratch.path)/\(name)"
    }

    @Test func `A feed that shrinks is held, and accepted by a person`() throws {
        let scratch = try Scratch()
        let folder = FeedFolder("\(scratch.path)/feeds")
        let naming = FeedImporter.Naming(name: "mine")
        _ = try folder.take(try zip(scratch, "a.zip", (0..<20).map { osv("A-\($0)") }), naming)
        #expect(try folder.ids().count == 20)
        // Two of twenty may go, three may not.
        guard
            case .success(.stored)? = try folder.take(
                try zip(scratch, "b.zip", (0..<18).map { osv("A-\($0)") }), naming)["mine"]
        else {
            Issue.record("10 % fewer are no matter")
            return
        }
        guard
            case .success(.held(let manifest, _))? = try folder.take(
                try zip(scratch, "c.zip", (0..<15).map { osv("A-\($0)") }), naming)["mine"]
        else {
            Issue.record("17 % fewer must be held")
            return
        }
        #expect(try folder.ids().count == 18)
        #expect(manifest.held?.reason.contains("15 records where the one in use has 18") == true)
        #expect(manifest.next(now: noon, maximumAge: 1_000_000)?.contains("fettle feeds accept mine") == true)
        // The same again waits still; the former one again ends the waiting.
        _ = try folder.take("\(scratch.path)/c.zip", naming)
        #expect(try folder.ids().count == 18 && folder.manifest("mine")?.held != nil)
        _ = try folder.take("\(scratch.path)/b.zip", naming)
        #expect(try folder.manifest("mine")?.held == nil)
        _ = try folder.take("\(scratch.path)/c.zip", naming)
        try folder.accept("mine")
        #expect(try folder.ids().count == 15)
        #expect(words { try folder.accept("mine") }.contains("nothing of mine waits"))
        // With a person's word at once; and nothing of former revisions is left.
        _ = try folder.take(try zip(scratch, "d.zip", [osv("A-1")]), naming, accept: true)
        #expect(try folder.ids() == ["A-1"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/mine").count == 3)
    }

    /// As many records as before, and none of them says anything of packages any more.
    @Test func `A feed that keeps its records and loses what they say is held`() throws {
        let scratch = try Scratch()
        let folder = FeedFolder("\(scratch.path)/feeds")
        let naming = FeedImporter.Naming(name: "mine")
        _ = try folder.take(try zip(scratch, "a.zip", (0..<20).map { osv("A-\($0)") }), naming)
        #expect(try folder.manifest("mine")?.revision?.statements == 20)
        func bare(_ number: Int) -> String { "{\"id\":\"A-\(number)\",\"modified\":\"2026-01-02T03:04:05Z\"}" }
        guard
            case .success(.held(let manifest, _))? = try folder.take(
                try zip(scratch, "b.zip", (0..<20).map { $0 < 5 ? bare($0) : osv("A-\($0)") }), naming)["mine"]
        else {
            Issue.record("a quarter of the statements is gone")
            return
        }
        #expect(manifest.held?.reason.contains("15 statements where the one in use has 20") == true)
        // Statements that cannot be read any more are still statements, and say of no version that it is affected.
        guard
            case .success(.held(let other, _))? = try folder.take(
                try zip(
                    scratch, "c.zip",
                    (0..<20).map {
                        osv("A-\($0)").replacingOccurrences(of: "Debian:12", with: $0 < 5 ? "Nobody" : "Debian:12")
                    }
                ), naming)["mine"]
        else {
            Issue.record("a quarter says nothing any more")
            return
        }
        #expect(
            other.held?.reason.contains("15 statements of affected versions") == true, "\(other.held?.reason ?? "")")
    }

    @Test func `A manifest that cannot be read is put aside and made anew, and nothing is lost`() async throws {
        let scratch = try Scratch()
        let folder = FeedFolder("\(scratch.path)/feeds")
        _ = try folder.take(try zip(scratch, "a.zip", (0..<20).map { osv("A-\($0)") }), .init(name: "mine"))
        _ = try folder.take(try zip(scratch, "b.zip", (0..<3).map { osv("B-\($0)") }), .init(name: "other"))
        let before = try folder.ids()
        let file = "\(folder.path)/mine/manifest.json"
        for (text, waits) in [("{", false), ("", false), ("{\"format\":9}", false), ("[1,2", true)] {
            if waits {
                // Two files: which of them was in use, the manifest knew alone.
                _ = try folder.take(try zip(scratch, "c.zip", [osv("A-1")]), .init(name: "mine"))
                let kept = try #require(try folder.manifest("mine")?.revision?.digest)
                try FileManager.default.setAttributes(
                    [.modificationDate: Date(timeIntervalSinceNow: -1000)], ofItemAtPath: "\(folder.path)/mine/\(kept)")
            }
            try Data(text.utf8).write(to: URL(filePath: file))
            #expect(folder.isKept)
            #expect(try folder.broken().map(\.name) == ["mine"])
            #expect(words { _ = try folder.ids() }.contains("fettle feeds sync"))
            var answers: [String: Result<FeedOutcome, ImportError>] = [:]
            try await FeedSync(folder, FeedConfiguration(feeds: []), now: { noon }).run([]) { answers[$0.name] = $1 }
            guard case .success(.repaired(let manifest))? = answers["mine"] else {
                Issue.record("it must be made anew: \(answers)")
                return
            }
            #expect(manifest.feed.kind == .osv && manifest.revision?.stored == 20)
            #expect((manifest.held != nil) == waits)
            #expect(try folder.ids() == before)
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/mine")
        #expect(names.filter { $0.hasPrefix("manifest.json.broken-") }.count == 4)
        // Nothing to make one from: it says so, and lets the rest through.
        try Data("{".utf8).write(to: URL(filePath: file))
        for name in names where name.utf8.count == 64 {
            try FileManager.default.removeItem(atPath: "\(folder.path)/mine/\(name)")
        }
        var failures: [String] = []
        try await FeedSync(folder, FeedConfiguration(feeds: []), now: { noon }).run([]) {
            if case .failure(let error) = $1 { failures.append(error.description) }
        }
        #expect(failures.count == 1 && failures[0].contains("sync or import mine again"))
        #expect(try folder.ids().count == 3)
    }

    /// A first revision has nothing to shrink from: what cannot be read of it is what tells.
    @Test func `A feed of which many records cannot be used is held, also the first time`() throws {
        let scratch = try Scratch()
        let folder = FeedFolder("\(scratch.path)/feeds")
        let naming = FeedImporter.Naming(name: "mine", kind: .osv)
        func records(_ good: Int, _ bad: Int) -> [String] {
            (0..<good).map { osv("A-\($0)") } + (0..<bad).map { "{\"id\":\"B-\($0)\"}" }
        }
        // Two of twenty are no matter, three of twenty are.
        guard
            case .success(.stored)? = try folder.take(
                try zip(scratch, "few.zip", records(18, 2)), .init(name: "other", kind: .osv))["other"]
        else {
            Issue.record("10 % are no matter")
            return
        }
        try folder.remove("other")
        guard
            case .success(.held(let manifest, let counts))? = try folder.take(
                try zip(scratch, "a.zip", records(17, 3)), naming)["mine"]
        else {
            Issue.record("15 % must be held")
            return
        }
        #expect(manifest.revision == nil && counts.stored == 17 && counts.quarantined == 3)
        #expect(try folder.ids().isEmpty)
        let reason = try #require(manifest.held?.reason)
        #expect(
            reason.contains("3 of its 20 records cannot be used: 15 %") && reason.contains("mine/17.json"), "\(reason)")
        let held = try #require(manifest.held?.revision)
        #expect(String(decoding: try bytes(folder.quarantineFile(of: "mine", held)), as: UTF8.self).contains("B-2"))
        #expect(manifest.next(now: noon, maximumAge: 1)?.contains("fettle feeds accept mine") == true)
        // A broken manifest does not put it into use either.
        try Data("{".utf8).write(to: URL(filePath: "\(folder.path)/mine/manifest.json"))
        try folder.repair(FeedConfiguration(feeds: []), now: { noon }, done: { _, _ in })
        #expect(try folder.manifest("mine")?.revision == nil && folder.manifest("mine")?.held != nil)
        try folder.accept("mine")
        #expect(try folder.ids().count == 17)
        // A person has seen that this feed is so: the next like it is taken.
        guard case .success(.stored)? = try folder.take(try zip(scratch, "b.zip", records(18, 3)), naming)["mine"]
        else {
            Issue.record("as much was accepted before")
            return
        }
        // One that was good and is so no more is held, though no record that was in use is gone.
        _ = try folder.take(try zip(scratch, "c.zip", records(20, 0)), naming)
        guard case .success(.held)? = try folder.take(try zip(scratch, "d.zip", records(20, 5)), naming)["mine"] else {
            Issue.record("a fifth cannot be used any more")
            return
        }
        _ = try folder.take("\(scratch.path)/d.zip", naming, accept: true)
        #expect(try folder.manifest("mine")?.revision?.quarantined == 5)
        // Whoever wants another share says it.
        var loose = FeedConfiguration(feeds: [])
        loose.maximumQuarantine = 0.5
        let there = FeedFolder("\(scratch.path)/there")
        var outcome: Result<FeedOutcome, ImportError>?
        try FeedImporter(there, loose, now: { noon }).run("\(scratch.path)/d.zip", naming) { outcome = $1 }
        guard case .success(.stored)? = outcome else {
            Issue.record("half of them may be bad here")
            return
        }
    }

    @Test func `A copy of the lock's descriptor in a child does not keep the folder locked`() throws {
        let scratch = try Scratch()
        let folder = FeedFolder("\(scratch.path)/feeds")
        let copy = try locked(folder)
        defer { close(copy) }
        #expect(throws: Never.self) { _ = try folder.lock() }
    }

    /// Locks the folder for a moment, and answers what a child that was forked in it would have.
    private func locked(_ folder: FeedFolder) throws -> Int32 {
        let lock = try folder.lock()
        return withExtendedLifetime(lock) {
            #expect(throws: ImportError.self) { _ = try folder.lock() }
            return dup(lock.descriptor)
        }
    }

    @Test func `A broken manifest is mended by import as well, and does not keep a feed from being removed`() throws {
        let scratch = try Scratch()
        let folder = FeedFolder("\(scratch.path)/feeds")
        let one = try zip(scratch, "a.zip", (0..<20).map { osv("A-\($0)") })
        _ = try folder.take(one, .init(name: "mine"))
        _ = try folder.take(try zip(scratch, "b.zip", (0..<3).map { osv("B-\($0)") }), .init(name: "other"))
        let file = "\(folder.path)/mine/manifest.json"
        for _ in 0..<2 {
            try Data("{".utf8).write(to: URL(filePath: file))
            // Of another feed.
            let answers = try folder.take("\(scratch.path)/b.zip", .init(name: "other"))
            guard case .success(.repaired(let manifest))? = answers["mine"],
                case .success(.unchanged)? = answers["other"]
            else {
                Issue.record("it must be made anew: \(answers)")
                return
            }
            #expect(manifest.revision?.stored == 20)
            #expect(try folder.ids().count == 23)
        }
        // Of the broken one itself.
        try Data("{".utf8).write(to: URL(filePath: file))
        guard case .success(.unchanged)? = try folder.take(one, .init(name: "mine"))["mine"] else {
            Issue.record("it is what was there")
            return
        }
        #expect(try folder.ids().count == 23 && folder.broken().isEmpty)
        // Whoever may only read is not asked to write where nothing is broken.
        try folder.repair(
            FeedConfiguration(feeds: []), now: { noon }, done: { _, _ in Issue.record("nothing is broken") })
        try Data("{".utf8).write(to: URL(filePath: file))
        try folder.remove("mine")
        #expect(try folder.names() == ["other"] && folder.ids().count == 3)
        #expect(words { try folder.remove("mine") }.contains("there is no feed mine"))
    }

    @Test func `A bundle changes neither where a feed comes from nor how it is read`() throws {
        let scratch = try Scratch()
        let here = FeedFolder("\(scratch.path)/here")
        _ = try here.take(try zip(scratch, "a.zip", [osv("A-1")]), .init(name: "one", source: "evil"))
        var manifest = try #require(try here.manifest("one"))
        manifest.feed.url = "https://elsewhere.example/all.zip"
        try here.write(manifest)
        let bundle = "\(scratch.path)/bundle.tar"
        try FeedBundle.write(here, to: bundle, now: noon)
        // Where it is not known it comes without an address.
        let there = FeedFolder("\(scratch.path)/there")
        guard case .success(.stored(let fresh, _))? = try there.take(bundle)["one"] else {
            Issue.record("it must be taken")
            return
        }
        #expect(fresh.feed.url.isEmpty && fresh.feed.source == "evil" && fresh.entityTag == nil)
        // Where it is, another source is refused, and the address stays.
        func answer(_ source: String) throws -> (Result<FeedOutcome, ImportError>?, FeedFolder) {
            let own = FeedFolder("\(scratch.path)/own-\(source)")
            var feed = FeedDefinition(name: "one", url: "https://vendor.example/all.zip", kind: .osv)
            feed.source = source
            var answer: Result<FeedOutcome, ImportError>?
            try FeedImporter(own, FeedConfiguration(feeds: [feed]), now: { noon }).run(bundle) { answer = $1 }
            return (answer, own)
        }
        guard case .failure(let error)? = try answer("osv").0 else {
            Issue.record("another source must be refused")
            return
        }
        #expect(error.description.contains("does not change how a feed is read"))
        guard case .success(.stored(let same, _))? = try answer("evil").0 else {
            Issue.record("it must be taken")
            return
        }
        #expect(same.feed.url == "https://vendor.example/all.zip")
    }

    @Test func `A bundle with two feeds of one name is refused, and one of tomorrow does not block the next`() throws {
        let scratch = try Scratch()
        let here = FeedFolder("\(scratch.path)/here")
        let ahead = FeedImporter(here, FeedConfiguration(feeds: []), now: { noon.adding(seconds: 1_000_000) })
        try ahead.run(try zip(scratch, "a.zip", [osv("A-1")]), .init(name: "one")) { _, _ in }
        let bundle = "\(scratch.path)/ahead.tar"
        try FeedBundle.write(here, to: bundle, now: noon)
        let there = FeedFolder("\(scratch.path)/there")
        _ = try there.take(bundle)
        #expect(try there.manifest("one")?.revision?.fetched == noon)
        // The list as another program might write it.
        try scratch.run("sh", "-c", "mkdir x && tar xf ahead.tar -C x")
        let script =
            "import json; p='x/fettle-feeds.json'; d=json.load(open(p)); f=dict(d['feeds'][0]); f['revision']=dict(f['revision'], sha256='0'*64); d['feeds'].append(f); json.dump(d, open(p,'w'))"
        try scratch.run("python3", "-c", script)
        try scratch.run("sh", "-c", "cd x && tar cf ../twice.tar fettle-feeds.json one")
        #expect(words { _ = try there.take("\(scratch.path)/twice.tar") }.contains("two feeds that are called one"))
    }

    @Test func `A feed that is empty now, damaged or hostile loses nothing`() throws {
        let scratch = try Scratch()
        let folder = FeedFolder("\(scratch.path)/feeds")
        let naming = FeedImporter.Naming(name: "mine", kind: .osv)
        let good = try zip(scratch, "a.zip", (0..<20).map { osv("A-\($0)") })
        _ = try folder.take(good, naming)
        let before = try folder.ids()
        func refused(_ file: String) throws -> String {
            guard case .failure(let error)? = try folder.take(file, naming).values.first else { return "" }
            return error.description
        }
        let whole = try bytes(good)
        #expect(try refused(try scratch.write("cut.zip", Array(whole.prefix(whole.count - 30)))).contains("not whole"))
        try scratch.run("sh", "-c", "head -c 100000000 /dev/zero | tr '\\000' ' ' | gzip > bomb.gz")
        #expect(try refused("\(scratch.path)/bomb.gz").contains("bomb"))
        #expect(
            try refused(try scratch.write("deep.json", String(repeating: "[", count: 100_000))).contains("not whole"))
        #expect(try refused(try scratch.write("half.json", String(osv("A-1").dropLast(20)))).contains("not whole"))
        #expect(
            try refused(
                try scratch.write(
                    "utf8.json", Array("{\"id\":\"A-1\",\"summary\":\"".utf8) + [0xFF, 0xC0] + Array("\"}".utf8))
            ).contains("not whole"))
        #expect(try refused(try scratch.write("empty.json", "")).contains("empty"))
        // A whole file without any record that can be used is a shrink to nothing.
        guard
            case .success(.held)? = try folder.take(try zip(scratch, "none.zip", ["{\"id\":\"A-1\"}"]), naming)["mine"]
        else {
            Issue.record("a feed without records must be held")
            return
        }
        #expect(try folder.ids() == before)
        #expect(try folder.manifest("mine")?.revision?.stored == 20)
        // And where there was nothing, nothing begins with it.
        guard
            case .failure(let error)? = try folder.take("\(scratch.path)/none.zip", .init(name: "other", kind: .osv))
                .values.first
        else {
            Issue.record("a first revision without records must be refused")
            return
        }
        #expect(error.description.contains("no record") && error.description.contains("date of modification"))
        #expect(try folder.manifest("other")?.revision == nil)
    }

    @Test func `Bad records are put aside with place and reason`() throws {
        let scratch = try Scratch()
        let folder = FeedFolder("\(scratch.path)/feeds")
        let file = try zip(scratch, "a.zip", [osv("A-1"), "{\"id\":\"A-2\"}", "{", osv("A-3")])
        guard
            case .success(.stored(let manifest, let counts))? = try folder.take(
                file, .init(name: "mine", kind: .osv), accept: true)["mine"],
            let revision = manifest.revision
        else {
            Issue.record("it must be taken")
            return
        }
        #expect(revision.stored == 2 && revision.quarantined == 2 && counts.documents == 4)
        let text = String(decoding: try bytes(folder.quarantineFile(of: "mine", revision)), as: UTF8.self)
        #expect(
            text.contains("\"place\":\"mine/1.json\"") && text.contains("\"record\":\"A-2\"")
                && text.contains("mine/2.json"))
    }

    @Test func `A bundle carries feeds to a site without a network, and a changed one is refused`() throws {
        let scratch = try Scratch()
        let here = FeedFolder("\(scratch.path)/here")
        _ = try here.take(try zip(scratch, "a.zip", (0..<5).map { osv("A-\($0)") }), .init(name: "one"))
        _ = try here.take(try zip(scratch, "b.zip", (0..<5).map { osv("B-\($0)") }), .init(name: "two"))
        for name in ["bundle.tar", "bundle.tar.zst"] {
            let bundle = "\(scratch.path)/\(name)"
            let written = try FeedBundle.write(here, to: bundle, now: noon)
            #expect(written.feeds.map(\.feed.name) == ["one", "two"])
            #expect(try written.digest == DurableFile.digest(of: bundle) && written.bytes == fileSize(bundle))
            let there = FeedFolder("\(scratch.path)/there-\(name)")
            let answers = try there.take(bundle)
            #expect(answers.count == 2)
            #expect(try there.ids() == here.ids())
            #expect(try there.manifest("one")?.revision?.digest == here.manifest("one")?.revision?.digest)
            // Once more changes nothing.
            guard case .success(.unchanged)? = try there.take(bundle)["one"] else {
                Issue.record("it is the same")
                return
            }
        }
        let whole = try bytes("\(scratch.path)/bundle.tar")
        var changed = whole
        // In the last feed's file, behind its header.
        changed[whole.lastRange(of: Array("PK".utf8))! - 40] ^= 1
        let third = FeedFolder("\(scratch.path)/third")
        #expect(words { _ = try third.take(try scratch.write("changed.tar", changed)) }.contains("SHA-256"))
        #expect(
            words { _ = try third.take(try scratch.write("short.tar", Array(whole.prefix(whole.count / 2)))) } != "")
        #expect(try third.manifests().isEmpty)
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(third.path)/one").isEmpty)
    }

    @Test func `An older bundle does not turn a feed back`() throws {
        let scratch = try Scratch()
        let here = FeedFolder("\(scratch.path)/here")
        _ = try here.take(try zip(scratch, "a.zip", [osv("A-1")]), .init(name: "one"))
        try FeedBundle.write(here, to: "\(scratch.path)/old.tar", now: noon)
        let file = try zip(scratch, "b.zip", [osv("A-1"), osv("A-2")])
        let importer = FeedImporter(here, FeedConfiguration(feeds: []), now: { noon.adding(seconds: 3600) })
        try importer.run(file, .init(name: "one")) { _, _ in }
        guard case .failure(let error)? = try here.take("\(scratch.path)/old.tar")["one"] else {
            Issue.record("it must be refused")
            return
        }
        #expect(error.description.contains("go back"))
        #expect(try here.ids().count == 2)
    }

    @Test func `A folder's files are feeds, its loose records one feed`() throws {
        let scratch = try Scratch()
        let folder = FeedFolder("\(scratch.path)/feeds")
        _ = try scratch.write("in/loose/A-1.json", osv("A-1"))
        _ = try scratch.write("in/loose/deeper/A-2.json", osv("A-2"))
        _ = try scratch.write("in/README.md", "# text")
        let source = try zip(scratch, "z.zip", [osv("B-1")])
        try FileManager.default.createDirectory(
            atPath: "\(scratch.path)/in/osv/Debian", withIntermediateDirectories: true)
        try FileManager.default.moveItem(atPath: source, toPath: "\(scratch.path)/in/osv/Debian/all.zip")
        let answers = try folder.take("\(scratch.path)/in")
        #expect(try folder.manifests().map(\.feed.name) == ["osv-debian", "osv-loose"])
        #expect(try folder.ids() == ["A-1", "A-2", "B-1"])
        guard case .failure(let error)? = answers["\(scratch.path)/in/README.md"] else {
            Issue.record("a text is no feed")
            return
        }
        #expect(error.description.contains("of no kind that is known"))
    }

    @Test func `Two imports do not work in one folder at once`() throws {
        let scratch = try Scratch()
        let folder = FeedFolder("\(scratch.path)/feeds")
        let lock = try folder.lock()
        #expect(
            words { _ = try folder.take(try scratch.write("a.json", osv("A-1"))) }.contains("another sync or import"))
        withExtendedLifetime(lock) {}
    }

    @Test func `What is built in survives being written and read`() throws {
        let text = FeedConfiguration.builtIn.json.canonicalBytes()
        #expect(try FeedConfiguration(parsing: text, path: "feeds.json") == .builtIn)
        #expect(
            FeedConfiguration.builtIn.feeds.allSatisfy {
                FeedDefinition.isName($0.name) && $0.url.hasPrefix("https://")
            })
        #expect(Set(FeedConfiguration.builtIn.feeds.map(\.name)).count == FeedConfiguration.builtIn.feeds.count)
        let fault = words {
            _ = try FeedConfiguration(
                parsing: Array("{\"feeds\":[{\"name\":\"../x\",\"url\":\"https://x\",\"kind\":\"osv\"}]}".utf8),
                path: "feeds.json")
        }
        #expect(fault.contains("feeds.json: /feeds/0/name"))
        #expect(
            words { _ = try FeedConfiguration(parsing: Array("{\"feeds\":[],\"speed\":1}".utf8), path: "f") }.contains(
                "speed"))
    }
    /// Nothing is fetched from somebody who is neither the vendor nor the database itself.
    @Test func `What is built in comes from the vendors themselves`() throws {
        let vendors: [String: Set<String>] = [
            "kev": ["www.cisa.gov"], "epss": ["epss.empiricalsecurity.com"], "cwe": ["cwe.mitre.org"],
            "osv": ["osv-vulnerabilities.storage.googleapis.com"], "github": ["codeload.github.com/github"],
            "ubuntu": ["security-metadata.canonical.com"],
            "debian": ["security-tracker.debian.org", "www.debian.org", "salsa.debian.org"],
            "redhat": ["security.access.redhat.com"], "suse": ["ftp.suse.com"], "photon": ["packages.broadcom.com"],
            "azure": ["raw.githubusercontent.com/microsoft"], "almalinux": ["repo.almalinux.org"],
            "rocky": ["dl.rockylinux.org"], "oracle": ["yum.oracle.com", "linux.oracle.com"],
            "amazon": ["cdn.amazonlinux.com"], "nvd": ["nvd.nist.gov"],
            "cve": ["codeload.github.com/cisagov", "codeload.github.com/CVEProject"],
            "arch": ["security.archlinux.org"],
            "alpine": ["secdb.alpinelinux.org"], "wolfi": ["packages.wolfi.dev"],
        ]
        var seen: Set<String> = []
        for feed in FeedConfiguration.builtIn.feeds {
            let source = feed.source ?? feed.kind.defaultSource
            let vendor = String(source.prefix { $0 != "-" })
            seen.insert(vendor)
            let hosts = try #require(vendors[vendor], "\(feed.name): \(source)")
            #expect(hosts.contains { feed.url.hasPrefix("https://\($0)/") }, "\(feed.name): \(feed.url)")
        }
        #expect(seen == Set(vendors.keys))
    }

    @Test(.enabled(if: SharedData.isPresent)) func `Every ecosystem of OSV is set up`() throws {
        let list = try JSONSerialization.jsonObject(
            with: Data(contentsOf: URL(filePath: "\(SharedData.path ?? "")/vectors/osv/ecosystems.json")))
        let names = try #require((list as? [String: Any])?.keys.sorted() ?? list as? [String])
        #expect(names.count > 40)
        for name in names {
            let feed = FeedConfiguration.builtIn.feed("osv-\(FeedDefinition.name(from: name))")
            #expect(feed?.url.contains(name.replacingOccurrences(of: " ", with: "%20")) == true, "\(name)")
        }
    }
}

extension [UInt8] {
    fileprivate func lastRange(of needle: [UInt8]) -> Int? {
        indices.reversed().first { self[$0...].starts(with: needle) }
    }
}
