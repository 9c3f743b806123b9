import Agent
import Digest
import Foundation
import Orders
import Rollout
import Signatures
import Testing
import Timestamps

@Suite struct TrustStoreTests {
    private let temporary = TemporaryFolder()
    private let root = SigningKey(), release = SigningKey(), director = SigningKey()
    private let now = Timestamp(seconds: 1_800_000_000)
    private let plan = SHA256.hash([1])
    private let nonce = "0123456789abcdef0123456789abcdef"

    private func store(host: String = "host-1") throws -> TrustStore {
        try TrustStore(folder: temporary.folder, organisation: "acme", host: host)
    }

    private func roles(version: Int64 = 1, by keys: [SigningKey]? = nil) throws -> Envelope {
        let document = RolesDocument(
            organisation: "acme", version: version,
            roles: [
                .root: .init(keys: [root.publicKey]), .release: .init(keys: [release.publicKey]),
                .director: .init(keys: [director.publicKey]),
            ], expires: now.adding(seconds: 86_400))
        return try SigningKey.envelope(document, signedBy: keys ?? [root])
    }

    private func grant(fence: Int64) throws -> Envelope {
        let document = GrantDocument(
            organisation: "acme", host: "host-1", campaign: "c", job: "j", attempt: 1, fence: fence, epoch: 2,
            planDigest: plan, notBefore: now, lastSafeStart: now.adding(seconds: 600),
            notAfter: now.adding(seconds: 3600), allowsReboot: false, rollsBack: false)
        return try SigningKey.envelope(document, signedBy: [director])
    }

    private func code(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return (error as? TrustStoreError)?.code
        }
    }

    @Test func whatWasSeenIsRememberedOverARestart() throws {
        var store = try store()
        #expect(code { _ = try store.grant(grant(fence: 1), job: "j", plan: plan, clock: now) } == "no-roles")
        try store.adopt(roles: roles(version: 3), clock: now)
        let first = try store.grant(grant(fence: 4), job: "j", plan: plan, clock: now)
        try store.accepted(first)
        let ticket = TicketDocument(
            organisation: "acme", host: "host-1", job: "j", fence: 4, nonce: nonce, issued: now.adding(seconds: 60),
            expires: now.adding(seconds: 960))
        _ = try store.ticket(
            SigningKey.envelope(ticket, signedBy: [director]), grant: first, nonce: nonce, clock: now)

        var again = try self.store()
        #expect(again.trust == store.trust)
        #expect(again.trust.lastFence == 4 && again.trust.epoch == 2)
        for fence: Int64 in [1, 4] {
            #expect(code { _ = try again.grant(grant(fence: fence), job: "j", plan: plan, clock: now) } == "replayed")
        }
        #expect(try again.grant(grant(fence: 5), job: "j", plan: plan, clock: now).fence == 5)
        #expect(code { try again.adopt(roles: roles(version: 2), clock: now) } == "roles-older")
        // The clock went back by a day; trusted time does not.
        #expect(again.now(clock: now.adding(seconds: -86_400)) == now.adding(seconds: 60))
        let late = now.adding(seconds: 3600)
        #expect(code { _ = try again.grant(grant(fence: 6), job: "j", plan: plan, clock: late) } == "expired")
    }

    @Test func nothingIsBelievedThatCouldNotBeWritten() throws {
        var store = try store()
        // A folder in the way of the file that is written aside.
        let aside = try temporary.folder.path(of: "trust.json.new")
        try FileManager.default.createDirectory(atPath: aside, withIntermediateDirectories: true)
        #expect(code { try store.adopt(roles: roles(), clock: now) } == "trust-not-written")
        #expect(store.verifier.roles == nil)
        try FileManager.default.removeItem(atPath: aside)
        try store.adopt(roles: roles(), clock: now)
        #expect(store.verifier.roles != nil)
    }

    @Test func aDamagedOrForeignMemoryStopsOrders() throws {
        var store = try store()
        try store.adopt(roles: roles(), clock: now)
        let path = try temporary.folder.path(of: TrustStore.fileName)
        let good = try Data(contentsOf: URL(filePath: path))
        #expect(code { _ = try self.store(host: "host-2") } == "trust-unreadable")
        for damaged in [Data(), good.dropLast(), Data("{}".utf8), good + Data("x".utf8)] {
            try damaged.write(to: URL(filePath: path))
            #expect(code { _ = try self.store() } == "trust-unreadable")
        }
        try good.write(to: URL(filePath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: path)
        #expect(code { _ = try self.store() } == "trust-unreadable")
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        _ = try self.store()
        try TrustStore.forget(in: temporary.folder)
        #expect(try self.store(host: "host-2").trust == OrderTrust())
    }

    @Test func everyFlippedBitOfAnEd25519SignatureCounts() throws {
        var store = try store()
        try store.adopt(roles: roles(), clock: now)
        let good = try grant(fence: 1)
        #expect(code { _ = try store.grant(good, job: "j", plan: plan, clock: now) } == nil)
        for bit in 0..<512 {
            var altered = good
            altered.signatures[0].bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            if code({ _ = try store.grant(altered, job: "j", plan: plan, clock: now) }) != "bad-signature" {
                Issue.record("bit \(bit) of the signature was not noticed")
            }
        }
        for bit in 0..<good.payload.count * 8 {
            var altered = good
            altered.payload[bit / 8] ^= 1 << UInt8(bit % 8)
            if code({ _ = try store.grant(altered, job: "j", plan: plan, clock: now) }) != "bad-signature" {
                Issue.record("bit \(bit) of the payload was not noticed")
            }
        }
    }
}
