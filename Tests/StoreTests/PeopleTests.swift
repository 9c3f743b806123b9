import Access
import Store
import Testing
import Timestamps

extension StoreTests {
    @Suite struct PeopleTests {
        private func user(_ name: String) -> UserRecord {
            UserRecord(id: "u-\(name)", name: name, displayName: name.uppercased(), createdAt: t0, createdBy: "user:1")
        }

        private func grant(
            _ user: String, _ role: Role, in organisation: String?, on selector: String = ""
        ) throws
            -> GrantRecord
        {
            GrantRecord(
                id: "g-\(user)-\(role)-\(organisation ?? "all")-\(selector.count)", user: user,
                grant: Grant(role, organisation: organisation, selector: try LabelSelector(selector)), createdAt: t0,
                createdBy: "user:1")
        }

        @Test(arguments: TestEngine.allCases) func namesAreTakenOnce(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                let wins = await withTaskGroup(of: Bool.self) { group in
                    for number in 0..<8 {
                        group.addTask {
                            var user = user("maria")
                            user.id = "u-\(number)"
                            let record = user
                            return (try? await store.write { try $0.users.create(record) }) ?? false
                        }
                    }
                    return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
                }
                #expect(wins == 1)
                #expect(try await store.read { try $0.users.named("maria") }?.displayName == "MARIA")
                #expect(try await store.read { try $0.users.named("Maria") } == nil)
            }
        }

