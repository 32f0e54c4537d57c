/// Who is owed credit after an exchange's end, for what is on its way to the other end, or has it: the heir of each end, if it has one
/// (`ExchangeSource.heir`). Whoever holds bytes of an exchange holds the exchange until they are passed on, and the exchange its heirs.
struct CreditHeirs {
    private(set) var ofSource: ExchangeSource?
    private(set) var ofSink: ExchangeSink?

    /// The sink hears no more of the exchange, which goes on; what it had sent may still wait for the client.
    mutating func dismissed(_ sink: ExchangeSink?) { ofSink = sink?.heir }

    /// The exchange has ended. A sink that was dismissed before is still owed what it is owed, unless another has come.
    ///
    /// - Parameter isWithinAnother: Then its source, which is that one's relay, holds it, and isn't held by it.
    mutating func ended(source: ExchangeSource?, sink: ExchangeSink?, isWithinAnother: Bool) {
        if !isWithinAnother { ofSource = source?.heir }
        if let heir = sink?.heir { ofSink = heir }
    }
}

@available(*, unavailable)
extension CreditHeirs: Sendable {}
