import JSON
import Orders
import Testing
import Timestamps

@Suite struct RolesTests {
    private func adopt(_ roles: RolesDocument, by names: [String], _ verifier: OrderVerifier) -> OrderRefusal.Code? {
        var verifier = verifier
        return refusal { try verifier.adopt(roles: signed(roles, by: names.map(key)), now: Sample.now) }
    }

    @Test func theFirstRolesAreTrustedAndTheNextOnesMustFollowThem() throws {
        let first = OrderVerifier(organisation: "acme", host: "host-1", verifier: KeyedHash())
        #expect(adopt(Sample.roles(), by: ["root"], first) == nil)
        // Its own root keys sign even the first one.
        #expect(adopt(Sample.roles(), by: ["stranger"], first) == .unknownKey)
        #expect(adopt(Sample.roles(), by: ["director"], first) == .wrongRole)
        #expect(adopt(Sample.roles(organisation: "other"), by: ["root"], first) == .otherOrganisation)
        #expect(adopt(Sample.roles(expires: Sample.now), by: ["root"], first) == .expired)

        let verifier = try Sample.verifier(Sample.roles(version: 5))
        let next = Sample.roles(version: 6, root: ["new-root"], director: ["new-director"])
        #expect(adopt(next, by: ["root", "new-root"], verifier) == nil)
        #expect(adopt(next, by: ["new-root"], verifier) == .rolesNotContinued)
        #expect(adopt(next, by: ["root"], verifier) == .unknownKey)
        #expect(adopt(Sample.roles(version: 4), by: ["root"], verifier) == .rolesOlder)
        #expect(adopt(Sample.roles(version: 5), by: ["root"], verifier) == nil)
        let other = Sample.roles(version: 5, director: ["other"])
        #expect(adopt(other, by: ["root"], verifier) == .rolesConflict)
        // A host that slept through versions follows when its own root keys still sign.
        #expect(adopt(Sample.roles(version: 9, root: ["third"]), by: ["root", "new-root", "third"], verifier) == nil)
    }

    @Test func thresholdsOfOldAndNewRootsBothCount() throws {
        let old = Sample.roles(version: 1, root: ["a", "b", "c"], rootThreshold: 2)
        let verifier = try Sample.verifier(old)
        let new = Sample.roles(version: 2, root: ["b", "c", "d"], rootThreshold: 2)
        #expect(adopt(new, by: ["b", "c"], verifier) == nil)
        #expect(adopt(new, by: ["a", "d"], verifier) == .belowThreshold)
        #expect(adopt(new, by: ["b", "d"], verifier) == .rolesNotContinued)
        #expect(adopt(new, by: ["b", "b"], verifier) == .repeatedKey)
    }

    @Test func revokedKeysOrderNothing() throws {
        var verifier = try Sample.verifier()
        try verifier.adopt(
            roles: signed(Sample.roles(version: 2, director: ["new-director"]), by: [key("root")]), now: Sample.now)
        #expect(refusal { _ = try verifier.sampleGrant(signed(Sample.grant(), by: [key("director")])) } == .unknownKey)
        #expect(try verifier.sampleGrant(signed(Sample.grant(), by: [key("new-director")])) == Sample.grant())
    }

    @Test func unsoundRolesAreRefused() throws {
        let first = OrderVerifier(organisation: "acme", host: "host-1", verifier: KeyedHash())
        #expect(adopt(Sample.roles(root: ["root", "root"]), by: ["root"], first) == .rolesUnsound)
        #expect(adopt(Sample.roles(director: ["root"]), by: ["root"], first) == .rolesUnsound)
        #expect(adopt(Sample.roles(directorThreshold: 2), by: ["root"], first) == .rolesUnsound)
        #expect(adopt(Sample.roles(rootThreshold: 2), by: ["root"], first) == .rolesUnsound)
    }

    @Test func expiredRolesOrderNothingButMayBeFollowed() throws {
        var verifier = try Sample.verifier()
        let later = Sample.now.adding(seconds: 86_400)
        let grant = Sample.grant {
            $0.lastSafeStart = later.adding(seconds: 60)
            $0.notAfter = later.adding(seconds: 60)
        }
        let envelope = signed(grant, by: [key("director")])
        #expect(refusal { _ = try verifier.sampleGrant(envelope, now: later) } == .rolesExpired)
        let next = Sample.roles(version: 2, expires: later.adding(seconds: 86_400))
        try verifier.adopt(roles: signed(next, by: [key("root")]), now: later)
        #expect(try verifier.sampleGrant(envelope, now: later) == grant)
    }

    @Test func trustIsStoredAndReadAgain() throws {
        var trust = OrderTrust(roles: try Sample.verifier().rolesEnvelope)
        trust.observe(fence: 8, epoch: 3, time: Sample.now)
        trust.observe(fence: 2, epoch: 1, time: Timestamp(seconds: 5))
        #expect(trust.lastFence == 8 && trust.epoch == 3 && trust.timeFloor == Sample.now)
        let bytes = trust.json.canonicalBytes()
        let read = try OrderTrust(json: JSONValue(parsing: bytes, limits: .message))
        #expect(read == trust)
        let verifier = try OrderVerifier(
            organisation: "acme", host: "host-1", verifier: KeyedHash(), trust: read)
        #expect(try verifier.sampleGrant(signed(Sample.grant(), by: [key("director")])) == Sample.grant())
        // Another organisation's memory, copied here.
        #expect(
            refusal {
                _ = try OrderVerifier(organisation: "other", host: "host-1", verifier: KeyedHash(), trust: read)
            } == .otherOrganisation)
    }
}
