import Foundation
import JSON
import Testing

/// One static agent runs on every glibc, and never lets it load a name-service module.
@Suite(.serialized) struct GlibcAgesTests {
    @Test func enrolsAndScansInRootsOfThreeGlibcAges() throws {
        let lab = try Lab("\(labPrefix)-glibc")
        defer { lab.down() }
        try lab.startServer(["--interval", "5"], names: ["fettle.example.org", Lab.address])
        let ages = ["bullseye", "bookworm", "trixie"]
        let token = try lab.token(uses: ages.count)
        #expect(token.contains("/fettle.example.org:"))
        for age in ages {
            try lab.startHost(age, root: "glibc-\(age)")
            // A name, so that the resolver is asked: nsswitch.conf there puts modules before it.
            try lab.exec(age, ["sh", "-c", "echo \(Lab.address) fettle.example.org >>/etc/hosts"])
            try lab.enrol(age, token: token)
        }
        for age in ages {
            try eventually("\(age) has reported", seconds: 60) {
                try lab.host(age)["pending"]?["value"] != nil || lab.host(age)["lastReport"]?.string != nil
            }
            let trap = try lab.exec(age, ["sh", "-c", "test ! -e /tmp/nss-was-loaded"], check: false)
            #expect(trap.status == 0, "a name-service module was loaded on \(age)")
            let scan = try lab.exec(age, ["fettle-agent", "scan", "-o", "json"])
            #expect(scan.output.contains("\"libc6\""))
        }
    }
}

/// A name for this run's labs, so that two runs on one machine do not meet.
let labPrefix = ProcessInfo.processInfo.environment["TESTBED_LAB"] ?? "acc"
