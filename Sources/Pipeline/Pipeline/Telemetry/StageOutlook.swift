public import HTTPMessages

/// An exchange that might come, for whoever asks what a running stage would do with it as things are.
public struct ExchangeProspect: Sendable, Equatable {
    /// The host and port that it would ask for.
    public var authority: Authority
    /// What limits and rules would know its client by: what `auth` finds out, or the name in the client's certificate; nil for a client
    /// that has none.
    public var clientName: String?
    /// The address of the client's connection; nil for a Unix socket.
    public var address: String?

    /// An exchange of a client without a name.
    public init(to authority: Authority) { self.authority = authority }
}

/// What a running stage would do with an exchange, as far as that depends on what it has seen so far.
public struct StageOutlook: Sendable, Equatable {
    /// Why it would refuse it or couldn't carry it on, as a sentence; nil where it wouldn't.
    public var refusal: String?
    /// What there is to know, in order: how much of a limit is left, say.
    public var details: [StageStatus.Detail]

    /// An outlook whose details stay in the order given.
    public init(refusal: String? = nil, details: [StageStatus.Detail] = []) {
        self.refusal = refusal
        self.details = details
    }
}

extension Telemetry {
    /// What each running stage would do with an exchange, in the order of the list. Nothing is counted, and nobody is asked anything.
    package func outlooks(for prospect: ExchangeProspect) async -> [(place: StagePlace, outlook: StageOutlook)] {
        var result: [(StagePlace, StageOutlook)] = []
        for entry in stages { result.append((entry.place, await entry.outlook(prospect))) }
        return result
    }
}
