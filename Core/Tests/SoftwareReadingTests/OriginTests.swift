import Inventory
import SoftwareReading
import Testing

/// Where packages came from, as databases tell it.
struct OriginTests {
    @Test func vendorsTellWhoseAnRPMIs() {
        func origin(_ vendor: String, _ distribution: String) -> SoftwareOrigin {
            RPMHeader.origin(vendor: vendor, distribution: distribution)
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

    @Test func tagsTellFromWhichRepositoryAnAPKIs() {
        let world = Array("musl\ncurl@edge\nphp@testing>8.0 !bad\n".utf8)
        #expect(AlpineDatabase.tagged(world: world) == ["curl": "edge", "php": "testing"])
    }
}
