import JSON
import Testing

struct ObjectTests {
    @Test func decodesEveryKind() throws {
        var fields = try JSONObject([
            "name": "web1", "count": 3, "on": true, "load": 0.5, "tags": ["a", "b"], "os": ["id": "debian"],
            "none": nil,
            "list": [["n": 1], ["n": 2]], "any": 1,
        ])
        #expect(try fields.string("name") == "web1")
        #expect(try fields.integer("count", in: 0...3) == 3)
        #expect(try fields.bool("on"))
        #expect(try fields.number("load") == 0.5)
        #expect(try fields.strings("tags", maximumCount: 2) == ["a", "b"])
        var os = try fields.object("os")
        #expect(os.pointer == "/os")
        #expect(try os.string("id") == "debian")
        try os.finish()
        #expect(try fields.optionalString("none") == nil)
        #expect(try fields.optionalObject("absent") == nil)
        #expect(try fields.optionalInteger("absent", in: 0...1) == nil)
        #expect(try fields.objects("list", maximumCount: 9).map(\.pointer) == ["/list/0", "/list/1"])
        #expect(fields.unreadKeys == ["any"])
        #expect(try fields.value("any") == 1)
        try fields.finish()
    }

    @Test func refusalsNamePlaceExpectationAndFinding() throws {
        var fields = try JSONObject(
            ["name": 7, "a/b": "xx", "n": 11, "list": [1, 2, 3], "strings": ["x", 1]], at: "/hosts/0")
        func description(_ body: (inout JSONObject) throws(JSONError) -> Void) -> String {
            do throws(JSONError) {
                try body(&fields)
                return "accepted"
            } catch {
                return error.description
            }
        }
        #expect(
            description { fields throws(JSONError) in _ = try fields.string("name") }
                == "JSON at /hosts/0/name: expected a string, found the number 7")
        #expect(
            description { fields throws(JSONError) in _ = try fields.string("a/b", maximumBytes: 1) }
                == "JSON at /hosts/0/a~1b: a string of 2 bytes, at most 1 are accepted; shorten it")
        #expect(
            description { fields throws(JSONError) in _ = try fields.integer("n", in: 0...10) }
                == "JSON at /hosts/0/n: expected an integer from 0 to 10, found 11")
        #expect(
            description { fields throws(JSONError) in _ = try fields.array("list", maximumCount: 2) }
                == "JSON at /hosts/0/list: an array of 3 elements, at most 2 are accepted; send them in parts")
        #expect(
            description { fields throws(JSONError) in _ = try fields.bool("gone") }
                == "JSON at /hosts/0/gone: this field is required but absent; add it")
        #expect(
            description { fields throws(JSONError) in _ = try fields.strings("strings", maximumCount: 2) }
                == "JSON at /hosts/0/strings/1: expected a string, found the number 1")
        #expect(throws: JSONError.self) { try JSONObject([1]) }
    }

    @Test func finishNamesEveryUnknownField() throws {
        var fields = try JSONObject(["b": 1, "a": 2, "known": 3])
        _ = try fields.value("known")
        let error = #expect(throws: JSONError.self) { try fields.finish() }
        #expect(error?.kind == .unknownField)
        #expect(error?.reason.contains("'a', 'b'") == true)
        _ = fields.optionalValue("a")
        #expect(
            throws: JSONError(
                .unknownField, pointer: "/b", reason: "unknown field 'b'; remove, or use the version that has them")
        ) {
            try fields.finish()
        }
    }
}
