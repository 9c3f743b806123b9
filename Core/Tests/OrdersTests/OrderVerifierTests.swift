import Digest
import JSON
import Orders
import Rollout
import Testing
import Timestamps

@Suite struct OrderVerifierTests {
    private let director = [key("director")]

    @Test func goodOrdersAreRead() throws {
        let verifier = try Sample.verifier()
        let release = try verifier.release(signed(Sample.release(), by: [key("release")]), now: Sample.now)
        #expect(release.plan.digest == Sample.plan.digest)
        #expect(try verifier.sampleGrant(signed(Sample.grant(), by: director)) == Sample.grant())
        #expect(try verifier.sampleTicket(signed(Sample.ticket(), by: director)) == Sample.ticket())
    }

    @Test func nothingIsBelievedBeforeRoles() throws {
        let verifier = OrderVerifier(organisation: "acme", host: "host-1", verifier: KeyedHash())
        #expect(refusal { _ = try verifier.sampleGrant(signed(Sample.grant(), by: director)) } == .noRoles)
    }

    @Test func eachWrongGrantHasItsOwnCode() throws {
        let verifier = try Sample.verifier()
        let hour: Int64 = 3600
        let cases: [(OrderRefusal.Code, (inout GrantDocument) -> Void)] = [
            (.otherOrganisation, { $0.organisation = "other" }), (.otherHost, { $0.host = "host-2" }),
            (.otherJob, { $0.job = "job-2" }), (.otherPlan, { $0.planDigest = SHA256.hash([1]) }),
            (.replayed, { $0.fence = 7 }), (.replayed, { $0.fence = 1 }), (.oldEpoch, { $0.epoch = 2 }),
            (
                .expired,
                {
                    $0.notAfter = Sample.now; $0.lastSafeStart = Sample.now
                }
            ),
            (.unsoundTimes, { $0.lastSafeStart = $0.notAfter.adding(seconds: 1) }),
            (.unsoundTimes, { $0.notBefore = $0.lastSafeStart.adding(seconds: 1) }),
            (.validTooLong, { $0.notAfter = $0.notBefore.adding(seconds: 7 * 24 * hour + 1) }),
        ]
        for (code, change) in cases {
            let envelope = signed(Sample.grant(change), by: director)
            #expect(refusal { _ = try verifier.sampleGrant(envelope) } == code)
        }
    }

    @Test func eachWrongTicketHasItsOwnCode() throws {
        let verifier = try Sample.verifier()
        let cases: [(OrderRefusal.Code, (inout TicketDocument) -> Void)] = [
            (.otherOrganisation, { $0.organisation = "other" }), (.otherHost, { $0.host = "host-2" }),
            (.otherJob, { $0.job = "job-2" }), (.otherGrant, { $0.fence = 9 }),
            (.otherNonce, { $0.nonce = String($0.nonce.reversed()) }),
            (
                .expired,
                {
                    $0.issued = Sample.now.adding(seconds: -900); $0.expires = Sample.now
                }
            ),
            (.validTooLong, { $0.expires = $0.issued.adding(seconds: 901) }),
            (.unsoundTimes, { $0.expires = $0.issued.adding(seconds: -1) }),
        ]
        for (code, change) in cases {
            let envelope = signed(Sample.ticket(change), by: director)
            #expect(refusal { _ = try verifier.sampleTicket(envelope) } == code)
        }
    }

    @Test func eachWrongReleaseHasItsOwnCode() throws {
        let verifier = try Sample.verifier()
        let cases: [(OrderRefusal.Code, (inout ReleaseDocument) -> Void)] = [
            (.expired, { $0.expires = Sample.now }), (.notApproved, { $0.approvals = [] }),
            (
                .notApproved,
                {
                    $0.approvalsRequired = 2; $0.approvals += $0.approvals
                }
            ),
        ]
        for (code, change) in cases {
            let envelope = signed(try Sample.release(change), by: [key("release")])
            #expect(refusal { _ = try verifier.release(envelope, now: Sample.now) } == code)
        }
        var foreign = Sample.plan
        foreign.organisation = "other"
        let plan = try HostPlan(json: foreign.json)
        let envelope = signed(try Sample.release { $0.plan = plan }, by: [key("release")])
        #expect(refusal { _ = try verifier.release(envelope, now: Sample.now) } == .otherOrganisation)
        // One that only takes back says so to the last reader, and lets nothing be installed.
        let back = signed(try Sample.release { $0.isRollbackOnly = true }, by: [key("release")])
        let read = try verifier.release(back, now: Sample.now)
        #expect(read.isRollbackOnly)
        #expect(refusal { try read.check(rollsBack: false) } == .rollbackOnly)
        #expect(refusal { try read.check(rollsBack: true) } == nil)
        #expect(refusal { try Sample.release().check(rollsBack: false) } == nil)
    }

