import CSV
import Testing

@Suite struct CSVTests {
    private func line(_ cell: String) -> String {
        var csv = CSVText(headings: [])
        csv.add([cell, "x"])
        return csv.text
    }

    @Test func followsRFC4180() {
        var csv = CSVText(headings: ["a", "b"])
        csv.add(["plain", "with, comma"])
        csv.add(["with \"quotes\"", "two\nlines"])
        csv.add(["", " blank "])
        #expect(
            csv.text == "a,b\r\nplain,\"with, comma\"\r\n\"with \"\"quotes\"\"\",\"two\nlines\"\r\n,\" blank \"\r\n")
    }

    @Test func formulasAreText() {
        for text in ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "=cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!A0"] {
            #expect(line(text).hasPrefix("'") || line(text).hasPrefix("\"'"), "\(text)")
        }
        #expect(line("\t=1").hasPrefix("'"))
        #expect(line("\r=1").hasPrefix("\"'"))
        #expect(line("=a,b").hasPrefix("\"'=a"))
        for text in ["-5", "+1.5", "-1e3", "5", "a=b", "web-1"] { #expect(line(text) == "\(text),x\r\n") }
    }

    @Test func controlCharactersDoNotPass() {
        #expect(line("a\u{1B}[31mb\u{9B}c\u{202E}") == "a\u{FFFD}[31mb\u{FFFD}c\u{FFFD},x\r\n")
        #expect(line("\u{0}=1") == "\u{FFFD}=1,x\r\n")
    }
}
