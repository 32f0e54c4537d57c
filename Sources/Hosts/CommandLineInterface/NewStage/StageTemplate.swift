#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// A package with one stage, as `fluidity stage new` writes it.
package struct StageTemplate {
    /// The path of the folder that the package is written to.
    package let folder: String
    /// The stage's name.
    let name: String
    /// `RequestLog` for `request-log`.
    private let type: String
    /// The entry for the package 'fluidity' in the manifest, and what products of it name it by.
    private let dependency: String
    private let package: String

    /// A template for a stage of that name; nil where it isn't in kebab-case.
    package init?(name: String, fluidity: String, branch: String, into folder: String) {
        guard SwiftText.isKebab(name), name.utf8.count <= 40 else { return nil }
        self.name = name
        self.folder = folder
        type = SwiftText.typeName(name)
        if fluidity.contains("://") || fluidity.hasPrefix("git@") {
            dependency = ".package(url: \"\(fluidity)\", branch: \"\(branch)\")"
            package = Self.identity(ofRepository: fluidity)
        } else {
            let path = URL(fileURLWithPath: fluidity).standardizedFileURL.path
            package = "fluidity"
            dependency = ".package(name: \"fluidity\", path: \"\(path)\")"
        }
    }

    /// Swift's package manager knows a repository by the last part of its URL.
    private static func identity(ofRepository url: String) -> String {
        let last = url.split(whereSeparator: { $0 == "/" || $0 == ":" }).last.map(String.init) ?? "fluidity"
        return last.hasSuffix(".git") ? String(last.dropLast(4)) : last
    }

    /// A folder that is to be the package 'fluidity', and isn't; nil for one that is, and for what is elsewhere.
    package static func missing(at fluidity: String) -> String? {
        guard !fluidity.contains("://"), !fluidity.hasPrefix("git@") else { return nil }
        let folder = URL(fileURLWithPath: fluidity).standardizedFileURL.path
        guard let manifest = try? String(contentsOfFile: "\(folder)/Package.swift", encoding: .utf8) else {
            return "there is no Swift package in \(folder): it has no Package.swift"
        }
        return manifest.contains("name: \"fluidity\"") ? nil : "the Swift package in \(folder) isn't Fluidity"
    }

    /// There is something already where the package would be written.
    package struct Taken: Error, CustomStringConvertible {
        package var description: String
    }

    /// Writes all files; throws `Taken`, and writes none, if the folder has anything in it.
    package func write() throws {
        let manager = FileManager.default
        if let contents = try? manager.contentsOfDirectory(atPath: folder), !contents.isEmpty {
            throw Taken(description: "the folder '\(folder)' is not empty")
        }
        for (path, text) in files {
            let url = URL(fileURLWithPath: "\(folder)/\(path)")
            try manager.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: url)
        }
    }

    /// Every file by its path in the package.
    package var files: [(path: String, text: String)] {
        [
            ("Package.swift", manifest),
            (".gitignore", ".build/\n"),
            ("README.md", readme),
            ("\(name).yaml", pipeline),
            ("Sources/\(type)/\(type)Stage.swift", stage),
            ("Sources/\(type)/\(type)Gate.swift", gate),
            ("Sources/\(type)Tunnel/Main.swift", main),
            ("Tests/\(type)Tests/\(type)Tests.swift", tests),
        ] + deployment
    }

    private var manifest: String {
        """
        // swift-tools-version: 6.2
        import PackageDescription

        let package = Package(
            name: "\(name)",
            platforms: [.macOS(.v15)],
            products: [
                .library(name: "\(type)", targets: ["\(type)"]),
                .executable(name: "\(name)-tunnel", targets: ["\(type)Tunnel"]),
            ],
            dependencies: [
                \(dependency),
                .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
                .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
            ],
            targets: [
                .target(
                    name: "\(type)",
                    dependencies: [
                        .product(name: "Pipeline", package: "\(package)"),
                        .product(name: "NIOCore", package: "swift-nio"),
                        .product(name: "Logging", package: "swift-log"),
                    ]
                ),
                .executableTarget(
                    name: "\(type)Tunnel",
                    dependencies: [
                        "\(type)",
                        .product(name: "Pipeline", package: "\(package)"),
                        .product(name: "Stages", package: "\(package)"),
                        .product(name: "CommandLineInterface", package: "\(package)"),
                    ]
                ),
                .testTarget(
                    name: "\(type)Tests",
                    dependencies: [
                        "\(type)",
                        .product(name: "Pipeline", package: "\(package)"),
                        .product(name: "StageTesting", package: "\(package)"),
                    ]
                ),
            ],
            swiftLanguageModes: [.v6]
        )

        """
    }

    private var stage: String {
        """
        public import Pipeline

        /// The stage's keys in a pipeline, with their defaults.
        public struct \(type)Configuration: StageConfiguration {
            public var field = "X-\(type)"
            public var value = ""

            public init() {}

            public static let schema = Schema<\(type)Configuration>(
                .optional("field", \\.field, "The name of the field that is added."),
                .required("value", \\.value, "Its value.")
            )

            public func validate() -> [ConfigurationProblem] {
                var fields = HeaderFields()
                if fields.append(field, value) { return [] }
                return [ConfigurationProblem("'\\(field)' can't be a field with this value", key: "field")]
            }
        }

        /// Describes the stage and makes it. Register it in `Main.swift`.
        public struct \(type)Factory: StageFactory {
            public static let name = "\(name)"
            public static let summary = "Adds a field to each request."
            public static let forms = [StageForm(.exchange, .exchange)]
            public static let reference = StageReference(
                details: "Say here what it does, when it is of use and where in a list it belongs.",
                example: "- \(name): { value: hello }",
                metrics: [\(type)Stage.changed])

            public init() {}

            public func make(
                _ configuration: \(type)Configuration, form: StageForm, context: StageContext
            ) throws -> any Stage {
                \(type)Stage(configuration: configuration)
            }
        }

        /// One entry of a running pipeline.
        struct \(type)Stage: Stage {
            typealias Input = Exchange
            typealias Output = Exchange

            static let changed = MetricDescription(.counter, "fluidity_\(metric)_requests_total", "Requests that got the field.")

            let configuration: \(type)Configuration

            /// Called once for each event loop. What it makes stays on that loop and needs no locks.
            func assemble(_ downstream: any ExchangePort, on shard: Shard) throws -> any ExchangePort {
                \(type)Port(
                    configuration, next: downstream,
                    changed: shard.metrics.counter(Self.changed, shard.assembling?.labels ?? []))
            }
        }

        /// One event loop's part of the stage.
        final class \(type)Port: ExchangePort {
            let configuration: \(type)Configuration
            let changed: Counter
            private let next: any ExchangePort

            init(_ configuration: \(type)Configuration, next: any ExchangePort, changed: Counter) {
                self.configuration = configuration
                self.next = next
                self.changed = changed
            }

            func open(_ exchange: Exchange) {
                exchange.pass(\(type)Gate(self), towards: next)
            }
        }

        """
    }

    private var metric: String { name.replacing("-", with: "_") }

    private var gate: String {
        """
        import Pipeline

        /// What happens to one exchange. What isn't named in the interests costs nothing: this gate sees no bodies.
        final class \(type)Gate: Gate {
            private let port: \(type)Port

            init(_ port: \(type)Port) {
                self.port = port
                super.init(interests: [.requestHead])
            }

            override func requestHead(_ head: inout RequestHead, _ exchange: Exchange) -> GateDecision {
                head.fields.set(port.configuration.field, port.configuration.value)
                port.changed.add()
                return .forward
            }
        }

        """
    }

    private var main: String {
        ProgramMain(
            comment: "`fluidity`, with one stage more.", modules: [type], stages: [.init(factory: "\(type)Factory")]
        ).text
    }

    private var tests: String {
        """
        import Pipeline
        import \(type)
        import StageTesting
        import Testing

        @Suite struct \(type)Tests {
            /// Whatever every stage promises.
            @Test func conforms() async throws {
                try await StageConformance(\(type)Factory()).check()
            }

            @Test func aRequestGetsTheField() async throws {
                let pipeline = try await TestPipeline("- \(name): { field: X-Word, value: hello }", \(type)Factory())
                let outcome = try await pipeline.exchange(TestRequest("GET", "http://example.com/"))
                #expect(outcome.status == 200)
                #expect(outcome.reached.first?.head.fields.first("X-Word") == "hello")
                #expect(try await pipeline.metric("fluidity_\(metric)_requests_total") == 1)
                await pipeline.end()
            }
        }

        """
    }

    private var pipeline: String {
        """
        # A forward proxy with the stage in it: curl -x http://127.0.0.1:8080 http://example.com/
        host: server

        pipeline:
          - accept: { listen: "127.0.0.1:8080" }
          - http: { mode: proxy }
          - \(name): { value: hello }
          - fetch: { destinations: public }

        # swift run \(name)-tunnel test \(name).yaml
        tests:
          - name: a request gets the field
            request: { url: "http://example.com/" }
            expect:
              status: 200
              stage: origin
              origin: { fields: { X-\(type): hello } }

        """
    }

    private var readme: String {
        """
        # \(name)

        A stage for Fluidity.

        | | |
        |---|---|
        | `swift test` | the stage's tests |
        | `swift run \(name)-tunnel test \(name).yaml` | the pipeline's tests |
        | `swift run \(name)-tunnel server --config \(name).yaml` | runs the pipeline |
        | `swift run \(name)-tunnel stages \(name)` | what the stage says of itself |
        | `deployments/deploy --package` this folder, in Fluidity's | a server with the stage on AWS: see `deployment` |

        `Sources/\(type)` has the stage: its keys, its factory, what runs once for each event loop and what runs for each
        exchange.

        """
    }
}
