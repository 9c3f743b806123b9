import Access
import Foundation
import JSON
import NIOHTTP1
import Testing
import Timestamps

@testable import Server

extension ServerTests {
    /// Vulnerabilities, the work queue and exceptions, as people without script see them.
    @Suite struct PageRiskTests {
        /// What a feed's author might write to be taken for markup.
        private static let hostile = "</td><script>alert(1)</script><img src=x onerror=alert(1)>"

        private static func osv(
            _ id: String, _ summary: String, fixed: String = "9.9-1", package: String = "package0"
        )
            -> [String: Any]
        {
            [
                "id": "DEBIAN-\(id)", "modified": "2026-03-01T00:00:00Z", "published": "2026-02-01T00:00:00Z",
                "upstream": [id], "summary": summary, "details": "All of it: \(summary)",
                "severity": [["type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"]],
                "references": [
                    ["type": "ADVISORY", "url": "https://www.debian.org/security/\(id)?q=\"><b>"],
                    ["type": "WEB", "url": "javascript:alert(1)"],
                ],
                "affected": [
                    [
                        "package": ["ecosystem": "Debian:12", "name": package],
                        "ranges": [["type": "ECOSYSTEM", "events": [["introduced": "0"], ["fixed": fixed]]]],
                    ]
                ],
            ]
        }

        private static func folder(_ records: [[String: Any]]) throws -> String {
            let folder = try temporaryFolder()
            try FileManager.default.createDirectory(atPath: folder + "/feeds", withIntermediateDirectories: true)
            for (number, record) in records.enumerated() {
                try JSONSerialization.data(withJSONObject: record)
                    .write(to: URL(filePath: "\(folder)/feeds/record-\(number).json"))
            }
            return folder
        }

        private static func with(
            _ records: [[String: Any]], _ body: (TestServer, PageBrowser) async throws -> Void
        ) async throws {
            let server = try await TestServer.start(.sqlite, folder: folder(records))
            do {
                let browser = PageBrowser(server)
                try await browser.comeIn()
                try await body(server, browser)
            } catch {
                try? await server.stop()
                throw error
            }
            try await server.stop()
            try? FileManager.default.removeItem(atPath: server.folder)
        }

        /// Opens a page again until it says something.
        @discardableResult
        private static func wait(
            _ browser: PageBrowser, _ path: String, for text: String, seconds: Int = 120
        ) async throws -> Answer {
            var answer = try await browser.open(path)
            for _ in 0..<(seconds * 5) where !answer.text.contains(text) {
                try await Task.sleep(for: .milliseconds(200))
                answer = try await browser.open(path)
            }
            #expect(answer.text.contains(text), "\(path) never said \(text)")
            return answer
        }

        @Test func withoutFeedsNothingIsCalledClean() async throws {
            try await TestServer.with { server in
                let browser = PageBrowser(server)
                try await browser.comeIn()
                var host = try await TestHost.enrol(server)
                try await host.reported(Truth())
                for path in [
                    "/vulnerabilities", "/queue", "/queue/patch?id=x", "/vulnerabilities/CVE-2026-0001",
                    "/vulnerabilities/unknown", "/hosts/\(host.id)/vulnerabilities",
                ] {
                    let answer = try await browser.open(path)
                    #expect(answer.status == 200, "\(path): \(answer.status)")
                    #expect(answer.text.contains("No feeds are loaded"), "\(path)")
                    #expect(answer.text.contains("fettle feeds sync"), "\(path) says what to do")
                    #expect(!answer.text.contains("No feed names anything"), "\(path)")
                }
                for path in ["/", "/hosts/\(host.id)"] {
                    let answer = try await browser.open(path)
                    #expect(answer.text.contains("No feeds are loaded"), "\(path)")
                }
                #expect(try await browser.open("/vulnerabilities.csv").status == 409)
            }
        }

