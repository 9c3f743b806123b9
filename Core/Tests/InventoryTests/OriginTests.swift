import Inventory
import Testing

@Suite struct OriginTests {
    private func origin(
        _ listed: Set<String>, _ offering: Set<String>, known: SoftwareOrigin? = nil
    ) -> SoftwareOrigin {
        OriginEvidence(listed: listed, offering: offering, known: known).origin(distribution: "debian-12")
    }

    private var isUnknown: (SoftwareOrigin) -> Bool {
        { origin in
            if case .unknown = origin { true } else { false }
        }
    }

    /// What lists a version decides; without one, the only one who offers its source.
    @Test func listsDecide() {
        #expect(origin(["Debian"], ["Debian"]) == .distribution)
        #expect(origin(["Debian Backports", "nginx"], []) == .distribution)
        #expect(origin(["nginx"], ["Debian", "nginx"]) == .thirdParty("nginx"))
        #expect(origin(["Debianish"], []) == .thirdParty("Debianish"), "a name that only starts like it")
        #expect(origin([], ["Debian"]) == .distribution)
        #expect(origin([], ["nginx"]) == .thirdParty("nginx"))
        #expect(isUnknown(origin([], [])) && isUnknown(origin([], ["Debian", "nginx"])))
        #expect(isUnknown(origin([], ["docker", "nginx"])))
    }

    /// An origin once known survives a package whose repository is gone, and is known again where it was not.
    @Test func whatWasKnownIsRemembered() {
        let nginx = SoftwareOrigin.thirdParty("nginx")
        #expect(origin([], ["Debian"], known: nginx) == nginx, "the distribution offers one of that name: not this one")
        #expect(origin([], [], known: nginx) == nginx)
        #expect(origin([], ["Debian", "nginx"], known: .distribution) == .distribution)
        #expect(origin(["nginx"], ["nginx"], known: .distribution) == nginx, "it was only concluded")
        #expect(origin(["Debian"], ["Debian"], known: nginx) == .distribution)
        #expect(origin([], ["nginx"], known: .unknown("")) == nginx)
        #expect(origin([], ["Debian"], known: .assumed) == .distribution)
    }

    /// As a host reports it: two packages of one source, one of them no longer listed.
    @Test func anOfferSetTells() {
        func index(_ name: String, site: String = "") -> RepositoryIndex {
            RepositoryIndex(
                origin: PackageOrigin(
                    origin: name, label: "", suite: "", codename: "bookworm", component: "main", site: site,
                    security: false), released: nil, validUntil: nil)
        }
        func package(_ name: String, source: String? = nil) -> SoftwarePackage {
            SoftwarePackage(
                scheme: "deb", distribution: "debian-12", name: name, architecture: "amd64", version: "1",
                source: source)
        }
        let packages = [
            package("openssl"), package("nginx"), package("nginx-module", source: "nginx"), package("tool"),
            package("gone"), package("silent"),
        ]
        let offers = OfferSet(
            indexes: [index("Debian"), index("nginx"), index("", site: "apt.example.org")],
            offers: [
                Offer(
                    name: "nginx", architecture: "amd64", installed: "1", candidate: "2", origins: [1], security: false,
                    status: .upgradable)
            ],
            installedFrom: [
                "openssl:amd64": [0], "nginx:amd64": [], "nginx-module:amd64": [1], "tool:amd64": [2], "gone:amd64": [],
            ])
        let origins = offers.origins(of: packages) { _ in nil }
        #expect(
            origins.prefix(4) == [
                .distribution, .thirdParty("nginx"), .thirdParty("nginx"), .thirdParty("apt.example.org"),
            ])
        #expect(isUnknown(origins[4]) && isUnknown(origins[5]))

        let none = OfferSet(indexes: [], offers: [], installedFrom: [:])
        let kept = none.origins(of: packages) { $0.name == "nginx" ? .thirdParty("nginx") : nil }
        #expect(kept[1] == .thirdParty("nginx") && kept[0] == .assumed, "a host without lists says nothing")
    }
}
