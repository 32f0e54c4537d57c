import NIOSSL
import Pipeline

/// Why a handshake came to nothing: whose certificate it was, what is wrong, and what to do.
struct HandshakeProblem {
    let failure: TLSFailure
    let parties: TLSParties
    /// The peer's side.
    let peer: TLSCredentials.Role
    /// The name that was dialled; nil where a peer came to us.
    var host: String?
    /// What the peer showed, if anything.
    var certificate: NIOSSLCertificate?
    /// Those that peers' certificates have to come from.
    var authorities: [NIOSSLCertificate] = []
    /// What is spoken here, as ALPN calls it.
    var protocols: [String] = []

    var error: StageError {
        // Configuration is at fault where the peer refuses what is shown to it.
        StageError(failure.isRefusal ? .configuration : .unavailable, sentence)
    }

    private var noun: String { peer == .server ? "the server" : "the client" }

    private var sentence: String {
        switch failure {
        case .untrustedCertificate:
            return UntrustedCertificate.describe(certificate, of: peer, in: parties, dialled: host, authorities: authorities)
        case .notTLS where peer == .client && parties == .ordinary:
            return "what the client says is no TLS: it speaks another protocol, plain HTTP say, to a port of TLS"
        case _ where parties == .ordinary: break
        case .noCertificate:
            return
                "\(noun) showed no certificate: it has no 'mtls', or isn't one of ours; make one with 'fluidity cert issue --\(kind)'"
        case .version, .alert(70):
            let problem =
                "\(noun) doesn't speak TLS 1.3, and nothing older is spoken here" + (failure == .version ? "" : " (alert 70)")
            return peer == .server ? "\(problem): it isn't one of ours, or somebody between here and the server opens TLS" : problem
        case .notTLS where peer == .client:
            return "what the client says is no TLS: it isn't one of ours, or has no 'mtls'"
        case .noProtocol, .alert(120):
            guard peer == .server, !protocols.isEmpty else { break }
            return Self.refusedProtocols(protocols)
        case .other("bad packet length"), .other("invalid outer record type"), .other("decryption failed or bad record mac"):
            // OpenSSL's clients refuse a certificate by an alert that isn't encrypted yet, where it has to be.
            guard peer == .client else { break }
            return
                "what the client says can't be read: it ends TLS in the middle, as one does that refuses the certificate of this side, "
                + "or something on the way changes what passes; the client's log may say more"
        default: break
        }
        return failure.sentence(about: noun) + (advice.map { "; \($0)" } ?? "")
    }

    /// What an agent is told whose protocols the server doesn't speak.
    static func refusedProtocols(_ protocols: [String]) -> String {
        "the server doesn't take the protocol '\(protocols.joined(separator: "' or '"))' on this port; its 'frame' has to list the codec "
            + "that 'frame' has here"
    }

    private var kind: String { peer == .server ? "server" : "client" }

    /// What to do about a certificate of this side that the peer doesn't take.
    private var advice: String? {
        guard parties == .mutual else { return ordinaryAdvice }
        let own = peer == .server ? "client" : "server"
        return switch failure {
        case .alert(42), .alert(43), .alert(46): "make one with 'fluidity cert issue --\(own)'"
        case .alert(44): "make another with 'fluidity cert issue --\(own)'"
        case .alert(45): "renew it with 'fluidity cert issue', unless a clock is wrong"
        case .alert(48), .alert(51):
            "its 'ca' there needs the authority of this side's certificate, or this side another certificate"
        case .alert(49), .alert(116): "make one with 'fluidity cert issue --\(own)' of the authority that 'ca' is there"
        case .wrongName: "'name' has to be one that it has"
        default: nil
        }
    }

    private var ordinaryAdvice: String? {
        switch failure {
        case .alert(45) where peer == .client: "renew it, unless a clock is wrong"
        case .alert(48) where peer == .client:
            "its 'ca' there needs the authority of this side's certificate, or the certificate's file what stands between the two"
        case .alert(42), .alert(116): peer == .server ? "'certificate' and 'key' of 'tls' can have the one that it wants" : nil
        case .notTLS where peer == .server: "leave 'tls' out if the port is one of plain HTTP"
        default: nil
        }
    }
}
