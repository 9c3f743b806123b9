// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

/// Tests reach the internals of what they test; a release build has to be told so.
let testable: [SwiftSetting] = settings + [.unsafeFlags(["-enable-testing"])]

/// lld relinks in seconds what the default linker takes a minute for.
let lld: [LinkerSetting] = [.unsafeFlags(["-use-ld=lld"])]

/// The agent is one file that runs on any glibc: everything static, Foundation's own parts named because
/// the compiler only names the shared library's.
let staticExecutable: [LinkerSetting] = [
    .unsafeFlags(["-use-ld=lld", "-static-executable"]),
    .linkedLibrary("_FoundationCShims"), .linkedLibrary("_FoundationCollections"),
]

func core(_ name: String) -> Target.Dependency { .product(name: name, package: "Core") }
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "NIOHTTP1", package: "swift-nio"),
    .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
    .product(name: "NIOSSL", package: "swift-nio-ssl"),
]
let certificates: [Target.Dependency] = [
    .product(name: "X509", package: "swift-certificates"),
    .product(name: "SwiftASN1", package: "swift-asn1"),
    .product(name: "Crypto", package: "swift-crypto"),
]
let hummingbird: [Target.Dependency] = [
    .product(name: "Hummingbird", package: "hummingbird"),
    .product(name: "HummingbirdCore", package: "hummingbird"),
    .product(name: "HummingbirdTLS", package: "hummingbird"),
    .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
]

