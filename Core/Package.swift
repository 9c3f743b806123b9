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
    ],
    targets: [
        .target(name: "Digest", swiftSettings: settings),
        .target(name: "JSON", swiftSettings: settings),
        .target(name: "Timestamps", swiftSettings: settings),
        .testTarget(name: "DigestTests", dependencies: ["Digest"], swiftSettings: settings),
        .testTarget(name: "JSONTests", dependencies: ["JSON"], swiftSettings: settings),
        .testTarget(name: "TimestampsTests", dependencies: ["Timestamps"], swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)
