import Feeds
import Foundation
import Testing

@testable import FeedImport

@Suite struct ContainerTests {
    private func documents(
        _ path: String, _ limits: ImportLimits = ImportLimits(), scratch: Scratch
    ) throws -> [String: Int] {
        var found: [String: Int] = [:]
        try Container(limits: limits, scratch: scratch.path).documents(of: path, name: "f") { bytes, place, _ in
            found[place] = bytes.count
        }
        return found
    }

    @Test func `Every compression and archive gives the same documents`() throws {
        let scratch = try Scratch()
        let text = osv("A-1")
        _ = try scratch.write("in/a.json", text)
        _ = try scratch.write("in/b/c.json", osv("A-2"))
        _ = try scratch.write("a.json", text)
        for (program, suffix) in [("gzip", "gz"), ("xz", "xz"), ("bzip2", "bz2"), ("zstd", "zst")] {
            try scratch.run(
                "sh", "-c", "\(program) -c a.json > one.\(suffix) && tar c in | \(program) > many.\(suffix)")
            #expect(
                try documents("\(scratch.path)/one.\(suffix)", scratch: scratch).values.map { $0 } == [text.utf8.count])
            #expect(try documents("\(scratch.path)/many.\(suffix)", scratch: scratch).count == 2, "\(program)")
        }
        try scratch.run("python3", "-m", "zipfile", "-c", "in.zip", "in/")
        #expect(try documents("\(scratch.path)/in.zip", scratch: scratch).count == 2)
        // A zip in a tar in a gzip.
        try scratch.run("sh", "-c", "tar cz in.zip a.json > deep.tgz")
        #expect(
            Set(try documents("\(scratch.path)/deep.tgz", scratch: scratch).keys) == [
                "f/in.zip/in/a.json", "f/in.zip/in/b/c.json", "f/a.json",
            ])
    }

    @Test func `Names in archives are never used as paths`() throws {
        let scratch = try Scratch()
        try scratch.run(
            "python3", "-c",
            "import zipfile; z=zipfile.ZipFile('evil.zip','w'); z.writestr('../../../../tmp/fettle-evil.json','{}'); z.writestr('/etc/fettle-evil','{}'); z.close()"
        )
        #expect(try documents("\(scratch.path)/evil.zip", scratch: scratch).count == 2)
        #expect(!FileManager.default.fileExists(atPath: "/tmp/fettle-evil.json"))
        #expect(!FileManager.default.fileExists(atPath: "/etc/fettle-evil"))
    }

    @Test func `Bombs are refused before they fill anything`() throws {
        let scratch = try Scratch()
        // 200 MB of zeros in 200 kB, in each form.
        try scratch.run(
            "sh", "-c",
            "head -c 200000000 /dev/zero | tr '\\000' ' ' | gzip > bomb.gz; head -c 200000000 /dev/zero | tr '\\000' ' ' | xz -0 > bomb.xz; head -c 200000000 /dev/zero | tr '\\000' ' ' | zstd -q > bomb.zst"
        )
        try scratch.run(
            "python3", "-c",
            "import zipfile; z=zipfile.ZipFile('bomb.zip','w',zipfile.ZIP_DEFLATED); [z.writestr(str(i), b' '*10000000) for i in range(20)]; z.close()"
        )
        for name in ["bomb.gz", "bomb.xz", "bomb.zst", "bomb.zip"] {
            let reason = words { _ = try documents("\(scratch.path)/\(name)", scratch: scratch) }
            #expect(reason.contains("bomb"), "\(name): \(reason)")
        }
        try scratch.run("sh", "-c", "echo '{}' > x; for i in 1 2 3 4 5; do tar cf y x && mv y x; done; mv x nested.tar")
        #expect(words { _ = try documents("\(scratch.path)/nested.tar", scratch: scratch) }.contains("deep"))
        var limits = ImportLimits()
        limits.maximumEntries = 5
        #expect(words { _ = try documents("\(scratch.path)/bomb.zip", limits, scratch: scratch) }.contains("entries"))
        limits = ImportLimits()
        limits.maximumDocument = 1_000_000
        #expect(words { _ = try documents("\(scratch.path)/bomb.gz", limits, scratch: scratch) }.contains("larger"))
    }

    @Test func `What is cut short or damaged is refused`() throws {
        let scratch = try Scratch()
        var random = SystemRandomNumberGenerator()
        let noise = (0..<60_000).map { _ in UInt8.random(in: 32...126, using: &random) }
        _ = try scratch.write("in/a.json", noise)
        try scratch.run("python3", "-m", "zipfile", "-c", "a.zip", "in/")
        try scratch.run(
            "sh", "-c",
            "for p in gzip:gz xz:xz bzip2:bz2 zstd:zst; do ${p%:*} -c in/a.json > a.${p#*:}; tar c in | ${p%:*} > t.${p#*:}; done; tar cf a.tar in"
        )
        for name in ["a.zip", "a.gz", "a.xz", "a.bz2", "a.zst", "t.gz", "t.xz", "t.bz2", "t.zst", "a.tar"] {
            let whole = try bytes("\(scratch.path)/\(name)")
            #expect(words { _ = try documents("\(scratch.path)/\(name)", scratch: scratch) } == "", "\(name)")
            let cut = try scratch.write("cut-\(name)", Array(whole.prefix(whole.count / 2)))
            #expect(words { _ = try documents(cut, scratch: scratch) }.contains("not whole"), "\(name)")
            guard name != "a.tar" else { continue }
            var damaged = whole
            for index in 0..<64 { damaged[whole.count / 3 + index] ^= 0xA5 }
            let bad = try scratch.write("bad-\(name)", damaged)
            #expect(words { _ = try documents(bad, scratch: scratch) }.contains("not whole"), "\(name)")
        }
        #expect(words { _ = try documents(try scratch.write("empty", ""), scratch: scratch) }.contains("empty"))
    }

    @Test func `Large documents leave memory for a file without a name`() throws {
        let scratch = try Scratch()
        var limits = ImportLimits()
        limits.maximumInMemory = 1_000
        _ = try scratch.write("a", (0..<500_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        try scratch.run("sh", "-c", "gzip -c a > a.gz")
        var same = false
        let expected = try bytes("\(scratch.path)/a")
        try Container(limits: limits, scratch: scratch.path).documents(of: "\(scratch.path)/a.gz", name: "f") {
            bytes, _, isAlone in
            same = bytes.elementsEqual(expected) && isAlone
        }
        #expect(same)
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path).sorted() == ["a", "a.gz"])
    }
}
