import Foundation
import HTML
import Pages
import Testing
import Timestamps

@Suite struct PagesTests {
    static let hostile: [String] = [
        "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onmouseover='alert(1)",
        "</title></style><h1>x",
        "<!--", "]]><svg onload=alert(1)>", "javascript:alert(1)", "&lt;b&gt;", "{{7*7}}", "\u{202E}txt.exe",
        "a\u{0}b\r\nSet-Cookie: x=y",
    ]

    /// Every page with hostile text in every field that comes from hosts or people, read by an independent parser: no
    /// element or attribute comes from the text, and the text is there as text.
    @Test(arguments: hostile) func hostileTextStaysText(_ hostile: String) throws {
        let plain = try PageReader.read(Samples().pages)
        let mixed = try PageReader.read(Samples(text: { $0.isEmpty ? $0 : $0 + hostile }).pages)
        #expect(plain.count == mixed.count)
        for (page, other) in zip(plain, mixed) {
            #expect(page.errors == [], "\(page.name)")
            #expect(other.errors == [], "\(page.name)")
            #expect(page.elements == other.elements, "\(page.name): the text brought an element or attribute")
            #expect(other.isSafe, "\(page.name): a link leads elsewhere, or there is inline script or style")
        }
        let shown = hostile.unicodeScalars.map { scalar -> Character in
            scalar.value < 0x20 && scalar != "\n" && scalar != "\t" ? "\u{FFFD}" : Character(scalar)
        }
        let words = String(shown).split(whereSeparator: \.isWhitespace).joined(separator: " ")
        #expect(mixed.first { $0.name == "hosts" }?.text.contains(words) == true)
    }

    @Test func noPageIsLargerThan200kB() {
        for (name, page) in Samples().pages {
            #expect(page.bytes().count < 200_000, "\(name)")
        }
    }

    /// None found is not "nothing to do" where nobody looked.
    @Test func whatIsUnknownIsNotClean() {
        let context = Samples().context
        func page(_ count: Int, unknown: Int) -> String {
            var model = TodayModel()
            model.work = [.init(.reboot, count: count, unknown: unknown, location: HostsView.reboot.location(context))]
            return String(decoding: todayPage(model, context, events: nil).bytes(), as: UTF8.self)
        }
        #expect(page(0, unknown: 0).contains("Nothing to do here."))
        #expect(!page(0, unknown: 3).contains("Nothing to do here."))
        #expect(page(0, unknown: 3).contains("Unknown for 3 hosts."))
        #expect(page(2, unknown: 1).contains("Unknown for 1 host."))
    }

    @Test func assetsHaveTheirDigestInTheirNames() {
        for asset in [Assets.style, Assets.script, Assets.icon] {
            #expect(Assets.named(asset.name)?.bytes == asset.bytes)
            #expect(asset.name.split(separator: ".").count == 3)
            #expect(!asset.bytes.isEmpty)
        }
        #expect(Assets.named("fettle.css") == nil)
    }

    @Test func everyViewOfHostsIsItsAddress() {
        let context = Samples().context
        let query = HostsQuery(["q": "web", "sort": "-security", "unknown": "x", "after": "c"])
        #expect(query.location(context).description == "/hosts?q=web&sort=-security")
        #expect(query.location(context, ["after": "next", "q": nil]).description == "/hosts?sort=-security&after=next")
        var other = context
        other.namesOrganisation = true
        #expect(HostsView.silent.location(other).description == "/hosts?status=active&silent=yes&organisation=acme")
    }

    /// Who lacks a part sees no link to it.
    @Test func linksLeadOnlyToWhatMayBeSeen() throws {
        var context = Samples().context
        context.sections = [.settings]
        let page = String(
            decoding: errorPage(ErrorModel(status: 404, title: "x", text: "y"), context).bytes(), as: UTF8.self)
        for path in ["\"/hosts\"", "\"/patches\"", "\"/activity\"", "\"/search\""] { #expect(!page.contains(path)) }
    }
}

/// Pages as html5lib reads them: the parser of the HTML standard, in Python.
struct PageReader: Decodable {
    let name: String
    let errors: [String]
    /// Elements with the names of their attributes, in order.
    let elements: [String]
    let text: String
    let isSafe: Bool

    static func read(_ pages: [(name: String, page: HTML)]) throws -> [PageReader] {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("fettle-pages-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (index, page) in pages.enumerated() {
            try Data(page.page.bytes()).write(to: folder.appendingPathComponent("\(1000 + index) \(page.name).html"))
        }
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("read-pages.py")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")  // Debian's own, which has html5lib
        process.arguments = [script.path, folder.path]
        let output = folder.appendingPathComponent("out.json")
        FileManager.default.createFile(atPath: output.path, contents: nil)
        process.standardOutput = try FileHandle(forWritingTo: output)
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw CocoaError(.fileReadUnknown) }
        return try JSONDecoder().decode([PageReader].self, from: Data(contentsOf: output))
    }
}
