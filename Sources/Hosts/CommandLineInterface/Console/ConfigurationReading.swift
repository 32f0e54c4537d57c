import AWS
import AsyncHTTPClient
import ConfigurationLanguage
import Logging
import Pipeline
import RemoteConfiguration
import Runtime

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// How a host's configuration is read, now and whenever it is to be read anew.
struct ConfigurationReading: Sendable {
    /// Reads it as it is now.
    let read: @Sendable () throws -> LoadedConfiguration
    /// What of it is kept on AWS; nil where everything is on this machine.
    let remote: RemoteReader?
    /// How often it is looked at.
    let interval: Duration
    /// Closes what it is read with.
    let finish: @Sendable () async -> Void
}

extension ConfigurationOptions {
    /// The variable that says how often texts on AWS are looked at.
    private static let refresh = "FLUIDITY_REFRESH"

    /// Reads a file, or what is kept on AWS: where the path says so (`ssm:NAME`, `secret:NAME`), and where a variable does.
    func watching(
        _ path: String, host: HostKind?, adding more: [ConfigurationOverride] = []
    ) async throws -> ConfigurationReading {
        let environment = ProcessInfo.processInfo.environment
        guard let wanted = RemoteTexts(path: path, environment: environment) else {
            return ConfigurationReading(read: try reading(path, host: host, adding: more), remote: nil, interval: .zero) {}
        }
        var interval = Duration.seconds(60)
        if let text = environment[Self.refresh] {
            guard let given = try? Duration(configured: text), given >= .milliseconds(100) else {
                throw StageError(.configuration, "\(Self.refresh) is a duration of 100ms at least, not '\(text)'")
            }
            interval = given
        }
        let http = HTTPTransport.makeClient(on: HTTPClient.defaultEventLoopGroup)
        let client = AWSClient(surroundings: .process, transport: HTTPTransport(client: http), logger: .quiet)
        let remote: RemoteReader
        do throws(AWSError) {
            remote = try await RemoteReader(wanted, client: client)
        } catch {
            try? await http.shutdown()
            throw StageError(.unavailable, error.message)
        }
        let overrides = try overrides() + more
        let registry = KnownStages.registry
        let profile = profile
        let read: @Sendable () throws -> LoadedConfiguration = {
            let loader = ConfigurationLoader(
                registry: registry, environment: remote.environment, ignoredVariables: [Self.refresh, ConfigurationPlace.variable],
                profile: profile)
            guard let text = remote.text else { return try loader.load(path: path, host: host, overrides: overrides) }
            return try loader.load(text: text, file: path, host: host, overrides: overrides)
        }
        return ConfigurationReading(read: read, remote: remote, interval: interval) { try? await http.shutdown() }
    }
}