        @Test func aVulnerabilityIsShownWithItsReasonsAndItsPatch() async throws {
            try await Self.with([
                Self.osv("CVE-2026-0001", Self.hostile), Self.osv("CVE-2026-0002", "=cmd()", fixed: "11-1"),
                Self.osv("CVE-2026-0003", "elsewhere", package: "another"),
            ]) { server, browser in
                var host = try await TestHost.enrol(server)
                try await host.reported(Truth())
                let list = try await Self.wait(browser, "/vulnerabilities", for: "CVE-2026-0002")
                #expect(list.text.contains("2 vulnerabilities on judged hosts"))
                #expect(list.text.contains("Installable") && list.text.contains("Fix not offered"))
                #expect(list.text.contains("&lt;script&gt;") && !list.text.contains("<script>alert"))

                // Filters, and that none found names the filter.
                let fixable = try await browser.open("/vulnerabilities?closing=fixable&severity=critical")
                #expect(fixable.text.contains("CVE-2026-0002") && !fixable.text.contains("CVE-2026-0001<"))
                let none = try await browser.open("/vulnerabilities?exploited=yes")
                #expect(none.text.contains("Nothing is in this view") && none.text.contains("exploited = yes"))
                let labels = try await browser.open("/vulnerabilities?labels=site%3Dberlin")
                #expect(labels.text.contains("Nothing is in this view"))
                let unreadable = try await browser.open("/vulnerabilities?labels=%3D")
                #expect(unreadable.text.contains("Nothing is in this view") && unreadable.text.contains("hint error"))

                let one = try await browser.open("/vulnerabilities/CVE-2026-0001").text
                for text in [
                    "Yes: 1 host has it", "package0", "web1", "DEBIAN-CVE-2026-0001", "Attack vector", "network",
                    "up to the fix, 9.9-1", "Why this deadline", "bod-26-04", "Assumed", "sum S",
                    "Not open", "package0 9.9-1", "Plan a campaign", "Ask for an exception",
                ] { #expect(one.contains(text), "\(text)") }
                #expect(!one.contains("<script>alert") && !one.contains("href=\"javascript"))
                #expect(
                    one.contains(
                        "<a href=\"https://www.debian.org/security/CVE-2026-0001?q=%22%3E%3Cb%3E\" rel=\"noopener noreferrer nofollow\">"
                    ))
                let weak = try await browser.open("/vulnerabilities/CVE-2026-0002").text
                #expect(weak.contains("Not offered yet") && !weak.contains("Plan a campaign"))
                let absent = try await browser.open("/vulnerabilities/CVE-2026-0003").text
                #expect(absent.contains("No judged host has it"))
                let alias = try await browser.open("/vulnerabilities/DEBIAN-CVE-2026-0001")
                #expect(alias.status == 303 && alias.headers["location"].first == "/vulnerabilities/CVE-2026-0001")
                let missing = try await browser.open("/vulnerabilities/CVE-1999-0000")
                #expect(missing.status == 404)

                // The queue, the patch, and the campaign that it fills in.
                let queue = try await browser.open("/queue?count=1&capacity=5").text
                #expect(queue.contains("package0 9.9-1") && queue.contains("closes 1 vulnerability"))
                #expect(queue.contains("1 patch of the queue fit") && queue.contains("100 %"))
                #expect(queue.contains("/queue/patch?id=deb%2Fdebian-12%2Fpackage0%409.9-1"))
                let patch = try await browser.open("/queue/patch?id=deb%2Fdebian-12%2Fpackage0%409.9-1").text
                #expect(patch.contains("Fixable") && patch.contains("Verified") && patch.contains("CVE-2026-0001"))
                #expect(patch.contains("1 stay"), "what the offer does not close is told")
                let form = try #require(Self.link(patch, "/campaigns/new?"))
                let campaign = try await browser.open(form).text
                #expect(campaign.contains("value=\"package0=9.9-1\"") && campaign.contains(host.id))
                #expect(campaign.contains("value=\"Patch package0 9.9-1\""))
                #expect(try await browser.open("/queue/patch?id=none").status == 404)

                let search = try await browser.open("/search?q=cve-2026-000").text
                #expect(search.contains("/vulnerabilities/CVE-2026-0001") && search.contains("on 1 host"))
                let exact = try await browser.open("/search?q=CVE-2026-0003").text
                #expect(exact.contains("on no judged host"))
                let findings = try await browser.open("/hosts/\(host.id)/vulnerabilities").text
                #expect(findings.contains("2 findings") && findings.contains("CVE-2026-0001"))
                #expect(try await browser.open("/hosts/\(host.id)").text.contains("card-findings"))
                #expect(try await browser.open("/").text.contains("What to patch first"))
                let file = try await browser.open("/vulnerabilities.csv?closing=fixable")
                #expect(file.headers["content-type"].first?.hasPrefix("text/csv") == true)
                #expect(file.text.contains("\"CVE-2026-0002\"") && file.text.contains("\"'=cmd()\""))
                #expect(file.text.split(separator: "\r\n").count == 2)

                // The patch is installed: the page says so by itself.
                try await host.reported(Truth(version: "9.9-1"))
                try await Self.wait(browser, "/vulnerabilities/CVE-2026-0001", for: "No judged host has it")
            }
        }

