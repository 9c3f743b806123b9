import Agent
import Foundation
import Inventory
import Testing
import Timestamps
import Wire

@Suite struct ScanHostTests {
    @Test func readsOsReleaseAsTheManualSays() throws {
        let fixture = try ScanFixture()
        try fixture.write(
            "usr/lib/os-release",
            "# comment\nID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME='bookworm'\nPRETTY_NAME=\"A \\\"B\\\" \\$x\"\n")
        try fixture.link("etc/os-release", to: "/nowhere/os-release")
        let found = try #require(fixture.tree.operatingSystem().value)
        #expect(found == OperatingSystem(id: "debian", versionID: "12", codename: "bookworm", name: "A \"B\" $x"))
        #expect(found.distribution == "debian-12")
        #expect(try #require(ScanFixture().tree.operatingSystem().why).hasSuffix("No such file or directory"))
    }

    @Test func everythingUnreadableIsUnknownWithThePlaceAndTheSystemsWords() throws {
        let fixture = try ScanFixture()
        let facts = fixture.tree.facts(set: SoftwareSet([]), agentVersion: "test")
        let unknowns = Dictionary(uniqueKeysWithValues: facts.unknowns.map { ($0.name, $0.why) })
        for name in ["operatingSystem", "hostname", "kernel", "bootID", "disks", "memory", "processors", "hardware"] {
            let why = try #require(unknowns[name], "\(name)")
            #expect(why.contains(fixture.folder.path()) && why.contains("No such file or directory"), "\(name): \(why)")
        }
        #expect(unknowns["restarts"] != nil && unknowns["reboot"] != nil)
        #expect(unknowns["clock"] != nil && unknowns["addresses"] != nil)
    }

    @Test func aFileThatIsTooLargeOrAFifoDoesNotStopTheScan() throws {
        let fixture = try ScanFixture()
        try fixture.write("proc/sys/kernel/hostname", String(repeating: "x", count: 10_000))
        #expect(try #require(fixture.tree.hostname().why).contains("File too large"))
        try fixture.write("etc/x", "")
        #expect(mkfifo(fixture.folder.appending(path: "etc/os-release").path(), 0o600) == 0)
        #expect(fixture.tree.operatingSystem().value == nil)
    }

    @Test func choosesTheDisksThatHoldFiles() {
        let mounts = Mount.parse(
            """
            22 27 0:21 / /proc rw - proc proc rw
            27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
            28 27 254:0 /srv /var/lib/x rw - ext4 /dev/vda rw
            29 27 254:1 / /boot rw - ext4 /dev/vda1 rw
            30 29 254:2 / /boot/efi rw - vfat /dev/vda2 rw
            31 27 7:0 / /snap/core/1 ro - squashfs /dev/loop0 ro
            32 27 0:40 / /mnt/share rw - nfs4 server:/x rw
            33 27 254:3 / /srv/with\\040blank rw - xfs /dev/vdb rw
            34 27 254:4 / /hidden rw - xfs /dev/vdc rw
            35 27 0:50 / /hidden rw - tmpfs tmpfs rw
            36 27 254:9 / /run/host/incoming ro - ext4 /dev/vdd rw
            broken line
            """)
        let chosen = Mount.holdingFiles(mounts)
        #expect(chosen.map(\.point) == ["/", "/boot", "/boot/efi", "/srv/with blank"])
        // Read-only is what the mount says, or its file system: after an error ext4 says so itself. Names that only begin
        // with it are other options.
        let options = Mount.parse(
            """
            1 0 8:1 / / rw,relatime - ext4 /dev/sda1 rw,errors=remount-ro
            2 1 8:2 / /a ro,relatime - ext4 /dev/sda2 rw
            3 1 8:3 / /b rw,relatime shared:3 master:1 - ext4 /dev/sda3 ro,errors=remount-ro
            4 1 8:4 / /c rw,rootcontext=x - ext4 /dev/sda4 rw,rogue
            5 1 8:5 / /d ro - ext4 /dev/sda5
            """)
        #expect(options.map(\.isReadOnly) == [false, true, true, false, true])
        #expect(Mount.holdingFiles([Mount.parse("27 1 0:9 / / rw - overlay overlay rw\n")[0]]).count == 1)
    }

    @Test func measuresARealDiskInSteps() throws {
        let disks = try #require(HostTree.machine.disks().value)
        let root = try #require(disks.first { $0.mountPoint == "/" })
        #expect(root.totalBytes > 0 && root.freeBytes <= root.totalBytes)
        #expect(disks.contains { $0.boot })
        var status = statvfs()
        #expect(statvfs("/", &status) == 0)
        let free = Int64(status.f_bavail) * Int64(status.f_frsize)
        #expect(abs(free - root.freeBytes) <= max(root.totalBytes / 20, free / 2) + (1 << 20))
    }

