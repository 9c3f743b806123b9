import Feeds
import Foundation
import JSON
import Synchronization
import Testing
import Timestamps

@testable import FeedImport

@Suite struct SyncTests {
    private func source(_ count: Int) throws -> (Scratch, FeedServer, FeedFolder) {
        let scratch = try Scratch()
        try write(scratch, count)
        return (scratch, try FeedServer(scratch), FeedFolder("\(scratch.path)/feeds"))
    }

    /// A zip whose records do not compress away, so that it can be cut.
    private func write(_ scratch: Scratch, _ count: Int) throws {
        try? FileManager.default.createDirectory(atPath: "\(scratch.path)/www", withIntermediateDirectories: true)
        let lines = (0..<count).map { osv("A-\($0)", fixed: "\($0).\(UInt64.random(in: 0...(.max)))-1") }.joined(
            separator: "\n")
        _ = try scratch.write("lines", lines)
        try scratch.run(
            "python3", "-c",
            "import zipfile\nz=zipfile.ZipFile('www/all.zip','w')\nfor i,l in enumerate(open('lines')): z.writestr('%d.json'%i,l)\nz.close()"
        )
    }

    private func feed(_ url: String) -> FeedDefinition { FeedDefinition(name: "f", url: url, kind: .osv) }

    @Test func `A feed is fetched once, and again when it has changed`() async throws {
        let (scratch, server, folder) = try source(50)
        let feed = feed(server.url("plain/all.zip"))
        guard case .success(.stored(let manifest, _)) = try await folder.sync(feed) else { throw Wrong() }
        #expect(manifest.revision?.stored == 50 && manifest.entityTag != nil && manifest.checked == noon)
        guard case .success(.unchanged) = try await folder.sync(feed) else { throw Wrong() }
        #expect(try await server.requests(2)[1].hasSuffix(manifest.entityTag ?? "?"))
        try write(scratch, 60)
        guard case .success(.stored) = try await folder.sync(feed) else { throw Wrong() }
        #expect(try folder.ids().count == 60)
        // A source that ignores the tag sends the same bytes: nothing is read anew.
        guard case .success(.stored) = try await folder.sync(self.feed(server.url("lie/all.zip"))) else {
            guard case .success(.unchanged) = try await folder.sync(self.feed(server.url("lie/all.zip"))) else {
                throw Wrong()
            }
            return
        }
    }

    @Test func `A download that breaks off goes on where it was`() async throws {
        let (_, server, folder) = try source(200)
        guard case .success(.stored(let manifest, _)) = try await folder.sync(feed(server.url("cut/3000/all.zip")))
        else { throw Wrong() }
        #expect(manifest.revision?.stored == 200)
        let requests = try await server.requests(2)
        #expect(requests.count == 2 && requests[1].contains("bytes=3000-"))
    }

    @Test func `A download goes on in the next sync, also byte by byte, unless the file has changed`() async throws {
        let (scratch, server, folder) = try source(200)
        let feed = feed(server.url("always-cut/7000/all.zip"))
        var limits = NetworkLimits.quick
        limits.attempts = 2
        guard case .failure(let error) = try await folder.sync(feed, limits) else { throw Wrong() }
        let kept = fileSize("\(folder.path)/f/download.part")
        #expect(error.description.contains("\(kept) bytes are kept"), "\(server.requests)")
        // Two tries, and each that the source answered has left its 7,000 bytes: none of an answer is lost, however it ended.
        let answered = try await server.requests(2)
        #expect(answered.count <= 2 && kept == 7000 * Int64(answered.count), "\(kept) bytes of \(answered): \(error)")
        #expect(try folder.manifest("f")?.failure != nil)
        guard case .failure = try await folder.sync(feed, limits) else { throw Wrong() }
        // A loaded machine may have lost an attempt before it was asked.
        let asked = try await server.requests(3)
        #expect(asked.contains { $0.contains("bytes=\(kept)-") }, "\(asked)")
        // Another file at the same address: what was begun is thrown away.
        try write(scratch, 30)
        limits.attempts = 10
        guard case .success(.stored) = try await folder.sync(feed, limits) else { throw Wrong() }
        #expect(try folder.ids().count == 30 && folder.manifest("f")?.failure == nil)
    }

    @Test func `Without a strong tag a broken download begins anew`() async throws {
        let (_, server, folder) = try source(20)
        guard case .success(.stored) = try await folder.sync(feed(server.url("weak/all.zip"))) else { throw Wrong() }
        guard case .success(.unchanged) = try await folder.sync(feed(server.url("weak/all.zip"))) else { throw Wrong() }
    }

