import LivePage
import Pipeline

/// What the admin listener is asked, or told to do.
enum AdminQuestion: Equatable {
    /// A file of the live page.
    case page(LivePageFile)
    case livez, readyz, metrics, pipeline
    /// All that the live page shows, once, and again each second.
    case live(AdminQuery)
    case events(AdminQuery)
    case sessions, certificates, generations, logLevel
    case exchanges(AdminQuery)
    case setLogLevel, reload
    case endExchange(ExchangeID)
    case endSession(UInt64)

    /// Who may ask.
    enum Audience: Equatable {
        /// Whoever reaches the listener.
        case anybody
        /// Whoever may see what people do.
        case trusted
        /// Whoever may see that, and says so in a way that a foreign site can't.
        case operators
    }

    var audience: Audience {
        switch self {
        case .livez, .readyz, .metrics, .pipeline: .anybody
        case .page, .live, .events, .sessions, .certificates, .generations, .logLevel, .exchanges: .trusted
        case .setLogLevel, .reload, .endExchange, .endSession: .operators
        }
    }

    /// What a path can be asked for, by method.
    private struct Place: Sendable {
        var path: String
        var methods: [(name: String, question: AdminQuestion)]

        init(_ path: String, _ methods: (name: String, question: AdminQuestion)...) {
            self.path = path
            self.methods = methods
        }
    }

    private static let places: [Place] =
        LivePageFile.allCases.map { Place($0.path, ("GET", .page($0))) } + [
            Place("/livez", ("GET", .livez)), Place("/readyz", ("GET", .readyz)), Place("/metrics", ("GET", .metrics)),
            Place("/pipeline", ("GET", .pipeline)), Place("/live", ("GET", .live(AdminQuery()))),
            Place("/events", ("GET", .events(AdminQuery()))), Place("/sessions", ("GET", .sessions)),
            Place("/exchanges", ("GET", .exchanges(AdminQuery()))), Place("/certificates", ("GET", .certificates)),
            Place("/generations", ("GET", .generations)), Place("/log-level", ("GET", .logLevel), ("PUT", .setLogLevel)),
            Place("/reload", ("POST", .reload)),
        ]

    /// Every path, for whoever asks for another.
    static var paths: [String] { places.map(\.path) + ["/exchanges/ID", "/sessions/NUMBER"] }

    /// Why a request is no question.
    enum Problem: Error, Equatable {
        /// There is no such path.
        case unknown
        /// The path takes other methods alone.
        case method(allowed: String)
        /// A part of the query can't be.
        case query(String)
    }

    /// - Parameters:
    ///   - target: The request's path with its query.
    init(method: String, target: Substring) throws(Problem) {
        let path = target.prefix { $0 != "?" }
        if let place = Self.places.first(where: { $0.path == path }) {
            let wanted = method == "HEAD" ? "GET" : method
            guard let found = place.methods.first(where: { $0.name == wanted }) else {
                throw .method(
                    allowed: place.methods.flatMap { $0.name == "GET" ? ["GET", "HEAD"] : [$0.name] }.joined(separator: ", "))
            }
            self = try found.question.asked(target.dropFirst(path.count + 1))
            return
        }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].isEmpty, let one = Self.single(parts[1], parts[2]) else { throw .unknown }
        guard method == "DELETE" else { throw .method(allowed: "DELETE") }
        self = one
    }

    /// The same with what stands behind the question mark, where that counts.
    private func asked(_ query: Substring) throws(Problem) -> AdminQuestion {
        switch self {
        case .live: .live(try AdminQuery(query))
        case .events: .events(try AdminQuery(query))
        case .exchanges: .exchanges(try AdminQuery(query))
        default: self
        }
    }

    private static func single(_ kind: Substring, _ name: Substring) -> AdminQuestion? {
        switch kind {
        case "exchanges": ExchangeID(digits: name).map { .endExchange($0) }
        case "sessions": UInt64(name).map { .endSession($0) }
        default: nil
        }
    }
}

/// What stands behind the question mark.
struct AdminQuery: Equatable {
    /// Exchanges that are listed at most.
    static let limits = 1...10_000

    /// How many exchanges are listed.
    var limit = 1_000
    /// What has to stand in the target, the client or its address.
    var search: String?

    init() {}

    init(_ text: Substring) throws(AdminQuestion.Problem) {
        for pair in text.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let value = Self.decoded(parts[1]) else { throw .query("'\(pair)' is no name and value") }
            switch parts[0] {
            case "limit":
                guard let limit = Int(value), Self.limits.contains(limit) else {
                    throw .query("'limit' wants a number from \(Self.limits.lowerBound) to \(Self.limits.upperBound)")
                }
                self.limit = limit
            case "search": search = value.isEmpty ? nil : value
            default: throw .query("there are 'limit' and 'search', not '\(parts[0])'")
            }
        }
    }

    /// A text in which bytes are written as `%20` and blanks as `+` (HTML, application/x-www-form-urlencoded).
    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(0x20)
            case UInt8(ascii: "%"):
                guard let digits = String(rest.prefix(2)), digits.utf8.count == 2, let value = UInt8(digits, radix: 16) else {
                    return nil
                }
                bytes.append(value)
                rest = rest.dropFirst(2)
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// What the loops are asked.
    var exchanges: ExchangeQuery { ExchangeQuery(limit: limit, text: search) }
}
