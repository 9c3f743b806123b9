import HTML
import Testing

private func text(_ html: HTML) -> String { String(decoding: html.bytes(), as: UTF8.self) }

@Suite struct HTMLTests {
    @Test func textAndAttributesAreEscaped() {
        #expect(text(p { "<script>&\"'" }) == "<p>&lt;script&gt;&amp;&quot;&#39;</p>")
        #expect(text(p(.title("\" onload='x'"))) == "<p title=\"&quot; onload=&#39;x&#39;\"></p>")
    }

    @Test(arguments: [0, 8, 0xB, 0xD, 0x7F, 0x85, 0xFDD0, 0xFDEF, 0xFFFE, 0xFFFF, 0x1FFFE, 0x10FFFF] as [UInt32])
    func whatNoDocumentMayHoldIsReplaced(_ value: UInt32) throws {
        let character = Character(try #require(Unicode.Scalar(value)))
        #expect(text(HTML("a\(character)b")) == "a\u{FFFD}b")
    }

    @Test(arguments: ["\t", "\n", "é", "\u{A0}", "漢", "\u{FDF0}", "\u{FFFD}", "🦊", "\u{202E}"])
    func whatADocumentMayHoldStays(_ character: String) {
        #expect(text(HTML("a\(character)b")) == "a\(character)b")
    }

    @Test func buildersTakeConditionsAndLoops() {
        let isThere = false
        let list = ul {
            if isThere { li { "no" } } else { li { "yes" } }
            for number in 1...2 { li { String(number) } }
            [3, 4].map { number in li { String(number) } }
            if isThere { li { "no" } }
        }
        #expect(text(list) == "<ul><li>yes</li><li>1</li><li>2</li><li>3</li><li>4</li></ul>")
    }

    @Test func flagsAreThereOrNot() {
        #expect(text(input(.type(.checkbox), .checked(true), .disabled(false))) == "<input type=\"checkbox\" checked>")
        #expect(text(p(.class("", "a", "b"), .class())) == "<p class=\"a b\"></p>")
    }

    @Test func aDocumentHasItsType() {
        #expect(text(.document(html(.lang("en")))) == "<!doctype html>\n<html lang=\"en\"></html>\n")
    }

    @Test func placesAreEncoded() {
        let place = Location("hosts", "a/b?c#d%\"<é", query: [("q", "x&y=z +"), ("n", "")], fragment: "a b")
        #expect(
            place.description
                == "/hosts/a%2Fb%3Fc%23d%25%22%3C%C3%A9?q=x%26y%3Dz%20%2B&n=#a%20b")
        #expect(Location().description == "/")
        #expect(Location("a", "..", ".").description == "/a/-/-", "browsers resolve dots even when encoded")
    }

    @Test(arguments: [
        "//evil.example/", "https://evil.example/", "javascript:alert(1)", "/\\evil.example", "\\evil", "", "x",
        "/a\nSet-Cookie: x=y", "/a b", "/\u{7F}", "/é", "/\"",
    ])
    func placesFromOutsideStayHere(_ hostile: String) {
        #expect(Location(untrusted: hostile) == nil)
    }

    @Test func placesFromOutsideOfThisServerAreTaken() {
        #expect(Location(untrusted: "/hosts?q=a%20b&sort=-name#x")?.description == "/hosts?q=a%20b&sort=-name#x")
        #expect(Location(untrusted: "/" + String(repeating: "a", count: 3000)) == nil)
    }

    /// Whatever text there is: what is written holds no character of markup that the text brought.
    @Test(arguments: [
        ("https://www.example.org/a?b=c#d", "https://www.example.org/a?b=c#d"),
        ("HTTP://Example.org", "http://example.org/"),
        ("https://example.org:8443/x", "https://example.org:8443/x"),
        ("https://example.org/\"><script>", "https://example.org/%22%3E%3Cscript%3E"),
        ("https://example.org/ä b\r\n", "https://example.org/%C3%A4%20b%0D%0A"),
    ])
    func otherPeoplesPagesAreLinkedPlainly(text: String, link: String) {
        #expect(ExternalLocation(text)?.description == link)
    }

    @Test(arguments: [
        "javascript:alert(1)", "data:text/html,x", "//example.org/", "ftp://example.org/", "https://", "https:///x",
        "https://user@example.org/", "https://user:pass@example.org/", "https://exa mple.org/", "https://exämple.org/",
        "https://example.org:99999999/", "https://example.org:/", "https://.example.org/", "/hosts", "",
        "https://example.org/" + String(repeating: "x", count: 2048),
    ])
    func whatIsNoPlainAddressIsNoLink(text: String) {
        #expect(ExternalLocation(text) == nil)
    }

    @Test func randomTextBringsNoMarkup() {
        var generator = SystemRandomNumberGenerator()
        let pieces = ["<", ">", "\"", "'", "&", "-->", "]]>", "</p>", "<!--", "\u{0}", "é", "🦊", "a", " ", "`", "="]
        for _ in 0..<2000 {
            let hostile = (0..<Int.random(in: 0...12, using: &generator)).map { _ in
                pieces.randomElement(using: &generator) ?? ""
            }
            .joined()
            let written = text(p(.title(hostile)) { hostile })
            let inner = written.dropFirst("<p title=\"".count).dropLast("</p>".count)
            let parts = inner.split(separator: "\">", maxSplits: 1, omittingEmptySubsequences: false)
            #expect(parts.count == 2)
            for part in parts { #expect(!part.contains { "<>\"'".contains($0) }, "\(hostile.debugDescription)") }
        }
    }
}