    @Test func `Busy sources are asked again, wrong addresses are not`() async throws {
        let (_, server, folder) = try source(10)
        guard case .success(.stored) = try await folder.sync(feed(server.url("busy/2/all.zip"))) else { throw Wrong() }
        guard case .failure(let error) = try await folder.sync(feed(server.url("plain/none.zip"))) else {
            throw Wrong()
        }
        #expect(error.description.contains("404") && error.description.contains("is the address right?"))
        #expect(try await server.requests(4).count == 4)
        // What was in use stays in use, and status says what went wrong.
        #expect(try folder.ids().count == 10)
        #expect(try folder.manifest("f")?.next(now: noon, maximumAge: 10)?.contains("why it failed") == true)
    }

    @Test func `Redirects are followed, so many, and never to where it is less safe`() async throws {
        let (_, server, folder) = try source(10)
        guard case .success(.stored) = try await folder.sync(feed(server.url("redirect/5/all.zip"))) else {
            throw Wrong()
        }
        guard case .failure(let error) = try await folder.sync(feed(server.url("redirect/6/all.zip"))) else {
            throw Wrong()
        }
        #expect(error.description.contains("more than 5 redirects"))
        guard case .failure(let away) = try await folder.sync(feed(server.url("away"))) else { throw Wrong() }
        #expect(away.description.contains("less safe"))
        #expect(
            words { _ = try FeedClient.redirected(from: FeedURL("https://a/x"), to: "http://a/x") }.contains(
                "less safe"))
        #expect(try FeedClient.redirected(from: FeedURL("https://a/x/y"), to: "z?q").description == "https://a/x/z?q")
        #expect(try FeedClient.redirected(from: FeedURL("http://a/x"), to: "//b/z").description == "http://b/z")
    }

    @Test func `Slow and silent sources are left`() async throws {
        let (_, server, folder) = try source(50)
        var limits = NetworkLimits.quick
        limits.attempts = 1
        limits.window = 1
        limits.minimumRate = 100
        guard case .failure(let slow) = try await folder.sync(feed(server.url("slow/all.zip")), limits) else {
            throw Wrong()
        }
        #expect(slow.description.contains("bytes came in 1 s"))
        guard case .failure(let silent) = try await folder.sync(feed(server.url("silent/all.zip")), limits) else {
            throw Wrong()
        }
        #expect(silent.description.contains("only 0 bytes came in 1 s"))
        limits.minimumRate = 0
        limits.total = 1
        guard case .failure(let long) = try await folder.sync(feed(server.url("slow/all.zip")), limits) else {
            throw Wrong()
        }
        #expect(long.description.contains("not done after 1 s"))
        limits = .quick
        limits.maximumBytes = 100
        guard case .failure(let large) = try await folder.sync(feed(server.url("plain/all.zip")), limits) else {
            throw Wrong()
        }
        #expect(large.description.contains("larger than 100 bytes"))
    }

    /// A source is not left because this machine was slow to take what it sent.
    @Test func `A slow machine does not blame the source`() async throws {
        let (scratch, server, folder) = try source(1)
        // More than the buffers of a connection take.
        let entry = #"{"cveID":"CVE-2024-0001","dateAdded":"2024-01-02","dueDate":"2024-01-23"}"#
        let text = #"{"catalogVersion":"1","count":1,"vulnerabilities":[\#(entry)]}"#
        _ = try scratch.write("www/big.json", text + String(repeating: " ", count: 24 << 20))
        var configuration = FeedConfiguration(feeds: [
            FeedDefinition(name: "f", url: server.url("plain/big.json"), kind: .kev)
        ])
        configuration.network = .quick
        configuration.network.attempts = 1
        configuration.network.window = 1
        configuration.network.minimumRate = 1
        let isFirst = Mutex(true)
        let progress: @Sendable (FeedProgress) -> Void = { _ in
            let wasFirst = isFirst.withLock { first in
                defer { first = false }
                return first
            }
            if wasFirst { Thread.sleep(forTimeInterval: 3.5) }
        }
        let sync = FeedSync(folder, configuration, now: { noon }, progress: progress)
        var outcome: Result<FeedOutcome, ImportError>?
        try await sync.run(configuration.feeds) { outcome = $1 }
        guard case .success(.stored)? = outcome else {
            Issue.record("\(String(describing: outcome))")
            return
        }
    }

    @Test func `A checksum beside the file must agree`() async throws {
        let (scratch, server, folder) = try source(10)
        var feed = feed(server.url("plain/all.zip"))
        feed.checksum = .sha256
        _ = try scratch.write("www/all.zip.sha256", String(repeating: "0", count: 64) + "  all.zip\n")
        guard case .failure(let error) = try await folder.sync(feed) else { throw Wrong() }
        #expect(error.description.contains("its SHA-256 is"))
        #expect(try folder.ids().isEmpty)
        try scratch.run("sh", "-c", "cd www && sha256sum all.zip > all.zip.sha256")
        guard case .success(.stored) = try await folder.sync(feed) else { throw Wrong() }
        // NVD's is of what is inside.
        _ = try scratch.write("www/y.json", osv("A-1"))
        try scratch.run(
            "sh", "-c",
            "cd www && gzip -k y.json && echo lastModifiedDate:x > y.meta && echo sha256:$(sha256sum < y.json | cut -c-64 | tr a-f A-F) >> y.meta"
        )
        feed = FeedDefinition(name: "g", url: server.url("plain/y.json.gz"), kind: .osv)
        feed.checksum = .nvdMeta
        guard case .success(.stored) = try await folder.sync(feed) else { throw Wrong() }
    }

    @Test func `What the answer says of its own bytes must agree`() async throws {
        let (_, server, folder) = try source(10)
        guard case .success(.stored) = try await folder.sync(feed(server.url("hashed/all.zip"))) else { throw Wrong() }
        // Damaged on its way once: the next try gets it whole.
        guard case .success(.unchanged) = try await folder.sync(feed(server.url("damaged/1/all.zip"))) else {
            throw Wrong()
        }
        #expect(try await server.requests(3).count == 3)
        var limits = NetworkLimits.quick
        limits.attempts = 2
        guard case .failure(let error) = try await folder.sync(feed(server.url("damaged/9/all.zip")), limits) else {
            throw Wrong()
        }
        #expect(error.description.contains("its SHA-256 is") && error.description.contains("it was not taken"))
        #expect(try folder.ids().count == 10)
        #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/f/download.part"))
    }

    @Test func `Mirrors are asked in turn, and pointers followed`() async throws {
        let (scratch, server, folder) = try source(10)
        var feed = feed(server.url("plain/gone.zip"))
        feed.mirrors = ["http://127.0.0.1:1/all.zip", server.url("plain/all.zip")]
        guard case .success(.stored) = try await folder.sync(feed) else { throw Wrong() }
        _ = try scratch.write("www/latest.txt", "all.zip\n")
        feed = FeedDefinition(name: "g", url: server.url("plain/latest.txt"), kind: .osv)
        feed.pointer = .latest
        guard case .success(.stored) = try await folder.sync(feed) else { throw Wrong() }
        guard case .success(.unchanged) = try await folder.sync(feed) else { throw Wrong() }
        // A repository's list names updateinfo by its digest; the same digest is not fetched again.
        let update =
            "<updates><update type='security' from='x@almalinux.org'><id>ALSA-1</id><pkglist><collection><package name='a' version='1' release='1.el9' arch='noarch'/></collection></pkglist></update></updates>"
        _ = try scratch.write("www/r/repodata/u.xml", update)
        let digest = try scratch.run("sha256sum", "www/r/repodata/u.xml").prefix(64)
        func list(_ digest: Substring) -> String {
            "<repomd xmlns='x'><data type='primary'><location href='repodata/p.xml'/></data><data type='updateinfo'><checksum type='sha256'>\(digest)</checksum><location href='repodata/u.xml'/></data></repomd>"
        }
        _ = try scratch.write("www/r/repodata/repomd.xml", list(digest))
        feed = FeedDefinition(name: "h", url: server.url("plain/r/repodata/repomd.xml"), kind: .updateInfo)
        feed.pointer = .repository
        let before = try await server.requests(6).count
        guard case .success(.stored) = try await folder.sync(feed) else { throw Wrong() }
        guard case .success(.unchanged) = try await folder.sync(feed) else { throw Wrong() }
        #expect(try await server.requests(before + 3).count == before + 3)
        _ = try scratch.write("www/r/repodata/repomd.xml", list(Substring(repeating: "0", count: 64)))
        guard case .failure = try await folder.sync(feed) else { throw Wrong() }
    }

    @Test func `Signatures are verified with the keyring that somebody names`() async throws {
        let (scratch, server, folder) = try source(10)
        func key(_ name: String) throws -> String {
            let home = "\(scratch.path)/\(name)"
            try FileManager.default.createDirectory(
                atPath: home, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            let gpg = "gpg --homedir '\(home)' --batch --quiet --pinentry-mode loopback --passphrase ''"
            _ = try scratch.run(
                "sh", "-c", "\(gpg) --quick-gen-key '\(name) <\(name)@example.org>' ed25519 sign never 2>&1")
            _ = try scratch.run("sh", "-c", "\(gpg) --output '\(home)/keys.gpg' --export")
            return home
        }
        func sign(_ path: String, _ home: String) throws {
            _ = try scratch.run(
                "gpg", "--homedir", home, "--batch", "--quiet", "--yes", "--pinentry-mode", "loopback", "--passphrase",
                "",
                "--armor", "--detach-sign", "\(scratch.path)/\(path)")
        }
        let (vendor, stranger) = (try key("vendor"), try key("stranger"))
        func outcome(_ feed: FeedDefinition) async throws -> String {
            switch try await folder.sync(feed) {
            case .success(.stored): "stored"
            case .success(.unchanged): "unchanged"
            case .success: "other"
            case .failure(let error): error.description
            }
        }
        // Beside the file itself.
        var feed = FeedDefinition(name: "s", url: server.url("plain/all.zip"), kind: .osv)
        feed.keyring = "\(vendor)/keys.gpg"
        #expect(try await outcome(feed) != "stored", "there is no signature")
        try sign("www/all.zip", stranger)
        let refused = try await outcome(feed)
        #expect(refused.contains("no key of \(vendor)/keys.gpg") && refused.contains("it was not taken"), "\(refused)")
        try sign("www/all.zip", vendor)
        #expect(try await outcome(feed) == "stored")
        #expect(try await outcome(feed) == "unchanged")
        feed.keyring = "\(stranger)/keys.gpg"
        #expect(try await outcome(feed).contains("no key of"), "another keyring asks anew")
        feed.keyring = "/nowhere/keys.gpg"
        #expect(try await outcome(feed).contains("/nowhere/keys.gpg cannot be read"))
        // Beside a repository's list, which names the file by its digest.
        _ = try scratch.write(
            "www/r/repodata/u.xml",
            "<updates><update type='security' from='x@almalinux.org'><id>ALSA-1</id><pkglist><collection><package name='a' version='1' release='1.el9' arch='noarch'/></collection></pkglist></update></updates>"
        )
        let digest = try scratch.run("sha256sum", "www/r/repodata/u.xml").prefix(64)
        _ = try scratch.write(
            "www/r/repodata/repomd.xml",
            "<repomd><data type='updateinfo'><checksum type='sha256'>\(digest)</checksum><location href='repodata/u.xml'/></data></repomd>"
        )
        var list = FeedDefinition(name: "l", url: server.url("plain/r/repodata/repomd.xml"), kind: .updateInfo)
        list.pointer = .repository
        list.keyring = "\(vendor)/keys.gpg"
        try sign("www/r/repodata/repomd.xml", stranger)
        #expect(try await outcome(list).contains("no key of"))
        try sign("www/r/repodata/repomd.xml", vendor)
        #expect(try await outcome(list) == "stored")
        #expect(list.json["keyring"]?.string == list.keyring)
    }

    @Test func `A mirror of everything stands where addresses begin with the source`() async throws {
        let (_, server, folder) = try source(10)
        let feed = feed("https://vendor.example/feeds/all.zip")
        var configuration = FeedConfiguration(feeds: [feed])
        configuration.network = .quick
        configuration.mirrors = [("https://vendor.example/feeds/", server.url("plain/"))]
        var outcome: Result<FeedOutcome, ImportError>?
        try await FeedSync(folder, configuration, now: { noon }).run([feed]) { outcome = $1 }
        guard case .success(.stored(let manifest, _))? = outcome else { throw Wrong() }
        // Where it comes from is still the source's own.
        #expect(manifest.feed.url == "https://vendor.example/feeds/all.zip")
    }

    @Test
    func `A list of mirrors leads to a repository, and nothing that a source names leads to this machine's files`()
        async throws
    {
        let (scratch, server, folder) = try source(3)
        let update =
            "<updates><update type='security'><id>ALAS2-2024-1</id><pkglist><collection><package name='a' version='1' release='1.amzn2' arch='noarch'/></collection></pkglist></update></updates>"
        _ = try scratch.write("www/r/repodata/u.xml", update)
        func list(_ place: String) -> String {
            "<repomd><data type='updateinfo'><location href='\(place)'/></data></repomd>"
        }
        _ = try scratch.write("www/r/repodata/repomd.xml", list("repodata/u.xml"))
        _ = try scratch.write("www/mirror.list", "\(server.url("plain/r"))\n")
        var feed = FeedDefinition(name: "amazon", url: server.url("plain/mirror.list"), kind: .updateInfo)
        feed.pointer = .mirrorList
        guard case .success(.stored) = try await folder.sync(feed) else { throw Wrong() }
        // The same words in each place where a source may name another.
        let here = try scratch.write("secret.xml", update)
        for place in ["file://\(here)", "FILE://\(here)", "file:\(here)"] {
            _ = try scratch.write("www/r/repodata/repomd.xml", list(place))
            guard case .failure = try await folder.sync(feed) else { throw Wrong() }
            for (pointer, name) in [(FeedDefinition.Pointer.latest, "latest.txt"), (.mirrorList, "mirrors.txt")] {
                _ = try scratch.write("www/\(name)", "\(place)\n")
                var other = FeedDefinition(name: "other", url: server.url("plain/\(name)"), kind: .updateInfo)
                other.pointer = pointer
                guard case .failure = try await folder.sync(other) else { throw Wrong() }
            }
        }
        #expect(try folder.manifest("other")?.revision == nil)
        // A path is one of the source's own.
        let reference = try FeedURL("http://a/b/c").resolving("../../etc/passwd")
        #expect(reference.host == "a" && reference.scheme == .http)
    }

    @Test func `A file that was damaged here is fetched anew, whatever its tag`() async throws {
        let (_, server, folder) = try source(20)
        let feed = feed(server.url("plain/all.zip"))
        guard case .success(.stored(let manifest, _)) = try await folder.sync(feed) else { throw Wrong() }
        let file = "\(folder.path)/f/\(try #require(manifest.revision).digest)"
        let whole = try bytes(file)
        // Cut short: the size tells.
        try Data(whole.dropLast(100)).write(to: URL(filePath: file))
        guard case .success(.unchanged) = try await folder.sync(feed) else { throw Wrong() }
        #expect(try bytes(file) == whole)
        // Of the same size: it tells when it is read, or when it is asked for.
        var changed = whole
        for index in 0..<64 { changed[whole.count / 2 + index] ^= 0xA5 }
        try Data(changed).write(to: URL(filePath: file))
        guard case .success(.unchanged) = try await folder.sync(feed) else { throw Wrong() }
        #expect(try bytes(file) == changed)
        #expect(words { _ = try folder.ids() }.contains("fettle feeds sync --verify f"))
        guard case .success(.unchanged) = try await folder.sync(feed) else { throw Wrong() }
        #expect(try bytes(file) == whole && folder.ids().count == 20)
        try Data(changed).write(to: URL(filePath: file))
        guard case .success(.unchanged) = try await folder.sync(feed, verify: true) else { throw Wrong() }
        #expect(try bytes(file) == whole)
        // One that is gone.
        try FileManager.default.removeItem(atPath: file)
        guard case .success(.unchanged) = try await folder.sync(feed) else { throw Wrong() }
        #expect(try folder.ids().count == 20)
    }

    @Test func `A folder is a source as well`() async throws {
        let (scratch, _, folder) = try source(10)
        let feed = feed("file://\(scratch.path)/www/all.zip")
        guard case .success(.stored) = try await folder.sync(feed) else { throw Wrong() }
        guard case .success(.unchanged) = try await folder.sync(feed) else { throw Wrong() }
    }

    @Test func `The environment's proxy is used, unless it says not to`() throws {
        func proxy(_ url: String, _ variables: [String: String]) throws -> Proxy? {
            try Proxy.forAddress(FeedURL(url)) { variables[$0] }
        }
        #expect(try proxy("https://a.example/x", [:]) == nil)
        let found = try proxy("https://a.example/x", ["https_proxy": "http://user:p%40ss@proxy:8080/"])
        #expect(found?.host == "proxy" && found?.port == 8080 && found?.authorization == "Basic dXNlcjpwQHNz")
        #expect(try proxy("https://a.example/x", ["https_proxy": "proxy", "no_proxy": "localhost, .example"]) == nil)
        #expect(try proxy("https://example/x", ["https_proxy": "proxy:1", "no_proxy": "ample"])?.port == 1)
        #expect(try proxy("http://a/x", ["HTTP_PROXY": "http://proxy"]) == nil)
        #expect(try proxy("http://a/x", ["http_proxy": "http://proxy"])?.port == 3128)
        #expect(words { _ = try proxy("https://a/x", ["https_proxy": "socks5://proxy"]) }.contains("https_proxy"))
    }

    @Test(arguments: [
        "ftp://a/x", "https://", "https://u:p@a/x", "https://a:0/x", "https://a b/", "all.zip", "https://[::1/x",
        "file://x",
    ])
    func `What is no address is refused`(_ text: String) {
        #expect(words { _ = try FeedURL(text) }.contains("no address of a feed"))
    }

    struct Wrong: Error {}
}
