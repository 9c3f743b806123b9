import Agent
import Foundation
import Inventory
import JSON
import NIOHTTP1
import Store
import Testing
import Timestamps

@testable import Server

extension ServerTests {
    /// What an agent reads in a real host's files decides whose advisories speak of a package.
    @Suite struct OriginReportTests {
        private static func record(_ number: Int, _ package: String) -> String {
            """
            {"id": "DEBIAN-CVE-2026-000\(number)", "modified": "2026-03-01T00:00:00Z", "upstream": ["CVE-2026-000\(number)"],
             "affected": [{"package": {"ecosystem": "Debian:12", "name": "\(package)"},
               "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "9.9-1"}]}]}]}
            """
        }

        /// The files of a Debian host: nginx of nginx.org, the rest its own.
        private static func write(_ root: String, repositories: [String]) throws {
            func write(_ text: String, _ path: String) throws {
                let url = URL(filePath: "\(root)/\(path)")
                try FileManager.default.createDirectory(
                    at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(text.utf8).write(to: url)
            }
            func stanza(_ name: String, _ version: String, installed: Bool) -> String {
                "Package: \(name)\n\(installed ? "Status: install ok installed\n" : "")Architecture: amd64\nVersion: \(version)\n\n"
            }
            try? FileManager.default.removeItem(atPath: "\(root)/var/lib/apt/lists")
            try write("ID=debian\nVERSION_ID=\"12\"\n", "etc/os-release")
            try write(
                [("dpkg", "1.21.22"), ("openssl", "3.0.1-1"), ("nginx", "1.26.0-1~bookworm")]
                    .map { stanza($0.0, $0.1, installed: true) }.joined(), "var/lib/dpkg/status")
            let lists = "var/lib/apt/lists"
            var sources = ""
            for repository in repositories {
                let isOwn = repository == "Debian"
                let site = isOwn ? "deb.debian.org/debian" : "nginx.org/packages/debian"
                let component = isOwn ? "main" : "nginx"
                sources += "deb http://\(site) bookworm \(component)\n"
                let start = "\(lists)/\(site.replacing("/", with: "_"))_dists_bookworm_"
                try write("Origin: \(repository)\nSuite: stable\nCodename: bookworm\n", start + "InRelease")
                try write(
                    isOwn
                        ? stanza("dpkg", "1.21.22", installed: false) + stanza("openssl", "3.0.1-1", installed: false)
                            + stanza("nginx", "1.22.1-9", installed: false)
                        : stanza("nginx", "1.26.0-1~bookworm", installed: false),
                    start + "\(component)_binary-amd64_Packages")
            }
            try write(sources, "etc/apt/sources.list")
        }

        private static func truth(_ root: String) throws -> Truth {
            let scan = try HostScan.run(
                tree: HostTree(root: root), now: ServerClock.system.now(), agentVersion: "0.1.0")
            var truth = Truth()
            (truth.set, truth.offers, truth.facts) = (scan.set, scan.offers, scan.facts)
            return truth
        }

        @Test(arguments: TestEngine.allCases) func aThirdPartysPackageIsNotTheDistributions(
            engine: TestEngine
        ) async throws {
            let folder = try temporaryFolder()
            try ExceptionTests.write(Self.record(1, "openssl"), "openssl", in: folder)
            // What Debian says of its nginx would call nginx.org's affected, or clean.
            try ExceptionTests.write(Self.record(2, "nginx"), "nginx", in: folder)
            let server = try await TestServer.start(engine, folder: folder)
            do {
                try await Self.report(server, "\(folder)/root")
            } catch {
                try? await server.stop()
                throw error
            }
            try await server.stop()
            try? FileManager.default.removeItem(atPath: server.folder)
        }

        private static func report(_ server: TestServer, _ root: String) async throws {
            var host = try await TestHost.enrol(server)
            try write(root, repositories: ["Debian", "nginx"])
            try await host.reported(try truth(root))
            let found = try await ExceptionTests.until(server, "findings") { $0["total"] == 1 }
            #expect(found["items"]?[0]?["package"] == "openssl" && found["unknown"] == 1, "\(found)")
            let why = try await server.api(.GET, "hosts/\(host.id)/why/nginx").json
            #expect(why["unknown"] == "it is from nginx, for which no feed speaks", "\(why)")
            #expect(why["findings"]?.array?.isEmpty == true)
            #expect(try await server.api(.GET, "hosts/\(host.id)/why/openssl").json["unknown"] == .null)
            #expect(try await server.api(.GET, "vulnerabilities/CVE-2026-0002").json["isHit"] == false)

            // The repository is taken away: whose it is stays known, although Debian offers one of that name.
            server.clock.advance(60)
            try write(root, repositories: ["Debian"])
            let second = try truth(root)
            try await host.reported(second)
            _ = try await ExceptionTests.until(server, "findings?package=openssl") { page in
                server.server.state.vulnerabilities.risk("default")?.hosts.first?.host.offers == second.offers.digest
                    && page["total"] == 1
            }
            let later = try await server.api(.GET, "hosts/\(host.id)/why/nginx").json
            #expect(later["unknown"] == "it is from nginx, for which no feed speaks", "\(later)")
            #expect(try await server.api(.GET, "findings").json["total"] == 1)

            // A host without any lists says nothing: what it has is taken for the distribution's.
            var other = try await TestHost.enrol(server, hostname: "web2")
            try write(root, repositories: [])
            try await other.reported(try truth(root))
            _ = try await ExceptionTests.until(server, "findings?host=web2") { $0["total"] == 2 }
        }
    }
}
