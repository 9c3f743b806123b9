import Feeds
import Foundation
import Testing
import Timestamps

@testable import FeedImport

@Suite struct XMLReaderTests {
    private static let update = """
        <?xml version="1.0"?><updates><update from="packager@almalinux.org" status="final" type="security" version="4">
        <id>ALSA-2022:1793</id><title>Moderate: container-tools:3.0 security update</title><issued date="2022-05-10 06:41:02"/>
        <updated date="2022-05-11"/><severity>Moderate</severity><description>Text &amp; more</description>
        <references><reference href="https://x/CVE-2022-1227" id="CVE-2022-1227" type="cve" title="CVE-2022-1227"/>
        <reference href="https://errata/ALSA-2022-1793.html" id="ALSA-2022:1793" type="self" title="ALSA"/></references>
        <pkglist><collection short="almalinux-8"><name>almalinux-8-appstream</name>
        <module name="container-tools" stream="3.0" version="8" context="c" arch="x86_64"/>
        <package name="podman" version="3.0.1" release="9.module_el8.6.0+2876" epoch="2" arch="x86_64" src="podman.src.rpm">
        <filename>podman.rpm</filename><reboot_suggested>True</reboot_suggested></package>
        <package name="podman" version="3.0.1" release="9.module_el8.6.0+2876" epoch="2" arch="aarch64"/>
        <package name="podman" version="3.0.1" release="9.module_el8.6.0+2876" epoch="2" arch="src"/>
        <package name="podman-docs" version="3.0.1" release="9.module_el8.6.0+2876" epoch="0" arch="noarch"/>
        </collection></pkglist><shiny>new</shiny></update>
        <update type="security"><id></id></update>
        <update type="security" from="x@example.org"><id>X-1</id><pkglist><collection><package name="a" version="1" release="2" arch="noarch"/></collection></pkglist></update>
        <update type="bugfix" from="x@rockylinux.org"><id>RLBA-1</id><pkglist><collection short="rocky"><package name="a" version="1" release="2.el9_4" arch="noarch"/></collection></pkglist></update>
        </updates>
        """

