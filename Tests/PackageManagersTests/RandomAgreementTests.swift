import Foundation
import Inventory
import PackageManagers
import Testing
import Timestamps

/// Random hosts, judged by this scan and by real apt. The bound of differences is 0.
@Suite struct RandomAgreementTests {
    /// How many hosts are made; FETTLE_APT_WORLDS asks for more.
    static let count = UInt64(ProcessInfo.processInfo.environment["FETTLE_APT_WORLDS"] ?? "") ?? 40

    @Test func candidatesAndPrioritiesAreApts() throws {
        var compared = 0
        var refused = 0
        for seed in 1...Self.count {
            let world = try AptWorld(seed: seed)
            let oracle = try AptOracle(world.root)
            let ours: [String: (candidate: String, versions: [String])]
            do {
                ours = try Apt.policyTable(root: world.root.path)
            } catch {
                // What we refuse apt must refuse too.
                let result = try ChildProcess.run(
                    ["apt-cache", "policy", "alpha"],
                    environment: oracle.environment.merging(["PATH": "/usr/bin"]) { $1 })
                #expect(result.status != 0, "seed \(seed): \(error)")
                refused += 1
                continue
            }
            let theirs = try oracle.policies(Array(ours.keys))
            var problems: [String] = []
            for (name, own) in ours {
                guard let their = theirs[name] else {
                    problems.append("\(name) is unknown to apt-cache")
                    continue
                }
                let candidate = own.candidate.isEmpty ? "(none)" : own.candidate
                if their.candidate != candidate {
                    problems.append("\(name): candidate \(candidate), apt \(their.candidate)")
                }
                if their.versions != own.versions { problems.append("\(name): \(own.versions), apt \(their.versions)") }
                compared += own.versions.count
            }
            try #require(problems.isEmpty, "seed \(seed): \(problems.sorted().joined(separator: "\n"))\n\(world.notes)")
        }
        print(
            "\(compared) versions on \(Self.count - UInt64(refused)) random hosts (\(refused) refused by both): 0 differences in priority or candidate"
        )
        #expect(compared > 500)
    }

    @Test func phasedUpdatesAreWithheldFromTheSameHosts() throws {
        var phased = 0
        for seed in 1001...(1000 + Self.count / 3) {
            let world = try AptWorld(seed: seed, phased: true)
            let oracle = try AptOracle(world.root)
            guard let set = try Apt.scan(root: world.root.path, resolver: .none, now: now).offers.value else {
                continue
            }
            let taken = try oracle.installs("upgrade")
            let ours = Set(set.offers.filter { $0.status == .upgradable }.map(Self.line))
            let theirs = taken.filter { entry in set.offers.contains { Self.line($0) == entry } }
            let missing = differences(ours, theirs)
            try #require(missing.isEmpty, "seed \(seed): \(missing)\n\(world.notes)")
            phased += set.offers.count { $0.status.name == "phased" }
        }
        print("\(phased) phased updates: apt withholds the same")
        #expect(phased > 10)
    }

    @Test func keptBackIsWhatAptKeepsBack() throws {
        var kept = 0
        var taken = 0
        var undecided = 0
        for seed in 2001...(2000 + Self.count) {
            let world = try AptWorld(seed: seed, tied: true)
            let oracle = try AptOracle(world.root)
            let scan = try Apt.scan(root: world.root.path, resolver: .command(oracle.prefix), now: now)
            guard let set = scan.offers.value else { continue }
            // A host whose installed packages miss something is one where apt refuses every upgrade.
            guard let theirs = try? oracle.installs("upgrade") else {
                #expect(set.offers.allSatisfy { $0.status != .upgradable }, "seed \(seed)")
                continue
            }
            let byResolver = Set(set.offers.filter { $0.status == .upgradable }.map(Self.line))
            let missing = differences(byResolver, theirs)
            try #require(missing.isEmpty, "seed \(seed): \(missing)\n\(world.notes)")
            // The files alone may leave open what the resolver decides, but never contradict it.
            let byFiles = try #require(try Apt.scan(root: world.root.path, resolver: .none, now: now).offers.value)
            for (file, resolved) in zip(byFiles.offers, set.offers) {
                switch file.status {
                case .unknown: undecided += 1
                case .upgradable:
                    taken += 1
                    #expect(theirs.contains(Self.line(file)), "seed \(seed): \(file.name) \(resolved.status)")
                case .keptBack(let why):
                    kept += 1
                    #expect(!theirs.contains(Self.line(file)), "seed \(seed): \(file.name): \(why)")
                default: break
                }
            }
            let silent = set.offers.filter { $0.status.reason.contains("does not say why") }
            if !silent.isEmpty { print("seed \(seed): no reason found for \(silent.map(\.name))") }
        }
        print("\(taken) upgrades and \(kept) kept back by the files alone, \(undecided) left to the resolver")
    }

    private static func line(_ offer: Offer) -> String {
        let name = offer.architecture == "i386" ? "\(offer.name):i386" : offer.name
        return "\(name) \(offer.candidate)"
    }
}
