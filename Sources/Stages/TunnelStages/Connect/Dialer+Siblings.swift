public import ConfigurationLanguage
public import Pipeline

/// Several connections of one loop to one server: each has a dialer of its own, which keeps it open.
extension Dialer {
    var connections: ConnectionCount { configuration.connections }

    func sibling() -> (any OutboundPort)? { siblings?.next() }

    func alternatives() -> ServerAlternatives? { others.take() }
}

/// Makes dialers beside another one's.
final class SiblingDialers {
    private var left: Int
    private let make: () -> Dialer
    private var made: [Dialer] = []

    init(count: Int, make: @escaping () -> Dialer) {
        left = count
        self.make = make
    }

    func next() -> Dialer? {
        guard left > 0 else { return nil }
        left -= 1
        let dialer = make()
        dialer.isSibling = true
        made.append(dialer)
        return dialer
    }

    /// Nobody needs their connections for now.
    func rest() { for dialer in made { dialer.rest() } }
}

extension ConnectionCount: ScalarConfigurationValue {
    /// As many as streams are spread over where that helps.
    private static let several = 8
    private static let limit = 16

    var most: Int {
        switch self {
        case .automatic: Self.several
        case .exactly(let count): count
        }
    }

    public static var typeDescription: String { "'auto', or a number of connections from 1 to \(limit)" }

    public static var shape: ValueShape { .oneOf([.choice(["auto"]), .integer]) }

    public init(configured text: String) throws(InvalidValue) {
        if text == "auto" {
            self = .automatic
        } else if let count = Int(text), (1...Self.limit).contains(count), text.utf8.allSatisfy({ (48...57).contains($0) }) {
            self = .exactly(count)
        } else {
            throw InvalidValue("this is neither 'auto' nor a number from 1 to \(Self.limit)")
        }
    }

    public var printed: String {
        switch self {
        case .automatic: "auto"
        case .exactly(let count): "\(count)"
        }
    }
}
