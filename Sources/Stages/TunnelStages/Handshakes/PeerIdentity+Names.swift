import Pipeline

extension PeerIdentity {
    /// Whether the certificate carries a name, by RFC 9525: one of its DNS names is it or covers it with a wildcard in its
    /// left-most label, or one of its URIs is it. The common name and addresses don't count.
    package func carries(_ name: PeerName) -> Bool {
        dnsNames.contains(where: name.isCovered(byDNS:)) || uris.contains(where: name.isCovered(byURI:))
    }

    /// What it may be called by, for errors.
    package var names: String {
        let names = dnsNames + uris
        return names.isEmpty ? subject : names.joined(separator: ", ")
    }
}
