public import ConfigurationLanguage
public import Pipeline

extension Step where Input == Inbound, Output == Inbound {
    /// Ordinary TLS, as the server.
    ///
    /// - Parameters:
    ///   - certificate: This side's, with intermediate certificates behind it.
    ///   - key: The certificate's private key.
    public static func tlsServer(certificate: PEMSource, key: PEMSource) -> Step {
        Step(TLSFactory()) {
            $0.certificate = certificate
            $0.key = key
        }
    }
}

extension Step where Input == Outbound, Output == Outbound {
    /// Ordinary TLS, as the client.
    ///
    /// - Parameters:
    ///   - ca: Whom the server's certificate may come from; nil for those that the system trusts.
    ///   - name: The DNS name that the server's certificate must have; by default the host that is dialled.
    public static func tlsClient(ca: PEMSource? = nil, name: String? = nil) -> Step {
        Step(TLSFactory()) {
            $0.ca = ca
            $0.name = name
        }
    }
}
