package import Pipeline

/// A name's addresses.
package struct NameAnswer: Sendable, Equatable {
    /// Those of each family in the order in which the name server gave them. Never none.
    package var addresses: [IPAddress]
    /// Whether their time is over, and they are being looked up anew.
    package var isStale: Bool

    /// An answer with at least one address.
    package init(_ addresses: [IPAddress], isStale: Bool = false) {
        self.addresses = addresses
        self.isStale = isStale
    }
}