    @Test func `An update of a module closes vulnerabilities in its stream, per architecture, with a reboot`() throws {
        var reader = UpdateInfoReader()
        let found = advisories(read(&reader, Array(Self.update.utf8)))
        let advisory = try #require(found.first)
        #expect(advisory.id == "ALSA-2022:1793")
        #expect(advisory.closes == ["CVE-2022-1227"])
        #expect(advisory.isRebootSuggested && !advisory.isInformational)
        #expect(advisory.published == Timestamp(rfc3339: "2022-05-10T06:41:02Z"))
        #expect(advisory.modified == Timestamp(rfc3339: "2022-05-11T00:00:00Z"))
        #expect(advisory.details == "Text & more")
        #expect(advisory.severities == [Severity(type: "AlmaLinux", score: "Moderate")])
        // Of architectures that no package of the file is for, nothing is known.
        #expect(advisory.statements.count == 3)
        #expect(advisory.statements[2].status == .underInvestigation && advisory.statements[2].name == "podman")
        #expect(advisory.statements[2].ranges == advisory.statements[0].ranges)
        #expect(
            advisory.statements[2].architectures.contains("s390x")
                && !advisory.statements[2].architectures.contains("aarch64"))
        let podman = try #require(advisory.statements.first)
        #expect(podman.stream == "AlmaLinux:8" && podman.kind == .binary && podman.module == "container-tools:3.0")
        #expect(podman.architectures == ["aarch64", "x86_64"])
        #expect(podman.fixed == "2:3.0.1-9.module_el8.6.0+2876")
        #expect(podman.ranges == [VersionRange(scheme: "rpm", upper: "2:3.0.1-9.module_el8.6.0+2876")])
        #expect(
            advisory.statements[1].architectures.isEmpty
                && advisory.statements[1].fixed == "3.0.1-9.module_el8.6.0+2876")
        #expect(reader.unmapped["update/shiny"] == 1)
        // One without an id, one that says no distribution; a bug fix is information.
        #expect(reader.stored == 2 && reader.quarantined == 2)
        #expect(reader.faults.contains { $0.record == "X-1" && $0.reason.contains("stream") })
        #expect(found.last?.id == "RLBA-1" && found.last?.isInformational == true)
        #expect(found.last?.statements.first?.stream == "Rocky Linux:9")
    }

    /// A repository of one architecture does not clear another's hosts; what is limited in a file of both is.
    @Test func `An update of one architecture leaves the others unknown`() throws {
        func statements(_ packages: [(String, String)]) -> [Statement] {
            let updates = packages.map { name, architecture in
                "<update type='security' from='x@almalinux.org'><id>ALSA-2024:\(name)</id><pkglist><collection><package name='\(name)' version='1' release='2.el9' arch='\(architecture)'/></collection></pkglist></update>"
            }.joined()
            var reader = UpdateInfoReader()
            return advisories(read(&reader, Array("<updates>\(updates)</updates>".utf8))).flatMap(\.statements)
        }
        func said(_ list: [Statement], _ name: String, _ architecture: String) -> [Statement.Status] {
            list.filter {
                $0.name == name && ($0.architectures.isEmpty || $0.architectures.contains(architecture))
            }.map(\.status)
        }
        let one = statements([("a", "x86_64"), ("b", "noarch")])
        #expect(said(one, "a", "x86_64") == [.affected] && said(one, "a", "aarch64") == [.underInvestigation])
        #expect(said(one, "b", "aarch64") == [.affected])
        let both = statements([("a", "x86_64"), ("c", "aarch64")])
        #expect(said(both, "a", "aarch64").isEmpty && said(both, "c", "x86_64").isEmpty)
        #expect(said(both, "a", "s390x") == [.underInvestigation])
        #expect(said(statements([("b", "noarch")]), "b", "aarch64") == [.affected])
    }

    @Test func `Versions that no scheme orders leave the package unknown`() throws {
        var reader = UpdateInfoReader(stream: "AlmaLinux:9")
        let found = advisories(
            read(
                &reader,
                Array(
                    "<updates><update type='security'><id>A-1</id><pkglist><collection><package name='a' version='1 or so' release='2' arch='noarch'/></collection></pkglist></update></updates>"
                        .utf8)))
        #expect(reader.tally.alarmed == 1)
        #expect(found.first?.statements.map(\.status) == [.underInvestigation])
        #expect(found.first?.statements.first?.name == "a" && found.first?.statements.first?.ranges.isEmpty == true)
    }

    @Test func `Extras of Amazon Linux have a channel and begin at their line`() throws {
        var reader = UpdateInfoReader(stream: "Amazon Linux:2")
        let found = advisories(
            read(
                &reader,
                Array(
                    "<updates><update type='security'><id>ALASKERNEL-5.10-2022-001</id><pkglist><collection><package name='kernel' version='5.10.109' release='104.500.amzn2' arch='noarch'/></collection></pkglist></update></updates>"
                        .utf8)))
        let kernel = try #require(found.first?.statements.first)
        #expect(kernel.channel == "kernel-5.10" && kernel.ranges.first?.lower == "5.10")
    }

    @Test func `The configured stream holds for updates that name none`() {
        var reader = UpdateInfoReader(stream: "Amazon Linux:2")
        let found = advisories(read(&reader, Array(Self.update.utf8)))
        #expect(reader.stored == 3)
        #expect(found.allSatisfy { $0.statements.allSatisfy { $0.stream == "Amazon Linux:2" } })
    }

    @Test(arguments: [
        ("Red Hat Enterprise Linux 8 is installed", "Red Hat:enterprise_linux:8", ""),
        ("Red Hat Enterprise Linux Server (v. 6)", "Red Hat:enterprise_linux:6", ""),
        ("Red Hat Enterprise Linux AppStream E4S (v.8.6)", "Red Hat:enterprise_linux:8", "e4s-8.6"),
        ("Debian GNU/Linux 12", "Debian:12", ""), ("Debian 7 is installed", "Debian:7", ""),
        ("Ubuntu 18.04 LTS (bionic) is installed.", "Ubuntu:18.04:LTS", ""), ("Ubuntu 23.10", "Ubuntu:23.10", ""),
        ("Photon OS 3 is installed", "Photon OS:3.0", ""), ("openSUSE Leap 15.1", "openSUSE:Leap 15.1", ""),
        (
            "SUSE Linux Enterprise Server 15 SP1-LTSS is installed", "SUSE:15.1",
            "SUSE Linux Enterprise Server 15 SP1-LTSS"
        ),
        ("SUSE Linux Enterprise Server 15-LTSS", "SUSE:15", "SUSE Linux Enterprise Server 15-LTSS"),
        ("Oracle Linux 9 is installed", "Oracle Linux:9", ""), ("Amazon Linux 2023", "Amazon Linux:2023", ""),
        ("Fedora 27", "Fedora:27", ""), ("AlmaLinux 9", "AlmaLinux:9", ""),
        ("Rocky Linux 8 x86_64 BaseOS", "Rocky Linux:8", ""),
    ])
    func `A platform's name is its stream`(_ platform: String, _ stream: String, _ channel: String) {
        let found = DistributionStream(platform: platform)
        #expect(found?.stream == stream && found?.channel == channel)
    }

    @Test(arguments: ["Azure Linux", "suse103 is installed", "Red Hat CoreOS 4", "Windows", "", "Debian"])
    func `A name that is no release of a known distribution is none`(_ platform: String) {
        #expect(DistributionStream(platform: platform) == nil)
    }

    @Test func `Oval of Microsoft names sources between two bounds`() throws {
        try #require(SharedData.isPresent)
        var reader = OVALReader()
        let found = advisories(
            read(&reader, try bytes("\(SharedData.feeds)/oval/vunnel-0.44.0_mariner-truncated-2.0-oval.xml")))
        let golang = try #require(found.first { $0.aliases == ["CVE-2023-29404"] })
        let statement = try #require(golang.statements.first)
        #expect(golang.statements.count == 1)
        #expect(statement.stream == "Azure Linux:2" && statement.kind == .source && statement.name == "golang")
        #expect(
            statement.ranges == [
                VersionRange(scheme: "rpm", lower: "1.19.0.cm2", includesLower: false, upper: "1.20.7-1.cm2")
            ])
        #expect(statement.fixed == "1.20.7-1.cm2")
        let glibc = try #require(found.first { $0.aliases == ["CVE-2023-0687"] }?.statements.first)
        #expect(glibc.ranges.first?.includesUpper == true && glibc.fixed == nil && glibc.plan == .unfixed)
        #expect(reader.stored == 5 && reader.quarantined == 0)
    }

    @Test func `Oval of Suse is told for each product, and not affected is no fix`() throws {
        try #require(SharedData.isPresent)
        var reader = OVALReader()
        let found = advisories(read(&reader, try bytes("\(SharedData.feeds)/oval/vunnel-0.44.0_suse_truncated.xml")))
        #expect(reader.stored == 3 && reader.quarantined == 0)
        let first = try #require(found.first { $0.id == "CVE-1999-0524" })
        #expect(first.statements.allSatisfy { $0.status == .notAffected && $0.fixed == nil })
        let kernel = found.flatMap(\.statements).filter { $0.name == "kernel-default" && $0.status == .affected }
        #expect(
            kernel.contains {
                $0.stream == "SUSE:15" && $0.fixed == "4.12.14-150.72.1" && $0.channel.hasSuffix("15-LTSS")
                    && $0.architectures.contains("s390x")
            })
        #expect(kernel.contains { $0.stream == "SUSE:15.1" && $0.fixed == "4.12.14-197.89.2" })
    }

    @Test func `Oval of Red Hat is read by its comments where tests are missing`() throws {
        try #require(SharedData.isPresent)
        var reader = OVALReader()
        let found = advisories(
            read(&reader, try bytes("\(SharedData.feeds)/oval/vunnel-0.44.0_com.redhat.rhsa-all.xml")))
        let firefox = try #require(found.first { $0.id == "RHSA-2023:5433" })
        #expect(
            firefox.closes == ["CVE-2023-3600", "CVE-2023-5169", "CVE-2023-5171", "CVE-2023-5176", "CVE-2023-5217"])
        #expect(firefox.weaknesses.contains("CWE-416"))
        #expect(firefox.severities == [Severity(type: "RedHat", score: "Important")])
        #expect(firefox.statements.map(\.name) == ["firefox"])
        #expect(firefox.statements.first?.fixed == "115.3.1-1.el8_8")
        #expect(firefox.statements.first?.stream == "Red Hat:enterprise_linux:8")
        #expect(reader.unmapped["criterion without its test: read by its comment"] ?? 0 > 0)
    }

    @Test func `Oval of Ubuntu names binaries by variables, of Debian sources`() throws {
        try #require(SharedData.isPresent)
        var ubuntu = OVALReader()
        let tor = try #require(
            advisories(read(&ubuntu, try bytes("\(SharedData.feeds)/oval/vulnerablecode-36.1.3_ubuntu_oval_data.xml")))
                .last)
        #expect(tor.id == "CVE-2016-8860" && tor.statements.map(\.name) == ["tor", "tor-geoipdb"])
        #expect(
            tor.statements.allSatisfy {
                $0.stream == "Ubuntu:18.04:LTS" && $0.fixed == "0.2.8.9-1ubuntu1" && $0.kind == .binary
            })
        var debian = OVALReader()
        let a2ps = try #require(
            advisories(read(&debian, try bytes("\(SharedData.feeds)/oval/vulnerablecode-36.1.3_debian_oval_data.xml")))
                .first)
        #expect(a2ps.id == "CVE-2001-1593" && a2ps.statements.first?.kind == .source)
        #expect(a2ps.statements.first?.fixed == "1:4.14-1.1+deb7u1" && a2ps.statements.first?.stream == "Debian:7")
    }

    @Test func `Every definition of Photon has its packages`() throws {
        try #require(SharedData.isPresent)
        var reader = OVALReader()
        let found = advisories(read(&reader, try bytes("\(SharedData.feeds)/oval/photon_com.vmware.phsa-photon3.xml")))
        #expect(found.count == 222 && reader.quarantined == 0)
        #expect(found.first?.id == "PHSA-2020:00001" && found.first?.closes == ["CVE-2019-16168"])
        #expect(found.first?.statements.map(\.name) == ["sqlite", "sqlite-devel", "sqlite-libs"])
        #expect(found.allSatisfy { advisory in advisory.statements.allSatisfy { $0.stream == "Photon OS:3.0" } })
        // As many as there are criteria with "is earlier than", whatever stands around them.
        #expect(found.map(\.statements.count).reduce(0, +) == 778)
    }

    @Test func `Cvrf of Red Hat is told per product, of Cisco without packages`() throws {
        try #require(SharedData.isPresent)
        var reader = CVRFReader()
        let redHat = try #require(
            advisories(read(&reader, try bytes("\(SharedData.feeds)/cvrf/CVRF-1.1-rhsa-2012-0465.xml"))).first)
        #expect(redHat.id == "RHSA-2012:0465" && redHat.closes == ["CVE-2012-1182"])
        #expect(redHat.severities.contains(Severity(type: "CVSS_V2", score: "AV:A/AC:L/Au:N/C:C/I:C/A:C")))
        #expect(
            redHat.statements.contains {
                $0.stream == "Red Hat:enterprise_linux:6" && $0.name == "samba" && $0.fixed == "3.5.10-115.el6_2"
                    && $0.kind == .source
            }, "\(redHat.statements.prefix(3))")
        let cisco = try #require(
            advisories(read(&reader, try bytes("\(SharedData.feeds)/cvrf/cisco-sa-20180328-smi2_cvrf.xml"))).first)
        #expect(cisco.statements.isEmpty && cisco.closes == ["CVE-2018-0171"])
        #expect(reader.unmapped["ProductStatuses: a product that is no package of a known distribution"] == 223)
    }

    @Test func `The catalogue of weaknesses names parents`() {
        let text = """
            <?xml version="1.0" encoding="UTF-8"?><Weakness_Catalog xmlns="http://cwe.mitre.org/cwe-7" Name="CWE" Version="4.17">
            <Weaknesses><Weakness ID="79" Name="Cross-site Scripting" Abstraction="Base"><Description>x <b>y</b></Description>
            <Related_Weaknesses><Related_Weakness Nature="ChildOf" CWE_ID="74" View_ID="1000" Ordinal="Primary"/>
            <Related_Weakness Nature="CanPrecede" CWE_ID="494" View_ID="1000"/></Related_Weaknesses></Weakness>
            <Weakness ID="x" Name="y"/></Weaknesses>
            <Categories><Category ID="310" Name="Cryptographic Issues" Status="Draft"/></Categories>
            <Views><View ID="1000" Name="Research"/></Views></Weakness_Catalog>
            """
        var reader = WeaknessReader()
        let records = read(&reader, Array(text.utf8))
        var first = Weakness(id: "CWE-79", name: "Cross-site Scripting")
        first.parents = ["CWE-74"]
        #expect(records == [.weakness(first), .weakness(Weakness(id: "CWE-310", name: "Cryptographic Issues"))])
        #expect(reader.stored == 2 && reader.quarantined == 1 && reader.unmapped["View"] == 1)
    }

    @Test(arguments: [
        ("<updates><update>", "line 1"),
        ("<updates>\u{0}</updates>", "line 1"),
        (
            "<!DOCTYPE updates [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;'>]><updates><update><id>&b;</id></update></updates>",
            "entities"
        ),
        (
            "<!DOCTYPE updates [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><updates><update><id>&x;</id></update></updates>",
            "entities"
        ),
        (String(repeating: "<updates>", count: 200_000), "deep"),
        ("<other/>", "root"), ("", "line"), ("not xml", "line"),
    ])
    func `Hostile documents give one fault and no record`(_ text: String, _ reason: String) {
        var reader = UpdateInfoReader()
        #expect(read(&reader, Array(text.utf8)).isEmpty)
        #expect(reader.quarantined == 1)
        #expect(
            reader.faults.first?.reason.lowercased().contains(reason) == true || reason == "deep", "\(reader.faults)")
    }

    @Test func `Bytes that are no UTF-8 are refused`() {
        var reader = UpdateInfoReader()
        var text = Array("<updates><update><id>A-1</id><title>".utf8)
        text += [0xFF, 0xFE, 0xC3] + Array("</title></update></updates>".utf8)
        #expect(read(&reader, text).isEmpty)
        #expect(reader.quarantined == 1)
    }

    @Test(arguments: [
        ("2017-12-02 01:57:03", "2017-12-02T01:57:03Z"), ("2019-10-23", "2019-10-23T00:00:00Z"),
        ("2017-01-04 20:59:00 UTC", "2017-01-04T20:59:00Z"), ("2023-03-07T00:29Z", "2023-03-07T00:29:00Z"),
        ("1678148940", "2023-03-07T00:29:00Z"), ("2011-06-17T00:00:00+02:00", "2011-06-16T22:00:00Z"),
    ])
    func `Dates are read as feeds write them`(_ text: String, _ expected: String) {
        #expect(FeedDate.parse(text) == Timestamp(rfc3339: expected))
    }

    @Test(arguments: ["", "yesterday", "2017-13-01", "99", "2017-12-02 01:57:03 CET CEST"])
    func `What is no date is none`(_ text: String) { #expect(FeedDate.parse(text) == nil) }
}
