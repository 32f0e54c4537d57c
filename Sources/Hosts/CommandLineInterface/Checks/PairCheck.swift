import Addresses
package import ConfigurationLanguage
import Filters
package import Pipeline
import TunnelStages

/// Whether an agent's configuration and a server's work together: what neither file can know alone.
package struct PairCheck {
    private let agent: LoadedConfiguration
    private let server: LoadedConfiguration
    /// What doesn't fit together, and what is worth a warning.
    package private(set) var findings: [ConfigurationError] = []

    /// Nil where the two aren't the ends of one tunnel: the first has to end in `connect`, the second to begin with connections
    /// that come over the network.
    package init?(agent: LoadedConfiguration, server: LoadedConfiguration) {
        // An agent with several tunnels has several servers, and nobody knows which of them this one is.
        guard agent.sinks.count(where: { $0.form.input == .outbound }) == 1, server.stages.first?.form.output == .inbound,
            server.stages.contains(where: { $0.name == FrameFactory.name && $0.form.input == .inbound })
        else { return nil }
        self.agent = agent
        self.server = server
        checkCodecs()
        findings += CarrierCheck(agent: agent, server: server).findings
        checkAddresses()
        checkCertificates()
        checkCompression()
        checkCredentials()
        checkLimits()
    }

    /// The stages of one name whose form begins or ends the tunnel.
    private func agentStage(_ name: String) -> LoadedConfiguration.Entry? {
        agent.allStages.last { $0.name == name && ($0.form.input == .outbound || $0.form.output == .outbound) }
    }

    private func serverStage(_ name: String) -> LoadedConfiguration.Entry? {
        server.stages.first { $0.name == name && ($0.form.input == .inbound || $0.form.output == .inbound) }
    }

    // MARK: - What is spoken

    private mutating func checkCodecs() {
        guard let ours = agentStage(FrameFactory.name), let theirs = serverStage(FrameFactory.name),
            let speaks = (ours.configuration as? FrameConfiguration)?.codec,
            let taken = (theirs.configuration as? FrameConfiguration).map({ $0.codecs ?? [$0.codec] }), !taken.contains(speaks)
        else { return }
        let takes = taken.map { "'\($0.rawValue)'" }.joined(separator: ", ")
        report(
            "the agent speaks '\(speaks.rawValue)', but the server's 'frame'\(place(of: theirs, in: server)) takes \(takes)",
            at: ours, key: "codec", hint: "set 'codec' to the same on both sides, or list it in the server's 'codecs'")
    }

    private mutating func checkCompression() {
        let name = "compress"
        let ours = agent.allStages.first { $0.name == name }
        let theirs = server.allStages.first { $0.name == name }
        let hint = "bodies go uncompressed unless both have it"
        if let ours, theirs == nil {
            warn("the server has no 'compress', so the agent's has no effect", at: ours, in: agent, hint: hint)
        } else if let theirs, ours == nil {
            warn("the agent has no 'compress', so the server's has no effect", at: theirs, in: server, hint: hint)
        }
    }

    /// A server's 'auth' may take what an HTTP/2 client says by itself. Our agent has nothing to say to it.
    private mutating func checkCredentials() {
        guard let ours = agentStage(FrameFactory.name), let frame = ours.configuration as? FrameConfiguration, frame.codec == .h2
        else { return }
        for entry in server.stages {
            guard let auth = entry.configuration as? AuthConfiguration, auth.methods.allSatisfy(\.needsCredentials) else {
                continue
            }
            report(
                "the server lets no agent in: every method of its 'auth' wants credentials, which an agent doesn't have, nor pass on",
                at: entry, in: server, key: "methods",
                hint: "add 'client-certificate' for agents, or move 'auth' to the agent, where people are asked")
        }
    }

    // MARK: - Where

    private mutating func checkAddresses() {
        // A reverse proxy is dialled, and whom that dials nobody knows here.
        guard agentStage(TLSFactory.name) == nil || serverStage(TLSFactory.name) != nil else { return }
        guard let connect = agentStage(ConnectFactory.name), let to = (connect.configuration as? ConnectConfiguration)?.to.known,
            let accept = serverStage(AcceptFactory.name) ?? server.stages.first,
            let listen = (accept.configuration as? AcceptConfiguration)?.listen
        else { return }
        switch listen {
        case .unix(let path):
            warn(
                "the server listens on the Unix socket '\(path)', which 'connect'\(place(of: connect, in: agent)) can't dial",
                at: accept, in: server, key: "listen")
        case .tcp(_, 0):
            warn(
                "the system chooses the server's port, so 'connect'\(place(of: connect, in: agent)) can't know it", at: accept,
                in: server, key: "listen")
        case .tcp(let host, let port):
            if port != to.port {
                warn(
                    "the agent dials port \(to.port), but the server\(place(of: accept, in: server)) listens on \(port)",
                    at: connect, in: agent, key: "to", hint: "that works only if something in between maps the ports")
            }
            if IPAddress.isLoopback(host: host), !IPAddress.isThisMachine(host: to.host) {
                warn(
                    "the server listens on \(host) alone, but the agent\(place(of: connect, in: agent)) dials \(to.host)",
                    at: accept, in: server, key: "listen", hint: "listen on 0.0.0.0:\(port) to be reached from elsewhere")
            }
        }
    }

    // MARK: - Who

    private mutating func checkCertificates() {
        let ours = agentStage(MTLSFactory.name)
        let theirs = serverStage(MTLSFactory.name)
        if let ours, theirs == nil {
            return report("the agent speaks TLS, but the server has no 'mtls' before 'frame'", at: ours)
        }
        if let theirs, ours == nil {
            return report("the server wants TLS, but the agent has no 'mtls' before 'connect'", at: theirs, in: server)
        }
        guard let ours, let theirs, let client = ours.configuration as? MTLSConfiguration,
            let host = theirs.configuration as? MTLSConfiguration
        else { return }
        // Each side's certificate, judged by the authority that the other side trusts. A side whose certificate is of no use to
        // itself has been told so already.
        if load(host, ca: host.ca, .server) != nil {
            switch loading(host, ca: client.ca, .server) {
            case .success(let credentials): checkName(credentials, client, at: ours)
            case .failure(let error):
                report(
                    "the agent's 'ca' doesn't verify the server's certificate: \(error.message)", at: ours, key: "ca",
                    hint: "both sides' certificates come from one authority, as a rule")
            }
        }
        if load(client, ca: client.ca, .client) != nil, case .failure(let error) = loading(client, ca: host.ca, .client) {
            report(
                "the server's 'ca' doesn't verify the agent's certificate: \(error.message)", at: theirs, in: server, key: "ca",
                hint: "both sides' certificates come from one authority, as a rule")
        }
    }

    private mutating func checkName(
        _ server: TLSCredentials, _ client: MTLSConfiguration, at entry: LoadedConfiguration.Entry
    ) {
        let dialled = (agentStage(ConnectFactory.name)?.configuration as? ConnectConfiguration)?.to.known?.host
        guard let wanted = client.name ?? dialled else { return }
        // That an address is none, the agent's file alone tells.
        guard let name = PeerName(wanted), !server.identity.carries(name) else { return }
        report(
            "the agent wants a server named \(name), but the server's certificate is for \(server.identity.names)", at: entry,
            key: "name", hint: "issue one with 'fluidity cert issue --server', or set 'name'")
    }

    private func loading(
        _ configuration: MTLSConfiguration, ca: PEMSource, _ role: TLSCredentials.Role
    ) -> Result<TLSCredentials, StageError> {
        Result { () throws(StageError) in
            try TLSCredentials(
                certificate: configuration.certificate, key: configuration.key, ca: ca, role: role)
        }
    }

    private func load(_ configuration: MTLSConfiguration, ca: PEMSource, _ role: TLSCredentials.Role) -> TLSCredentials? {
        try? loading(configuration, ca: ca, role).get()
    }

    // MARK: - How much

    private mutating func checkLimits() {
        let accept = serverStage(AcceptFactory.name)
        if let accept, let limits = accept.configuration as? AcceptConfiguration {
            for (configuration, entry) in [(agent, agentStage(FrameFactory.name)), (server, serverStage(FrameFactory.name))] {
                guard let frame = entry?.configuration as? FrameConfiguration, limits.idle <= frame.pingInterval else { continue }
                report(
                    "an idle tunnel is closed after \(limits.idle.printed), before 'frame' in \(configuration.file) asks after "
                        + "\(frame.pingInterval.printed) whether it is in use", at: accept, in: server, key: "idle",
                    hint: "make 'idle' longer than 'ping-interval'")
                break
            }
            if let loops = agent.eventLoops, limits.maxConnections < loops {
                report(
                    "the server takes \(limits.maxConnections) connections, but the agent keeps one for each of its \(loops) "
                        + "event loops", at: accept, in: server, key: "max-connections")
            }
        }
        guard let ours = agentStage(FrameFactory.name), let theirs = serverStage(FrameFactory.name),
            let mine = ours.configuration as? FrameConfiguration, let other = theirs.configuration as? FrameConfiguration
        else { return }
        if let accept = agent.allStages.first(where: { $0.configuration is AcceptConfiguration }),
            let clients = accept.configuration as? AcceptConfiguration,
            other.maxStreams * (agent.eventLoops ?? 1) < clients.maxConnections, other.maxStreams < FrameConfiguration().maxStreams
        {
            warn(
                "the agent takes \(clients.maxConnections) connections, but the server only \(other.maxStreams) exchanges at "
                    + "once in each session", at: theirs, in: server, key: "max-streams",
                hint: "what is more is answered with 503")
        }
        if mine.streamWindow.bytes * 2 > other.sessionMemory.bytes {
            warn(
                "one of the agent's streams, with \(mine.streamWindow.printed), can fill more than half of the server's "
                    + "'session-memory'", at: ours, in: agent, key: "stream-window")
        }
    }

    // MARK: - Findings

    private mutating func report(
        _ message: String, at entry: LoadedConfiguration.Entry, in configuration: LoadedConfiguration? = nil,
        key: String? = nil, hint: String? = nil
    ) {
        findings.append((configuration ?? agent).finding(message, at: entry, key: key, hint: hint))
    }

    private mutating func warn(
        _ message: String, at entry: LoadedConfiguration.Entry, in configuration: LoadedConfiguration, key: String? = nil,
        hint: String? = nil
    ) {
        findings.append(configuration.finding(message, at: entry, key: key, hint: hint, severity: .warning))
    }

    private func place(of entry: LoadedConfiguration.Entry, in configuration: LoadedConfiguration) -> String {
        configuration.place(of: entry).map { " (\($0))" } ?? ""
    }
}

extension LoadedConfiguration.Entry {
    /// A value as it would be written.
    fileprivate func setting(_ key: String) -> String? { settings.first { $0.key == key }?.value }
}
