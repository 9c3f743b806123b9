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
    ],
    targets: [
        .target(name: "Digest", swiftSettings: settings),
        .target(name: "JSON", swiftSettings: settings),
        .target(name: "Timestamps", swiftSettings: settings),
        .target(name: "Versions", swiftSettings: settings),
        .testTarget(name: "DigestTests", dependencies: ["Digest"], swiftSettings: settings),
        .testTarget(name: "JSONTests", dependencies: ["JSON"], swiftSettings: settings),
        .testTarget(name: "TimestampsTests", dependencies: ["Timestamps"], swiftSettings: settings),
        .testTarget(name: "VersionsTests", dependencies: ["Versions"], swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)
