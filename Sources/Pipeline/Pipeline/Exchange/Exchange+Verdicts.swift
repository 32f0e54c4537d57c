import HTTPMessages
import NIOCore

/// What the stages say to an exchange. While nobody asks (`Shard.askForVerdicts`) nothing is kept, and a stage that would say something looks at
/// one number.
extension Exchange {
    /// Whether somebody will read the verdicts.
    public var isJudged: Bool { shard.verdictReaders > 0 }

    /// What the stages have said so far, those behind a stage that carries the exchange on as another one included.
    public var verdicts: VerdictList { outermost.ownVerdicts }

    /// Leaves the verdict of the stage that the exchange has come to last, from its port. Made only where somebody asks.
    public func leave(_ verdict: @autoclosure () -> Verdict) {
        guard shard.verdictReaders > 0, let place = progress.place?.index else { return }
        outermost.ownVerdicts.leave(verdict(), at: place)
    }

    /// The same for a gate, at any time before the exchange's end.
    public func leave(_ verdict: @autoclosure () -> Verdict, by gate: Gate) {
        guard shard.verdictReaders > 0 else { return }
        outermost.ownVerdicts.leave(verdict(), at: gate.place)
    }

    /// The same for whatever decides later than its stage's port, with the `stageIndex` of that time.
    package func leave(_ verdict: @autoclosure () -> Verdict, at place: Int) {
        guard shard.verdictReaders > 0 else { return }
        outermost.ownVerdicts.leave(verdict(), at: place)
    }

    /// The place of the stage that the exchange has come to last, from 0; nil before the first.
    package var stageIndex: Int? { progress.place?.index }

    private var outermost: Exchange {
        var exchange = self
        while let outer = exchange.outer { exchange = outer }
        return exchange
    }

    /// The exchange has come to a stage.
    func judgeReached(_ place: StagePlace) { outermost.ownVerdicts.reached(place) }

    /// A gate has seen a head, and perhaps changed it.
    func judge(_ before: RequestHead, _ after: RequestHead, by gate: Gate) {
        guard before != after else { return }
        var parts: [String] = []
        if before.method != after.method { parts.append("method") }
        if before.authority != after.authority || before.scheme != after.scheme { parts.append("destination") }
        if before.path != after.path { parts.append("path") }
        if before.fields != after.fields { parts.append(Self.changes(before.fields, after.fields)) }
        leave(
            Verdict(.changed, note: "request: \(parts.isEmpty ? "how its body travels" : parts.joined(separator: ", "))"), by: gate)
    }

    /// The same for a response's head.
    func judge(_ before: ResponseHead, _ after: ResponseHead, by gate: Gate) {
        guard before != after else { return }
        var parts: [String] = []
        if before.status != after.status { parts.append("status") }
        if before.fields != after.fields { parts.append(Self.changes(before.fields, after.fields)) }
        leave(
            Verdict(.changed, note: "response: \(parts.isEmpty ? "how its body travels" : parts.joined(separator: ", "))"), by: gate
        )
    }

    /// The names of fields that came, went or have other values.
    private static func changes(_ before: HeaderFields, _ after: HeaderFields) -> String {
        var words: [String] = []
        var seen: Set<String> = []
        for (name, _) in before.list + after.list where seen.insert(name.lowercased()).inserted {
            let (old, new) = (before[name], after[name])
            if old.isEmpty {
                words.append("+\(name)")
            } else if new.isEmpty {
                words.append("-\(name)")
            } else if old != new {
                words.append("~\(name)")
            }
        }
        return words.isEmpty ? "the order of fields" : words.joined(separator: " ")
    }

    /// A stage has ended the exchange with an answer.
    func judgeAnswer(_ local: LocalResponse, _ outcome: ExchangeOutcome, at index: Int?) {
        guard let place = index ?? progress.place?.index else { return }
        let kind: Verdict.Kind = outcome == .refused || local.failure?.code == .forbidden ? .refused : .answered
        let note = outermost.ownVerdicts.verdict(at: place)?.note ?? ""
        let reason = local.failure.map { "\(local.head.status), \($0.message)" } ?? "\(local.head.status)"
        outermost.ownVerdicts.leave(Verdict(kind, note: note.isEmpty ? reason : note), at: place)
    }

    /// A response has come through. Where the last stage that the exchange came to hasn't said anything else, it is that one's.
    func judgeResponse(_ status: Int) { judgeLast("\(status)") }

    /// The exchange is over without one.
    func judgeEnd(_ failure: Failure?) {
        if let failure { judgeLast(failure.message) }
    }

    private func judgeLast(_ note: String) {
        guard let place = progress.place?.index, !progress.isWithin, outermost.ownVerdicts.verdict(at: place)?.kind == .passed
        else {
            return
        }
        leave(Verdict(.answered, note: outermost.ownVerdicts.verdict(at: place)?.note.isEmpty == false ? "" : note), at: place)
    }
}
