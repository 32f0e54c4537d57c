package import Pipeline

/// Where a name server answers.
package struct NameServer: Sendable, Hashable {
    package var address: IPAddress
    package var port: Int

    package init(address: IPAddress, port: Int = 53) {
        self.address = address
        self.port = port
    }

    /// As c-ares reads it.
    var text: String { address.family == .v6 ? "[\(address)]:\(port)" : "\(address):\(port)" }
}
