import Audit
import Digest
import JSON
import Testing

struct AuditEventTests {
    private func event(personal: PersonalData? = nil) throws -> AuditEvent {
        try AuditEvent(
            organisation: "acme", time: "2026-11-21T08:30:00Z", actor: "user:42", action: "host.enrolled",
            subject: "host:web1", detail: ["token": "t-1", "count": 3], personal: personal)
    }

    private func zoe() throws -> PersonalData {
        .known(
            ["name": "Zoë", "mail": "zoe@example.org"],
            salt: try #require(PersonalDataSalt(bytes: Array(0..<16))))
    }

    // The expected digests come from Python: hashlib.sha256(b"\0" + json.dumps(event, sort_keys=True, ...)).

    @Test func leafOfAPlainEvent() throws {
        let event = try event()
        #expect(
            String(decoding: event.canonicalBytes(), as: UTF8.self)
                == #"{"action":"host.enrolled","actor":"user:42","detail":{"count":3,"token":"t-1"},"#
                + #""organisation":"acme","subject":"host:web1","time":"2026-11-21T08:30:00Z"}"#)
        #expect(event.leafHash().hex == "5994d417aab409137e8c86f93b54ea3ad0fcd6757d357381bf6937388e851277")
    }

    @Test func leafWithoutDetail() throws {
        let event = try AuditEvent(
            organisation: "acme", time: "2026-11-21T08:30:00.125Z", actor: "user:42", action: "host.enrolled",
            subject: "host:web1")
        #expect(event.leafHash().hex == "58b99f93cdb03dd9f168909b531aeb0c8ee3b2c126543e8cf631389d1fcde09b")
    }

    @Test func personalDataEnterOnlyAsACommitment() throws {
        let event = try event(personal: zoe())
        #expect(event.personal?.commitment.hex == "64739ec044a0ffe8a59121bea0dadc108a2d2e75b7a9ebc9a3e58f2dc7b33a3c")
        #expect(event.leafHash().hex == "d45790f1f9cd519d3da6ce6fb71784df7aaadcd3550efcbe8934f7b7a869f7a5")
        #expect(!String(decoding: event.canonicalBytes(), as: UTF8.self).contains("Zo"))
    }

    @Test func erasureKeepsTheLeaf() throws {
        var event = try event(personal: zoe())
        let leaf = event.leafHash()
        event.erasePersonalData()
        #expect(event.leafHash() == leaf)
        #expect(event.personal == .erased(try zoe().commitment))
        event.erasePersonalData()
        #expect(event.leafHash() == leaf)
        #expect(try self.event().leafHash() != leaf)
    }

    @Test func anotherSaltIsAnotherCommitment() throws {
        let salt = try #require(PersonalDataSalt(bytes: [UInt8](repeating: 1, count: 16)))
        #expect(
            PersonalData.known(["name": "Zoë", "mail": "zoe@example.org"], salt: salt).commitment
                != (try zoe().commitment))
        #expect(PersonalDataSalt(bytes: [UInt8](repeating: 1, count: 15)) == nil)
    }

    @Test(arguments: [
        "", "2026-11-21", "2026-11-21T08:30:00", "2026-11-21T08:30:00+01:00", "2026-13-21T08:30:00Z",
        "2026-11-32T08:30:00Z",
        "2026-11-21T24:30:00Z", "2026-11-21T08:60:00Z", "2026-11-21 08:30:00Z", "2026-11-21T08:30:00.Z",
        "2026-11-21T08:30:00.1xZ", "2026-11-21t08:30:00z",
    ])
    func refusesOtherTimes(_ time: String) {
        let error = #expect(throws: AuditError.self) {
            try AuditEvent(organisation: "acme", time: time, actor: "a", action: "b", subject: "c")
        }
        #expect(error?.field == "time")
    }

    @Test func refusesAnonymousEvents() {
        let error = #expect(throws: AuditError.self) {
            try AuditEvent(organisation: "acme", time: "2026-11-21T08:30:00Z", actor: "", action: "b", subject: "c")
        }
        #expect(error?.field == "actor")
    }
}
