import NIOCore
import NIOSSL
import Pipeline

/// Takes connections and yields them decrypted: once their peer has proved who it is, where it has to.
struct TLSServerStage: Stage {
    typealias Input = Inbound
    typealias Output = Inbound
    let identity: TLSIdentity
    let parties: TLSParties
    let metrics: HandshakeMetrics
    /// Who may come in of those with a certificate; nil for all.
    var roster: RosterWatch?

    func assemble(_ downstream: any InboundPort, on shard: Shard) throws -> any InboundPort {
        try identity.offer(downstream.protocols)
        return Port(self, downstream: downstream, shard: shard)
    }

    func start() async throws {
        try await roster?.start()
        identity.start()
    }

    func stop() async {
        identity.stop()
        await roster?.stop()
    }

    func status() async -> StageStatus {
        var status = identity.status
        status.problem = status.problem ?? roster?.problem
        return status
    }

    func reopenFiles() async { identity.refresh() }

    private final class Port: InboundPort {
        private let identity: TLSIdentity
        private let parties: TLSParties
        private let roster: RosterWatch?
        private let meter: HandshakeMeter
        private let downstream: any InboundPort
        private let shard: Shard

        init(_ stage: TLSServerStage, downstream: any InboundPort, shard: Shard) {
            identity = stage.identity
            parties = stage.parties
            roster = stage.roster
            meter = HandshakeMeter(on: shard, stage.identity, stage.metrics)
            self.downstream = downstream
            self.shard = shard
        }

        // What is negotiated here is for the stage after this one; to the one before it, this is a stream of bytes.
        var protocols: [String] { [] }

        var admits: Bool {
            switch parties {
            case .mutual: true
            // Anybody can do TLS: it makes nobody of a stranger.
            case .ordinary: downstream.admits
            }
        }

        func accept(_ connection: Inbound) throws {
            let handler = NIOSSLServerHandler(context: identity.context)
            let verification = PeerVerificationHandler(
                of: handler, parties, shard: shard, role: .server, peer: connection.remote, identity: identity,
                protocols: downstream.protocols, meter: meter
            ) { [parties, roster] peer, negotiatedProtocol throws(StageError) in
                if let peer { try roster?.admit(peer, connection) }
                connection.negotiatedProtocol = negotiatedProtocol
                guard parties == .mutual else { return }
                connection.identity = peer
                connection.admit()
            }
            let reader = ClientHelloHandler(
                protocols: downstream.takesUnknownProtocols ? [] : downstream.protocols, advice: parties.adviceOnProtocols)
            verification.hello = reader
            try connection.channel.pipeline.syncOperations.addHandlers(reader, handler, verification)
            try downstream.accept(connection)
        }
    }
}

extension TLSParties {
    /// What to do about a client that speaks what isn't spoken here; nil where it is anybody's.
    fileprivate var adviceOnProtocols: String? {
        switch self {
        case .mutual: "set 'codec' to the same on both sides, or list it in this side's 'codecs'"
        case .ordinary: nil
        }
    }
}
