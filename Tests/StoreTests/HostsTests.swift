import Digest
import Store
import Testing
import Timestamps

extension StoreTests {
    @Suite struct HostsTests {
        @Test(arguments: TestEngine.allCases) func enrolmentIsOneTransaction(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                let host = try await store.enrol("web1")
                #expect(host.hostname == "web1")
                #expect(host.status == .active)
                #expect(host.labels == ["env": "test"])
                #expect(host.nextReport == 1)
                try await store.read { sql throws in
                    #expect(try sql.hosts.show(organisation: "a", id: host.id) == host)
                    #expect(try sql.hosts.find(serial: "aweb101")?.host.id == host.id)
                    #expect(try sql.audit.list(organisation: "a").count == 1)
                    #expect(try sql.events.list(organisation: "a").map(\.kind) == ["host.enrolled"])
                    let evidence = try sql.assets.evidence(organisation: "a", asset: host.asset)
                    #expect(evidence.map(\.value) == ["web1", "m-web1", "u-web1"])
                    #expect(
                        try sql.hosts.matching(organisation: "a", machineID: "m-web1", productUUID: "u-web1").count == 1
                    )
                    #expect(
                        try sql.hosts.matching(organisation: "b", machineID: "m-web1", productUUID: "u-web1").isEmpty)
                }
                #expect(store.directory.host(serial: "aweb101")?.entry.host.id == host.id)
                // The same serial again: nothing of the second enrolment stays.
                var second = newHost("web2")
                second.certificate.serial = "aweb101"
                let clash = second
                await #expect(throws: StoreError.self) { try await store.write { try $0.hosts.enrol(clash, now: t0) } }
                try await store.read { sql throws in
                    #expect(try sql.hosts.count(organisation: "a") == 1)
                    #expect(try sql.audit.list(organisation: "a").count == 1)
                }
                #expect(store.directory.host("h-a-web2") == nil)
            }
        }

        @Test(arguments: TestEngine.allCases) func whatChangesAHostShowsInTheDirectory(engine: TestEngine) async throws
        {
            try await engine.withStore { store throws in
                let host = try await store.enrol("web1")
                let later = t0.adding(seconds: 60)
                try await store.write { sql throws in
                    try sql.hosts.rotateExchangeToken(organisation: "a", host: host.id, to: digest("two"), now: later)
                }
                var entry = try #require(store.directory.host(host.id))
                #expect(entry.host.exchangeCurrent == digest("two"))
                #expect(entry.host.exchangePrevious == host.exchangeCurrent)
                #expect(entry.host.exchangeRotatedAt == later)
                try await store.write { sql throws in
                    try sql.hosts.confirmExchangeToken(organisation: "a", host: host.id, now: later)
                    try sql.hosts.requestScan(organisation: "a", host: host.id, now: later)
                    try sql.hosts.requestRenewal(organisation: "a", host: host.id, now: later)
                    try sql.hosts.setIntervals(organisation: "a", host: host.id, interval: 60, now: later)
                    try sql.hosts.noteAgent(
                        organisation: "a", host: host.id, bootID: "boot2", agentVersion: "1.1", protocolVersion: nil,
                        now: later)
                }
                entry = try #require(store.directory.host(host.id))
                #expect(entry.host.exchangePrevious == nil)
                #expect(entry.host.scanRequest == 1)
                #expect(entry.host.renewRequest == 1)
                #expect(entry.host.interval == 60)
                #expect(entry.host.scanInterval == 3600)
                #expect(entry.host.stateVersion == host.stateVersion + 3)
                #expect(entry.host.bootID == "boot2")
                #expect(entry.host.agentVersion == "1.1")
                #expect(entry.host.protocolVersion == 2)
                try await store.read { sql throws in
                    #expect(try sql.hosts.boots(organisation: "a", host: host.id).map(\.bootID) == ["boot2", "boot"])
                    #expect(try sql.hosts.hadBoot(organisation: "a", host: host.id, bootID: "boot"))
                    #expect(try !sql.hosts.hadBoot(organisation: "a", host: host.id, bootID: "other"))
                }
                try await store.write { sql throws in
                    try sql.hosts.setStatus(
                        organisation: "a", host: host.id, .revoked, reason: "stolen", actor: "user:1", now: later)
                }
                let found = try #require(store.directory.host(serial: "aweb101"))
                #expect(found.entry.host.status == .revoked)
                #expect(found.certificate.revokedAt == later)
                #expect(found.certificate.revocationReason == "stolen")
                #expect(store.directory.counts() == [.revoked: 1])
            }
        }

        @Test(arguments: TestEngine.allCases) func aRenewedCertificateIsKnownBesideTheOldOne(
            engine: TestEngine
        ) async throws {
            try await engine.withStore { store throws in
                let host = try await store.enrol("web1")
                let renewed = HostCertificate(
                    serial: "ff", keyDigest: digest("key2"), notBefore: t0, notAfter: t0.adding(seconds: 1),
                    issuedAt: t0)
                try await store.write { sql throws in
                    try sql.hosts.addCertificate(organisation: "a", host: host.id, renewed, actor: "host:1", now: t0)
                }
                #expect(store.directory.host(serial: "ff")?.entry.host.id == host.id)
                #expect(store.directory.host(serial: "aweb101")?.entry.host.id == host.id)
                try await store.write { sql throws in
                    try sql.hosts.revokeCertificate(
                        organisation: "a", host: host.id, serial: "ff", reason: "lost", actor: "user:1", now: t0)
                }
                #expect(store.directory.host(serial: "ff")?.certificate.revokedAt == t0)
                #expect(store.directory.host(serial: "aweb101")?.certificate.revokedAt == nil)
            }
        }

        @Test(arguments: TestEngine.allCases) func listsPageByPage(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                for number in 0..<25 { _ = try await store.enrol("h\(number % 5)x\(number)") }
                _ = try await store.enrol("other", organisation: "b")
                store.directory.touch(host: "h-a-h0x0", at: t0.adding(seconds: 5), clockOffset: -20)
                try await store.flushPresence()
                try await store.write { sql throws in
                    try sql.hosts.setLabels(organisation: "a", host: "h-a-h1x1", ["env": "prod"], actor: "u", now: t0)
                }
                try await store.read { sql throws in
                    var names: [String] = []
                    var key: HostPageKey?
                    var pages = 0
                    repeat {
                        let page = try sql.hosts.list(organisation: "a", after: key, limit: 7)
                        names += page.hosts.map(\.hostname)
                        key = page.next
                        pages += 1
                    } while key != nil
                    #expect(pages == 4)
                    #expect(names.count == 25)
                    #expect(names == names.sorted())
                    func count(_ filter: HostFilter) throws -> Int64 {
                        let counted = try sql.hosts.count(organisation: "a", filter: filter)
                        #expect(try Int64(sql.hosts.list(organisation: "a", filter: filter).hosts.count) == counted)
                        return counted
                    }
                    #expect(try count(HostFilter(nameContains: "H3")) == 5)
                    #expect(try count(HostFilter(labels: ["env": "test"])) == 24)
                    #expect(try count(HostFilter(labels: ["env": "prod"])) == 1)
                    #expect(try count(HostFilter(notSeenSince: t0)) == 24)
                    #expect(try count(HostFilter(status: .retired)) == 0)
                    #expect(try count(HostFilter(nameContains: "%")) == 0)
                    let seen = try #require(try sql.hosts.show(organisation: "a", id: "h-a-h0x0"))
                    #expect(seen.lastSeen == t0.adding(seconds: 5))
                    #expect(seen.clockOffset == -20)
                    #expect(try sql.hosts.named(organisation: "a", "h3x3").map(\.id) == ["h-a-h3x3"])
                    #expect(try sql.hosts.named(organisation: "b", "h3x3").isEmpty)
                }
            }
        }
    }
}