    @Test func readsMemoryAndProcessors() throws {
        let fixture = try ScanFixture()
        try fixture.write("proc/meminfo", "MemTotal:        8000000 kB\nMemFree: 1 kB\nMemAvailable:    5100000 kB\n")
        try fixture.write(
            "proc/cpuinfo", "processor\t: 0\nmodel name\t: A CPU @ 2GHz\n\nprocessor\t: 1\nmodel name\t: A CPU @ 2GHz\n"
        )
        let memory = try #require(fixture.tree.memory().value)
        #expect(memory == MemoryFacts(totalBytes: 8_192_000_000, availableBytes: 5_120_000_000))
        // A little less stays in the step that was reported.
        try fixture.write("proc/meminfo", "MemTotal:        8000000 kB\nMemAvailable:    4900000 kB\n")
        #expect(fixture.tree.memory(previous: memory).value == memory)
        #expect(fixture.tree.memory().value?.availableBytes == 4_096_000_000)
        #expect(fixture.tree.processors() == .known(ProcessorFacts(count: 2, model: "A CPU @ 2GHz")))
    }

    @Test func readsTheTimeZone() throws {
        let linked = try ScanFixture().link("etc/localtime", to: "/usr/share/zoneinfo/Europe/Berlin")
        #expect(linked.tree.timeZone() == .known("Europe/Berlin"))
        let relative = try ScanFixture().link("etc/localtime", to: "../usr/share/zoneinfo/posix/Asia/Tokyo")
        #expect(relative.tree.timeZone() == .known("Asia/Tokyo"))
        let copied = try ScanFixture().write("etc/localtime", "TZif").write("etc/timezone", "Etc/UTC\n")
        #expect(copied.tree.timeZone() == .known("Etc/UTC"))
        let empty = try ScanFixture()
        #expect(empty.tree.timeZone() == .known("UTC"))
        try empty.write("etc/localtime", "TZif")
        #expect(empty.tree.timeZone().value == nil)
    }

    @Test(arguments: [
        ("class/dmi/id/sys_vendor", "QEMU", "qemu"), ("class/dmi/id/sys_vendor", "VMware, Inc.", "vmware"),
        ("class/dmi/id/product_name", "VirtualBox", "oracle"), ("class/dmi/id/sys_vendor", "Amazon EC2", "amazon"),
        ("class/dmi/id/bios_vendor", "Xen", "xen"), ("hypervisor/type", "xen\n", "xen"),
        ("devices/system/clocksource/clocksource0/available_clocksource", "tsc kvm-clock", "kvm"),
        ("devices/system/clocksource/clocksource0/available_clocksource", "tsc hpet", "none"),
    ])
    func tellsTheHypervisor(file: String, text: String, name: String) throws {
        let fixture = try ScanFixture().write("proc/cpuinfo", "processor : 0\nflags : fpu sse\n")
        try fixture.write("sys/" + file, text)
        #expect(fixture.tree.virtualisation() == .known(name))
    }

    @Test func aHypervisorWithoutANameIsStillOne() throws {
        let fixture = try ScanFixture().write("proc/cpuinfo", "processor : 0\nflags : fpu hypervisor sse\n")
        #expect(fixture.tree.virtualisation() == .known("vm-other"))
        try fixture.write("sys/class/dmi/id/sys_vendor", "Amazon EC2")
        try fixture.write("sys/class/dmi/id/product_name", "m5.metal")
        try fixture.write("proc/cpuinfo", "processor : 0\nflags : fpu\n")
        #expect(fixture.tree.virtualisation() == .known("none"))
    }

    @Test(arguments: [
        ("run/systemd/container", "systemd-nspawn\n", "systemd-nspawn"),
        ("run/host/container-manager", "podman", "podman"), ("proc/1/environ", "A=b\0container=lxc\0", "lxc"),
        ("proc/1/environ", "container=oci\0", "docker"), (".dockerenv", "", "docker"),
        ("run/.containerenv", "", "podman"), ("proc/1/cgroup", "1:name=systemd:/docker/abc\n", "docker"),
        ("proc/sys/kernel/osrelease", "5.15.90.1-microsoft-standard-WSL2\n", "wsl"),
        ("run/systemd/container", "homemade", "container-other"), ("proc/1/environ", "A=b\0", "none"),
    ])
    func tellsTheContainer(file: String, text: String, name: String) throws {
        let fixture = try ScanFixture().write(file, text)
        #expect(fixture.tree.container() == .known(name))
    }

