import Inventory
import Testing
import Timestamps

private func package(_ name: String, _ version: String, source: String? = nil) -> SoftwarePackage {
    SoftwarePackage(
        scheme: "deb", distribution: "debian-12", name: name, architecture: "amd64", version: version, source: source)
}

@Suite struct LineDocumentTests {
    @Test func equalSetsHaveEqualBytesWhateverTheirOrder() throws {
        let one = SoftwareSet([package("b", "1"), package("a", "2", source: "src"), package("a", "2", source: "src")])
        let two = SoftwareSet([package("a", "2", source: "src"), package("b", "1")])
        #expect(one.digest == two.digest)
        #expect(one.packages.map(\.name) == ["a", "b"])
        #expect(try SoftwareSet(parsing: one.document.bytes) == one)
    }

    @Test(arguments: [
        "", "fettle software-set 1", "fettle software-set 2\n", "fettle software-set 1\nx\n",
        "fettle software-set 1\ndeb\tdebian-12\tb\tamd64\t1\t\t\t\ndeb\tdebian-12\ta\tamd64\t1\t\t\t\n",
        "fettle software-set 1\ndeb\tdebian-12\ta\tamd64\t1\t\t\t\ndeb\tdebian-12\ta\tamd64\t1\t\t\t\n",
        "fettle software-set 1\ndeb\tdebian-12\ta\tamd64\t1\ta\t\t\n",
        "fettle software-set 1\ndeb\tdebian-12\ta\u{1}\tamd64\t1\t\t\t\n",
    ])
    func refuses(text: String) {
        #expect(throws: LineDocumentError.self) { try SoftwareSet(parsing: Array(text.utf8)) }
    }

    /// The reading of eight and sixteen bytes at a time against the plain rules.
    @Test func takesExactlyWhatTheRulesAllow() {
        let header = "h"
        let alphabet: [UInt8] = Array("aaab\t\n\n".utf8) + [0x7F, 0x1F, 0xC3, 0xA4]
        var taken = 0
        for round in 0..<20_000 {
            // Most are of few kinds of bytes, so that some are taken.
            let kinds = round % 3 == 0 ? alphabet.count : 7
            var lines = (0..<Int.random(in: 0...4)).map { _ in
                (0..<Int.random(in: 0...20)).map { _ in alphabet[Int.random(in: 0..<kinds)] }
            }
            if Bool.random() { lines.sort { $0.lexicographicallyPrecedes($1) } }
            let bytes = Array(header.utf8) + [0x0A] + lines.flatMap { $0 + [0x0A] }
            let parts = bytes.dropLast().split(separator: 0x0A, omittingEmptySubsequences: false).dropFirst().map(
                Array.init)
            let allowed =
                parts.allSatisfy { !$0.isEmpty && $0.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 } }
                && zip(parts, parts.dropFirst()).allSatisfy { $0.lexicographicallyPrecedes($1) }
                && String(validating: bytes, as: UTF8.self) != nil
            let document = try? LineDocument(parsing: bytes, header: header)
            #expect((document != nil) == allowed, "\(bytes)")
            if let document {
                taken += 1
                #expect(document.lineRanges.map { Array(bytes[$0]) } == parts)
                #expect(document.lines == parts.map { String(decoding: $0, as: UTF8.self) })
            }
        }
        #expect(taken > 1000)
    }

    @Test func limitsHold() {
        let set = SoftwareSet((0..<50).map { package("p\($0)", "1") })
        let few = LineDocument.Limits(bytes: 1 << 20, lines: 49, lineBytes: 100)
        #expect(throws: LineDocumentError.self) { try SoftwareSet(parsing: set.document.bytes, limits: few) }
    }

    @Test func aDeltaLeadsFromOneSetToTheNext() throws {
        let old = SoftwareSet((0..<100).map { package("p\($0)", "1") }).document
        let new = SoftwareSet((5..<101).map { package("p\($0)", $0 == 50 ? "2" : "1") }).document
        let delta = try LineDelta(parsing: LineDelta(from: old, to: new).bytes)
        #expect(try delta.applied(to: old) == new)
        #expect(delta.bytes.count < new.bytes.count / 4)
        #expect(throws: LineDocumentError.self) { try delta.applied(to: new) }
    }
}

@Suite struct OfferSetTests {
    @Test func surviveTheWayThroughBytes() throws {
        func index(_ codename: String, security: Bool) -> RepositoryIndex {
            RepositoryIndex(
                origin: PackageOrigin(
                    origin: "Debian", label: security ? "Debian-Security" : "Debian", suite: "stable",
                    codename: codename, component: "main", site: "deb.debian.org", security: security),
                released: Timestamp(seconds: 1_795_248_000), validUntil: nil)
        }
        let statuses: [OfferStatus] = [
            .upgradable, .held, .keptBack("needs a new package: x"), .phased(percent: 10), .pinned("Pin: 1001"),
            .unknown("apt-get is not\there"),
        ]
        let offers = statuses.enumerated().map { number, status in
            Offer(
                name: "p\(number)", architecture: "amd64", installed: "1", candidate: "2", origins: [1, 0],
                security: number == 0, status: status)
        }
        let set = OfferSet(
            indexes: [index("bookworm-security", security: true), index("bookworm", security: false)], offers: offers,
            installedFrom: ["p0:amd64": [1], "p1:amd64": []])
        let read = try OfferSet(parsing: set.document.bytes)
        #expect(read.indexes == set.indexes)
        #expect(read.installedFrom == set.installedFrom)
        #expect(read.offers.map(\.name) == offers.map(\.name))
        #expect(read.offers[5].status == .unknown("apt-get is not here"))
        let swapped = OfferSet(
            indexes: [index("bookworm", security: false), index("bookworm-security", security: true)], offers: offers,
            installedFrom: ["p0:amd64": [0], "p1:amd64": []])
        #expect(swapped.digest == set.digest)
    }

    @Test func refusesAnIndexThatIsNotThere() {
        let text = "fettle offer-set 1\nfrom\tp:amd64\t0\n"
        #expect(throws: LineDocumentError.self) { try OfferSet(parsing: Array(text.utf8)) }
    }
}
