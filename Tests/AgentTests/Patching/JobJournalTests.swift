import Digest
import Foundation
import JSON
import Rollout
import Testing
import Timestamps

@testable import Agent

@Suite struct JobJournalTests {
    private static let job = String(repeating: "a", count: 32)

    private func filled(_ folder: DurableFolder, _ count: Int) throws -> JobJournal {
        var journal = try JobJournal(folder, job: Self.job)
        for number in 0..<count {
            try journal.append(
                journal.next(
                    .init(.preflight, number.isMultiple(of: 2) ? .intent : .result, text: "entry \(number) \u{fc}\n"),
                    time: Timestamp(seconds: 1_700_000_000), bootID: "boot"))
        }
        return journal
    }

    @Test("A journal cut at any byte keeps every whole record and nothing else")
    func tornAnywhere() throws {
        let temporary = TemporaryFolder()
        let folder = try temporary.folder
        let journal = try filled(folder, 4)
        let bytes = try #require(try folder.read(JobJournal.file, limit: 1 << 20))
        for cut in stride(from: 0, to: bytes.count, by: 7) {
            try folder.replace(JobJournal.file, with: Array(bytes.prefix(cut)))
            let read = try JobJournal(folder, job: Self.job)
            #expect(read.damage == nil)
            #expect(read.entries == Array(journal.entries.prefix(read.entries.count)))
            #expect(read.entries.count == bytes.prefix(cut).count { $0 == 0x0A })
            #expect(folder.size(of: JobJournal.file) == read.bytes)
        }
        withExtendedLifetime(temporary) {}
    }

    @Test("A changed byte anywhere is damage, and is never skipped")
    func damagedAnywhere() throws {
        let temporary = TemporaryFolder()
        let folder = try temporary.folder
        _ = try filled(folder, 4)
        let bytes = try #require(try folder.read(JobJournal.file, limit: 1 << 20))
        let lastLine = try #require(bytes.dropLast().lastIndex(of: 0x0A))
        let ends = bytes.indices.filter { bytes[$0] == 0x0A }
        for index in Set(stride(from: 0, to: bytes.count, by: 11)).union(ends).union(ends.map { $0 + 17 }).union([16])
        where index < bytes.count {
            var changed = bytes
            changed[index] ^= 1
            let read = JobJournal.parse(changed, job: Self.job)
            if index == bytes.count - 1 {
                // Without its line feed the last record is one that was being written.
                #expect(read.damage == nil && read.entries.count == 3)
            } else {
                #expect(read.damage != nil, "byte \(index)")
                #expect(read.entries.count <= (index > lastLine ? 3 : 2))
            }
        }
        withExtendedLifetime(temporary) {}
    }

    @Test("Blocks that did not arrive before the power went are a torn end only at the end")
    func zeros() throws {
        let temporary = TemporaryFolder()
        let folder = try temporary.folder
        _ = try filled(folder, 3)
        var bytes = try #require(try folder.read(JobJournal.file, limit: 1 << 20))
        let starts = [0] + bytes.indices.filter { bytes[$0] == 0x0A }.map { $0 + 1 }
        for index in starts[2] + 4..<starts[2] + 30 { bytes[index] = 0 }
        #expect(JobJournal.parse(bytes, job: Self.job).damage == nil)
        for index in starts[1] + 4..<starts[1] + 30 { bytes[index] = 0 }
        #expect(JobJournal.parse(bytes, job: Self.job).damage != nil)
        withExtendedLifetime(temporary) {}
    }

    @Test("A record of another job, out of order or of another chain is damage")
    func otherRecords() throws {
        let temporary = TemporaryFolder()
        let folder = try temporary.folder
        let journal = try filled(folder, 3)
        let lines = journal.entries.map(JobJournal.line)
        #expect(JobJournal.parse(lines[0] + lines[2], job: Self.job).damage != nil)
        #expect(JobJournal.parse(lines[0] + lines[1] + lines[1], job: Self.job).damage != nil)
        #expect(JobJournal.parse(lines[0], job: String(repeating: "b", count: 32)).damage != nil)
        var forked = journal.entries[1]
        forked.text = "another"
        #expect(JobJournal.parse(lines[0] + JobJournal.line(forked) + lines[2], job: Self.job).damage != nil)
        withExtendedLifetime(temporary) {}
    }

    @Test("A record that does not continue the journal is not written")
    func wrongRecord() throws {
        let temporary = TemporaryFolder()
        let folder = try temporary.folder
        var journal = try filled(folder, 2)
        let before = folder.size(of: JobJournal.file)
        let first = journal.entries[0]
        #expect(throws: SystemError.self) { try journal.append(first) }
        #expect(folder.size(of: JobJournal.file) == before && journal.entries.count == 2)
        withExtendedLifetime(temporary) {}
    }
}
