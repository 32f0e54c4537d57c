package import Pipeline

/// Where a name server answers.
package struct NameServer: Sendable, Hashable {
    /// The address that questions are sent to.
    package var address: IPAddress
    /// The port, for UDP and TCP alike.
    package var port: Int

    /// A name server at the port of DNS (RFC 1035, 4.2), if no other is given.
    package init(address: IPAddress, port: Int = 53) {
        self.address = address
        self.port = port
    }

    /// As c-ares reads it.
    var text: String { address.family == .v6 ? "[\(address)]:\(port)" : "\(address):\(port)" }
}
