import SoftwareReading
import Testing

struct PackageURLTests {
    @Test func readsParts() throws {
        let url = try #require(
            PackageURL(
                "pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&distro=debian-12&upstream=openssl%403.0.11-1~deb12u2"
            ))
        #expect(url.type == "deb" && url.namespace == "debian" && url.name == "libssl3")
        #expect(url.version == "3.0.11-1~deb12u2" && url.qualifiers["upstream"] == "openssl@3.0.11-1~deb12u2")
        let scoped = try #require(PackageURL("pkg:npm/%40angular/core@1.0.0"))
        #expect(scoped.namespace == "@angular" && scoped.name == "core")
        #expect(PackageURL("pkg:npm/@angular/core")?.namespace == "@angular")
        for bad in ["", "npm/x", "pkg:npm", "pkg:npm/", "pkg:npm/%4", "pkg:/x"] {
            #expect(PackageURL(bad) == nil, "\(bad)")
        }
    }
}
