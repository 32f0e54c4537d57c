public import ConfigurationLanguage
public import Pipeline

extension Step where Input == Inbound, Output == Inbound {
    /// Gives machines that are invited their certificates.
    ///
    /// - Parameters:
    ///   - certificate: The server's.
    ///   - key: The certificate's private key.
    ///   - ca: The authority's certificate.
    ///   - caKey: The authority's private key.
    ///   - invitations: The folder with the invitations.
    ///   - agents: The folder in which it is noted who has joined; nil to note nothing.
    public static func enrol(
        certificate: PEMSource, key: PEMSource, ca: PEMSource, caKey: PEMSource, invitations: FolderPath,
        agents: FolderPath? = nil
    ) -> Step {
        var configuration = EnrolConfiguration()
        (configuration.certificate, configuration.key, configuration.ca) = (certificate, key, ca)
        (configuration.caKey, configuration.invitations, configuration.agents) = (caKey, invitations, agents)
        return Step(EnrolFactory(), configuration)
    }

    /// Carries machines that are invited to the server that gives them their certificates.
    ///
    /// - Parameter desk: Where it listens.
    public static func enrol(desk: ListenAddress) -> Step {
        var configuration = EnrolConfiguration()
        configuration.desk = desk
        return Step(EnrolFactory(), configuration)
    }
}
