import Inventory
import Testing

@testable import Server

extension ServerTests {
    /// What a host's own administrator forbids is seen wherever the host is looked at.
    @Suite struct PageVetoTests {
        @Test func theVetoIsOnThePageOfFactsAndInTheTerminal() async throws {
            try await TestServer.with { server in
                var host = try await TestHost.enrol(server, token: server.token())
                let browser = PageBrowser(server)
                try await browser.comeIn()
                func shown(_ veto: Fact<HostVeto>) async throws -> (page: String, text: String) {
                    var truth = Truth()
                    truth.facts.veto = veto
                    try await host.reported(truth)
                    let page = try await browser.open("/hosts/\(host.id)/facts")
                    #expect(page.status == 200)
                    let start = try #require(page.text.firstRange(of: "Veto")).upperBound
                    let text = try await fettle(["hosts", "show", "web1", "--data", server.folder]).output
                    let line = text.split(separator: "\n").first { $0.hasPrefix("Veto:") }
                    return (String(page.text[start...].prefix(300)), String(try #require(line, "\(text)")))
                }
                let none = try await shown(.known(HostVeto()))
                #expect(none.page.contains("none") && none.text.hasSuffix("none"), "\(none)")
                let some = try await shown(.known(HostVeto([.neverReboot, .securityOnly])))
                #expect(some.page.contains("never reboot, security updates only"), "\(some)")
                #expect(some.text.hasSuffix("never-reboot, security-only"), "\(some)")
                let all = try await shown(.known(HostVeto([.nothing], problem: "line 3: \"x\" is none of them")))
                #expect(all.page.contains("nothing may be changed") && all.page.contains("line 3"), "\(all)")
                #expect(all.text.contains("nothing (the veto file: line 3"), "\(all)")
                let unknown = try await shown(.unknown("it was not looked at"))
                #expect(unknown.page.contains("it was not looked at"), "\(unknown)")
                #expect(unknown.text.contains("unknown: it was not looked at"), "\(unknown)")
            }
        }
    }
}
