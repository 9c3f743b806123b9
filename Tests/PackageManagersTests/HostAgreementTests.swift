import Foundation
import Inventory
import PackageManagers
import Testing
import Timestamps

/// What this machine's own apt says, against the scan of its files. The bound of differences is 0.
@Suite struct HostAgreementTests {
    @Test func thisMachinesOffersAreApts() throws {
        let scan = try Apt.scan(resolver: .host, now: now)
        let set = try #require(scan.offers.value)
        let oracle = AptOracle()
        let ours = Set(
            set.offers.filter { $0.status.name != "pinned" }.map { "\($0.name):\($0.architecture) \($0.candidate)" })
        #expect(differences(ours, try oracle.upgradable()) == [])

        let upgrade = try oracle.installs("upgrade")
        let taken = Set(set.offers.filter { $0.status == .upgradable }.map { "\($0.name) \($0.candidate)" })
        #expect(differences(taken, upgrade) == [])

        let byFiles = try #require(try Apt.scan(resolver: .none, now: now).offers.value)
        #expect(byFiles.offers.map(\.status) == set.offers.map(\.status))
        print("\(set.offers.count) offers, of which \(taken.count) by apt-get upgrade; 0 differences")
    }

    @Test func thisMachinesCandidatesAndOriginsAreAptCaches() throws {
        let scan = try Apt.scan(resolver: .none, now: now)
        let set = try #require(scan.offers.value)
        let policies = try AptOracle().policies(scan.set.packages.map(\.name))
        let offers = Dictionary(grouping: set.offers) { "\($0.name):\($0.architecture)" }
        var problems: [String] = []
        for package in scan.set.packages {
            guard let policy = policies[package.name] else {
                problems.append("\(package.name): apt-cache does not know it")
                continue
            }
            let offer = offers["\(package.name):\(package.architecture)"]?.first
            let candidate = offer.flatMap { $0.status.name == "pinned" ? nil : $0.candidate } ?? package.version
            if policy.candidate != candidate {
                problems.append("\(package.name): ours \(candidate), apt \(policy.candidate)")
            }
            guard let offer else { continue }
            let suites = Set(
                offer.origins.map { "\(set.indexes[$0].origin.suite)/\(set.indexes[$0].origin.component)" })
            // apt shows codenames for releases, suites in `apt list`; both are of the same Release file.
            let codenames = Set(
                offer.origins.map { "\(set.indexes[$0].origin.codename)/\(set.indexes[$0].origin.component)" })
            let theirs = Set(
                policy.candidateSites.compactMap { $0.split(separator: " ").dropFirst().first.map(String.init) })
            if suites != theirs, codenames != theirs { problems.append("\(offer.name): ours \(suites), apt \(theirs)") }
        }
        #expect(problems == [])
    }
}
