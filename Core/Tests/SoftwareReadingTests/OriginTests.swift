import Inventory
import SoftwareReading
import Testing

/// Where packages came from, as databases tell it.
struct OriginTests {
    @Test func vendorsTellWhoseAnRPMIs() {
        func origin(_ vendor: String, _ distribution: String) -> SoftwareOrigin {
            RPMHeader.origin(vendor: vendor, distribution: distribution, version: "1.0-1.el9")
        }
        #expect(origin("AlmaLinux", "almalinux-9.4") == .distribution)
        #expect(origin("Red Hat, Inc.", "rhel-9.4") == .distribution)
        #expect(origin("SUSE LLC <https://www.suse.com/>", "sles-15.5") == .distribution)
        #expect(origin("Rocky Enterprise Software Foundation", "rocky-9.4") == .distribution)
        // EPEL's packages are Fedora's, on a rebuild of another maker.
        #expect(origin("Fedora Project", "rocky-9.4") == .thirdParty("Fedora Project"))
        #expect(origin("Docker", "almalinux-9.4") == .thirdParty("Docker"))
        #expect(origin("", "almalinux-9.4") == .unknown("it names no vendor"))
        #expect(origin("Anybody", "someos-1") == .assumed)
    }

    /// What Red Hat sells beside the distribution has builds of its own, which the distribution's advisories do not name.
    @Test func layeredProductsAreNotTheDistribution() {
        func isOwn(_ version: String, _ distribution: String = "rhel-9.4") -> Bool {
            RPMHeader.origin(vendor: "Red Hat, Inc.", distribution: distribution, version: version) == .distribution
        }
        for version in [
            "1:3.0.7-27.el9", "2.4.57-11.el9_4.1", "10:1.2-3.module+el8.9.0+19644+d68f775d", "1.0-1", "2.34-100.el9.2",
            "4.el7-1.el7", "1.0-1.el8~bootstrap",
        ] {
            #expect(isOwn(version), "\(version)")
        }
        for version in [
            "1:16.2.1-1.el8ost", "2.4.57-5.el8jbcs", "4.12.0-202301.p0.g1.assembly.stream.el8ap", "1.0-1.el9fdp",
            "4.12.0-1.rhaos4.12.git.el8", "6.11.5-1.el8sat",
        ] {
            #expect(!isOwn(version), "\(version)")
        }
        #expect(isOwn("1.0-1.el8ost", "centos-8"), "a rebuild has no such products")
    }

    @Test func tagsTellFromWhichRepositoryAnAPKIs() {
        let world = Array("musl\ncurl@edge\nphp@testing>8.0 !bad\n".utf8)
        #expect(AlpineDatabase.tagged(world: world) == ["curl": "edge", "php": "testing"])
    }
}
