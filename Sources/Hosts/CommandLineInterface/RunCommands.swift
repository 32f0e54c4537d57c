import ArgumentParser
import ConfigurationLanguage
import ControlStages
import Hosting
import Logging
import NIOCore
import Pipeline
import Platform
import RemoteConfiguration
import Runtime
import ServerWaking
import TunnelStages

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

struct AgentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent",
        abstract: "Run the proxy on this machine.",
        discussion: """
            SIGTERM and Ctrl-C let what is open finish (`drain`, 30 s); a second signal ends at once.

            EXAMPLES
              fluidity agent
              fluidity agent --config agent.yaml
              fluidity agent --config agent.yaml --server tunnel.example.org:8443 --save
            """)

    @Option(name: .shortAndLong, help: .configuration, completion: .file(extensions: ["yaml", "yml"]))
    var config: String?

    @Option(help: ArgumentHelp("The server to connect to, above the file's 'connect'.", valueName: "host:port"))
    var server: String?

    @Option(
        name: .customLong("server-ip"),
        help: ArgumentHelp(
            "The server's address alone, as the first Fluidity takes it; the port is the file's.", valueName: "address"))
    var serverIP: String?

    @Flag(help: "Write the server given with --server or --server-ip to the file, or to the included one that has 'connect'.")
    var save = false

    @OptionGroup var options: ConfigurationOptions

    func validate() throws {
        if server != nil, serverIP != nil { throw ValidationError("--server-ip and --server say the same: give one") }
        if save, server == nil, serverIP == nil { throw ValidationError("--save goes with --server") }
    }

    func run() async throws {
        try await Reporting.runHost {
            let config = try ConfigurationPlace.agent.find(config)
            var overrides: [ConfigurationOverride] = []
            let server = try self.server ?? serverIP.map { try addressed($0, config) }
            if let server {
                overrides.append(
                    ConfigurationOverride(
                        path: "pipeline.connect.to", value: server, origin: self.server == nil ? "--server-ip" : "--server"))
            }
            let reading = try await options.watching(config, host: .agent, adding: overrides)
            let configuration = try reading.read()
            if save, let server {
                try SavedSetting.write("pipeline.connect.to", server, to: configuration.file(ofStage: "connect") ?? config)
            }
            try await Running.run([configuration], reload: [reading.read], watching: reading)
        }
    }

    /// The address with the port of the file's server; where that is found by its status endpoint, with the usual one.
    private func addressed(_ address: String, _ config: String) throws -> String {
        let configurations = try options.load(config, host: .agent, checksFiles: false).allStages.map(\.configuration)
        let connect = configurations.lazy.compactMap { $0 as? ConnectConfiguration }.first
        let host = address.contains(":") && !address.hasPrefix("[") ? "[\(address)]" : address
        return "\(host):\(connect?.to.known?.port ?? 8443)"
    }
}

struct ServerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "server",
        abstract: "Run the end of the tunnel that fetches.",
        discussion: """
            With --new, what a server needs and doesn't have yet is made first: an authority, a certificate, and a configuration \
            with which 'fluidity invite' lets machines join.

            EXAMPLES
              fluidity server --new
              fluidity server --config server.yaml
              FLUIDITY_PIPELINE_ACCEPT_LISTEN=0.0.0.0:9443 fluidity server --config server.yaml
            """)

    @Option(name: .shortAndLong, help: .configuration, completion: .file(extensions: ["yaml", "yml"]))
    var config: String?

    @Flag(help: "Make what is missing: an authority, certificates and a configuration.")
    var new = false

    @Option(help: ArgumentHelp("With --new, where they go.", valueName: "directory"), completion: .directory)
    var out: String?

    @Option(help: "With --new, a DNS name that the server's certificate has too. May be repeated.")
    var name: [String] = []

    @Option(help: ArgumentHelp("With --new, where the server listens.", valueName: "address:port"))
    var listen: String?

    @OptionGroup var options: ConfigurationOptions

    func validate() throws {
        if new, config != nil { throw ValidationError("--new makes the configuration, and --config names one: give one of them") }
        if !new, out != nil || !name.isEmpty || listen != nil { throw ValidationError("--out, --name and --listen go with --new") }
    }

    func run() async throws {
        try await Reporting.runHost {
            let config = try self.config ?? made() ?? ConfigurationPlace.server.find(nil)
            let reading = try await options.watching(config, host: .server)
            try await Running.run([try reading.read()], reload: [reading.read], watching: reading)
        }
    }

    /// The configuration that --new makes, or has made before.
    private func made() throws -> String? {
        guard new else { return nil }
        let server = NewServer(folder: out ?? ConfigurationPlace.folder())
        if !FileManager.default.fileExists(atPath: server.configuration) {
            try server.make(names: name, listen: listen ?? "0.0.0.0:8443")
        }
        return server.configuration
    }
}

