import Foundation
import Orders
import Signatures
import Testing
import Timestamps

@testable import Signer

@Suite struct SignerKeysTests {
    private let fixture: SignerFixture
    private let now = SignerFixture.now
    private let day: Int64 = 86_400

    init() throws { fixture = try SignerFixture() }

    private func roles(_ envelope: Envelope, _ verifier: inout OrderVerifier, _ now: Timestamp) throws -> RolesDocument
    {
        try verifier.adopt(roles: envelope, now: now)
        return try #require(verifier.roles)
    }

    @Test func keysAndFoldersAreTheOwnersOnly() throws {
        _ = try fixture.signer()
        for name in ["root.key", "release.key", "director.key"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: fixture.path + "/" + name)
            #expect((attributes[.posixPermissions] as? Int) == 0o600)
        }
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o640], ofItemAtPath: fixture.path + "/release.key")
        #expect(throws: SignerError.self) { _ = try fixture.signer() }
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o600], ofItemAtPath: fixture.path + "/release.key")
        _ = try fixture.signer()
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: fixture.path)
        #expect(throws: SignerError.self) { _ = try fixture.signer() }
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: fixture.path)
    }

    @Test func aLostKeyIsNotMadeAnewInSilence() throws {
        _ = try fixture.signer()
        try FileManager.default.removeItem(atPath: fixture.path + "/director.key")
        #expect(throws: SignerError.self) { _ = try fixture.signer() }
    }

    @Test func rolesAreRenewedAtTwoThirdsAndHostsFollow() throws {
        var signer = try fixture.signer()
        var host = try signer.verifier()
        let first = try #require(host.roles)
        #expect(first.version == 1)
        #expect(first.expires == now.adding(seconds: 365 * day))
        let later = now.adding(seconds: 243 * day)
        #expect(try roles(signer.signed(.roles(organisation: "acme"), now: later), &host, later) == first)
        let due = now.adding(seconds: 244 * day)
        let second = try roles(signer.signed(.roles(organisation: "acme"), now: due), &host, due)
        #expect(second.version == 2 && second.roles == first.roles && second.expires > first.expires)
        // Another organisation has its own count.
        let other = try signer.signed(.roles(organisation: "other"), now: due)
        #expect(String(decoding: other.payload, as: UTF8.self).contains("\"version\":1"))
    }

    @Test func aDirectorKeyIsReplacedWhileItWorks() throws {
        var signer = try fixture.signer()
        var host = try signer.verifier()
        _ = try signer.signed(SignerFixture.release())
        let old = try signer.signed(.grant(SignerFixture.grant(fence: 1)))
        let grant = SignerFixture.grant(fence: 2)
        func read(_ envelope: Envelope, _ verifier: OrderVerifier) -> GrantDocument? {
            try? verifier.grant(
                envelope, job: grant.job, plan: grant.planDigest, lastFence: 0, epoch: 0, now: now)
        }
        _ = try Signer.rotate(.director, folder: fixture.path, overlap: day, now: now)
        let new = try signer.signed(.grant(grant))
        #expect(read(new, host) == nil)
        #expect(try roles(signer.signed(.roles(organisation: "acme")), &host, now).version == 2)
        #expect(read(new, host) == grant && read(old, host) != nil)
        // The overlap ends.
        let later = now.adding(seconds: day)
        #expect(try roles(signer.signed(.roles(organisation: "acme"), now: later), &host, later).version == 3)
        #expect(read(new, host) == grant && read(old, host) == nil)
        // A stolen key ends at once.
        _ = try Signer.rotate(.director, folder: fixture.path, overlap: 0, now: later)
        _ = try roles(signer.signed(.roles(organisation: "acme"), now: later), &host, later)
        #expect(read(new, host) == nil)
    }

    @Test func aHostFollowsOverSeveralRootKeys() throws {
        var signer = try fixture.signer()
        var host = try signer.verifier()
        for _ in 0..<3 {
            _ = try Signer.rotate(.root, folder: fixture.path, overlap: 0, now: now)
            _ = try signer.signed(.roles(organisation: "acme"))
        }
        let last = try roles(signer.signed(.roles(organisation: "acme")), &host, now)
        #expect(last.version == 4)
        #expect(last.roles[.root]?.keys.count == 1)
    }

    @Test func theRootKeyMayBeElsewhereUntilItIsNeeded() throws {
        var signer = try fixture.signer()
        _ = try signer.verifier()
        let root = fixture.path + "/root.key"
        try FileManager.default.moveItem(atPath: root, toPath: fixture.path + "/away")
        #expect(signer.code(.roles(organisation: "acme")) == nil)
        #expect(signer.code(.roles(organisation: "acme"), now: now.adding(seconds: 300 * day)) == nil)
        #expect(signer.code(.roles(organisation: "acme"), now: now.adding(seconds: 366 * day)) == .rootAway)
        #expect(signer.code(.roles(organisation: "other")) == .rootAway)
        try FileManager.default.moveItem(atPath: fixture.path + "/away", toPath: root)
        #expect(signer.code(.roles(organisation: "other")) == nil)
    }
}
