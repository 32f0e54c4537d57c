package import HTTPMessages
package import Instruments
package import NIOCore

/// An event loop on which something is counted. Confined to the loop.
package protocol MeteredLoop: AnyObject {
    /// The loop to hop to before anything else is asked.
    var loop: any EventLoop { get }
    /// Every metric of this loop, what is on its way included.
    func readMetrics() -> MetricSnapshot
    /// When something last began, ended or was seen to have moved bytes, in seconds of the Unix epoch; nil before the first time.
    var lastActivity: Int? { get }
    /// The exchanges that are open on this loop.
    func openExchanges(_ query: ExchangeQuery) -> OpenExchanges
    /// Ends an exchange of this loop with an answer, or with a reset. False if it isn't open here.
    func endExchange(_ id: ExchangeID, _ failure: Failure) -> Bool
    /// The sessions of this loop.
    var sessions: SessionBook { get }
}

/// A stage at work, as far as readers of a pipeline's telemetry see it.
package struct RunningStage: Sendable {
    /// Where it stands.
    package var place: StagePlace
    /// Asks the stage how it is.
    package var status: @Sendable () async -> StageStatus
    /// Asks the stage what it would do with an exchange.
    package var outlook: @Sendable (ExchangeProspect) async -> StageOutlook

    /// A stage by its place, and the ways to ask it, which are called from any thread.
    package init(
        place: StagePlace, status: @escaping @Sendable () async -> StageStatus,
        outlook: @escaping @Sendable (ExchangeProspect) async -> StageOutlook = { _ in StageOutlook() }
    ) {
        self.place = place
        self.status = status
        self.outlook = outlook
    }
}
