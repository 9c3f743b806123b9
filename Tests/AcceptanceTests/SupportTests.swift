import Testing

@Suite struct SupportTests {
    @Test func bothStreamsOfAProgramAreRead() throws {
        let result = try run(["sh", "-c", "cat; echo bad >&2; exit 3"], input: "good", check: false)
        #expect(result.output == "good")
        #expect(result.errors == "bad\n")
        #expect(result.status == 3)
    }
}
