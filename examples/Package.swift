// swift-tools-version: 6.2
import PackageDescription

let fluidity = "fluidity"

let package = Package(
    name: "examples",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "example-tunnel", targets: ["ExampleTunnel"])
    ],
    dependencies: [
        .package(name: fluidity, path: ".."),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
    ],
    targets: [
        // Acts on heads: adds a signature to each request.
        .target(
            name: "RequestSignature",
            dependencies: [
                .product(name: "Pipeline", package: fluidity),
                .product(name: "Crypto", package: "swift-crypto"),
            ]
        ),
        // Rewrites bodies as they stream: replaces a word.
        .target(
            name: "WordReplacement",
            dependencies: [
                .product(name: "Pipeline", package: fluidity),
                .product(name: "NIOCore", package: "swift-nio"),
            ]
        ),
        // The ordinary command line with both registered.
        .executableTarget(
            name: "ExampleTunnel",
            dependencies: [
                "RequestSignature", "WordReplacement",
                .product(name: "Pipeline", package: fluidity),
                .product(name: "Stages", package: fluidity),
                .product(name: "CommandLineInterface", package: fluidity),
            ]
        ),
        .testTarget(
            name: "ExamplesTests",
            dependencies: [
                "RequestSignature", "WordReplacement",
                .product(name: "Pipeline", package: fluidity),
                .product(name: "StageTesting", package: fluidity),
                .product(name: "Crypto", package: "swift-crypto"),
            ]
        ),
    ],
    swiftLanguageModes: [.v6]
)
