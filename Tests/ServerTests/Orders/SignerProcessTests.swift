import Digest
import Foundation
import Glibc
import JSON
import Orders
import Rollout
import Server
import Signatures
import Signer
import Testing
import Timestamps

extension ServerTests {
    /// The built `fettle signer` and `fettle keys`, asked by the server's own client.
    @Suite struct SignerProcessTests {
        private let now = Timestamp(seconds: Int64(time(nil)))

        private func plan(hosts: [String] = ["host-1", "host-2"]) -> Plan {
            Plan(
                organisation: "default", campaign: "c-1", epoch: 1,
                targets: [
                    ReleaseTarget(
                        distribution: "debian-12",
                        packages: [ReleasePackage(name: "openssl", architecture: "amd64", version: "3.0.18-1")])
                ],
                hosts: hosts, window: PlannedWindow(start: "2027-01-15T22:00", minutes: 120, zone: "UTC"), budget: 1,
                actions: JobActions())
        }

        private func grant(_ host: String, fence: Int64) -> GrantDocument {
            GrantDocument(
                organisation: "default", host: host, campaign: "c-1",
                job: String(SHA256.hash(Array("c-1\n\(host)\n1".utf8)).hex.prefix(32)), attempt: 1, fence: fence,
                epoch: 1, planDigest: plan().digest, notBefore: now, lastSafeStart: now.adding(seconds: 600),
                notAfter: now.adding(seconds: 3600), allowsReboot: true, rollsBack: false)
        }

        private func release(_ client: SignerClient, by key: SigningKey? = nil, as name: String = "anna") async throws {
            let plan = plan()
            let signature = try key?.sign(ReleaseDocument.Approval.signedBytes(plan: plan.digest))
            _ = try await client.release(
                plan: plan, author: "otto", approvals: [.init(approver: name, time: now, signature: signature)],
                approvalsRequired: 1, expires: now.adding(seconds: 86_400))
        }

        private func start(_ folder: String) throws -> FettleCommand {
            try FettleCommand(["signer", "run", "--data", folder])
        }

        private func code(_ body: () async throws -> Void) async -> SignerRefusal.Code? {
            do {
                try await body()
                return nil
            } catch {
                return (error as? SignerRefusal)?.code
            }
        }

        @Test func fencesSurviveKillsInTheMiddleOfTheWork() async throws {
            let folder = try temporaryFolder()
            defer { try? FileManager.default.removeItem(atPath: folder) }
            var process = try start(folder)
            let client = SignerClient(socket: folder + "/signer/signer.sock")
            try await release(client)
            var signed: [String: Int64] = [:]
            for round in 0..<4 {
                let victim = process
                let killer = Task {
                    try await Task.sleep(for: .milliseconds(150 + 70 * round))
                    victim.send(SIGKILL)
                }
                // One host counts up, as fast as it goes, until the signer dies.
                asking: for _ in 0..<100_000 {
                    for host in ["host-1", "host-2"] {
                        let fence = (signed[host] ?? 0) + 1
                        do {
                            let reply = try await Self.askOnce(.grant(grant(host, fence: fence)), client.socket)
                            guard case .signed = reply else {
                                Issue.record("fence \(fence) of \(host): \(reply)")
                                return
                            }
                            signed[host] = fence
                        } catch {
                            break asking
                        }
                    }
                }
                _ = await killer.result
                _ = await process.ended()
                process = try start(folder)
                for (host, fence) in signed {
                    // The answer may have been lost, never the memory.
                    var other = grant(host, fence: fence)
                    other.allowsReboot = false
                    #expect(await code { _ = try await client.grant(other) } == .fenceUsed, "\(host) \(fence)")
                    #expect(await code { _ = try await client.grant(grant(host, fence: fence - 1)) } != nil)
                    // What was signed without its answer arriving may be asked for again.
                    #expect(await code { _ = try await client.grant(grant(host, fence: fence + 1)) } == nil)
                    signed[host] = fence + 1
                }
            }
            #expect(signed.values.allSatisfy { $0 > 10 }, "the test has tested something: \(signed)")
            process.send(SIGTERM)
            #expect(await process.ended().status == 0)
        }

        /// Without the client's patience: the moment of death is what is tested.
        private static func askOnce(_ request: SignerRequest, _ socket: String) async throws -> SignerReply {
            try askSigner(request, socket: socket, timeout: 5)
        }

