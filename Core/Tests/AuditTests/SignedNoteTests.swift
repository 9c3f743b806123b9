import Audit
import Digest
import Testing

struct SignedNoteTests {
    // The example of C2SP signed-note.
    private let poem = """
        Ognuno sta solo sul cuor della terra
        trafitto da un raggio di sole:

        ed è subito sera.

        \u{2014} quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=

        """

    @Test func theExampleIsRead() throws {
        let note = try #require(SignedNote(poem))
        #expect(note.text.hasSuffix("\n\ned è subito sera.\n"))
        #expect(note.signatures.count == 1)
        #expect(note.signatures[0].name == "quasimodo.example/salvatore")
        #expect(note.signatures[0].bytes.count == 64)
        #expect(note.description == poem)
    }

    @Test func aCheckpointIsRead() throws {
        let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
        let checkpoint = try #require(AuditCheckpoint(text))
        #expect(checkpoint.origin == "example.com/behind-the-sofa")
        #expect(checkpoint.size == 20_852_163)
        #expect(checkpoint.text == text)
        #expect(AuditCheckpoint(text + "extension\n")?.size == 20_852_163)
        for bad in [
            "", "a\n1\n", "a\n01\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
            "a\n-1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
            "a\n+1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
            "a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n",
            "\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n", "a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=",
            "a\n99999999999999999999\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        ] {
            #expect(AuditCheckpoint(bad) == nil)
        }
    }

    @Test func keysAreWrittenAsGoDoes() throws {
        // golang.org/x/mod/sumdb/note's own example key.
        let text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
        let key = try #require(NoteKey(text))
        #expect(key.name == "PeterNeumann")
        #expect(key.description == text)
        #expect(NoteKey("PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW") == nil)
        #expect(NoteKey("") == nil)
        #expect(NoteKey(name: "a b", publicKey: key.publicKey) == nil)
    }

    @Test func whatIsNoNoteIsRefused() {
        for bad in [
            "", "\n", "text\n", "text\n\n", "\n\u{2014} k AAAAAAA=\n", "text\n\n- k AAAAAAA=\n",
            "text\n\n\u{2014} k AAAA\n", "text\n\n\u{2014} k+ AAAAAAA=\n", "te\u{7}xt\n\n\u{2014} k AAAAAAA=\n",
            "text\r\n\n\u{2014} k AAAAAAA=\n", "text\n\n\u{2014} k AAAAAAA=",
            "text\n\n" + String(repeating: "\u{2014} k AAAAAAA=\n", count: 17), String(repeating: "x", count: 70_000),
        ] {
            #expect(SignedNote(bad) == nil)
        }
        #expect(SignedNote("text\n\n\u{2014} k AAAAAAA=\n") != nil)
    }

    @Test func signaturesOfUnknownKeysAreSkippedAndWrongOnesRefused() throws {
        let key = TestKey("k")
        let note = key.sign("text\n")
        #expect(note.signers([key.key], verify: TestKey.verify) == [key.key])
        #expect(note.signers([TestKey("other").key], verify: TestKey.verify) == [])
        let forged = try #require(SignedNote("tExt\n" + note.description.dropFirst(5)))
        #expect(forged.signers([key.key], verify: TestKey.verify) == nil)
    }
}

/// Stands in for Ed25519, which Core does not have: who knows the public key can sign. The server's tests use the real one.
struct TestKey {
    let key: NoteKey

    init(_ name: String) {
        key = NoteKey(name: name, publicKey: SHA256.hash(Array(name.utf8)).bytes)!
    }

    static let verify: AuditVerifier.Verify = { key, message, signature in
        signature == SHA256.hash(key + message).bytes + key
    }

    func sign(_ text: String) -> SignedNote {
        SignedNote(
            text: text, key: key, signature: SHA256.hash(key.publicKey + Array(text.utf8)).bytes + key.publicKey)
    }
}
