import HTTPMessages
import NIOCore
import Pipeline

/// What the admin listener is asked of how things are. Nothing changes by it.
enum AdminLook: Equatable {
    case readyz, metrics, pipeline
    /// All that the live page shows, once.
    case live(AdminQuery)
    case sessions, certificates, generations, logLevel
    case exchanges(AdminQuery)
    /// What the stages would do with an exchange as things are.
    case outlook(ExchangeProspect)

    var audience: AdminQuestion.Audience {
        switch self {
        case .readyz, .metrics, .pipeline: .anybody
        case .live, .sessions, .certificates, .generations, .logLevel, .exchanges, .outlook: .trusted
        }
    }
}

/// What the admin listener is told to do, by a path alone.
enum AdminChange: Equatable {
    case reload
    case endExchange(ExchangeID)
    case endSession(UInt64)
}

extension ExchangeProspect {
    /// Reads `target=example.com:443&client=laptop&address=192.0.2.1`.
    init(_ query: Substring) throws(AdminQuestion.Problem) {
        var authority: Authority?
        var (client, address): (String?, String?)
        for (name, value) in try AdminQuery.members(query) {
            switch name {
            case "target":
                guard let read = Authority(value) else { throw .query("'target' wants a host and port") }
                authority = read
            case "client": client = value.isEmpty ? nil : value
            case "address":
                guard (try? SocketAddress(ipAddress: value, port: 0)) != nil else { throw .query("'address' wants an address") }
                address = value
            default: throw .query("there are 'target', 'client' and 'address', not '\(name)'")
            }
        }
        guard let authority else { throw .query("'target' is missing: the host and port that would be asked for") }
        self.init(to: authority)
        clientName = client
        self.address = address
    }
}