    @Test func aForeignNamespaceOfProcessesIsAContainer() throws {
        let inside = try ScanFixture().write("proc/1/environ", "").link("proc/self/ns/pid", to: "pid:[4026532512]")
        #expect(inside.tree.container() == .known("container-other"))
        let outside = try ScanFixture().write("proc/1/environ", "").link("proc/self/ns/pid", to: "pid:[4026531836]")
        #expect(outside.tree.container() == .known("none"))
    }

    /// systemd's own detector on this machine is the oracle.
    @Test func agreesWithSystemdsDetectorHere() throws {
        for (option, fact) in [
            ("--container", HostTree.machine.container()), ("--vm", HostTree.machine.virtualisation()),
        ] {
            let fixture = try ScanFixture()
            let output = fixture.folder.appending(path: "output").path()
            let process = try ChildProcess("/usr/bin/systemd-detect-virt", [option], output: output)
            process.wait()
            let text = try String(contentsOfFile: output, encoding: .utf8)
            #expect(fact == .known(text.trimmingCharacters(in: .whitespacesAndNewlines)), "\(option)")
        }
    }

    @Test func readsTheHardwareAndWhatOnlyRootMay() throws {
        let fixture = try ScanFixture()
        try fixture.write("sys/class/dmi/id/sys_vendor", "ACME\n").write("sys/class/dmi/id/product_name", "Anvil 2\n")
        try fixture.write("sys/class/dmi/id/bios_version", "1.2\n").write("sys/class/dmi/id/bios_date", "04/01/2014\n")
        try fixture.write("sys/class/dmi/id/product_uuid", "0000-1\n")
        let found = try #require(fixture.tree.hardware().value)
        #expect(found.vendor == "ACME" && found.product == "Anvil 2" && found.firmwareDate == "04/01/2014")
        #expect(found.productUUID == .known("0000-1"))
        #expect(found.serial.why?.contains("product_serial") == true)
    }

    @Test func keepsAddressesOfGlobalScopeOnly() throws {
        let text = """
            00000000000000000000000000000001 01 80 10 80       lo
            fe80000000000000021122fffe334455 02 40 20 80     eth0
            20010db8000000000000000000000005 02 40 00 80     eth0
            20010db80000000000000000000000aa 02 40 00 01     eth0
            20010db80000000000000000000000bb 02 40 00 c0     eth0
            """
        let found = HostTree.addresses6(text)
        #expect(found == [NetworkAddress(interface: "eth0", address: "2001:db8::5", prefix: 64)])
        #expect(HostTree.isGlobal4(0xC000_0201) && !HostTree.isGlobal4(0x7F00_0001) && !HostTree.isGlobal4(0xA9FE_0101))
        let here = try #require(HostTree.machine.addresses().value)
        #expect(!here.contains { $0.address.hasPrefix("127.") })
    }

    @Test func theClockIsAskedAndTheBootHasAnId() throws {
        let clock = try #require(HostTree.machine.clock().value)
        #expect(clock.synchronised == (clock.maximumErrorMilliseconds != nil))
        #expect(HostTree.machine.bootID().value?.count == 36)
    }
}

/// What a server would refuse is told by the scan, and never queued.
@Suite struct ScanResultTests {
    private func result(facts: [UInt8], set: [UInt8]? = nil, offers: [UInt8]? = nil) -> ScanChild.Result {
        ScanChild.Result(
            documents: [
                .set: set ?? SoftwareSet([]).document.bytes,
                .offers: offers ?? OfferSet(indexes: [], offers: [], installedFrom: [:]).document.bytes, .facts: facts,
            ], observation: Observation(observed: Timestamp(seconds: 1), bootID: nil))
    }

    @Test func documentsBeyondTheirLimitsAreNotSent() throws {
        var facts = HostFacts(agentVersion: "1")
        try result(facts: facts.bytes).check()
        facts.hostname = .known(String(repeating: "x", count: 2000))
        let error = #expect(throws: ScanChild.Unfit.self) { try result(facts: facts.bytes).check() }
        #expect(error?.document == .facts)
        #expect(error?.problem.contains("/hostname") == true)
        let fine = HostFacts(agentVersion: "1").bytes
        let long = SoftwareSet([
            SoftwarePackage(
                scheme: "deb", distribution: "debian-12", name: String(repeating: "n", count: 3000),
                architecture: "all", version: "1")
        ])
        #expect(
            #expect(throws: ScanChild.Unfit.self) {
                try result(facts: fine, set: long.document.bytes).check()
            }?.document == .set)
        #expect(
            #expect(throws: ScanChild.Unfit.self) { try result(facts: fine, offers: []).check() }?.document == .offers)
        #expect(#expect(throws: ScanChild.Unfit.self) { try result(facts: []).check() }?.document == .facts)
    }
}
