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
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")

let package = Package(
    name: "fluidity",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "fluidity", targets: ["Fluidity"]),
        .library(name: "Pipeline", targets: ["Pipeline"]),
        .library(name: "Stages", targets: ["Stages"]),
        .library(name: "CommandLineInterface", targets: ["CommandLineInterface"]),
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
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    ],
    targets: [
        .target(
            name: "Pipeline",
            dependencies: [nioCore, logging, deque, .product(name: "Yams", package: "Yams")],
            swiftSettings: settings
        ),
        .target(
            name: "Stages",
            dependencies: [
                "Pipeline", nioCore, nioPosix, nioSSL, .product(name: "NIOTLS", package: "swift-nio"), logging, deque, x509,
                crypto, asn1, nioHTTP1, nioHTTP2, nioHPACK, nioWebSocket, httpClient, jwt, metrics, "CZlib",
            ],
            swiftSettings: settings
        ),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(
            name: "Hosting",
            dependencies: ["Pipeline", "Stages", nioCore, nioPosix, logging, metrics],
            path: "Sources/Hosts/Hosting",
            swiftSettings: settings
        ),
        .target(
            name: "CommandLineInterface",
            dependencies: [
                "Pipeline", "Stages", "Hosting", logging, x509, crypto, asn1, nioCore, nioHTTP1, httpClient,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Sources/Hosts/CommandLine",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "Fluidity",
            dependencies: ["CommandLineInterface", "Stages"],
            path: "Sources/Hosts/Fluidity",
            swiftSettings: settings
        ),
        .testTarget(
            name: "PipelineTests",
            dependencies: ["Pipeline", nioCore, nioEmbedded, logging],
            exclude: ["Configuration/Fixtures"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "StagesTests",
            dependencies: [
                "Pipeline", "Stages", nioCore, nioPosix, nioEmbedded, nioSSL, deque,
                .product(name: "NIOHTTP1", package: "swift-nio"), x509, crypto, asn1, logging, nioHTTP2, nioHPACK, nioWebSocket,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "HostsTests",
            dependencies: [
                "Pipeline", "Stages", "Hosting", "CommandLineInterface", nioCore, nioEmbedded, nioSSL, x509, asn1, metrics, logging,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings
        ),
    ],
    swiftLanguageModes: [.v6]
)
