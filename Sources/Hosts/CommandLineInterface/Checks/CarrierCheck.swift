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
            checkPlaces(ours, theirs)
            checkOrder(theirs)
        case (nil, nil): break
        }
    }

    private mutating func checkPlaces(_ ours: LoadedConfiguration.Entry, _ theirs: LoadedConfiguration.Entry) {
        guard let asked = ours.configuration as? WebSocketConfiguration,
            let offered = theirs.configuration as? WebSocketConfiguration
        else { return }
        if asked.path != offered.path {
            findings.append(
                agent.finding(
                    "the agent asks for the WebSocket at '\(asked.path)', but the server has it at '\(offered.path)'", at: ours,
                    key: "path", hint: "that works only if a reverse proxy in between changes the path", severity: .warning))
        }
        let dialled = (agentStage(ConnectFactory.name)?.configuration as? ConnectConfiguration)?.to.known?.host
        guard let host = offered.host, let named = asked.host ?? dialled, Self.name(host) != Self.name(named) else { return }
        findings.append(
            agent.finding(
                "the agent asks for the WebSocket of '\(named)', but the server has it for '\(host)' alone", at: ours, key: "host",
                hint: "that works only if a reverse proxy in between changes the field 'Host'", severity: .warning))
    }

    /// What is within what, the same on both sides.
    private mutating func checkOrder(_ theirs: LoadedConfiguration.Entry) {
        func place(_ name: String, _ stages: [LoadedConfiguration.Entry], _ medium: MediumKind) -> Int? {
            stages.firstIndex { $0.name == name && $0.form.input == medium }
        }
        guard let ourTLS = place(MTLSFactory.name, agent.allStages, .outbound),
            let ourSocket = place(WebSocketFactory.name, agent.allStages, .outbound),
            let theirTLS = place(MTLSFactory.name, server.stages, .inbound),
            let theirSocket = place(WebSocketFactory.name, server.stages, .inbound),
            (ourTLS < ourSocket) != (theirSocket < theirTLS)
        else { return }
        let (agents, servers) = ourTLS < ourSocket ? ("around", "within") : ("within", "around")
        findings.append(
            server.finding(
                "the agent's WebSocket goes \(agents) 'mtls', but the server's \(servers) it", at: theirs,
                hint: "'frame, mtls, websocket, connect' and 'accept, websocket, mtls, frame' go together"))
    }

    /// A host without its port, as names are compared.
    private static func name(_ host: String) -> String {
        (host.hasPrefix("[") ? host.prefix { $0 != "]" } : host.prefix { $0 != ":" }).lowercased()
    }

    private mutating func checkTLS() {
        guard let theirs = serverStage(TLSFactory.name), agentStage(TLSFactory.name) == nil else { return }
        findings.append(
            server.finding(
                "the server speaks ordinary TLS, but the agent has no 'tls' before 'connect'", at: theirs,
                hint: "that works only if something in between speaks it with the server", severity: .warning))
    }
}