let package = Package(
    name: "Fettle",
    products: [
        .executable(name: "fettle", targets: ["fettle"]),
        .executable(name: "fettle-agent", targets: ["fettle-agent"]),
        .executable(name: "fettle-bench", targets: ["Benchmarks"]),
        .executable(name: "fettle-sim", targets: ["fettle-sim"]),
    ],
    dependencies: [
        .package(path: "Core"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.1", traits: []),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-certificates.git", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-asn1.git", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-crypto.git", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
    ],
    targets: [
        // System libraries
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(
            name: "CCompression",
            providers: [.apt(["zlib1g-dev", "liblzma-dev", "libbz2-dev", "liblz4-dev", "libzstd-dev"])]),
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CArchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "CXML2", pkgConfig: "libxml-2.0", providers: [.apt(["libxml2-dev"])]),

        // Orders: Ed25519 for both sides, and the process that holds the keys
        .target(
            name: "Signatures",
            dependencies: [
                core("Orders"), core("JSON"), core("Digest"), .product(name: "Crypto", package: "swift-crypto"),
            ], swiftSettings: settings),
        .target(
            name: "Signer",
            dependencies: [
                "Signatures", core("Orders"), core("Rollout"), core("JSON"), core("Digest"), core("Timestamps"),
            ], swiftSettings: testable),

        // The host's side
        .target(
            name: "PackageManagers",
            dependencies: [
                "CCompression", core("Inventory"), core("Versions"), core("Timestamps"), core("Digest"), core("JSON"),
            ],
            swiftSettings: settings),
        .target(
            name: "Agent",
            dependencies: [
                "PackageManagers", "Signatures", "CLinux", core("Changelog"), core("Versions"), core("TextTable"),
                core("Inventory"),
                core("Wire"), core("Orders"), core("Rollout"), core("JSON"), core("Digest"), core("Timestamps"),
            ] + nio + certificates,
            swiftSettings: testable),
        .executableTarget(
            name: "fettle-agent",
            dependencies: [
                "Agent", "PackageManagers", core("Inventory"), core("JSON"), core("Wire"), core("TextTable"),
                core("Timestamps"), argumentParser,
            ],
            swiftSettings: settings, linkerSettings: staticExecutable),

        // The pages: a builder of HTML, and every page as a function of what it shows
        .target(name: "HTML", swiftSettings: settings),
        .target(
            name: "Pages",
            dependencies: ["HTML", core("Access"), core("Inventory"), core("Timestamps"), core("Digest")],
            resources: [.embedInCode("Assets/fettle.css"), .embedInCode("Assets/fettle.js")],
            swiftSettings: settings),

        // Feeds as their vendors publish them: containers, XML, downloads, and the folder that keeps revisions
        .target(
            name: "FeedImport",
            dependencies: [
                "CArchive", "CXML2", "CCompression", core("Feeds"), core("JSON"), core("Digest"), core("Timestamps"),
                core("Versions"), .product(name: "Crypto", package: "swift-crypto"),
            ] + nio, swiftSettings: testable),

        // What `fettle match` reads: catalogues kept beside their feeds, roots, inventories, bills of materials
        .target(
            name: "MatchInputs",
            dependencies: [
                "CSQLite", "FeedImport", "PackageManagers", core("Matching"), core("SoftwareReading"), core("Feeds"),
                core("Inventory"), core("Digest"), core("Timestamps"),
            ], swiftSettings: settings),

        // Policies as people write them: YAML with the place of every value
        .target(name: "PolicyFiles", dependencies: ["CYAML", core("Policy")], swiftSettings: settings),

        // The server's side
        .target(
            name: "Store",
            dependencies: [
                "CSQLite", "CPostgres", "CCompression", core("Access"), core("Inventory"), core("JSON"), core("Digest"),
                core("Audit"), core("Rollout"),
                core("Timestamps"), core("Versions"), logging,
            ],
            swiftSettings: settings),
        .target(
            name: "Server",
            dependencies: [
                "Store", "HTML", "Pages", "Signer", "MatchInputs", "PolicyFiles", core("Policy"), core("ICalendar"),
                core("YAML"), core("Changelog"), core("Matching"),
                core("Priority"),
                core("Feeds"), core("SoftwareReading"), core("PackageURLs"), core("CVSS"), core("Access"),
                core("Inventory"), core("Wire"),
                core("Orders"),
                core("Rollout"), core("Schedule"), core("Versions"), core("JSON"), core("Digest"), core("Audit"),
                core("Timestamps"), logging,
                .product(name: "CryptoExtras", package: "swift-crypto"),
            ] + hummingbird + nio + certificates,
            swiftSettings: testable),
        .executableTarget(
            name: "fettle",
            dependencies: [
                "Server", "Store", "Signer", "Signatures", "FeedImport", "MatchInputs", "PolicyFiles", core("Policy"),
                core("Matching"), core("SoftwareReading"), core("PackageURLs"), core("Versions"), core("CVSS"),
                core("Schedule"), core("ICalendar"),
                core("Inventory"), core("Feeds"), core("JSON"),
                core("Wire"), core("Orders"), core("Rollout"), core("Timestamps"), core("Digest"), core("TextTable"),
                core("JSONQuery"), core("CSV"), core("YAML"), core("Audit"), core("Priority"),
                argumentParser, logging,
            ] + nio,
            swiftSettings: settings, linkerSettings: lld),
        .executableTarget(
            name: "fettle-sim", dependencies: [core("Simulator"), core("Rollout"), core("JSON"), argumentParser],
            swiftSettings: settings, linkerSettings: lld),
        .executableTarget(
            name: "Benchmarks",
            dependencies: [
                "Store", "Server", "Agent", "CSQLite", "MatchInputs", "FeedImport", core("Matching"), core("Feeds"),
                core("Access"), core("Priority"),
                core("Inventory"), core("Wire"), core("JSON"), core("Digest"), core("Versions"), core("Timestamps"),
                core("TextTable"),
                argumentParser,
            ] + nio,
            path: "Benchmarks", exclude: ["patchman-ingest"], swiftSettings: settings, linkerSettings: lld),

        // Tests, one target a room; AcceptanceTests run both programs on throw-away hosts
        .testTarget(
            name: "PackageManagersTests",
            dependencies: ["PackageManagers", core("Inventory"), core("Versions"), core("Timestamps")],
            swiftSettings: settings, linkerSettings: lld),
        .testTarget(
            name: "SignerTests",
            dependencies: [
                "Signer", "Signatures", core("Orders"), core("Rollout"), core("JSON"), core("Digest"),
                core("Timestamps"),
            ], swiftSettings: settings, linkerSettings: lld),
        .testTarget(
            name: "AgentTests",
            dependencies: [
                "Agent", "PackageManagers", "Signatures", core("Changelog"), core("Inventory"), core("Wire"),
                core("Orders"), core("Rollout"),
                core("JSON"), core("Digest"), core("Timestamps"), core("TextTable"),
            ] + nio + certificates + hummingbird,
            exclude: ["Patching/job-host"], swiftSettings: settings, linkerSettings: lld),
        .testTarget(
            name: "StoreTests",
            dependencies: [
                "Store", "CSQLite", core("Access"), core("Inventory"), core("JSON"), core("Digest"), core("Audit"),
                core("Rollout"), core("Timestamps"), logging,
            ],
            swiftSettings: settings, linkerSettings: lld),
        .testTarget(
            name: "FeedImportTests",
            dependencies: [
                "FeedImport", core("Feeds"), core("JSON"), core("Digest"), core("Timestamps"), core("Versions"),
            ], exclude: ["feed-server.py", "count-records.py"], swiftSettings: settings, linkerSettings: lld),
        .testTarget(
            name: "MatchInputsTests",
            dependencies: [
                "MatchInputs", "FeedImport", "PackageManagers", core("Versions"), core("Matching"),
                core("SoftwareReading"), core("Inventory"), core("Feeds"), core("Timestamps"),
            ], swiftSettings: settings, linkerSettings: lld),
        .testTarget(
            name: "PolicyFilesTests",
            dependencies: ["PolicyFiles", core("Policy"), core("Schedule"), core("JSON"), core("Timestamps")],
            swiftSettings: settings, linkerSettings: lld),
        .testTarget(name: "HTMLTests", dependencies: ["HTML"], swiftSettings: settings, linkerSettings: lld),
        .testTarget(
            name: "PagesTests", dependencies: ["Pages", "HTML", core("Timestamps")], exclude: ["read-pages.py"],
            swiftSettings: settings, linkerSettings: lld),
        .testTarget(
            name: "ServerTests",
            dependencies: [
                "Server", "Store", "Signer", "Signatures", "Agent", "Pages", "HTML", core("Access"), core("Inventory"),
                core("Policy"), core("Schedule"), core("Changelog"), core("Wire"), core("Orders"), core("Rollout"),
                core("JSON"), core("Feeds"), core("Matching"), core("Priority"), core("Digest"),
                core("Audit"), core("Timestamps"), logging,
            ] + nio + certificates + hummingbird,
            swiftSettings: settings, linkerSettings: lld),
        .testTarget(
            name: "AcceptanceTests",
            dependencies: [core("JSON"), core("Inventory"), core("Timestamps"), core("Digest")], exclude: ["Browser"],
            swiftSettings: settings, linkerSettings: lld),
    ],
    swiftLanguageModes: [.v6]
)