    @Test func keysCountOncePerRoleOnly() throws {
        let one = try Sample.verifier()
        #expect(refusal { _ = try one.sampleGrant(signed(Sample.grant(), by: [key("release")])) } == .wrongRole)
        #expect(refusal { _ = try one.sampleGrant(signed(Sample.grant(), by: [key("root")])) } == .wrongRole)
        #expect(refusal { _ = try one.sampleGrant(signed(Sample.grant(), by: [key("stranger")])) } == .unknownKey)
        #expect(refusal { _ = try one.sampleGrant(signed(Sample.grant(), by: [])) } == .unknownKey)
        let release = signed(try Sample.release(), by: director)
        #expect(refusal { _ = try one.release(release, now: Sample.now) } == .wrongRole)

        let roles = Sample.roles(director: ["director", "second"], directorThreshold: 2)
        let two = try Sample.verifier(roles)
        let pair = [key("director"), key("second")]
        #expect(try two.sampleGrant(signed(Sample.grant(), by: pair)) == Sample.grant())
        let repeated = signed(Sample.grant(), by: [key("director"), key("director")])
        #expect(refusal { _ = try two.sampleGrant(repeated) } == .repeatedKey)
        #expect(refusal { _ = try two.sampleGrant(signed(Sample.grant(), by: director)) } == .belowThreshold)
        #expect(
            refusal { _ = try two.sampleGrant(signed(Sample.grant(), by: [key("director"), key("release")])) }
                == .belowThreshold)
        // A signature relabelled as the other key's.
        var relabelled = repeated
        relabelled.signatures[1].keyID = Envelope.keyID(of: key("second"))
        #expect(refusal { _ = try two.sampleGrant(relabelled) } == .badSignature)
    }

    @Test func oneDocumentDoesNotPassForAnother() throws {
        let verifier = try Sample.verifier()
        let ticket = signed(Sample.ticket(), by: director)
        #expect(refusal { _ = try verifier.sampleGrant(ticket) } == .wrongType)
        var relabelled = ticket
        relabelled.payloadType = GrantDocument.payloadType
        #expect(refusal { _ = try verifier.sampleGrant(relabelled) } == .badSignature)
    }

    @Test func bytesThatAreNotCanonicalAreRefusedThoughSigned() throws {
        let verifier = try Sample.verifier()
        let good = Sample.grant().json.canonicalBytes()
        let offset = String(decoding: good, as: UTF8.self).replacing("Z\"", with: "+00:00\"")
        for (payload, code) in [
            (good + [0x20], OrderRefusal.Code.notCanonical), ([0x20] + good, .notCanonical),
            (Array(offset.utf8), .notCanonical), (Array("{}".utf8), .malformed), (Array(good.dropLast()), .malformed),
            (Array("null".utf8), .malformed),
        ] {
            var envelope = Envelope(payloadType: GrantDocument.payloadType, payload: payload)
            envelope.signatures = [
                .init(
                    keyID: Envelope.keyID(of: key("director")),
                    bytes: KeyedHash.sign(envelope.signedBytes, key("director")))
            ]
            #expect(refusal { _ = try verifier.sampleGrant(envelope) } == code)
        }
        var large = Envelope(
            payloadType: GrantDocument.payloadType,
            payload: .init(repeating: 32, count: Envelope.maximumPayloadBytes + 1))
        large.signatures = [.init(keyID: Envelope.keyID(of: key("director")), bytes: [])]
        #expect(refusal { _ = try verifier.sampleGrant(large) } == .tooLarge)
    }

    @Test func aClockSetBackReopensNothing() throws {
        let verifier = try Sample.verifier()
        let envelope = signed(Sample.grant(), by: director)
        var trust = OrderTrust()
        trust.observe(time: Sample.now.adding(seconds: 3600))
        let clock = Sample.now.adding(seconds: -86_400)
        #expect(refusal { _ = try verifier.sampleGrant(envelope, now: trust.now(clock: clock)) } == .expired)
        trust.observe(time: Sample.now)
        #expect(trust.timeFloor == Sample.now.adding(seconds: 3600))
    }
}
