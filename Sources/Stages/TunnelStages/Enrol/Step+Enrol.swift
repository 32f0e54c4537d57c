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
    public static func enrol(
        certificate: PEMSource, key: PEMSource, ca: PEMSource, caKey: PEMSource, invitations: FolderPath
    ) -> Step {
        var configuration = EnrolConfiguration()
        (configuration.certificate, configuration.key, configuration.ca) = (certificate, key, ca)
        (configuration.caKey, configuration.invitations) = (caKey, invitations)
        return Step(EnrolFactory(), configuration)
    }
}