struct ControlCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "control",
        abstract: "Run what wakes and stops a server on AWS, as an ordinary HTTP server.",
        discussion: """
            It does what the Lambda functions do, for a desk or another cloud: \(ECSServiceAction.requests).

            EXAMPLES
              CLUSTER=fluidity SERVICE=fluidity-server FLUIDITY_CONTROL_KEY=… fluidity control
            """)

    @Option(name: .shortAndLong, help: .configuration)
    var config: String?

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        try await Reporting.runHost {
            let config = try ConfigurationPlace.control.find(config)
            let read = try options.reading(config, host: .server)
            try await Running.run([try read()], reload: [read])
        }
    }
}

struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Run agent and server in one process.",
        discussion: """
            EXAMPLES
              fluidity up --agent-config configs/agent.yaml --server-config configs/server.yaml
            """)

    @Option(help: "The agent's configuration file.", completion: .file(extensions: ["yaml", "yml"]))
    var agentConfig = "configs/agent.yaml"

    @Option(help: "The server's configuration file.", completion: .file(extensions: ["yaml", "yml"]))
    var serverConfig = "configs/server.yaml"

    @Option(name: .customLong("log-level"), help: "Set log.level of both.")
    var logLevel: String?

    func run() async throws {
        try await Reporting.runHost {
            var options = ConfigurationOptions()
            // What isn't parsed has no value before it is given one.
            options.profile = nil
            options.settings = []
            options.logLevel = logLevel
            let agent = try options.reading(agentConfig, host: .agent)
            let server = try options.reading(serverConfig, host: .server)
            let configurations = [try agent(), try server()]
            let taken = ListenerCheck.findings(configurations, severity: .error)
            guard taken.isEmpty else { throw ConfigurationErrors(taken) }
            // Drained in this order: the agent's exchanges need the server to finish.
            try await Running.run(configurations, reload: [agent, server])
        }
    }
}

extension ArgumentHelp {
    /// Of the option that names a host's configuration.
    fileprivate static let configuration: ArgumentHelp =
        "The configuration file. Default: FLUIDITY_CONFIG, then the one in ~/.config/fluidity, then the one in /etc/fluidity."
}

enum Running {
    /// - Parameter watching: what of the configuration is kept elsewhere, and is looked at while it runs.
    static func run(
        _ configurations: [LoadedConfiguration], reload: [@Sendable () throws -> LoadedConfiguration],
        watching: ConfigurationReading? = nil
    ) async throws {
        guard let settings = configurations.first?.log else { return }
        // Every connection takes one, and a shell's limit is often 1,024.
        FileDescriptors.raiseLimit()
        var logger = Logger(label: "fluidity") { _ in
            StandardErrorLogHandler(level: settings.level, format: settings.format)
        }
        logger.logLevel = settings.level
        LineWriter.standardError.report(by: LogLine.lossReport(settings.format))
        for warning in configurations.flatMap({ $0.warnings + EnrolCheck.findings($0) }) {
            var metadata: Logger.Metadata = ["file": "\(warning.file)"]
            if let line = warning.line { metadata["line"] = "\(line)" }
            logger.warning("\(warning.message)", metadata: metadata)
        }
        let companion: @Sendable (LoadedConfiguration, any EventLoopGroup, Logger) -> (any HostCompanion)? = {
            configuration, group, logger in
            if let lifecycle = configuration.lifecycle {
                return LifecycleDriver(settings: lifecycle, group: group, progress: .standardError(), logger: logger)
            }
            return configuration.addressRecord.map { AddressRecorder(settings: $0, group: group, logger: logger) }
        }
        let watch = Task { [logger] in
            guard let watching, let remote = watching.remote else { return }
            await remote.watch(every: watching.interval, logger: logger)
        }
        let changes = watching?.remote?.changes
        var problem: (any Error)?
        do {
            try await Host(configurations, logger: logger, reload: reload, changes: changes, companion: companion).run()
        } catch { problem = error }
        watch.cancel()
        await watch.value
        await watching?.finish()
        if let problem { throw problem }
    }
}

/// Writes a value into a configuration file and leaves the rest of it as it is.
enum SavedSetting {
    static func write(_ path: String, _ value: String, to file: String) throws {
        let text = try String(contentsOfFile: file, encoding: .utf8)
        let edited = try ConfigurationEditor(text: text, file: file).setting(path: path, to: value)
        guard edited != text else { return }
        do {
            try PrivateFile.update(URL(fileURLWithPath: file), with: edited)
        } catch {
            throw StageError(.unavailable, error.message)
        }
    }
}
