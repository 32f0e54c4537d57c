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
let tracing: Target.Dependency = .product(name: "Tracing", package: "swift-distributed-tracing")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")

/// What `Pipeline` stands on, in a package of its own name: whoever uses it uses these too.
let floors: [Target.Dependency] = ["Platform", "Addresses", "HTTPMessages", "ConfigurationLanguage", "Instruments"]
let pipeline: [Target.Dependency] = floors + ["Pipeline"]

let package = Package(
    name: "fluidity",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "fluidity", targets: ["Fluidity"]),
        .executable(name: "bootstrap", targets: ["bootstrap"]),
        .library(
            name: "Pipeline",
            targets: ["Platform", "Addresses", "HTTPMessages", "ConfigurationLanguage", "Instruments", "Pipeline"]),
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
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.3.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    ],
    targets: [
        // The floors of the pipeline, from the ground up: each knows only those above it in this list.
        .target(
            name: "Platform",
            dependencies: [nioCore, deque],
            path: "Sources/Pipeline/Platform",
            swiftSettings: settings
        ),
        .target(
            name: "Addresses",
            dependencies: [nioCore],
            path: "Sources/Pipeline/Addresses",
            swiftSettings: settings
        ),
        .target(
            name: "HTTPMessages",
            dependencies: ["Platform", nioCore],
            path: "Sources/Pipeline/HTTPMessages",
            swiftSettings: settings
        ),
        .target(
            name: "ConfigurationLanguage",
            dependencies: ["Platform", "Addresses", "HTTPMessages", logging, "CYAML"],
            path: "Sources/Pipeline/ConfigurationLanguage",
            swiftSettings: settings
        ),
        .target(
            name: "Instruments",
            dependencies: [],
            path: "Sources/Pipeline/Instruments",
            swiftSettings: settings
        ),
        .target(
            name: "Pipeline",
            dependencies: floors + [nioCore, nioPosix, logging, deque],
            path: "Sources/Pipeline/Pipeline",
            swiftSettings: settings
        ),
        // Looks names up, with c-ares.
        .target(
            name: "Names",
            dependencies: pipeline + [nioCore, nioPosix, "CCares"],
            swiftSettings: settings
        ),
        .target(
            name: "AWS",
            dependencies: pipeline + [nioCore, nioHTTP1, logging, crypto, httpClient],
            swiftSettings: settings
        ),
        .target(
            name: "Filters",
            dependencies: pipeline + [
                nioCore, nioPosix, nioHTTP1, logging, deque, crypto, asn1, x509, cryptoExtras, jwt, httpClient, "CZlib",
            ],
            path: "Sources/Stages/Filters",
            swiftSettings: settings
        ),
        .target(
            name: "ControlStages",
            dependencies: pipeline + ["AWS", "Filters", nioCore, nioPosix, nioHTTP1, logging, httpClient, crypto],
            path: "Sources/Stages/ControlStages",
            swiftSettings: settings
        ),
        .target(
            name: "TunnelStages",
            dependencies: pipeline + [
                "Names", "Filters", "LivePage", "CGSSAPI", nioCore, nioPosix, nioEmbedded, nioSSL,
                .product(name: "NIOTLS", package: "swift-nio"),
                logging, deque, x509, crypto, asn1, nioHTTP1, nioHTTP2, nioHPACK, nioWebSocket, httpClient,
            ],
            path: "Sources/Stages/TunnelStages",
            swiftSettings: settings
        ),
        // The page that the admin listener shows to people. Its files become a part of the program.
        .target(
            name: "LivePage",
            path: "Sources/Stages/LivePage",
            resources: [
                .embedInCode("live.html"), .embedInCode("live.css"), .embedInCode("live.js"), .embedInCode("live.svg"),
            ],
            swiftSettings: settings
        ),
        // The list of the stages that come with the program.
        .target(
            name: "Stages",
            dependencies: pipeline + ["Filters", "TunnelStages", "ControlStages"],
            path: "Sources/Stages/Stages",
            swiftSettings: settings
        ),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"]), .brew(["libyaml"])]),
        .systemLibrary(name: "CCares", pkgConfig: "libcares", providers: [.apt(["libc-ares-dev"]), .brew(["c-ares"])]),
        // Declarations alone: the library is opened at run time.
        .systemLibrary(name: "CGSSAPI"),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(
            name: "Runtime",
            dependencies: pipeline + [nioCore, logging],
            path: "Sources/Hosts/Runtime",
            swiftSettings: settings
        ),
        // Sends traces and metrics to a collector, or to a tracer of the program that embeds a pipeline.
        .target(
            name: "OpenTelemetry",
            dependencies: pipeline + [nioCore, nioPosix, nioHTTP1, nioSSL, logging, httpClient, tracing],
            path: "Sources/Hosts/OpenTelemetry",
            swiftSettings: settings
        ),
        .target(
            name: "Hosting",
            dependencies: pipeline + [
                "TunnelStages", "Runtime", "OpenTelemetry", nioCore, nioPosix, logging, metrics, crypto, tracing,
            ],
            path: "Sources/Hosts/Hosting",
            swiftSettings: settings
        ),
        .target(
            name: "ServerWaking",
            dependencies: pipeline + ["AWS", "Hosting", nioCore, nioHTTP1, logging, httpClient],
            path: "Sources/Hosts/ServerWaking",
            swiftSettings: settings
        ),
        // The control plane, its agents and AWS under a virtual time: for `fluidity simulate`.
        .target(
            name: "Simulation",
            dependencies: pipeline + ["AWS", "ControlStages", "ServerWaking", nioCore, nioHTTP1, logging],
            path: "Sources/Hosts/Simulation",
            swiftSettings: settings
        ),
        // Configurations, or texts in them, that are kept on AWS.
        .target(
            name: "RemoteConfiguration",
            dependencies: pipeline + ["AWS", nioCore, logging],
            path: "Sources/Hosts/RemoteConfiguration",
            swiftSettings: settings
        ),
        .target(
            name: "CommandLineInterface",
            dependencies: pipeline + [
                "AWS", "RemoteConfiguration", "Stages", "Filters", "TunnelStages", "ControlStages", "Runtime", "Hosting",
                "ServerWaking", "Rehearsal", "Simulation", "CArguments", logging,
                x509, crypto, asn1, nioCore, nioPosix,
                nioHTTP1,
                httpClient,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Sources/Hosts/CommandLineInterface",
            swiftSettings: settings
        ),
        // Runs stages in memory: for `fluidity test`, and beneath `StageTesting`.
        .target(
            name: "Rehearsal",
            dependencies: pipeline + [nioCore, nioPosix, logging],
            swiftSettings: settings
        ),
        .target(
            name: "StageTesting",
            dependencies: pipeline + ["Rehearsal", "CAllocations", nioCore, logging],
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
            dependencies: pipeline + ["ControlStages", "Runtime", "CMathCompatibility", logging, nioPosix],
            path: "Sources/Hosts/bootstrap",
            swiftSettings: settings
        ),
        .target(name: "CMathCompatibility", path: "Sources/Hosts/CMathCompatibility"),
        .target(name: "CArguments", path: "Sources/Hosts/CArguments"),
        .testTarget(
            name: "PipelineTests",
            dependencies: pipeline + [nioCore, nioEmbedded, logging],
            exclude: ["Configuration/Fixtures"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "NamesTests",
            dependencies: pipeline + ["Names", nioCore, nioPosix],
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
            dependencies: pipeline + ["AWS", "ControlStages", nioCore, nioPosix, nioEmbedded, nioHTTP1, logging],
            exclude: ["Lambda/Fixtures"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "StagesTests",
            dependencies: pipeline + [
                "Names", "Stages", "Filters", "TunnelStages", "LivePage", "ControlStages", nioCore, nioPosix, nioEmbedded, nioSSL,
                deque, nioHTTP1, x509, crypto, asn1, logging, nioHTTP2, nioHPACK, nioWebSocket, jwt, "StageTesting", "Rehearsal",
            ],
            exclude: ["Configuration/Fixtures", "Route/Fixtures"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "HostsTests",
            dependencies: pipeline + [
                "AWS", "Stages", "Filters", "TunnelStages", "ControlStages", "Hosting", "Runtime", "ServerWaking",
                "CommandLineInterface", "RemoteConfiguration", "Simulation", "OpenTelemetry", tracing, nioCore,
                nioPosix, nioEmbedded, logging, nioSSL, x509, asn1, metrics,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            exclude: ["Golden", "Simulation/Fixtures"],
            swiftSettings: settings
        ),
    ],
    swiftLanguageModes: [.v6]
)
