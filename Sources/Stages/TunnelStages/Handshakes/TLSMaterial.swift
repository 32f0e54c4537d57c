import NIOSSL

/// What one side of TLS consists of, as its files are now.
struct TLSMaterial: Sendable {
    /// Without the protocols, which the stage's neighbour says.
    var configuration: TLSConfiguration
    /// When the first certificate of the own chain expires, in seconds of the Unix epoch; nil for a side that shows none.
    var notAfter: Int?
    /// What works now but wants attention, each a sentence.
    var warnings: [String] = []
}
