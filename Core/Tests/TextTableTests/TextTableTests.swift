import Testing
import TextTable

@Suite struct TextTableTests {
    private func table() -> TextTable {
        var table = TextTable("package", "installed", "why")
        table.add("openssl", "3.0.17", TextTable.Cell("a longer text that is never cut", .bad))
        table.add("naïve-é", "日本", "x")
        table.add("last")
        return table
    }

    @Test func alignsByWhatATerminalShowsAndLeavesNoBlanksAtTheEnds() {
        let expected = """
            PACKAGE  INSTALLED  WHY
            openssl  3.0.17     a longer text that is never cut
            naïve-é  日本       x
            last

            """
        #expect(table().rendered(colour: false) == expected)
    }

    @Test func coloursAddNothingElse() {
        let coloured = table().rendered(colour: true)
        #expect(coloured.contains("\u{1B}[31ma longer text that is never cut\u{1B}[0m"))
        var plain = coloured
        for code in ["[0m", "[1m", "[31m"] {
            plain = plain.split(separator: "\u{1B}" + code, omittingEmptySubsequences: false).joined()
        }
        #expect(plain == table().rendered(colour: false))
    }

    @Test func noTextSteersTheTerminal() {
        var table = TextTable("name")
        table.add(TextTable.Cell("evil\u{1B}[2J\u{9B}1m\n\u{202E}x"))
        #expect(table.rendered(colour: false) == "NAME\nevil\u{FFFD}[2J\u{FFFD}1m\u{FFFD}\u{FFFD}x\n")
        #expect(!TextTable.styled("a\u{1B}[2J", .bad, colour: true).contains("\u{1B}[2J"))
    }

    @Test(arguments: [("abc", 3), ("é", 1), ("e\u{301}", 1), ("日本", 4), ("👍", 2), ("", 0)])
    func measures(text: String, width: Int) {
        #expect(TextTable.width(text) == width)
    }
}
