import Foundation
import JSON
import Policy
import Schedule
import Testing
import Timestamps

/// A set in which every key of every kind stands once.
enum PolicySamples {
    static func document(_ kind: String, _ name: String, _ spec: JSONValue) -> JSONValue {
        [
            "apiVersion": "fettle/v1", "kind": .string(kind), "metadata": ["name": .string(name), "note": "why it is"],
            "spec": spec,
        ]
    }

    static let digest = "sha256:" + String(repeating: "ab", count: 32)

    static let all: [JSONValue] = [
        document(
            "HostGroup", "web",
            [
                "selector": "tier in (web,api),!canary",
                "facts": [["fact": "os", "in": ["debian-12"]], ["fact": "site", "notIn": ["lab"]]],
            ]),
        document("HostGroup", "database", ["selector": "tier=database"]),
        document("HostGroup", "test", ["hosts": ["test1", "test2.example.org"]]),
        document(
            "RingPlan", "standard",
            [
                "stratifyBy": ["os", "site"], "rotate": false,
                "rings": [
                    ["name": "test", "group": "test", "soak": "4h", "cutoff": "2d", "approvals": 1],
                    ["name": "pilot", "size": "1%", "minimum": 5, "maximum": 50, "gate": "strict", "budget": 2],
                    ["name": "early", "size": 60, "budget": "10%"], ["name": "broad", "size": "rest"],
                ],
            ]),
        document(
            "Window", "patch-night",
            [
                "rule": "second-tuesday", "plusDays": 3, "start": "22:00", "duration": "4h", "clocks": "Europe/Berlin",
                "gap": "skip", "excluded": ["2026-12-11"], "dates": ["2026-12-18T22:00"], "groups": ["web"],
                "firstDay": "2026-01-01",
            ]),
        document(
            "Freeze", "christmas",
            [
                "reason": "Christmas trade", "yearly": ["from": "12-20", "through": "01-06"], "clocks": "Europe/Berlin",
                "groups": ["web"],
            ]),
        document(
            "Freeze", "audit",
            ["reason": "Audit", "between": ["from": "2027-02-01T00:00", "to": "2027-02-03T00:00"], "clocks": "UTC"]),
        document(
            "Cadence", "monthly",
            [
                "groups": ["web", "database"], "calendar": "FREQ=MONTHLY;INTERVAL=2;BYDAY=2TU", "plusDays": 1,
                "firstDay": "2026-12-01", "rings": "standard", "windows": ["patch-night"],
            ]),
        document(
            "AutoApproval", "usual",
            [
                "rules": [
                    [
                        "name": "exploited", "then": "approve",
                        "when": [
                            "severity": "high", "exploited": true, "security": true,
                            "exposure": ["open", "controlled"],
                            "age": "1d", "sources": ["debian-security"], "packages": ["linux-image-*"],
                            "groups": ["web"],
                        ],
                    ], ["name": "rest", "then": "ask"],
                ]
            ]),
        document(
            "PackageRule", "postgres",
            [
                "packages": ["postgresql-1?"], "groups": ["database"], "action": "pin", "version": "1:15.3-0+deb12u1",
                "reason": "The vendor supports no other", "until": "2027-06-01",
            ]),
        document("Budget", "clusters", ["per": "label", "label": "cluster", "healthy": "60%", "groups": ["database"]]),
        document("Budget", "sites", ["per": "site", "limit": "10%"]),
        document("Relation", "primaries", ["neverTogether": ["database", "web"]]),
        document("Relation", "order", ["order": ["first": "database", "then": "web", "settle": "10m"]]),
        document(
            "Script", "drain",
            [
                "digest": .string(digest), "file": "scripts/drain.sh", "idempotent": false, "undo": "undrain",
                "timeout": "5m",
            ]),
        document("Site", "berlin", ["zone": "Europe/Berlin"]),
        document("Script", "undrain", ["digest": .string(digest), "idempotent": true]),
        document("HealthCheck", "nginx", ["unit": "nginx.service", "timeout": "20s", "critical": true]),
        document("HealthCheck", "port", ["tcp": ["address": "127.0.0.1", "port": 443]]),
        document(
            "HealthCheck", "page", ["http": ["address": "localhost", "port": 8080, "path": "/health", "status": 204]]),
        document("HealthCheck", "command", ["command": "test -e /run/ok"]),
        document("HealthCheck", "script", ["script": "undrain"]),
        document(
            "Handling", "web",
            [
                "groups": ["web"], "reboot": "always", "maximumReboots": 2,
                "deferral": ["maximum": 2, "until": "1d", "notice": "30m", "grace": "2h"], "snapshot": "required",
                "before": ["drain"], "after": ["undrain"], "tests": ["undrain"], "stop": ["nginx.service"],
                "checks": ["nginx", "port", "page", "command", "script"], "settle": "2m", "passes": 5,
            ]),
        document(
            "Gate", "strict",
            [
                "acceptable": "1%", "falseHalt": "10%", "margin": "0.5%", "highestRate": "5%", "coverage": "90%",
                "strata": "100%", "undelivered": "5%",
            ]),
        document(
            "Exception", "old-openssl",
            [
                "vulnerabilities": ["CVE-2026-0001"], "packages": ["openssl"], "groups": ["database"], "owner": "Ada",
                "reason": "Not reachable", "expires": "2027-03-01",
            ]),
        document(
            "CampaignRules", "fleet",
            [
                "rules": [
                    [
                        "name": "kev", "when": ["exploited": true, "exposure": ["open"]], "rings": "standard",
                        "emergency": ["expires": "12h", "approvers": 3, "bypass": ["window", "soak"]],
                    ],
                    [
                        "name": "critical", "when": ["severity": "critical"], "within": "1w", "rings": "standard",
                        "approval": "usual",
                    ],
                    ["name": "rest", "cadence": "monthly"],
                ]
            ]),
    ]

    static let now = Timestamp(seconds: 1_795_305_600)  // 2026-11-22

    static func read(_ documents: [JSONValue]) throws -> (set: PolicySet, problems: [PolicyProblem]) {
        try PolicySet.read(PolicyNode.documents(json: JSONValue.array(documents).canonicalBytes(), file: "fleet.json"))
    }

    static func zone(_ name: String) -> Zone? {
        guard let data = try? Data(contentsOf: URL(filePath: "/usr/share/zoneinfo/\(name)")) else { return nil }
        return try? Zone(name: name, tzif: Array(data))
    }

    static func surroundings(_ hosts: [PolicyHost]? = nil) -> PolicySurroundings {
        PolicySurroundings(now: now, hosts: hosts) { zone($0) }
    }
}

/// Always the same numbers for a seed (SplitMix64).
struct PolicyRandom: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
