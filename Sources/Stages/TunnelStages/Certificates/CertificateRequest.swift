import Addresses
import SwiftASN1
import X509

/// What an authority is asked to certify.
package struct CertificateRequest: Sendable {
    /// The common name, and the name of the files.
    package var name: String
    /// Whether it may be shown by a server (extended key usage serverAuth, RFC 5280, 4.2.1.12).
    package var isServer: Bool
    /// Whether it may be shown by a client (extended key usage clientAuth).
    package var isClient: Bool
    /// The DNS names among the subject's alternative names.
    package var dnsNames: [String]
    /// The IP addresses among the subject's alternative names.
    package var addresses: [String]
    /// The URIs among the subject's alternative names.
    package var uris: [String]
    /// How many days the certificate is valid.
    package var days: Int

    /// A request that isn't checked until it is issued.
    package init(
        name: String, isServer: Bool = false, isClient: Bool = false, dnsNames: [String] = [], addresses: [String] = [],
        uris: [String] = [], days: Int = 397
    ) {
        self.name = name
        self.isServer = isServer
        self.isClient = isClient
        self.dnsNames = dnsNames
        self.addresses = addresses
        self.uris = uris
        self.days = days
    }

    /// Says the first thing that an authority would refuse.
    package func check() throws(CertificateCommandError) {
        try validate()
        _ = try alternativeNames()
    }

    /// Says the first thing that can't be certified, as a message for whoever asked.
    func validate() throws(CertificateCommandError) {
        try Self.validate(commonName: name)
        guard isServer || isClient else {
            throw CertificateCommandError(.usage, "say what the certificate is for: --server or --client")
        }
        guard !isServer || !dnsNames.isEmpty || !uris.isEmpty else {
            throw CertificateCommandError(
                .usage, "a server's certificate needs a --dns or --uri name: agents verify names, never an address alone")
        }
        try Self.validate(days: days)
    }

    static func validate(commonName name: String) throws(CertificateCommandError) {
        guard (1...64).contains(name.unicodeScalars.count),
            !name.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
        else {
            throw CertificateCommandError(
                .usage, "the name '\(name)' has to have 1 to 64 characters, none of them control characters")
        }
    }

    static func validate(days: Int) throws(CertificateCommandError) {
        guard (1...36_500).contains(days) else {
            throw CertificateCommandError(.usage, "--days is 1 to 36500, not \(days)")
        }
    }

    func alternativeNames() throws(CertificateCommandError) -> SubjectAlternativeNames {
        var names: [GeneralName] = []
        for name in dnsNames {
            // One star may stand for the left-most label.
            let plain = name.hasPrefix("*.") ? String(name.dropFirst(2)) : name
            guard case .dns? = PeerName(plain), !plain.hasSuffix(".") else {
                throw CertificateCommandError(.usage, "'\(name)' is not a DNS name; an address goes into --ip")
            }
            names.append(.dnsName(name.lowercased()))
        }
        for address in addresses {
            guard let bytes = IPAddress(address)?.bytes else {
                throw CertificateCommandError(.usage, "'\(address)' is not an IP address; a name goes into --dns")
            }
            names.append(.ipAddress(ASN1OctetString(contentBytes: bytes[...])))
        }
        for uri in uris {
            guard case .uri? = PeerName(uri) else {
                throw CertificateCommandError(.usage, "'\(uri)' is not a URI such as spiffe://example.org/agent")
            }
            names.append(.uniformResourceIdentifier(uri))
        }
        return SubjectAlternativeNames(names)
    }
}
