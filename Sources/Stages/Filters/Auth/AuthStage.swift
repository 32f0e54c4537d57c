public import ConfigurationLanguage
import Logging
import NIOCore
public import Pipeline
import Synchronization

/// Makes the stage `auth`, and says what it is.
public struct AuthFactory: StageFactory {
    public static let name = "auth"
    public static let summary =
        "Finds out who a client is, by certificate, password, token or key, and refuses whoever can't prove it (407, 401 or 403)."
    public static let forms = [StageForm(.exchange, .exchange)]
    public static let traits: StageTraits = .identifies

    public init() {}

    public func problems(_ configuration: AuthConfiguration, among surroundings: StageSurroundings) -> [ConfigurationProblem] {
        var problems: [ConfigurationProblem] = []
        let source = surroundings.exchangeSource
        let hasCredentials = source?.mayHave(.takesCredentials) ?? true
        for (index, method) in configuration.methods.enumerated() {
            let key = "methods.methods[\(index + 1)].\(method.name)"
            if case .clientCertificate = method, !surroundings.isAfter(.verifiesPeers) {
                problems.append(
                    ConfigurationProblem(
                        "'client-certificate' never finds one here: no stage before 'auth' asks for certificates", key: key,
                        hint: "put 'mtls' before '\(source?.name ?? "http")'"))
            }
            if method.needsCredentials, !hasCredentials {
                problems.append(
                    .warning(
                        "'\(method.name)' has nothing to read here: what a client says to its proxy ends there, no tunnel carries it",
                        key: key,
                        hint: "put it on the agent, take client-certificate here, or give it a 'header' of its own"))
            }
        }
        return problems
    }

    public func make(_ configuration: AuthConfiguration, form: StageForm, context: StageContext) throws -> any Stage {
        let methods = try configuration.methods.map { try $0.make(realm: configuration.realm, offers: context.offers) }
        return AuthStage(
            methods: methods, failureDelay: TimeAmount(configuration.failureDelay), mode: configuration.mode, logger: context.logger
        )
    }
}

final class AuthStage: Stage {
    typealias Input = Exchange
    typealias Output = Exchange

    private let methods: [any AuthMethod]
    private let clients = AuthClients()
    private let failureDelay: TimeAmount
    private let mode: RefusalMode
    private let logger: Logger
    private let refreshing = Mutex<Task<Void, Never>?>(nil)

    init(methods: [any AuthMethod], failureDelay: TimeAmount, mode: RefusalMode = .enforce, logger: Logger) {
        self.mode = mode
        self.methods = methods
        self.failureDelay = failureDelay
        self.logger = logger
    }

    func assemble(_ downstream: any ExchangePort, on shard: Shard) throws -> any ExchangePort {
        AuthPort(
            methods: methods, clients: clients, failureDelay: failureDelay, mode: mode, downstream: downstream, shard: shard)
    }

    func start() async throws {
        for method in methods { try await method.start() }
        let task = Task { [methods, logger] in
            while !Task.isCancelled {
                for method in methods {
                    for notice in await method.refresh() {
                        logger.log(
                            level: notice.isProblem ? .warning : .notice, "\(notice.message)",
                            metadata: ["method": "\(method.name)"])
                    }
                }
                // How soon a change of a file counts.
                try? await Task.sleep(for: .seconds(1))
            }
        }
        refreshing.withLock { $0 = task }
    }

    func stop() async { refreshing.withLock { $0 }?.cancel() }
}
