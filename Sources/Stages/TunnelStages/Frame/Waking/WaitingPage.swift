package import HTTPMessages
package import Pipeline

/// What a browser gets that asks for a page while the server is being woken: a page that asks again.
package enum WaitingPage {
    private static let seconds = 3

    /// The page for a request; nil for those that had better wait: whoever sent them couldn't read it.
    package static func answer(to request: RequestHead, _ phase: ServerPresence.Phase) -> LocalResponse? {
        guard isNavigation(request) else { return nil }
        let text: String
        switch phase {
        case .up: return nil
        case .failed(let reason): text = "It could not be started: \(reason). It is tried again."
        case .asleep, .waking(nil): text = "This usually takes about a minute."
        case .waking(let expected?): text = "This usually takes \(expected)."
        }
        var response = unavailable("the server is being started")
        AnswerPage(
            title: "Starting the server", sentence: text, advice: "This page reloads by itself and then shows what you asked for.",
            refresh: seconds
        ).replaceBody(of: &response)
        return response
    }

    /// A response with 503 and Retry-After, for an exchange that the tunnel isn't there for.
    package static func unavailable(_ reason: String) -> LocalResponse {
        var response = LocalResponse(
            status: 503, body: reason + "\n", failure: Failure(.tunnelDown, reason))
        response.head.fields.append("Retry-After", "\(seconds)")
        response.head.fields.append("Cache-Control", "no-store")
        return response
    }

    /// A browser that goes to a page says so in `Sec-Fetch-Mode`; an older one prefers HTML to all else. Asking again must do
    /// no harm, so only GET counts.
    private static func isNavigation(_ request: RequestHead) -> Bool {
        guard request.method == "GET", request.acceptsHTML else { return false }
        return request.fields.first("Sec-Fetch-Mode").map { $0 == "navigate" } ?? true
    }
}
