import Access
import Foundation
import JSON
import Store
import Testing
import Timestamps

@testable import Server

extension ServerTests {
    @Suite struct PageActivityTests {
        @Test(arguments: [
            "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u{FF1D}1", "=cmd|'/c calc'!A0",
        ]) func cellsAreNoFormulas(_ text: String) {
            #expect(CSV.cell(text).hasPrefix("\"'"))
        }

        @Test func cellsAreQuoted() {
            #expect(CSV.cell("a,b") == "\"a,b\"")
            #expect(CSV.cell("say \"hi\"\nthere") == "\"say \"\"hi\"\"\nthere\"")
            #expect(CSV.cell("") == "\"\"")
            #expect(CSV.line(["a", "-1"]) == "\"a\",\"'-1\"\r\n")
        }

        @Test(arguments: TestEngine.allCases) func theLogIsFilteredAndExported(_ engine: TestEngine) async throws {
            try await TestServer.with(engine) { server in
                let now = server.clock.clock.now()
                try await server.server.state.store.write { transaction in
                    for number in 0..<120 {
                        try transaction.audit.append(
                            organisation: "default", actor: "user:u-\(number % 3)", action: "test.done",
                            subject: "=HYPERLINK(\"http://evil\")", detail: ["number": .integer(Int64(number))],
                            now: now.adding(seconds: Int64(number)))
                    }
                    try transaction.audit.append(
                        organisation: "default", actor: "<script>alert(1)</script>", action: "test.hostile",
                        subject: "x", now: now)
                }
                let browser = PageBrowser(server)
                try await browser.comeIn()
                let first = try await browser.open("/activity?action=test.done")
                #expect(first.status == 200 && first.text.contains("number: 119") && !first.text.contains("number: 69"))
                let next = try #require(first.text.firstRange(of: "after="))
                let after = String(first.text[next.upperBound...].prefix { $0 != "\"" && $0 != "&" })
                let second = try await browser.open("/activity?action=test.done&after=\(after)")
                #expect(second.text.contains("number: 69;") || second.text.contains("number: 69<"))
                #expect(!second.text.contains("number: 70<"))
                let hostile = try await browser.open("/activity?action=test.hostile")
                #expect(hostile.text.contains("&lt;script&gt;") && !hostile.text.contains("<script>alert"))
                let bad = try await browser.open("/activity?from=yesterday")
                #expect(bad.status == 200 && bad.text.contains("neither a day"))
                let export = try await browser.open("/activity.csv?action=test.done&actor=user%3Au-1")
                #expect(export.status == 200)
                let lines = export.text.split(separator: "\r\n")
                #expect(lines.count == 41, "\(lines.count)")
                #expect(lines[1].contains("\"'=HYPERLINK(\"\"http://evil\"\")\""))
                let log = try await browser.open("/activity?action=audit.exported")
                #expect(log.text.contains("audit.exported"), "an export stands in the log")
            }
        }
    }
}
