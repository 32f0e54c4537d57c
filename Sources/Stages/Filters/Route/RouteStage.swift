import ConfigurationLanguage
import HTTPMessages
import Instruments
import NIOCore
public import Pipeline
import Platform

/// Makes the stage `route`, and says what it is.
public struct RouteFactory: StageFactory {
    public static let name = "route"
    public static let summary =
        "Has branches, each a list of stages of its own: the first whose conditions hold takes an exchange."
    public static let forms = [StageForm(.exchange, .end)]

    public init() {}

    public func problems(_ configuration: RouteConfiguration, among surroundings: StageSurroundings) -> [ConfigurationProblem] {
        configuration.branches.enumerated().flatMap { index, branch in
            branch.when.identityProblems(
                key: "branches.branches[\(index + 1)].when.identities", stage: Self.name, among: surroundings)
        }
    }

    public func make(_ configuration: RouteConfiguration, form: StageForm, context: StageContext) throws -> any Stage {
        RouteStage(rules: RouteRules(configuration), mode: configuration.mode, ways: try PlanBranch<Exchange, End>.all(of: context))
    }
}

/// Which branch an exchange goes by.
struct RouteRules: Sendable {
    private let conditions: [ExchangeConditions]
    /// Where each branch stands in its file.
    let places: [RulePlace?]
    /// Whether a condition asks what time it is.
    let needsTime: Bool

    init(_ configuration: RouteConfiguration) {
        conditions = configuration.branches.map(\.when)
        places = configuration.branches.map(\.place)
        needsTime = conditions.contains(where: \.needsTime)
    }

    /// The place of the first branch that is for it; nil where none is.
    func choose(_ subject: ExchangeSubject) -> Int? { conditions.firstIndex { $0.fit(subject) } }
}

struct RouteStage: BranchingStage {
    typealias Input = Exchange
    typealias Output = End
    let rules: RouteRules
    let mode: RefusalMode
    let ways: [PlanBranch<Exchange, End>]

    var branches: [StageBranch] { ways.map(\.branch) }

    func assemble(_ downstream: Void, on shard: Shard) throws -> any ExchangePort {
        let place = shard.assembling
        let ports = try ways.map { way in
            let name = (place.map { RouteName.outer(of: $0) } ?? "") + way.name
            return RoutePort.Way(name: name, port: try way.assemble((), on: shard), place: place, metrics: shard.metrics)
        }
        return RoutePort(
            rules: rules, mode: mode, ways: ports,
            refused: shard.metrics.refusals(
                RouteFactory.Metrics.unmatched, observed: RouteFactory.Metrics.observed, place?.labels ?? [], mode))
    }
}

enum RouteName {
    /// What stands before a branch's name where its stage is in a branch itself: `abroad/` at the place `3.abroad.1`.
    static func outer(of place: StagePlace) -> String {
        let parts = place.path.split(separator: ".")
        return parts.indices.filter { $0 % 2 == 1 }.map { "\(parts[$0])/" }.joined()
    }
}

private final class RoutePort: ExchangePort {
    struct Way {
        /// With the names of the branches around it.
        let name: String
        let port: any ExchangePort
        let taken: Counter

        init(name: String, port: any ExchangePort, place: StagePlace?, metrics: MetricTable) {
            self.name = name
            self.port = port
            taken = metrics.counter(RouteFactory.Metrics.taken, (place?.labels ?? []) + [.init("route", name)])
        }
    }

    private let rules: RouteRules
    private let mode: RefusalMode
    private let ways: [Way]
    private let refused: Counter

    init(rules: RouteRules, mode: RefusalMode, ways: [Way], refused: Counter) {
        self.rules = rules
        self.mode = mode
        self.ways = ways
        self.refused = refused
    }

    /// What every branch takes: nobody knows by which an exchange will go. Undecided, as long as one is and no other says no.
    var offers: BodyCapabilities {
        var common: BodyCapabilities = .deflate
        var isUndecided = false
        for way in ways {
            let offers = way.port.offers
            if offers.contains(.undecided) { isUndecided = true } else { common.formIntersection(offers) }
        }
        return isUndecided && !common.isEmpty ? .undecided : common
    }

    func open(_ exchange: Exchange) {
        let subject = ExchangeSubject(exchange, time: rules.needsTime ? exchange.shard.localTime : nil)
        let chosen = rules.choose(subject).flatMap { ways.indices.contains($0) ? $0 : nil }
        guard let index = chosen ?? unmatched(exchange, subject) else { return }
        let way = ways[index]
        way.taken.add()
        exchange.route = way.name
        if chosen != nil { exchange.leave(Verdict(.passed, rule: rules.places[index], note: "branch '\(way.name)'")) }
        way.port.open(exchange)
    }

    /// No branch is for it. The one that takes it all the same, where the stage only observes.
    private func unmatched(_ exchange: Exchange, _ subject: ExchangeSubject) -> Int? {
        refused.add()
        let host = ForeignText.line(String(subject.host), limit: 100)
        let sentence = "'\(host)' is not allowed here: no branch of 'route' is for it"
        guard mode == .enforce, !ways.isEmpty else {
            exchange.leave(Verdict(.wouldRefuse, note: "\(sentence); it goes by the last, '\(ways.last?.name ?? "-")'"))
            return ways.indices.last
        }
        exchange.leave(Verdict(.refused, note: sentence))
        exchange.answer(Failure(.forbidden, sentence).response(for: exchange.request))
        return nil
    }
}
