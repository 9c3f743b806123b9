import Testing
import Timestamps

@testable import Server

extension ServerTests {
    @Suite struct TimeBasedCodeTests {
        /// RFC 6238, appendix B, SHA-1.
        @Test(
            arguments: [
                (59, "94287082"), (1_111_111_109, "07081804"), (1_111_111_111, "14050471"), (1_234_567_890, "89005924"),
                (2_000_000_000, "69279037"), (20_000_000_000, "65353130"),
            ] as [(Int64, String)])
        func vectors(seconds: Int64, expected: String) {
            let code = TimeBasedCode(secret: Array("12345678901234567890".utf8))
            #expect(code.code(step: TimeBasedCode.step(Timestamp(seconds: seconds)), digits: 8) == expected)
        }

        @Test func oneStepOfDriftAndNoMore() {
            let code = TimeBasedCode(secret: Array("12345678901234567890".utf8))
            let now = Timestamp(seconds: 1_800_000_000)
            let step = TimeBasedCode.step(now)
            for offset in -1...1 as ClosedRange<Int64> {
                #expect(code.matchingStep(code.code(step: step + offset), now: now) == step + offset)
            }
            for offset in [-2, 2] as [Int64] {
                #expect(code.matchingStep(code.code(step: step + offset), now: now) == nil)
            }
            for wrong in ["", "000000000", "12345", "abcdef", "１２３４５６"] {
                #expect(code.matchingStep(wrong, now: now) == nil)
            }
            let text = code.code(step: step)
            #expect(code.matchingStep(text.prefix(3) + " " + text.suffix(3), now: now) == step, "as apps show it")
        }

        @Test func base32IsRFC4648s() {
            for (plain, encoded) in [
                ("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foob", "MZXW6YQ"), ("fooba", "MZXW6YTB"),
                ("foobar", "MZXW6YTBOI"),
            ] {
                #expect(base32Encoded(Array(plain.utf8)) == encoded)
            }
        }

        @Test func theAddressNamesTheUserWhateverTheyAreCalled() {
            let code = TimeBasedCode(secret: [1, 2, 3])
            #expect(
                code.address(user: "maria@acme&x", issuer: "Fettle")
                    == "otpauth://totp/Fettle:maria%40acme%26x?secret=AEBAG&issuer=Fettle&algorithm=SHA1&digits=6&period=30"
            )
        }
    }
}
