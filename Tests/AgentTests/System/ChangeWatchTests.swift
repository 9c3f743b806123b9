import Foundation
import Glibc
import Testing

@testable import Agent

/// inotify(7) on real files.
@Suite struct ChangeWatchTests {
    private func host() throws -> ScanFixture {
        try ScanFixture().write("var/lib/dpkg/status", "1\n").write("var/lib/apt/extended_states", "")
            .write("var/lib/apt/lists/a_Packages", "x").write("var/lib/apt/lists/partial/.keep", "")
            .write("etc/apt/preferences.d/.keep", "").write("etc/apt/sources.list.d/.keep", "")
            .write("run/.keep", "")
    }

    /// Whether something relevant came within a second.
    private func told(_ watch: ChangeWatch) -> Bool {
        var descriptor = pollfd(fd: watch.descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&descriptor, 1, 1000) > 0 && watch.drain()
    }

    /// As dpkg, apt and people put a file anew: beside it, then in its place.
    private func replace(_ fixture: ScanFixture, _ path: String, _ text: String) throws {
        try fixture.write(path + ".new", text)
        let path = root(fixture) + "/" + path
        #expect(rename(path + ".new", path) == 0)
    }

    private func root(_ fixture: ScanFixture) -> String { fixture.tree.root }

    @Test(arguments: [
        "var/lib/dpkg/status", "var/lib/apt/extended_states", "var/lib/apt/lists/b_Packages", "etc/apt/preferences",
        "etc/apt/preferences.d/pin", "etc/apt/sources.list", "etc/apt/sources.list.d/x.sources", "run/reboot-required",
    ])
    func whatAScanReadsIsNoticed(path: String) throws {
        let fixture = try host()
        let watch = ChangeWatch(root: root(fixture))
        #expect(watch.isWatching)
        let before = watch.fingerprint()
        #expect(!watch.drain())
        try replace(fixture, path, "changed")
        #expect(told(watch))
        let after = watch.fingerprint()
        #expect(after != before)
        #expect(watch.fingerprint() == after)
        // Its removal is a change too.
        #expect(unlink(root(fixture) + "/" + path) == 0)
        #expect(told(watch))
        #expect(watch.fingerprint() != after)
    }

    @Test func otherTrafficInTheSameFoldersIsNotAChange() throws {
        let fixture = try host()
        let watch = ChangeWatch(root: root(fixture))
        let before = watch.fingerprint()
        for path in ["var/lib/dpkg/lock", "var/lib/dpkg/info/x.list", "run/utmp", "etc/apt/apt.conf"] {
            try fixture.write(path, "x")
        }
        #expect(!told(watch))
        // apt touches its lock at every run: a hint, that the fingerprint shows to be none.
        try fixture.write("var/lib/apt/lists/lock", "")
        _ = told(watch)
        #expect(watch.fingerprint() == before)
        // The same bytes in another file: whoever replaced it may have changed anything.
        try replace(fixture, "var/lib/dpkg/status", "1\n")
        #expect(watch.fingerprint() != before)
    }

    @Test func aHostWithoutTheseFoldersIsLookedAtNowAndThen() throws {
        let watch = ChangeWatch(root: "/nonexistent")
        #expect(!watch.isWatching)
        #expect(watch.fingerprint().allSatisfy { $0.hasSuffix("absent") })
    }
}
