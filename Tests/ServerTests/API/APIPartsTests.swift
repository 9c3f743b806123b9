import Access
import HTTPTypes
import JSON
import Testing

@testable import Server

/// The parts of the router that are pure.
@Suite struct APIPartsTests {
    @Test func templatesMatchWholePaths() {
        let template: PathTemplate = "/api/v1/hosts/{host}/labels"
        func match(_ path: String) -> [String: String]? {
            template.match(path.dropFirst().split(separator: "/", omittingEmptySubsequences: false))
        }
        #expect(match("/api/v1/hosts/web1/labels") == ["host": "web1"])
        #expect(match("/api/v1/hosts/a%2Fb%20c/labels") == ["host": "a/b c"])
        #expect(match("/api/v1/hosts//labels") == nil)
        #expect(match("/api/v1/hosts/web1/labels/") == nil)
        #expect(match("/api/v1/hosts/web1") == nil)
        #expect(match("/api/v1/hosts/web1/Labels") == nil)
        #expect(template.parameterNames == ["host"])
    }

    @Test func queriesAreReadStrictly() throws {
        #expect(try QueryItems("a=1&b=x+y%20z&c").values == ["a": "1", "b": "x y z", "c": ""])
        #expect(try QueryItems("").values == [:])
        for bad in ["a=1&a=2", "a=%", "a=%F", "a=%GG", "a=%FF", "a=%2+"] {
            #expect(throws: Refusal.self, "\(bad)") { try QueryItems(bad[...]) }
        }
        let text = "ä /?&=+%\u{0}"
        #expect(QueryItems.decoded(percentEncoded(text)[...]) == text)
    }

    @Test func cursorsCannotBeMadeUp() throws {
        let seal = CursorSeal(secret: APISecret(bytes: [UInt8](repeating: 7, count: 32)))
        let other = CursorSeal(secret: APISecret(bytes: [UInt8](repeating: 8, count: 32)))
        let place: JSONValue = ["web1", "h-1"]
        let cursor = seal.seal(place, for: "listHosts|a|{}")
        #expect(seal.open(cursor, for: "listHosts|a|{}") == place)
        #expect(seal.open(cursor, for: "listHosts|b|{}") == nil, "another organisation's")
        #expect(seal.open(cursor, for: "listHosts|a|{\"q\":\"x\"}") == nil, "other filters")
        #expect(other.open(cursor, for: "listHosts|a|{}") == nil, "another installation's")
        for index in cursor.indices {
            var changed = cursor
            changed.replaceSubrange(index...index, with: cursor[index] == "A" ? "B" : "A")
            #expect(seal.open(changed, for: "listHosts|a|{}") == nil)
        }
        #expect(seal.open("", for: "") == nil)
    }

    @Test func base64urlGoesBothWays() {
        #expect(base64url(Array("light w".utf8)) == "bGlnaHQgdw")
        for count in 0..<70 {
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255) }
            #expect(base64urlDecoded(base64url(bytes)) == bytes)
        }
        #expect(base64urlDecoded("bGlnaHQgdx") == nil, "a second spelling")
        #expect(base64urlDecoded("a+b/") == nil)
    }

    @Test func entityTagListsAreRead() {
        #expect(EntityTag.list("\"a\"") == ["\"a\""])
        #expect(EntityTag.list(" W/\"a\" , \"b,c\"") == ["W/\"a\"", "\"b,c\""])
        #expect(EntityTag.list("*") == ["*"])
        for bad in ["", "a", "\"a", "\"a\" \"b\"", "\"a\",", "*, \"a\""] {
            #expect(EntityTag.list(bad) == nil, "\(bad)")
        }
    }

    @Test func acceptIsUnderstood() {
        func accepts(_ field: String?, _ types: [String] = ["application/json"]) -> Bool {
            MediaTypes.accepts(field, anyOf: types)
        }
        #expect(
            accepts(nil) && accepts("") && accepts("*/*") && accepts("application/*") && accepts("Application/JSON"))
        #expect(accepts("text/html, application/json;q=0.1"))
        #expect(!accepts("text/html"))
        #expect(!accepts("application/json;q=0, */*"))
        #expect(accepts("text/html;q=0, */*;q=0.1"))
        #expect(MediaTypes.essence("Application/JSON ; charset=utf-8") == "application/json")
    }

    @Test func bucketsFillAgain() {
        let rates = RateLimits(perMinute: 60)
        let start = ContinuousClock.now
        for left in (0..<60).reversed() {
            let verdict = rates.take("a", now: start)
            #expect(verdict.isAllowed && verdict.remaining == left)
        }
        let refused = rates.take("a", now: start)
        #expect(!refused.isAllowed && refused.wait == 1 && refused.remaining == 0 && refused.reset == 60)
        #expect(rates.take("b", now: start).isAllowed, "each has its own")
        #expect(rates.take("a", now: start + .seconds(1)).isAllowed)
        #expect(!rates.take("a", now: start + .seconds(1)).isAllowed)
        #expect(rates.take("a", now: start + .seconds(600)).remaining == 59)
    }

    @Test func aSignedRequestIDIsKeptAndAnOddOneIsNot() {
        #expect(RequestID.isWellFormed("client-7:a.b_c"))
        for bad in ["", "a b", "a\u{0}", String(repeating: "a", count: 129), "ä"] {
            #expect(!RequestID.isWellFormed(bad))
        }
    }

    @Test func theUsualOrganisationIsTheOnlyOne() {
        func usual(_ grants: [Grant]) -> String? { Principal(id: "x", grants: grants).usualOrganisation }
        #expect(usual([Grant(.viewer, organisation: "a"), Grant(.operator, organisation: "a")]) == "a")
        #expect(usual([Grant(.viewer, organisation: "a"), Grant(.operator, organisation: "b")]) == nil)
        #expect(usual([Grant(.viewer, organisation: nil)]) == nil)
        #expect(usual([]) == nil)
    }
}
