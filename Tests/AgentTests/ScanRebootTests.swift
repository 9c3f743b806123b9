import Agent
import Glibc
import Inventory
import Testing

/// The verdict that users of other tools have stopped to trust: every way to *required*, *not required* and *unknown*.
@Suite struct ScanRebootTests {
    private let debian = "#1 SMP PREEMPT_DYNAMIC Debian 6.1.170-1 (2026-08-01)"

    private func verdict(
        _ fixture: ScanFixture, _ set: SoftwareSet, container: Fact<String> = .known("none")
    ) -> Fact<RebootVerdict> {
        let tree = fixture.tree
        return tree.reboot(
            kernel: tree.kernel(set: set, container: container), container: container, survey: tree.processSurvey())
    }

    @Test func theNewestKernelOfTheFlavourIsProof() throws {
        let fixture = try ScanFixture().kernel("6.1.0-50-amd64", banner: debian).systemd()
        let set = try fixture.kernels([
            ("linux-image-6.1.0-9-amd64", "6.1.27-1"), ("linux-image-6.1.0-50-amd64", "6.1.170-1"),
            ("linux-image-6.12.0-1-rt-amd64", "6.12.1-1"), ("linux-image-amd64", "6.12.1-1"),
        ])
        let found = try #require(verdict(fixture, set).value)
        #expect(!found.required)
        #expect(found.proof.contains { $0.contains("6.1.0-50-amd64") && $0.contains("6.1.170-1") })
        #expect(found.proof.count == 4)
        let kernel = try #require(fixture.tree.kernel(set: set, container: .known("none")).value)
        #expect(kernel.flavour == "amd64")
        #expect(kernel.installed.map(\.release) == ["6.1.0-9-amd64", "6.1.0-50-amd64"])
    }

    @Test func aNewerKernelOfTheSameFlavourAsksForIt() throws {
        let fixture = try ScanFixture().kernel("6.1.0-9-amd64").systemd()
        let set = try fixture.kernels([
            ("linux-image-6.1.0-9-amd64", "6.1.27-1"), ("linux-image-6.1.0-50-amd64", "6.1.170-1"),
        ])
        let found = try #require(verdict(fixture, set).value)
        #expect(found.reasons.map(\.kind) == [.kernel])
        #expect(found.reasons[0].evidence.contains("linux-image-6.1.0-50-amd64 6.1.170-1"))
    }

    @Test func aKernelRebuiltUnderTheSameReleaseAsksForIt() throws {
        let fixture = try ScanFixture().kernel("6.1.0-50-amd64", banner: debian).systemd()
        let set = try fixture.kernels([("linux-image-6.1.0-50-amd64", "6.1.176-1")])
        #expect(try #require(verdict(fixture, set).value).reasons.map(\.kind) == [.kernel])
    }

    @Test func ubuntusSignatureTellsTheRunningVersion() throws {
        let fixture = try ScanFixture().kernel("5.15.0-91-generic").systemd()
        try fixture.write("proc/version_signature", "Ubuntu 5.15.0-91.101-generic 5.15.131\n")
        let set = try fixture.kernels([("linux-image-5.15.0-91-generic", "5.15.0-91.102")])
        #expect(fixture.tree.kernel(set: set, container: .known("none")).value?.runningVersion == "5.15.0-91.101")
        #expect(try #require(verdict(fixture, set).value).required)
    }

    @Test func aPackageWithoutAnImageOnTheDiskCannotBeBooted() throws {
        let fixture = try ScanFixture().kernel("6.1.0-9-amd64").systemd()
        _ = try fixture.kernels([("linux-image-6.1.0-9-amd64", "6.1.27-1")])
        let set = try fixture.kernels(
            [("linux-image-6.1.0-9-amd64", "6.1.27-1"), ("linux-image-6.1.0-50-amd64", "6.1.170-1")], images: false)
        #expect(try !#require(verdict(fixture, set).value).required)
    }

    @Test func withoutAKernelOfTheFlavourNothingIsProven() throws {
        let fixture = try ScanFixture().kernel("6.18.44-fc-v657").systemd()
        let set = try fixture.kernels([("linux-image-6.1.0-50-amd64", "6.1.170-1")])
        #expect(try #require(verdict(fixture, set).why).contains("6.18.44-fc-v657"))
        // An older one than that which runs is no way to judge either.
        let removed = try ScanFixture().kernel("6.1.0-50-amd64").systemd()
        let older = try removed.kernels([("linux-image-6.1.0-9-amd64", "6.1.27-1")])
        #expect(try #require(verdict(removed, older).why).contains("is not installed"))
    }

    @Test func aContainersKernelIsNotJudgedAndThatIsSaid() throws {
        let fixture = try ScanFixture().kernel("6.1.0-9-amd64").systemd()
        let set = try fixture.kernels([("linux-image-6.1.0-50-amd64", "6.1.170-1")])
        let found = try #require(verdict(fixture, set, container: .known("systemd-nspawn")).value)
        #expect(!found.required)
        #expect(found.proof[0].contains("machine outside"))
        #expect(fixture.tree.kernel(set: set, container: .known("docker")).why?.contains("docker") == true)
    }

    @Test func packagesAskForIt() throws {
        let fixture = try ScanFixture().kernel("6.1.0-50-amd64", banner: debian).systemd()
        try fixture.write("run/reboot-required", "*** System restart required ***\n")
        try fixture.write("run/reboot-required.pkgs", "linux-base\ndbus\nlinux-base\n")
        let set = try fixture.kernels([("linux-image-6.1.0-50-amd64", "6.1.170-1")])
        let found = try #require(verdict(fixture, set).value)
        #expect(found.reasons.map(\.kind) == [.requested])
        #expect(found.reasons[0].evidence.hasSuffix("asked for by dbus, linux-base"))
    }

