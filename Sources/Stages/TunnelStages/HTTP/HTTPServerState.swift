import HTTPMessages
import Pipeline

/// Where a client's connection stands with its requests, one after the other. A value without channel, parser and clock: it gets what
/// happened, and returns what is to be done.
struct HTTPServerState {
    /// What is known of the request whose turn it is.
    struct Request {
        var body: BodyLength
        var keepsAlive: Bool
        /// It asks for another protocol, and isn't answered: what follows it is that one's if the origin agrees, else the next request.
        var awaitsUpgrade = false
        /// All of it was read.
        var isComplete = false
    }

    private enum Phase {
        case waiting(isInHead: Bool)
        case serving(Exchange, Request)
        /// Answered before its end was read, which follows: it has no body.
        case answered(Request)
        /// Raw bytes, or to be so if the sink agrees.
        case tunnel(Exchange, Request)
        /// The last response is written; what the client still sends is thrown away. A tunnel's exchange is owed credit.
        case lingering(Exchange?)
        /// Nothing more is said: the connection ends.
        case over
    }

    /// What is done with bytes that were read.
    enum OnRead: Equatable {
        case parse
        case passOn
        case drop
    }

    /// All that was read has been looked at.
    enum OnReadOn: Equatable {
        case nothing
        /// The client may take its time. Nobody needs the connection, once it has been used.
        case idle(isUnused: Bool)
        /// A head has begun: it may take only so long.
        case headBegun
    }

    /// A request's end was read.
    enum OnRequestEnd: Equatable {
        /// What follows may be the other protocol's: only the body has ended.
        case keep
        case pass
        case complete(OnResponseEnd)
    }

    /// A response is written.
    enum OnResponseEnd: Equatable {
        /// The end of the request is still to be read.
        case readEnd
        case next
        /// The connection ends. Whether all of the request was read.
        case finish(hasAll: Bool)
    }

    /// The origin has answered a request to change the protocol.
    enum OnUpgrade: Equatable {
        case tunnel
        case resume(endsRequest: Bool)
    }

    /// The client says nothing more.
    enum OnInputClosed: Equatable {
        case endTunnel
        case close
        /// What a part of an answer is followed by must not look like its end.
        case reset
    }

    /// The program drains.
    enum OnDrain: Equatable {
        case nothing
        case close
        /// Its first request may be on its way: that is still answered.
        case waitForFirst
    }

    private var phase = Phase.waiting(isInHead: false)
    private(set) var hasBegun = false
    private(set) var isInputClosed = false
    private var isDraining = false
    /// That of the last request.
    private(set) var minorVersion = 1

    /// The exchange whose turn it is.
    var exchange: Exchange? {
        switch phase {
        case .serving(let exchange, _), .tunnel(let exchange, _): exchange
        case .lingering(let exchange): exchange
        case .waiting, .answered, .over: nil
        }
    }

    var isTunnel: Bool { if case .tunnel = phase { true } else { false } }

    /// Whether the next part of a request may be taken from what was read.
    var mayParse: Bool {
        switch phase {
        case .waiting, .answered: true
        case .serving(_, let request): !request.isComplete
        case .tunnel, .lingering, .over: false
        }
    }

    /// A request was read whose answer comes first: what follows waits.
    var isPipelining: Bool { if case .serving(_, let request) = phase { request.isComplete } else { false } }

    /// Whether the next request is what is waited for.
    var isWaiting: Bool {
        switch phase {
        case .waiting, .answered: true
        case .serving, .tunnel, .lingering, .over: false
        }
    }

    /// Whether the connection can be used on after an answer that comes now.
    private func isReusable(_ request: Request) -> Bool { request.isComplete || request.body == .none }

    // MARK: - A request

    func read() -> OnRead {
        switch phase {
        case .waiting, .serving, .answered: .parse
        case .tunnel: .passOn
        case .lingering, .over: .drop
        }
    }

    mutating func readOn(isParserIdle: Bool) -> OnReadOn {
        guard case .waiting(let isInHead) = phase, !isInputClosed else { return .nothing }
        phase = .waiting(isInHead: !isParserIdle)
        if isParserIdle { return .idle(isUnused: hasBegun) }
        return isInHead ? .nothing : .headBegun
    }

    /// A head was read; what it asks for may still be refused.
    mutating func headRead(minorVersion: Int) {
        hasBegun = true
        self.minorVersion = minorVersion
        phase = .waiting(isInHead: false)
    }

