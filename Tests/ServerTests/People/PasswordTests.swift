import Store
import Testing

@testable import Server

extension ServerTests {
    @Suite struct PasswordTests {
        /// RFC 7914, section 12; the last vector takes a gibibyte and is left out.
        @Test(arguments: [
            (
                "", "", 4, 1, 1,
                "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906"
            ),
            (
                "password", "NaCl", 10, 8, 16,
                "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"
            ),
            (
                "pleaseletmein", "SodiumChloride", 14, 8, 1,
                "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"
            ),
        ])
        func vectors(
            password: String, salt: String, logarithm: Int, blockSize: Int, parallelism: Int, expected: String
        ) throws {
            let key = try PasswordHash.derive(
                Array(password.utf8), salt: Array(salt.utf8),
                cost: PasswordCost(logarithm: logarithm, blockSize: blockSize, parallelism: parallelism), count: 64)
            #expect(key.map(hexadecimal).joined() == expected)
        }

        @Test func aHashIsReadAgainAndSaltsDiffer() throws {
            let cost = PasswordCost(logarithm: 4, blockSize: 8, parallelism: 1)
            let hash = try PasswordHash("correct horse", cost: cost)
            let again = try #require(PasswordHash(hash.text))
            #expect(again == hash)
            #expect(try again.verify("correct horse"))
            #expect(try !again.verify("correct horse "))
            #expect(try !again.verify("Correct horse"))
            #expect(try PasswordHash("correct horse", cost: cost).text != hash.text)
            // Nothing is cut: two that differ at the end differ.
            let long = String(repeating: "x", count: 127)
            #expect(try !PasswordHash(long + "a", cost: cost).verify(long + "b"))
        }

        /// A changed row must not take the machine's memory, nor let anybody in.
        @Test(arguments: [
            "", "x", "$scrypt$ln=40,r=8,p=1$00$00", "$scrypt$ln=17,r=8,p=1$00$", "$scrypt$ln=17,r=800,p=1$00$00",
            "$md5$ln=1,r=1,p=1$00$00", "$scrypt$ln=-1,r=8,p=1$00$00", "$scrypt$ln=4,r=8,p=1$0g$00",
        ]) func damagedHashesLetNobodyIn(text: String) async throws {
            #expect(PasswordHash(text) == nil)
            let hasher = try PasswordHasher(
                cost: PasswordCost(logarithm: 4, blockSize: 8, parallelism: 1), concurrent: 1)
            #expect(try await hasher.verify("anything", text).isRight == false)
        }

        @Test func standardCostIsOWASPs() {
            #expect(PasswordCost.standard == PasswordCost(logarithm: 17, blockSize: 8, parallelism: 1))
        }

        @Test func rules() {
            func fault(_ password: String) -> String? {
                PasswordRules.fault(password, userName: "maria.lopez", displayName: "Maria Lopez")
            }
            for good in [
                "violet tram eats gravel", "xkqjwpzvbnry", "ÄÖÜ straße läuft", "🦊🐢🐙🦉🐝🦋🐞🐌🦑🐠🐬🐳",
                String((0..<128).map { "abcdefghijklmnopqrstuvw*".randomElementByIndex($0) }),
            ] {
                #expect(fault(good) == nil, "\(good)")
            }
            for bad in [
                "short", "elevenchars", "aaaaaaaaaaaaaaa", "abababababababab", "abcdefghijklm", "123456789012",
                "qwertyuiopasdfgh", "passwordpassword", "Password1234", "marialopez12", "maria.lopez2026",
                "fettlefettle1", "1q2w3e4r5t6y", String(repeating: "violet tram ", count: 11), "violet\u{0}tram eats",
            ] {
                #expect(fault(bad) != nil, "\(bad)")
            }
        }

        @Test func aFloodTakesWhatItMayAndNoMore() async throws {
            let hasher = try PasswordHasher(
                cost: PasswordCost(logarithm: 12, blockSize: 8, parallelism: 1), concurrent: 2, maximumWaiting: 4)
            let served = await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<40 {
                    group.addTask {
                        do {
                            _ = try await hasher.hash("violet tram")
                            return true
                        } catch {
                            return !(error is PasswordHasher.Busy)
                        }
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(served >= 6)
            #expect(served < 40, "the rest were told to come again")
            #expect(try await hasher.hash("violet tram").hasPrefix("$scrypt$ln=12"), "and then it is free again")
        }
    }
}

extension String {
    fileprivate func randomElementByIndex(_ index: Int) -> Character {
        self[self.index(startIndex, offsetBy: index * 7 % count)]
    }
}