    @Test func processOneAndTheMessageBusAskForIt() throws {
        let fixture = try ScanFixture().kernel("6.1.0-50-amd64", banner: debian)
        try fixture.systemd(stale: ["/usr/lib/libc.so.6 (deleted)"])
        try fixture.process(
            7, "/usr/bin/dbus-daemon (deleted)", group: "0::/system.slice/dbus.service\n",
            maps: ["/usr/bin/dbus-daemon"])
        let set = try fixture.kernels([("linux-image-6.1.0-50-amd64", "6.1.170-1")])
        let found = try #require(verdict(fixture, set).value)
        #expect(found.reasons.map(\.kind) == [.messageBus, .serviceManager])
        #expect(found.reasons[1].evidence.contains("/usr/lib/libc.so.6"))
    }

    @Test func aProcessOneThatCannotBeReadProvesNothing() throws {
        let fixture = try ScanFixture().kernel("6.1.0-50-amd64", banner: debian)
        let set = try fixture.kernels([("linux-image-6.1.0-50-amd64", "6.1.170-1")])
        #expect(try #require(verdict(fixture, set).why).contains("process 1"))
        // One good reason suffices all the same.
        try fixture.write("run/reboot-required", "")
        #expect(try #require(verdict(fixture, set).value).required)
    }

    @Test func microcodeInstalledSinceTheStartIsAGap() throws {
        let fixture = try ScanFixture().kernel("6.1.0-50-amd64", banner: debian).systemd()
        let kernels = try fixture.kernels([("linux-image-6.1.0-50-amd64", "6.1.170-1")])
        let set = SoftwareSet(
            kernels.packages + [
                SoftwarePackage(
                    scheme: "deb", distribution: "debian-12", name: "intel-microcode", architecture: "amd64",
                    version: "3.20260812.1~deb12u1")
            ])
        let tree = fixture.tree
        func verdict(_ virtualisation: String) -> Fact<RebootVerdict> {
            tree.reboot(
                kernel: tree.kernel(set: set, container: .known("none")), container: .known("none"),
                survey: tree.processSurvey(), set: set, virtualisation: .known(virtualisation))
        }
        #expect(try #require(verdict("none").why).contains("when the host started"))
        let now = Int64(time(nil))
        try fixture.write("proc/stat", "btime \(now - 1000)\n")
        #expect(try #require(verdict("none").why).contains("dpkg does not tell"))
        try fixture.write("var/lib/dpkg/info/intel-microcode.list", "/.\n")
        #expect(try #require(verdict("none").why).contains("intel-microcode 3.20260812.1~deb12u1 was installed since"))
        // A guest's processor is not its own.
        #expect(try !#require(verdict("kvm").value).required)
        try fixture.write("proc/stat", "btime \(now + 1000)\n")
        let found = try #require(verdict("none").value)
        #expect(!found.required)
        #expect(found.proof.contains { $0.hasPrefix("intel-microcode") })
    }

    /// One of the unread processes may be the message bus.
    @Test func processesThatCannotBeReadProveNothingOfTheMessageBus() throws {
        let fixture = try ScanFixture().kernel("6.1.0-50-amd64", banner: debian).systemd()
        let set = try fixture.kernels([("linux-image-6.1.0-50-amd64", "6.1.170-1")])
        #expect(try !#require(verdict(fixture, set).value).required)
        // A folder in place of a file cannot be read, whoever tries.
        try fixture.write("proc/11/maps/x", "")
        let why = try #require(verdict(fixture, set).why)
        #expect(why.contains("message bus") && why.contains("1 process could not be read"))
        // A bus that is seen to need it asks for it all the same.
        try fixture.process(
            7, "/usr/bin/dbus-daemon (deleted)", group: "0::/system.slice/dbus.service\n",
            maps: ["/usr/bin/dbus-daemon"])
        #expect(try #require(verdict(fixture, set).value).reasons.map(\.kind) == [.messageBus])
    }

    @Test(arguments: [
        ("6.1.0-50-amd64", "amd64"), ("6.1.0-50-cloud-amd64", "cloud-amd64"), ("6.12.57+deb13-amd64", "amd64"),
        ("6.1.0-0.deb11.7-amd64", "amd64"), ("5.15.0-91-generic", "generic"), ("6.8.12-4-pve", "pve"),
        ("6.18.44-fc-v657", "fc-v657"), ("6.6.1", ""), ("6.1.0-50-rt-amd64", "rt-amd64"),
    ])
    func tellsTheFlavour(release: String, flavour: String) {
        #expect(KernelRelease.flavour(of: release) == flavour)
    }

    @Test func comparesRunsOfDigitsAsNumbers() {
        let ascending = ["6.1.0-9-amd64", "6.1.0-10-amd64", "6.1.0-010-b", "6.9.0", "6.10.0", "10.0"]
        for (left, right) in zip(ascending, ascending.dropFirst()) {
            #expect(KernelRelease.compare(left, right) < 0, "\(left) \(right)")
            #expect(KernelRelease.compare(right, left) > 0)
        }
        #expect(KernelRelease.compare("6.1", "6.01") == 0)
        #expect(KernelRelease.release(ofPackage: "linux-image-6.1.0-50-amd64-unsigned") == "6.1.0-50-amd64")
        for name in ["linux-image-amd64", "linux-image-6.1.0-50-amd64-dbg", "linux-headers-6.1.0-50-amd64", "bash"] {
            #expect(KernelRelease.release(ofPackage: name) == nil, "\(name)")
        }
    }
}