        @Test func onlyItsOwnerReachesItAndGarbageDoesNotStopIt() async throws {
            let folder = try temporaryFolder()
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let process = try start(folder)
            let client = SignerClient(socket: folder + "/signer/signer.sock")
            let roles = try await client.roles(organisation: "default")
            for (name, mode) in [("signer", 0o700), ("signer/signer.sock", 0o600), ("signer/root.key", 0o600)] {
                let attributes = try FileManager.default.attributesOfItem(atPath: "\(folder)/\(name)")
                #expect(attributes[.posixPermissions] as? Int == mode, "\(name)")
            }
            for garbage: [UInt8] in [[], [0], [255, 255, 255, 255], [0, 0, 0, 2, 0x7B, 0x7D], [0, 0, 0, 9, 1]] {
                try Self.send(garbage, to: client.socket)
            }
            // Many at once wait for each other.
            try await withThrowingTaskGroup(of: Envelope.self) { group in
                for _ in 0..<40 { group.addTask { try await client.roles(organisation: "default") } }
                for try await envelope in group { #expect(envelope == roles) }
            }
            // A second one on the same folder is told so.
            let second = try await fettle(["signer", "run", "--data", folder, "--listen", folder + "/other.sock"])
            #expect(second.status == 1 && second.errors.contains("already runs"), "\(second.errors)")
            process.send(SIGTERM)
            _ = await process.ended()
            await #expect(throws: SignerAway.self) { _ = try await client.roles(organisation: "default") }
        }

        private static func send(_ bytes: [UInt8], to path: String) throws {
            let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(descriptor) }
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
            let connected = withUnsafePointer(to: address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            #expect(connected == 0)
            #expect(Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count)
        }

        @Test func approversKeysAreMadeRegisteredAndCounted() async throws {
            let folder = try temporaryFolder()
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let settings = ["XDG_CONFIG_HOME": folder + "/config"]
            let missing = try await fettle(["keys", "show"], environment: settings)
            #expect(missing.status == 3 && missing.errors.contains("fettle keys create"), "\(missing.errors)")
            let made = try await fettle(["keys", "create", "-o", "json"], environment: settings)
            #expect(made.status == 0, "\(made.errors)")
            #expect(try await fettle(["keys", "create"], environment: settings).status == 1, "never over another")
            let path = try #require(made.json["path"]?.string)
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
            let shown = try await fettle(["keys", "show"], environment: settings)
            #expect(shown.output == (made.json["publicKey"]?.string ?? "") + "\n")
            let policy = try await fettle(["keys", "register", "--user", "anna"], environment: settings)
            #expect(policy.status == 0, "\(policy.errors)")

            let process = try start(folder)
            let client = SignerClient(socket: folder + "/signer/signer.sock")
            try await release(client)
            // From now on only her key counts.
            try Data(policy.output.utf8).write(to: URL(filePath: folder + "/signer/policy.json"))
            #expect(await code { try await release(client) } == .approvalsMissing)
            // A key that nobody registered counts for nobody.
            #expect(await code { try await release(client, by: SigningKey()) } == .approvalsMissing)
            let text = try String(contentsOfFile: path, encoding: .utf8)
            let key = try #require(SigningKey(fileText: text))
            try await release(client, by: key)
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
            #expect(try await fettle(["keys", "show"], environment: settings).status == 4)
            process.send(SIGTERM)
            _ = await process.ended()
        }

        @Test func theServerStartsItsSignerAndStartsItAgain() async throws {
            let folder = try temporaryFolder()
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let server = try FettleCommand([
                "serve", "--data", folder, "--listen-agents", "127.0.0.1:0", "--listen-enrolment", "127.0.0.1:0",
                "--listen-metrics", "127.0.0.1:0", "--listen-web", "127.0.0.1:0",
            ])
            let client = SignerClient(socket: folder + "/signer/signer.sock")
            #expect(try await eventually { (try? await client.roles(organisation: "default")) != nil })
            let roles = try await client.roles(organisation: "default")
            let first = try #require(Self.signer(of: folder))
            kill(first, SIGKILL)
            #expect(
                try await eventually {
                    guard let next = Self.signer(of: folder), next != first else { return false }
                    return (try? await client.roles(organisation: "default")) == roles
                })
            // However the server ends, its signer does not stay behind.
            let second = try #require(Self.signer(of: folder))
            server.send(SIGKILL)
            _ = await server.ended()
            #expect(try await eventually { kill(second, 0) != 0 })
        }

        /// The process of `fettle signer` on that folder.
        private static func signer(of folder: String) -> pid_t? {
            for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
                guard let id = pid_t(name),
                    let line = try? Data(contentsOf: URL(filePath: "/proc/\(name)/cmdline"))
                else { continue }
                let words = line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
                if words.contains("signer"), words.contains(folder) { return id }
            }
            return nil
        }

        @Test func readinessSaysThatTheSignerIsAway() async throws {
            try await TestServer.with { server in
                let answer = try await server.readyz()
                #expect(answer.status == 200, "hosts still report")
                #expect(answer.text.contains("signer: away"), "\(answer.text)")
            }
        }
    }
}
