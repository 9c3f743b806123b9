import Inventory
import JSON
import Testing

private func full() -> HostFacts {
    var facts = HostFacts(agentVersion: "0.1.0")
    facts.operatingSystem = .known(
        OperatingSystem(id: "debian", versionID: "12", codename: "bookworm", name: "Debian GNU/Linux 12 (bookworm)"))
    facts.hostname = .known("web1")
    facts.kernel = .known(
        KernelFacts(
            running: "6.1.0-50-amd64", runningVersion: "6.1.170-1", flavour: "amd64",
            installed: [
                InstalledKernel(package: "linux-image-6.1.0-50-amd64", release: "6.1.0-50-amd64", version: "6.1.170-1"),
                InstalledKernel(package: "linux-image-6.1.0-56-amd64", release: "6.1.0-56-amd64", version: "6.1.176-1"),
            ]))
    facts.bootID = .known("6c5f0a5e-0f2b-4e35-9d58-0d0b7d9c3c8e")
    facts.reboot = .known(
        RebootVerdict(reasons: [RebootReason(kind: .kernel, evidence: "a < b")], proof: ["init is current"]))
    facts.packages = .known(
        PackageFacts(
            abnormal: [AbnormalPackage(package: "a:amd64", version: "1", state: "unpacked", needsReinstall: false)],
            holds: ["b:amd64"], manuallyInstalled: .known(["c:amd64"]), lastUpdate: .unknown("never")))
    facts.offers = .known(3)
    facts.restarts = .known([
        RestartNeed(kind: .unit, name: "ssh.service", user: "", processes: ["sshd", "sshd"], files: ["/b", "/a"])
    ])
    facts.disks = .known([
        DiskFacts(
            mountPoint: "/", device: "/dev/vda1", filesystem: "ext4", totalBytes: 1 << 40, freeBytes: 1 << 30,
            totalInodes: 100, freeInodes: 50, boot: true, readOnly: false)
    ])
    facts.memory = .known(MemoryFacts(totalBytes: 1 << 34, availableBytes: 1 << 33))
    facts.processors = .known(ProcessorFacts(count: 2, model: "Some CPU"))
    facts.clock = .known(ClockFacts(synchronised: true, maximumErrorMilliseconds: 2000))
    facts.virtualisation = .known("kvm")
    facts.container = .known("none")
    facts.timeZone = .known("Europe/Berlin")
    facts.addresses = .known([NetworkAddress(interface: "eth0", address: "192.0.2.1", prefix: 24)])
    facts.hardware = .known(
        HardwareFacts(
            vendor: "QEMU", product: "Standard PC", firmwareVersion: "1.16", firmwareDate: "04/01/2014",
            serial: .unknown("/sys/class/dmi/id/product_serial: Permission denied"), productUUID: .known("u")))
    facts.veto = .known(HostVeto([.neverReboot, .noScripts]))
    facts.snapshot = .known(SnapshotFacts(.btrfs, why: "/ is a btrfs subvolume"))
    return facts
}

@Suite struct HostFactsTests {
    @Test func surviveTheWayThroughBytes() throws {
        for facts in [full(), HostFacts(agentVersion: "0.1.0")] {
            let back = try HostFacts(parsing: facts.bytes)
            #expect(back == facts)
            #expect(back.digest == facts.digest)
        }
        #expect(full().kernel.value?.newest?.release == "6.1.0-56-amd64")
        #expect(full().digest != HostFacts(agentVersion: "0.1.0").digest)
    }

    @Test func everyMemberCountsInTheDigestAndNoneMayBeMissingOrAdded() throws {
        guard case .object(let members) = full().json else { throw JSONError(.wrongType, reason: "no object") }
        for name in members.keys where name != "veto" && name != "snapshot" {
            var fewer = members
            fewer[name] = nil
            #expect(throws: JSONError.self, "without \(name)") { try HostFacts(json: .object(fewer)) }
        }
        var more = members
        more["extra"] = 1
        #expect(throws: JSONError.self) { try HostFacts(json: .object(more)) }
    }

    @Test func factsOfAgentsBeforeTheVetoAreRead() throws {
        var members = full().json.object ?? [:]
        members["veto"] = nil
        members["snapshot"] = nil
        let facts = try HostFacts(json: .object(members))
        #expect(facts.veto.why != nil && facts.snapshot.why != nil)
        // A word of a later agent is never shown as less than everything.
        members["veto"] = ["value": ["words": ["no-fridays"], "problem": ""]]
        #expect(try HostFacts(json: .object(members)).veto.value?.words == [.nothing])
    }

    @Test func aVerdictCannotContradictItsReasons() {
        let text = #"{"required":false,"reasons":[{"kind":"kernel","evidence":"x"}],"proof":[]}"#
        var members = full().json.object ?? [:]
        members["reboot"] = ["value": (try? JSONValue(parsing: Array(text.utf8), limits: .facts)) ?? .null]
        #expect(throws: JSONError.self) { try HostFacts(json: .object(members)) }
    }

    @Test func namesWhatIsUnknown() {
        #expect(full().unknowns.map(\.name) == ["hardware.serial", "packages.lastUpdate"])
        #expect(HostFacts(agentVersion: "1").unknowns.count == 19)
    }
}

@Suite struct StepsTests {
    @Test func roundDownAndNeverClaimMoreThanHalfAStep() {
        let steps = Steps(total: 1_000_000, parts: 20, floor: 100)
        #expect(steps.step(0) == 0)
        #expect(steps.step(99) == 0)
        #expect(steps.step(1_000_000) == 1_000_000)
        #expect(steps.step(549_999) == 500_000)
        var last: Int64 = 0
        for amount in stride(from: Int64(0), through: 1_000_000, by: 37) {
            let step = steps.step(amount)
            #expect(step <= amount && step >= last)
            #expect(amount < 200 || step * 2 >= amount - 1, "\(amount) is shown as \(step)")
            #expect(steps.step(step) == step, "\(step)")
            last = step
        }
    }

    @Test func aStepIsHeldOnItsBordersAndLeftBeyondThem() {
        let steps = Steps(total: 1_000_000, parts: 20, floor: 100)
        #expect(steps.step(549_000, previous: 550_000) == 550_000)
        #expect(steps.step(601_000, previous: 550_000) == 550_000)
        #expect(steps.step(520_000, previous: 550_000) == 500_000)
        #expect(steps.step(700_000, previous: 550_000) == 700_000)
        #expect(steps.step(0, previous: 50_000) == 0)
        #expect(steps.step(0, previous: 195) == 0)
        #expect(steps.step(549_000, previous: 12_345) == 500_000, "not a step: another total")
    }
}
