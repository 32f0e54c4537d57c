public import ConfigurationLanguage
public import Pipeline

extension Step where Input == Inbound, Output == Inbound {
    /// TLS with certificates on both sides, as the server.
    ///
    /// - Parameters:
    ///   - certificate: This side's, with intermediate certificates behind it.
    ///   - key: The certificate's private key.
    ///   - ca: The private authority that clients' certificates must come from.
    ///   - agents: The folder that says which agents are revoked; nil to let in everybody with a certificate.
    public static func mtlsServer(certificate: PEMSource, key: PEMSource, ca: PEMSource, agents: FolderPath? = nil) -> Step {
        var configuration = MTLSConfiguration(certificate: certificate, key: key, ca: ca)
        configuration.agents = agents
        return Step(MTLSFactory(), configuration)
    }
}

extension Step where Input == Outbound, Output == Outbound {
    /// TLS with certificates on both sides, as the client.
    ///
    /// - Parameters:
    ///   - certificate: This side's, with intermediate certificates behind it.
    ///   - key: The certificate's private key.
    ///   - ca: The private authority that the server's certificate must come from.
    ///   - name: The DNS name or URI that the server's certificate must have; by default the host that is dialled.
    public static func mtlsClient(certificate: PEMSource, key: PEMSource, ca: PEMSource, name: String? = nil) -> Step {
        Step(MTLSFactory(), MTLSConfiguration(certificate: certificate, key: key, ca: ca, name: name))
    }
}
