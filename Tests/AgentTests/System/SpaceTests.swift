import Glibc
import Testing

@testable import Agent

@Suite struct SpaceTests {
    @Test func levelsAreThoseOfAFillingDisk() {
        #expect(SpaceWatch.level(free: 0, of: 1000) == 0)
        #expect(SpaceWatch.level(free: 10, of: 1000) == 1)
        #expect(SpaceWatch.level(free: 50, of: 1000) == 2)
        #expect(SpaceWatch.level(free: 100, of: 1000) == 3)
        #expect(SpaceWatch.level(free: 0, of: 0) == -1)
    }

    /// On a real file system without room: a tmpfs of four megabytes.
    @Test func theReserveLetsOneMoreRecordThrough() throws {
        let place = TemporaryFolder()
        guard geteuid() == 0, mount("tmpfs", place.path, "tmpfs", 0, "size=4m") == 0 else {
            Issue.record("a file system of its own cannot be mounted: run the tests as root")
            return
        }
        defer { umount2(place.path, Int32(MNT_DETACH)) }
        let folder = try place.folder
        folder.keepReserve()
        #expect(folder.size(of: "reserve") == DurableFolder.reserveBytes)
        try folder.replace("queue", with: [1])
        fill(place.path + "/other")
        #expect(throws: SystemError.self) { try folder.replace("status", with: [2], durable: false) }
        try folder.append([UInt8](repeating: 7, count: 100_000), to: "queue")
        #expect(folder.size(of: "queue") == 100_001)
        #expect(!folder.contains("reserve"))
    }

    /// Who owns the folder could make whoever reads it wait for ever.
    @Test func aPipeInPlaceOfAFileIsRefused() throws {
        let place = TemporaryFolder()
        #expect(mkfifo(place.path + "/identity.json", 0o600) == 0)
        #expect(throws: SystemError.self) { try place.folder.read("identity.json", limit: 1000) }
    }

    private func fill(_ path: String) {
        let fd = open(path, O_WRONLY | O_CREAT, 0o600)
        defer { close(fd) }
        let zeros = [UInt8](repeating: 0, count: 4096)
        while write(fd, zeros, zeros.count) > 0 {}
    }
}
