import JSON
import Testing
import Wire

@testable import Server

@Suite struct SchemaTests {
    private let thing: Schema = .object([
        .required("name", .text(1...5)),
        .optional("count", .integer(0...9)),
        .optional("kind", .oneOf(["a", "b"])),
        .optional("when", .time),
        .optional("labels", .map(.nullable(.text(0...3)), names: .init(minimum: 1, maximum: 4), maximum: 2)),
        .optional("parts", .array(.object([.required("x/y", .boolean)]), count: 0...2)),
    ])

    @Test func faultsNameTheirPlace() {
        #expect(thing.faults(in: ["name": "abc", "count": 9, "kind": "a"]).isEmpty)
        #expect(thing.faults(in: [:]).map(\.pointer) == ["/name"])
        #expect(thing.faults(in: ["name": "abcdef"]).map(\.pointer) == ["/name"])
        #expect(thing.faults(in: ["name": "a\nb"]).map(\.pointer) == ["/name"])
        #expect(thing.faults(in: ["name": "a", "count": 10]).map(\.pointer) == ["/count"])
        #expect(thing.faults(in: ["name": "a", "count": "1"]).map(\.pointer) == ["/count"])
        #expect(thing.faults(in: ["name": "a", "kind": "c"]).map(\.pointer) == ["/kind"])
        #expect(thing.faults(in: ["name": "a", "other": 1]).map(\.pointer) == ["/other"])
        #expect(thing.faults(in: ["name": "a", "when": "yesterday"]).map(\.pointer) == ["/when"])
        #expect(thing.faults(in: ["name": "a", "when": "2026-11-21T08:00:00+02:00"]).isEmpty)
        #expect(thing.faults(in: ["name": "a", "labels": ["k": nil, "l": "v"]]).isEmpty)
        #expect(thing.faults(in: ["name": "a", "labels": ["k": "long!"]]).map(\.pointer) == ["/labels/k"])
        #expect(thing.faults(in: ["name": "a", "labels": ["toolong": "v"]]).map(\.pointer) == ["/labels/toolong"])
        #expect(
            thing.faults(in: ["name": "a", "parts": [["x/y": true], ["x/y": 1]]]).map(\.pointer) == ["/parts/1/x~1y"])
        #expect(thing.faults(in: ["name": "a", "parts": [1, 2, 3]]).map(\.pointer) == ["/parts"])
        #expect(thing.faults(in: "text").map(\.pointer) == [""])
        // Every fault is told, up to a bound, and each with a cure.
        let many = thing.faults(in: .object(Dictionary(uniqueKeysWithValues: (0..<50).map { ("k\($0)", 1) })))
        #expect(many.count == Schema.maximumFaults)
        #expect(many.allSatisfy { !$0.cure.isEmpty && !$0.detail.isEmpty })
    }

    @Test func lengthsCountCodePoints() {
        let five: Schema = .text(5...5)
        #expect(five.faults(in: "äöüß€").isEmpty)
        #expect(five.faults(in: "e\u{301}bcd").isEmpty, "a letter and its accent are two")
        #expect(!five.faults(in: "👩‍👩‍👧").isEmpty == false, "five code points of one family")
    }

    @Test func theDocumentSaysTheSame() throws {
        var components: [String: JSONValue] = [:]
        let json = Schema.component(.init("Thing", thing)).json(&components)
        #expect(json == ["$ref": "#/components/schemas/Thing"])
        let made = try #require(components["Thing"])
        #expect(made["additionalProperties"] == false)
        #expect(made["required"] == ["name"])
        #expect(made["properties"]?["count"] == ["type": "integer", "minimum": 0, "maximum": 9])
        #expect(
            Schema.nullable(.text(0...3)).json(&components)["type"] == ["string", "null"])
        #expect(Schema.nullable(.component(.init("Thing", thing))).json(&components)["anyOf"]?.array?.count == 2)
    }
}