        /// One asks, another approves; neither does both, and whoever only looks does neither.
        @Test func anExceptionNeedsTwoPeople() async throws {
            try await Self.with([Self.osv("CVE-2026-0001", "one")]) { server, admin in
                var host = try await TestHost.enrol(server)
                try await host.reported(Truth())
                try await Self.wait(admin, "/vulnerabilities", for: "CVE-2026-0001")
                let asked = PageBrowser(server)
                _ = try await server.server.state.people.createUser(
                    name: "grace", grants: [Grant(.operator, organisation: "default")], by: .socket)
                try await asked.comeIn("grace")
                let form = try await asked.open("/exceptions/new?vulnerability=CVE-2026-0001")
                #expect(form.text.contains("value=\"CVE-2026-0001\""))
                let wrong = try await asked.submit(
                    "/exceptions/new",
                    [("vulnerability", "CVE-2026-0001"), ("reason", " "), ("control", "x"), ("expires", "2026-12-01")])
                #expect(wrong.status == 400 && wrong.text.contains("hint error"))
                let day = String(server.clock.clock.now().adding(seconds: 20 * 86_400).description.prefix(10))
                let made = try await asked.submit(
                    "/exceptions/new",
                    [
                        ("vulnerability", "CVE-2026-0001"), ("reason", "no window\r\n<b>yet</b>"),
                        ("control", "filtered"),
                        ("expires", day),
                    ])
                let path = try #require(made.headers["location"].first?.split(separator: "?").first.map(String.init))
                #expect(made.status == 303 && path.hasPrefix("/exceptions/x"), "\(made.text)")
                let own = try await asked.open(path).text
                #expect(own.contains("Awaits approval") && !own.contains("card-approve") && own.contains("&lt;b&gt;"))
                #expect(try await asked.submit(path + "/approve").status == 403)
                let other = try await admin.open(path).text
                #expect(other.contains("card-approve"))
                let approved = try await admin.submit(path + "/approve")
                #expect(approved.status == 303, "\(approved.text)")
                #expect(try await admin.open(path).text.contains("Accepted"))
                #expect(try await admin.open("/exceptions?state=active").text.contains("CVE-2026-0001"))
                let again = try await admin.submit(path + "/approve")
                #expect(again.status == 409 && again.text.contains("It was not done"))
                let bare = try await admin.submit(path + "/revoke")
                #expect(bare.status == 422 && bare.text.contains("Say why it ends"))
                #expect(try await admin.submit(path + "/revoke", [("reason", "the patch is out")]).status == 303)
                #expect(try await admin.open(path).text.contains("Revoked"))
                #expect(try await admin.open("/exceptions/x-none").status == 404)
            }
        }

        /// Ten thousand findings are ten thousand rows on pages of fifty, none twice and none left out.
        @Test func tenThousandFindingsArePaged() async throws {
            let count = 10_000
            let folder = try temporaryFolder()
            try FileManager.default.createDirectory(atPath: folder + "/feeds", withIntermediateDirectories: true)
            var lines: [String] = []
            for number in 0..<count {
                lines.append(
                    """
                    "CVE-2025-\(10_000 + number)": {"description": "number \(number)", "scope": "local", "releases": {"bookworm": {
                    "status": "resolved", "repositories": {"bookworm": "1.0-1"}, "fixed_version": "9.9-1", "urgency": "low"}}}
                    """)
            }
            try Data("{\"package0\": {\(lines.joined(separator: ","))}}".utf8)
                .write(to: URL(filePath: folder + "/feeds/tracker.json"))
            let server = try await TestServer.start(.sqlite, folder: folder)
            do {
                let browser = PageBrowser(server)
                try await browser.comeIn()
                var host = try await TestHost.enrol(server)
                try await host.reported(Truth())
                let first = try await Self.wait(
                    browser, "/vulnerabilities", for: "10,000 vulnerabilities", seconds: 300)
                var seen: [String] = []
                for path in ["/vulnerabilities", "/vulnerabilities?after=5000", "/vulnerabilities?after=9950"] {
                    let answer = try await browser.open(path)
                    #expect(answer.body.count < 200_000, "\(path)")
                    let ids = Self.ids(answer.text)
                    #expect(ids.count == 50, "\(path): \(ids.count)")
                    #expect(answer.text.contains("rel=\"next\"") == !path.hasSuffix("9950"))
                    seen += ids
                }
                #expect(Set(seen).count == 150 && first.text.contains("after=50"))
                let findings = try await browser.open("/hosts/\(host.id)/vulnerabilities?after=9990").text
                #expect(Self.ids(findings).count == 10 && !findings.contains("rel=\"next\""))
                let patch = try await browser.open("/queue/patch?id=deb%2Fdebian-12%2Fpackage0%409.9-1")
                #expect(patch.body.count < 400_000 && patch.text.contains("10,000"))
                let file = try await browser.open("/vulnerabilities.csv")
                #expect(file.text.split(separator: "\r\n").count == count + 1)
            } catch {
                try? await server.stop()
                throw error
            }
            try await server.stop()
            try? FileManager.default.removeItem(atPath: server.folder)
        }

        /// The vulnerabilities that a page's rows lead to.
        private static func ids(_ text: String) -> [String] {
            text.split(separator: "href=\"/vulnerabilities/CVE-").dropFirst().map { String($0.prefix { $0 != "\"" }) }
        }

        /// The first link that begins so.
        private static func link(_ text: String, _ start: String) -> String? {
            guard let found = text.firstRange(of: "href=\"\(start)") else { return nil }
            let rest = text[found.lowerBound...].dropFirst("href=\"".count)
            return String(rest.prefix { $0 != "\"" }).replacing("&amp;", with: "&")
        }
    }
}
