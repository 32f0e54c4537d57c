import LivePage
import Pipeline

/// What the admin listener is asked, or told to do.
enum AdminQuestion: Equatable {
    /// A file of the live page.
    case page(LivePageFile)
    /// Whether every loop answers.
    case livez
    /// All that the live page shows, each second.
    case events(AdminQuery)
    /// How something is, which takes a look at all loops.
    case look(AdminLook)
    /// Something is to be changed whose new value is the request's body.
    case setLogLevel
    /// Something is to be done that the path says.
    case change(AdminChange)

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
        case .livez: .anybody
        case .look(let look): look.audience
        case .page, .events: .trusted
        case .setLogLevel, .change: .operators
        }
    }

    /// Makes a question of what stands behind the question mark.
    private typealias Reading = @Sendable (Substring) throws(Problem) -> AdminQuestion

    /// What a path can be asked for, by method.
    private struct Place: Sendable {
        var path: String
        var methods: [(name: String, read: Reading)]

        init(_ path: String, _ methods: (name: String, read: Reading)...) {
            self.path = path
            self.methods = methods
        }
    }

    private static let places: [Place] =
        LivePageFile.allCases.map { Place($0.path, get(.page($0))) } + [
            Place("/livez", get(.livez)), Place("/readyz", get(.look(.readyz))), Place("/metrics", get(.look(.metrics))),
            Place("/pipeline", get(.look(.pipeline))),
            Place("/live", ("GET", { query throws(Problem) in .look(.live(try AdminQuery(query))) })),
            Place("/events", ("GET", { query throws(Problem) in .events(try AdminQuery(query)) })),
            Place("/sessions", get(.look(.sessions))),
            Place("/exchanges", ("GET", { query throws(Problem) in .look(.exchanges(try AdminQuery(query))) })),
            Place("/certificates", get(.look(.certificates))), Place("/generations", get(.look(.generations))),
            Place("/log-level", get(.look(.logLevel)), ("PUT", { _ in .setLogLevel })),
            Place("/outlook", ("GET", { query throws(Problem) in .look(.outlook(try ExchangeProspect(query))) })),
            Place("/reload", ("POST", { _ in .change(.reload) })),
        ]

    private static func get(_ question: AdminQuestion) -> (name: String, read: Reading) { ("GET", { _ in question }) }

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
            self = try found.read(target.dropFirst(path.count + 1))
            return
        }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].isEmpty, let one = Self.single(parts[1], parts[2]) else { throw .unknown }
        guard method == "DELETE" else { throw .method(allowed: "DELETE") }
        self = one
    }

    private static func single(_ kind: Substring, _ name: Substring) -> AdminQuestion? {
        switch kind {
        case "exchanges": ExchangeID(digits: name).map { .change(.endExchange($0)) }
        case "sessions": UInt64(name).map { .change(.endSession($0)) }
        default: nil
        }
    }
}