    mutating func begin(_ exchange: Exchange, _ request: Request) {
        var request = request
        switch exchange.request.kind {
        // Whatever follows belongs to the other protocol.
        case .tunnel: phase = .tunnel(exchange, request)
        case .upgrade:
            request.awaitsUpgrade = true
            request.isComplete = request.body == .none || request.body == .known(0)
            phase = .serving(exchange, request)
        case .plain: phase = .serving(exchange, request)
        }
    }

    mutating func requestEnded() -> OnRequestEnd {
        switch phase {
        case .serving(let exchange, var request):
            request.isComplete = true
            phase = .serving(exchange, request)
            return request.awaitsUpgrade ? .keep : .pass
        case .answered(var request):
            request.isComplete = true
            return .complete(complete(request))
        case .waiting, .tunnel, .lingering, .over: return .keep
        }
    }

    // MARK: - Its answer

    /// A head is about to be written. The result is whether it may say that the connection is kept.
    mutating func responding(opensTunnel: Bool, isInformational: Bool) -> Bool {
        switch phase {
        case .serving(let exchange, var request):
            if !isInformational, isDraining { request.keepsAlive = false }
            phase = .serving(exchange, request)
            return request.keepsAlive && isReusable(request)
        case .tunnel(let exchange, var request):
            if !isInformational, isDraining || !opensTunnel { request.keepsAlive = false }
            phase = .tunnel(exchange, request)
            return request.keepsAlive && request.isComplete
        case .waiting, .answered, .lingering, .over: return false
        }
    }

    /// - Parameter hasMore: Something stands behind the request already, which may have been meant for the other protocol: it isn't taken for
    ///   a request.
    mutating func upgraded(_ isAgreed: Bool, hasMore: Bool) -> OnUpgrade {
        guard case .serving(let exchange, var request) = phase else { return .tunnel }
        request.awaitsUpgrade = false
        guard !isAgreed else {
            // An origin may agree before it has all of the body, which then goes in front of the rest.
            phase = .tunnel(exchange, request)
            return .tunnel
        }
        if hasMore { request.keepsAlive = false }
        phase = .serving(exchange, request)
        // Else the end comes behind what is missing of the body.
        return .resume(endsRequest: request.isComplete)
    }

    /// All of the response is written, and no tunnel.
    ///
    /// - Parameter isUntilClose: Its end is that of the connection.
    mutating func responseEnded(isUntilClose: Bool) -> OnResponseEnd {
        switch phase {
        case .serving(_, var request):
            if isUntilClose { request.keepsAlive = false }
            // Answered at once: the end of a request without a body is still to be read.
            guard request.isComplete || request.body != .none else {
                phase = .answered(request)
                return .readEnd
            }
            return complete(request)
        case .tunnel:
            phase = .lingering(nil)
            return .finish(hasAll: false)
        case .waiting, .answered, .lingering, .over: return .readEnd
        }
    }

    private mutating func complete(_ request: Request) -> OnResponseEnd {
        guard request.keepsAlive, request.isComplete, !isInputClosed, !isDraining else {
            phase = .lingering(nil)
            return .finish(hasAll: request.isComplete)
        }
        phase = .waiting(isInHead: false)
        return .next
    }

    /// The last that is said has been written.
    mutating func finish() { phase = .lingering(isTunnel ? exchange : nil) }

    /// The connection goes, or nothing is to be said of the exchange. The result is the exchange.
    mutating func end() -> Exchange? {
        defer { phase = .over }
        return exchange
    }

    // MARK: - From the connection

    mutating func inputClosed() -> OnInputClosed {
        isInputClosed = true
        guard let exchange, let response = exchange.response else { return .close }
        return response.opensTunnel(for: exchange.request) ? .endTunnel : .reset
    }

    mutating func drain(isParserIdle: Bool) -> OnDrain {
        isDraining = true
        guard exchange == nil, isParserIdle else { return .nothing }
        return hasBegun ? .close : .waitForFirst
    }

    /// A deadline is over. True where a head didn't come in time, and its client is told.
    func refusesLateHead(isParserIdle: Bool) -> Bool { isWaiting && !isParserIdle && !isInputClosed }
}

@available(*, unavailable)
extension HTTPServerState: Sendable {}
