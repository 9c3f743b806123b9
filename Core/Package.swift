// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

let package = Package(
    name: "Core",
    products: [
        .library(name: "Digest", targets: ["Digest"]),
        .library(name: "JSON", targets: ["JSON"]),
        .library(name: "Timestamps", targets: ["Timestamps"]),
        .library(name: "Versions", targets: ["Versions"]),
        .library(name: "PackageURLs", targets: ["PackageURLs"]),
        .library(name: "Changelog", targets: ["Changelog"]),
        .library(name: "CVSS", targets: ["CVSS"]),
        .library(name: "Feeds", targets: ["Feeds"]),
        .library(name: "Priority", targets: ["Priority"]),
        .library(name: "Matching", targets: ["Matching"]),
        .library(name: "SoftwareReading", targets: ["SoftwareReading"]),
        .library(name: "Inventory", targets: ["Inventory"]),
        .library(name: "Wire", targets: ["Wire"]),
        .library(name: "Rollout", targets: ["Rollout"]),
        .library(name: "Schedule", targets: ["Schedule"]),
        .library(name: "ICalendar", targets: ["ICalendar"]),
        .library(name: "Gates", targets: ["Gates"]),
        .library(name: "Policy", targets: ["Policy"]),
        .library(name: "Simulator", targets: ["Simulator"]),
        .library(name: "Orders", targets: ["Orders"]),
        .library(name: "Audit", targets: ["Audit"]),
        .library(name: "Access", targets: ["Access"]),
        .library(name: "TextTable", targets: ["TextTable"]),
        .library(name: "JSONQuery", targets: ["JSONQuery"]),
        .library(name: "CSV", targets: ["CSV"]),
        .library(name: "YAML", targets: ["YAML"]),
    ],
    targets: [
        .target(name: "Digest", swiftSettings: settings),
        .target(name: "JSON", swiftSettings: settings),
        .target(name: "Timestamps", swiftSettings: settings),
        .target(name: "Versions", swiftSettings: settings),
        .target(name: "PackageURLs", swiftSettings: settings),
        .target(name: "Changelog", dependencies: ["Digest", "Versions"], swiftSettings: settings),
        .target(name: "CVSS", swiftSettings: settings),
        .target(
            name: "Feeds", dependencies: ["JSON", "PackageURLs", "Timestamps", "Versions"], swiftSettings: settings),
        .target(
            name: "Priority", dependencies: ["Access", "CSV", "CVSS", "Feeds", "JSON", "Timestamps"],
            swiftSettings: settings),
        .target(
            name: "Matching",
            dependencies: ["Feeds", "Inventory", "Versions", "CVSS", "Digest", "Timestamps"], swiftSettings: settings),
        .target(name: "SoftwareReading", dependencies: ["JSON", "Inventory", "PackageURLs"], swiftSettings: settings),
        .target(name: "Inventory", dependencies: ["JSON", "Digest", "Timestamps"], swiftSettings: settings),
        .target(name: "Rollout", dependencies: ["Gates", "JSON", "Digest", "Timestamps"], swiftSettings: settings),
        .target(name: "Schedule", dependencies: ["Rollout", "Timestamps"], swiftSettings: settings),
        .target(name: "Gates", swiftSettings: settings),
        .target(
            name: "Policy", dependencies: ["Access", "Digest", "Gates", "JSON", "Schedule", "Timestamps"],
            swiftSettings: settings),
        .target(name: "ICalendar", dependencies: ["Schedule", "Timestamps"], swiftSettings: settings),
        .target(
            name: "Simulator", dependencies: ["Rollout", "Gates", "JSON", "Digest", "Timestamps"],
            swiftSettings: settings),
        .target(name: "Orders", dependencies: ["Rollout", "JSON", "Digest", "Timestamps"], swiftSettings: settings),
        .target(
            name: "Wire", dependencies: ["Changelog", "Orders", "Rollout", "JSON", "Digest", "Timestamps"],
            swiftSettings: settings),
        .target(name: "Audit", dependencies: ["Digest", "JSON"], swiftSettings: settings),
        .target(name: "Access", swiftSettings: settings),
        .target(name: "TextTable", swiftSettings: settings),
        .target(name: "JSONQuery", dependencies: ["JSON"], swiftSettings: settings),
        .target(name: "CSV", swiftSettings: settings),
        .target(name: "YAML", dependencies: ["JSON"], swiftSettings: settings),
        .testTarget(name: "DigestTests", dependencies: ["Digest"], swiftSettings: settings),
        .testTarget(name: "JSONTests", dependencies: ["JSON"], swiftSettings: settings),
        .testTarget(name: "TimestampsTests", dependencies: ["Timestamps"], swiftSettings: settings),
        .testTarget(
            name: "InventoryTests", dependencies: ["Inventory", "JSON", "Timestamps"], swiftSettings: settings),
        .testTarget(
            name: "WireTests", dependencies: ["Wire", "Changelog", "JSON", "Digest", "Timestamps"],
            swiftSettings: settings),
        .testTarget(
            name: "OrdersTests", dependencies: ["Orders", "Rollout", "JSON", "Digest", "Timestamps"],
            swiftSettings: settings),
        .testTarget(name: "VersionsTests", dependencies: ["Versions"], swiftSettings: settings),
        .testTarget(name: "PackageURLsTests", dependencies: ["PackageURLs"], swiftSettings: settings),
        .testTarget(
            name: "ChangelogTests", dependencies: ["Changelog", "Digest", "Versions"], swiftSettings: settings),
        .testTarget(name: "CVSSTests", dependencies: ["CVSS"], swiftSettings: settings),
        .testTarget(
            name: "FeedsTests", dependencies: ["Feeds", "Versions", "Timestamps", "JSON"], swiftSettings: settings),
        .testTarget(
            name: "PriorityTests", dependencies: ["Access", "CSV", "Feeds", "JSON", "Priority", "Timestamps"],
            swiftSettings: settings),
        .testTarget(
            name: "MatchingTests",
            dependencies: ["Matching", "Feeds", "Inventory", "Versions", "Digest", "Timestamps"],
            swiftSettings: settings),
        .testTarget(
            name: "SoftwareReadingTests", dependencies: ["SoftwareReading", "Inventory", "JSON", "PackageURLs"],
            swiftSettings: settings),
        .testTarget(
            name: "RolloutTests", dependencies: ["Rollout", "Gates", "JSON", "Digest", "Timestamps"],
            swiftSettings: settings),
        .testTarget(
            name: "ScheduleTests", dependencies: ["ICalendar", "Schedule", "Rollout", "Timestamps"],
            swiftSettings: settings),
        .testTarget(
            name: "PolicyTests",
            dependencies: ["Access", "Gates", "JSON", "Policy", "Schedule", "Timestamps"], swiftSettings: settings),
        .testTarget(name: "GatesTests", dependencies: ["Gates"], swiftSettings: settings),
        .testTarget(name: "SimulatorTests", dependencies: ["Simulator", "Rollout"], swiftSettings: settings),
        .testTarget(name: "TextTableTests", dependencies: ["TextTable"], swiftSettings: settings),
        .testTarget(name: "JSONQueryTests", dependencies: ["JSONQuery", "JSON"], swiftSettings: settings),
        .testTarget(name: "CSVTests", dependencies: ["CSV"], swiftSettings: settings),
        .testTarget(name: "YAMLTests", dependencies: ["YAML", "JSON"], swiftSettings: settings),
        .testTarget(name: "AccessTests", dependencies: ["Access"], swiftSettings: settings),
        .testTarget(name: "AuditTests", dependencies: ["Audit", "Digest", "JSON"], swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)
