import ConfigurationLanguage
import Logging
import Pipeline

/// Stages like the real ones, which do nothing: what the loader's tests compose.
struct TestStage<Input: Medium, Output: Medium>: Stage {
    struct Unassembled: Error {}

    func assemble(_ downstream: Output.Port, on shard: Shard) throws -> Input.Port {
        throw Unassembled()
    }
}

struct AcceptFactory: StageFactory {
    struct Configuration: StageConfiguration {
        var listen = ListenAddress.tcp(host: "127.0.0.1", port: 8080)
        var maxConnections = 10_000
        var idle = Duration.seconds(300)
        var limits = Limits()

        static let schema = Schema<Configuration>(
            .required("listen", \.listen, "Address and port, or unix:PATH."),
            .optional("max-connections", \.maxConnections, in: 1...1_000_000, "Connections open at once."),
            .optional("idle", \.idle, in: .seconds(1) ... .seconds(86_400), "How long a connection may be silent."),
            .optional("limits", \.limits, "Bounds of a connection.")
        )
    }

    struct Limits: NestedConfiguration {
        var head = ByteCount.kibibytes(64)
        var rate: Rate?

        static let schema = Schema<Limits>(
            .optional("head", \.head, in: .kibibytes(1)...(.mebibytes(1)), "The largest head."),
            .optional("rate", \.rate, "New connections.")
        )
    }

    static let name = "accept"
    static let summary = "Listens for connections."
    static let forms = [StageForm(.start, .inbound)]
    static let needs = HostNeeds.listening

    func make(_ configuration: Configuration, form: StageForm, context: StageContext) throws -> any Stage {
        if case .tcp(_, 1) = configuration.listen { throw StageError(.configuration, "port 1 is reserved", key: "listen") }
        if case .tcp(_, 2) = configuration.listen { throw StageError(.unavailable, "port 2 is taken", key: "listen") }
        return TestStage<Start, Inbound>()
    }
}

struct HTTPFactory: StageFactory {
    enum Mode: String, ConfigurationChoice {
        case proxy
        case origin
    }

    struct Configuration: StageConfiguration {
        var mode = Mode.proxy
        var via = true
        static let schema = Schema<Configuration>(
            .optional("mode", \.mode, "Whom it answers."),
            .optional("via", \.via, "Adds a Via field.")
        )
    }

    static let name = "http"
    static let summary = "Speaks HTTP/1.1."
    static let forms = [StageForm(.inbound, .exchange)]

    func make(_ configuration: Configuration, form: StageForm, context: StageContext) throws -> any Stage {
        TestStage<Inbound, Exchange>()
    }
}

struct MTLSFactory: StageFactory {
    struct Configuration: StageConfiguration {
        var certificate = FilePath("")
        var key = FilePath("")
        var passphrase: Secret?
        var names: [String] = []

        static let schema = Schema<Configuration>(
            .required("certificate", \.certificate, "The certificate chain."),
            .required("key", \.key, "The private key."),
            .secret("passphrase", \.passphrase, "Opens the key."),
            .optional("names", \.names, "Names that the peer may have.")
        )

        func validate() -> [ConfigurationProblem] {
            var problems: [ConfigurationProblem] = []
            if certificate == key { problems.append(ConfigurationProblem("the key is the certificate", key: "key")) }
            if names.isEmpty { problems.append(.warning("any name is accepted", hint: "set 'names'")) }
            return problems
        }
    }

    static let name = "mtls"
    static let summary = "TLS with both sides' certificates."
    static let forms = [StageForm(.inbound, .inbound), StageForm(.outbound, .outbound)]

    func make(_ configuration: Configuration, form: StageForm, context: StageContext) throws -> any Stage {
        form.input == .inbound ? TestStage<Inbound, Inbound>() : TestStage<Outbound, Outbound>()
    }
}

struct FrameFactory: StageFactory {
    enum Codec: String, ConfigurationChoice {
        case mux
        case json
    }

