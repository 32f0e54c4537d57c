import NIOCore
import Pipeline

/// What is known of one name's addresses of both families, and what follows from it. IPv4 and IPv6 are two questions, and some name
/// servers never answer one of them.
struct FamilyAnswers: Sendable, Equatable {
    enum Answer: Sendable, Equatable {
        case found([IPAddress], ttl: TimeAmount)
        case failed(NameFailure)

        /// Whether a name server has said so.
        var isSaidByServer: Bool {
            switch self {
            case .found: true
            case .failed(let failure): failure.isCertain
            }
        }
    }

    enum Verdict: Equatable {
        case wait
        /// The other family's answer is waited for a moment longer (RFC 8305, 3); then these do.
        case waitBriefly([IPAddress], ttl: TimeAmount)
        case found([IPAddress], ttl: TimeAmount)
        /// There is no such name or address: the next name of the search list is tried.
        case nothing(NameFailure)
        case failed(NameFailure)
    }

    var v4: Answer?
    var v6: Answer?

    var verdict: Verdict {
        switch (v6, v4) {
        case (.found(let addresses, let ttl)?, nil), (nil, .found(let addresses, let ttl)?):
            .waitBriefly(addresses, ttl: ttl)
        case (nil, _), (_, nil):
            .wait
        case (.found(let v6, let one)?, .found(let v4, let other)?):
            .found(v6 + v4, ttl: min(one, other))
        case (.found(let addresses, let ttl)?, .failed?), (.failed?, .found(let addresses, let ttl)?):
            .found(addresses, ttl: ttl)
        case (.failed(let one)?, .failed(let other)?):
            Self.verdict(one, other)
        }
    }

    private static func verdict(_ one: NameFailure, _ other: NameFailure) -> Verdict {
        guard one.isCertain, other.isCertain else { return .failed(one.isCertain ? other : one) }
        // A name that has no address of one family exists, whatever is said of the other.
        return .nothing(one == .noAddress ? one : other)
    }
}
