import ConfigurationLanguage
import Pipeline
import TunnelStages

/// Whether what an agent's and a server's tunnel is carried in fits together: WebSockets and ordinary TLS.
struct CarrierCheck {
    private let agent: LoadedConfiguration
    private let server: LoadedConfiguration
    private(set) var findings: [ConfigurationError] = []

    /// - Parameters:
    ///   - agent: A configuration that ends in `connect`.
    ///   - server: One that begins with connections.
    init(agent: LoadedConfiguration, server: LoadedConfiguration) {
        self.agent = agent
        self.server = server
        checkWebSockets()
        checkTLS()
    }

    private func agentStage(_ name: String) -> LoadedConfiguration.Entry? {
        agent.allStages.last { $0.name == name && $0.form.input == .outbound }
    }

    private func serverStage(_ name: String) -> LoadedConfiguration.Entry? {
        server.stages.first { $0.name == name && $0.form.input == .inbound }
    }

    private mutating func checkWebSockets() {
        let ours = agentStage(WebSocketFactory.name)
        let theirs = serverStage(WebSocketFactory.name)
        switch (ours, theirs) {
        case (let ours?, nil):
            findings.append(
                agent.finding(
                    "the agent's tunnel goes in a WebSocket, but the server has no 'websocket' before 'mtls' or 'frame'", at: ours))
        case (nil, let theirs?):
            findings.append(
                server.finding(
                    "the server's tunnels come in WebSockets, but the agent has no 'websocket' before 'connect'", at: theirs))
        case (let ours?, let theirs?):
            guard let asked = (ours.configuration as? WebSocketConfiguration)?.path,
                let offered = (theirs.configuration as? WebSocketConfiguration)?.path, asked != offered
            else { return }
            findings.append(
                agent.finding(
                    "the agent asks for the WebSocket at '\(asked)', but the server has it at '\(offered)'", at: ours, key: "path",
                    hint: "that works only if a reverse proxy in between changes the path", severity: .warning))
        case (nil, nil): break
        }
    }

    private mutating func checkTLS() {
        guard let theirs = serverStage(TLSFactory.name), agentStage(TLSFactory.name) == nil else { return }
        findings.append(
            server.finding(
                "the server speaks ordinary TLS, but the agent has no 'tls' before 'connect'", at: theirs,
                hint: "that works only if something in between speaks it with the server", severity: .warning))
    }
}