    struct Configuration: StageConfiguration {
        var codec = Codec.mux
        var window = ByteCount.mebibytes(1)
        static let schema = Schema<Configuration>(
            .optional("codec", \.codec, "The framing."),
            .optional("window", \.window, "Credit of a stream.")
        )
    }

    static let name = "frame"
    static let summary = "Carries exchanges over a connection."
    static let forms = [StageForm(.exchange, .outbound), StageForm(.inbound, .exchange)]

    func make(_ configuration: Configuration, form: StageForm, context: StageContext) throws -> any Stage {
        form.input == .inbound ? TestStage<Inbound, Exchange>() : TestStage<Exchange, Outbound>()
    }
}

struct ConnectFactory: StageFactory {
    struct Configuration: StageConfiguration {
        var to = HostPort(host: "", port: 1)
        var wait = Duration.seconds(10)
        static let schema = Schema<Configuration>(
            .required("to", \.to, "The server."),
            .optional("wait", \.wait, "How long exchanges wait for the tunnel.")
        )
    }

    static let name = "connect"
    static let summary = "Dials the server."
    static let forms = [StageForm(.outbound, .end)]
    static let needs = HostNeeds.background

    func make(_ configuration: Configuration, form: StageForm, context: StageContext) throws -> any Stage {
        TestStage<Outbound, End>()
    }
}

struct FetchFactory: StageFactory {
    struct Configuration: StageConfiguration {
        var destinations: [String] = ["public"]
        static let schema = Schema<Configuration>(.optional("destinations", \.destinations, "What may be dialled."))
    }

    static let name = "fetch"
    static let summary = "Fetches from origins."
    static let forms = [StageForm(.exchange, .end)]

    func make(_ configuration: Configuration, form: StageForm, context: StageContext) throws -> any Stage {
        TestStage<Exchange, End>()
    }
}

struct RateLimitFactory: StageFactory {
    struct Configuration: StageConfiguration {
        var rate = Rate(1, per: .second)
        var burst: Int?
        var token = Secret("")
        static let schema = Schema<Configuration>(
            .required("rate", \.rate, in: Rate(1, per: .day)...Rate(1_000_000, per: .second), "Exchanges that pass."),
            .optional("burst", \.burst, in: 1..., "Exchanges that pass at once."),
            .optional("token", \.token, "Opens the counter.")
        )
    }

    static let name = "rate-limit"
    static let summary = "Limits exchanges."
    static let forms = [StageForm(.exchange, .exchange)]

    func make(_ configuration: Configuration, form: StageForm, context: StageContext) throws -> any Stage {
        TestStage<Exchange, Exchange>()
    }
}

struct LambdaFactory: StageFactory {
    struct Configuration: StageConfiguration {
        static let schema = Schema<Configuration>()
    }

    static let name = "lambda"
    static let summary = "Takes events from Lambda."
    static let forms = [StageForm(.start, .exchange)]
    static let needs = HostNeeds.lambdaRuntime

    func make(_ configuration: Configuration, form: StageForm, context: StageContext) throws -> any Stage {
        TestStage<Start, Exchange>()
    }
}

extension StageRegistry {
    static var test: StageRegistry {
        var registry = StageRegistry()
        registry.register(AcceptFactory())
        registry.register(LambdaFactory())
        registry.register(MTLSFactory())
        registry.register(FrameFactory())
        registry.register(HTTPFactory())
        registry.register(RateLimitFactory())
        registry.register(ConnectFactory())
        registry.register(FetchFactory())
        return registry
    }
}

extension ConfigurationLoader {
    /// A loader with the test stages.
    static func test(_ environment: [String: String] = [:]) -> ConfigurationLoader {
        ConfigurationLoader(registry: .test, environment: environment)
    }

    /// Everything that a text is refused with.
    func errors(
        in text: String, file: String = "t.yaml", host: HostKind? = nil, overrides: [ConfigurationOverride] = []
    ) -> [String] {
        do {
            _ = try load(text: text, file: file, host: host, overrides: overrides)
            return []
        } catch {
            return error.errors.map(\.description)
        }
    }
}