        @Test(arguments: TestEngine.allCases) func grantsAreKeptByOrganisationAndSelector(
            engine: TestEngine
        ) async throws {
            try await engine.withStore { store throws in
                try await store.write { sql throws in
                    for name in ["maria", "otto"] { #expect(try sql.users.create(user(name))) }
                    #expect(try sql.grants.add(grant("u-maria", .admin, in: nil)))
                    #expect(try !sql.grants.add(grant("u-maria", .admin, in: nil)))
                    #expect(try sql.grants.add(grant("u-otto", .viewer, in: "a")))
                    #expect(
                        try sql.grants.add(grant("u-otto", .operator, in: "a", on: "site=berlin,tier in (web,api)")))
                }
                try await store.read { sql throws in
                    let grants = try sql.grants.list(user: "u-otto").map(\.grant)
                    #expect(grants.count == 2)
                    #expect(
                        grants.contains(
                            Grant(
                                .operator, organisation: "a",
                                selector: try LabelSelector("site=berlin,tier in (web,api)"))))
                    #expect(try sql.users.list(organisation: "a").map(\.name) == ["otto"])
                    #expect(try sql.users.list(organisation: "b").isEmpty)
                    #expect(try sql.users.list().map(\.name) == ["maria", "otto"])
                    #expect(try sql.grants.installationAdmins() == 1)
                    #expect(try sql.grants.firstInstallationAdmin() == "u-maria")
                }
                try await store.write { sql throws in
                    let maria = try #require(try sql.users.get("u-maria"))
                    #expect(
                        try sql.users.update(
                            maria.id, displayName: "", email: "", disabledAt: t0, version: maria.version))
                    #expect(
                        try !sql.users.update(
                            maria.id, displayName: "", email: "", disabledAt: nil, version: maria.version))
                    #expect(try sql.grants.installationAdmins() == 0, "who is shut out is no admin")
                }
            }
        }

        @Test(arguments: TestEngine.allCases) func removalTakesAllThatLetsIn(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                try await store.write { sql throws in
                    #expect(try sql.users.create(user("maria")))
                    _ = try sql.grants.add(grant("u-maria", .admin, in: nil))
                    try sql.sessions.create(session("one"), secretDigest: digest("one"))
                    try sql.apiTokens.create(
                        APITokenRecord(
                            id: "k", user: "u-maria", name: "x", scopes: [.hostsRead], createdAt: t0,
                            createdBy: "user:1",
                            expiresAt: t0.adding(seconds: 60)), secretDigest: digest("k"))
                    try sql.loginLinks.create(
                        user: "u-maria", codeDigest: digest("l"), expiresAt: t0.adding(seconds: 60),
                        standsInForCode: true, now: t0)
                    try sql.users.setRecoveryCodes("u-maria", [digest("r")])
                    #expect(try sql.users.remove("u-maria"))
                    #expect(try !sql.users.remove("u-maria"))
                }
                try await store.read { sql throws in
                    #expect(try sql.sessions.find(secretDigest: digest("one")) == nil)
                    #expect(try sql.apiTokens.get("k") == nil)
                    #expect(try sql.loginLinks.user(codeDigest: digest("l"), now: t0) == nil)
                    #expect(try sql.users.recoveryCodesLeft("u-maria") == 0)
                }
            }
        }

        private func session(_ id: String, for seconds: Int64 = 3600) -> SessionRecord {
            SessionRecord(
                id: id, user: "u-maria", method: .password, createdAt: t0, expiresAt: t0.adding(seconds: seconds),
                address: "192.0.2.1", agent: "test")
        }

        @Test(arguments: TestEngine.allCases) func whatIsUsedOnceIsUsedOnce(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                try await store.write { sql throws in
                    #expect(try sql.users.create(user("maria")))
                    try sql.users.setRecoveryCodes("u-maria", [digest("r"), digest("s")])
                    try sql.loginLinks.create(
                        user: "u-maria", codeDigest: digest("l"), expiresAt: t0.adding(seconds: 60),
                        standsInForCode: false, now: t0)
                }
                func races(_ body: @escaping @Sendable () async throws -> Bool) async -> Int {
                    await withTaskGroup(of: Bool.self) { group in
                        for _ in 0..<8 { group.addTask { (try? await body()) ?? false } }
                        return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
                    }
                }
                #expect(await races { try await store.write { try $0.users.useTOTP("u-maria", step: 7) } } == 1)
                #expect(try await store.write { try $0.users.useTOTP("u-maria", step: 6) } == false, "an older one")
                #expect(
                    await races {
                        try await store.write { try $0.users.useRecoveryCode("u-maria", digest("r"), now: t0) }
                    }
                        == 1)
                #expect(try await store.read { try $0.users.recoveryCodesLeft("u-maria") } == 1)
                #expect(
                    await races {
                        try await store.write { try $0.loginLinks.use(codeDigest: digest("l"), now: t0) } != nil
                    }
                        == 1)
            }
        }

        @Test(arguments: TestEngine.allCases) func sessionsEndAndRenew(engine: TestEngine) async throws {
            try await engine.withStore { store throws in
                try await store.write { sql throws in
                    #expect(try sql.users.create(user("maria")))
                    for id in ["one", "two", "three"] {
                        try sql.sessions.create(session(id), secretDigest: digest(id))
                    }
                    try sql.sessions.create(session("short", for: 10), secretDigest: digest("short"))
                    #expect(try sql.sessions.renew("one", secretDigest: digest("new")))
                    #expect(try sql.sessions.find(secretDigest: digest("one")) == nil)
                    #expect(try sql.sessions.find(secretDigest: digest("new"))?.id == "one")
                    try sql.sessions.seen("two", now: t0.adding(seconds: 100))
                    #expect(
                        try sql.sessions.purge(
                            notSeenSince: t0.adding(seconds: -1), now: t0.adding(seconds: 10)) == 1)
                    #expect(try sql.sessions.list(user: "u-maria").map(\.id) == ["two", "one", "three"])
                    #expect(try sql.sessions.endAll(user: "u-maria", except: "two") == 2)
                    #expect(try !sql.sessions.end(user: "u-otto", id: "two"), "another's")
                    #expect(try sql.sessions.end(user: "u-maria", id: "two"))
                }
            }
        }

        @Test(arguments: TestEngine.allCases) func aDeviceIsDecidedOnceAndAnsweredOnce(engine: TestEngine) async throws
        {
            try await engine.withStore { store throws in
                let login = DeviceLoginRecord(
                    userCode: "BCDFGHJK", machine: "laptop", address: "192.0.2.1", createdAt: t0,
                    expiresAt: t0.adding(seconds: 600), pollInterval: 5)
                try await store.write { sql throws in
                    #expect(try sql.users.create(user("maria")))
                    #expect(try sql.deviceLogins.create(login, deviceDigest: digest("d")))
                    #expect(try !sql.deviceLogins.create(login, deviceDigest: digest("e")), "the code is taken")
                    #expect(try sql.deviceLogins.count(now: t0) == 1)
                    #expect(
                        try sql.deviceLogins.waiting(userCode: "BCDFGHJK", now: t0.adding(seconds: 600)) == nil)
                    #expect(try sql.deviceLogins.decide(userCode: "BCDFGHJK", .approved, user: "u-maria", now: t0))
                    #expect(try !sql.deviceLogins.decide(userCode: "BCDFGHJK", .denied, user: "u-maria", now: t0))
                    #expect(try sql.deviceLogins.find(deviceDigest: digest("d"))?.decision == .approved)
                    #expect(try sql.deviceLogins.finish(deviceDigest: digest("d")))
                    #expect(try !sql.deviceLogins.finish(deviceDigest: digest("d")))
                }
            }
        }
    }
}
