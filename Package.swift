// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] =
    [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        // Only in CI: a newer compiler's new warning mustn't keep anybody from building.
    ] + (Context.environment["CI"] == "true" ? [.treatAllWarnings(as: .error)] : [])

let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let deque: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")
let x509: Target.Dependency = .product(name: "X509", package: "swift-certificates")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let asn1: Target.Dependency = .product(name: "SwiftASN1", package: "swift-asn1")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioHTTP2: Target.Dependency = .product(name: "NIOHTTP2", package: "swift-nio-http2")
let nioHPACK: Target.Dependency = .product(name: "NIOHPACK", package: "swift-nio-http2")
let nioWebSocket: Target.Dependency = .product(name: "NIOWebSocket", package: "swift-nio")
let httpClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let jwt: Target.Dependency = .product(name: "JWTKit", package: "jwt-kit")
let cryptoExtras: Target.Dependency = .product(name: "CryptoExtras", package: "swift-crypto")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")

let package = Package(
    name: "fluidity",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "fluidity", targets: ["Fluidity"]),
        .executable(name: "bootstrap", targets: ["bootstrap"]),
        .library(name: "Pipeline", targets: ["Pipeline"]),
        .library(name: "Stages", targets: ["Stages"]),
        .library(name: "ControlStages", targets: ["ControlStages"]),
        .library(name: "Hosting", targets: ["Hosting"]),
        .library(name: "CommandLineInterface", targets: ["CommandLineInterface"]),
        .library(name: "StageTesting", targets: ["StageTesting"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    ],
    targets: [
        .target(
            name: "Pipeline",
            dependencies: [nioCore, logging, deque, "CYAML"],
            swiftSettings: settings
        ),
        .target(
            name: "AWS",
            dependencies: ["Pipeline", nioCore, nioHTTP1, logging, crypto, httpClient],
            swiftSettings: settings
        ),
        .target(
            name: "ControlStages",
            dependencies: ["Pipeline", "AWS", nioCore, nioPosix, nioHTTP1, logging, httpClient, crypto],
            swiftSettings: settings
        ),
        .target(
            name: "Stages",
            dependencies: [
                "Pipeline", "AWS", "ControlStages", httpClient, nioCore, nioPosix, nioEmbedded, nioSSL,
                .product(name: "NIOTLS", package: "swift-nio"),
                logging, deque, x509,
                crypto, cryptoExtras, asn1, nioHTTP1, nioHTTP2, nioHPACK, nioWebSocket, jwt, metrics, "CZlib",
            ],
            swiftSettings: settings
        ),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"]), .brew(["libyaml"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(
            name: "Runtime",
            dependencies: ["Pipeline", nioCore, logging],
            path: "Sources/Hosts/Runtime",
            swiftSettings: settings
        ),
        .target(
            name: "Hosting",
            dependencies: ["Pipeline", "Stages", "Runtime", nioCore, nioPosix, logging, metrics],
            path: "Sources/Hosts/Hosting",
            swiftSettings: settings
        ),
        .target(
            name: "Lifecycle",
            dependencies: ["Pipeline", "AWS", "Hosting", nioCore, nioHTTP1, logging, httpClient],
            path: "Sources/Hosts/Lifecycle",
            swiftSettings: settings
        ),
        .target(
            name: "CommandLineInterface",
            dependencies: [
                "Pipeline", "Stages", "Runtime", "Hosting", "Lifecycle", "Rehearsal", logging, x509, crypto, asn1, nioCore,
                nioHTTP1,
                httpClient,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Sources/Hosts/CommandLine",
            swiftSettings: settings
        ),
        // Runs stages in memory: for `fluidity test`, and beneath `StageTesting`.
        .target(
            name: "Rehearsal",
            dependencies: ["Pipeline", nioCore, nioPosix, logging],
            swiftSettings: settings
        ),
        .target(
            name: "StageTesting",
            dependencies: ["Pipeline", "Rehearsal", "CAllocations", nioCore, logging],
            swiftSettings: settings
        ),
        // Replaces the allocator of the program that links it, so it goes into tests only.
        .target(name: "CAllocations"),
        .executableTarget(
            name: "Fluidity",
            dependencies: ["CommandLineInterface", "Stages"],
            path: "Sources/Hosts/Fluidity",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "bootstrap",
            dependencies: ["Stages", "ControlStages", "Runtime", "Pipeline", "CMathCompatibility", logging, nioPosix],
            path: "Sources/Hosts/Lambda",
            swiftSettings: settings
        ),
        .target(name: "CMathCompatibility", path: "Sources/Hosts/CMathCompatibility"),
        .testTarget(
            name: "PipelineTests",
            dependencies: ["Pipeline", nioCore, nioEmbedded, logging],
            exclude: ["Configuration/Fixtures"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "AWSTests",
            dependencies: ["AWS", nioCore, nioHTTP1, logging],
            exclude: ["Fixtures"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "ControlStagesTests",
            dependencies: ["Pipeline", "AWS", "ControlStages", nioCore, nioPosix, nioEmbedded, nioHTTP1, logging],
            exclude: ["Lambda/Fixtures"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "StagesTests",
            dependencies: [
                "Pipeline", "Stages", nioCore, nioPosix, nioEmbedded, nioSSL, deque,
                nioHTTP1, x509, crypto, asn1, logging, nioHTTP2, nioHPACK, nioWebSocket, jwt, "StageTesting",
            ],
            exclude: ["Configuration/Fixtures"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "HostsTests",
            dependencies: [
                "Pipeline", "AWS", "ControlStages", "Stages", "Hosting", "Runtime", "Lifecycle", "CommandLineInterface", nioCore,
                nioPosix, nioEmbedded, logging, nioSSL, x509, asn1, metrics,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            exclude: ["Golden"],
            swiftSettings: settings
        ),
    ],
    swiftLanguageModes: [.v6]
)
