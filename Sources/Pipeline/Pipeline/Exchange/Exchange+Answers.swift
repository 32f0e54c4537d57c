package import HTTPMessages
import Platform

/// How an answer that says why there is no other is told: which end and which stage, by which id it is found in the logs, what to do.
extension Exchange {
    /// The answer as its client gets it: a page for a browser, text for everybody else.
    func told(_ local: LocalResponse, at index: Int?) -> LocalResponse {
        guard let failure = local.failure else { return local }
        var local = local
        ProxyStatus.identify(id.description, in: &local.head.fields)
        guard !local.body.isEmpty, local.head.fields.first("Content-Type")?.hasPrefix("text/plain") ?? false else { return local }
        if request.acceptsHTML {
            page(for: failure, status: local.head.status, at: index).replaceBody(of: &local)
        } else {
            let place = [end, stage(at: index).map { "stage '\($0.name)'" }].compactMap { $0 }.joined(separator: ", ")
            local.setBody(
                "\(local.body)(\(place.isEmpty ? "" : place + ", ")exchange \(id))\n", type: "text/plain; charset=utf-8")
        }
        return local
    }

    /// The page that says why there is no other answer.
    /// - Parameter index: The stage that answers, if it isn't the last that the exchange has reached.
    package func page(for failure: Failure, status: Int, at index: Int? = nil) -> AnswerPage {
        var facts: [(name: String, value: String)] = [("Status", "\(status) \(HTTPStatus.reason(status))")]
        if !request.authority.isEmpty { facts.append(("Site", ForeignText.line(request.authority, limit: 200))) }
        if let end { facts.append(("Said by", end)) }
        if let stage = stage(at: index) { facts.append(("Stage", "\(stage.name) (\(stage.path))")) }
        facts.append(("Since", Timestamp.utc(failure.since ?? WallTime.seconds)))
        facts.append(("Exchange", id.description))
        return AnswerPage(title: failure.code.title, sentence: failure.message, advice: failure.code.advice, facts: facts)
    }

    /// Which end of the tunnel says it.
    private var end: String? {
        if toldFailure != nil { return "the other end of the tunnel" }
        return shard.host.map { "the \($0.rawValue)" }
    }

    private func stage(at index: Int?) -> StagePlace? {
        guard toldFailure == nil else { return nil }
        return place(at: index)
    }
}

/// The answer to what is no request, and so has no exchange: it is counted and logged as if it had one.
extension Exchange {
    /// What such a client is told.
    /// - Parameters:
    ///   - method: The method, as far as it was understood.
    ///   - client: The connection that it came by.
    package static func refusal(
        _ failure: Failure, status: Int, method: String = "-", client: Inbound, on shard: Shard
    ) -> LocalResponse {
        let request = RequestHead(method: method, scheme: .http, authority: "-", path: "/")
        let exchange = Exchange(request, from: ExchangeSource(), client: client, on: shard)
        let answer = LocalResponse(status: status, body: failure.message + "\n", failure: failure)
        exchange.answer(answer)
        return exchange.told(answer, at: nil)
    }
}
