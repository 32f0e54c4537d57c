import HTTPMessages
import Platform

extension Exchange {
    /// The exchange is over: what recorded it gets what it was.
    func endTrace(_ outcome: ExchangeOutcome) {
        guard let trace else { return }
        let isError = outcome == .failed || (response?.status ?? 0) >= 500
        let reason = failure ?? toldFailure
        trace.close(at: ended, reason?.message)
        guard trace.keeper.isWanted(isError: isError) else { return }
        let place = Authority(request.authority)
        trace.keeper.keep(
            trace,
            of: TracedExchange(
                id: id, ended: ended, method: ForeignText.line(request.method, limit: 32),
                host: ForeignText.line(place?.host ?? request.authority, limit: 255), port: place?.port, status: response?.status,
                outcome: outcome.rawValue, isError: isError, failure: reason, route: route, received: requestBytes,
                sent: responseBytes))
    }
}
