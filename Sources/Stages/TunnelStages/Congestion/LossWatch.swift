/// Finds out whether a way loses packets although no queue on it is full: then whoever halves his rate at each loss gets less than there is.
///
/// A value; it is told now and then what the kernel has counted of a connection. A queue that is full loses packets as well, and that says
/// nothing: all that goes by loss fills queues. It shows by the round trip, which is then longer than the shortest.
struct LossWatch: Equatable {
    /// So many looks that found something lost are enough.
    private static let enough = 3
    /// Of so many packets: a thousandth of them lost is of no concern.
    private static let packets = 3_000

    private let received: Bool
    private let sent: Bool
    private var last: TCPStatistics?
    private var lossy = 0
    private var passed = 0

    /// - Parameters:
    ///   - received: Whether what comes counts.
    ///   - sent: Whether what goes counts.
    init(received: Bool, sent: Bool) {
        self.received = received
        self.sent = sent
    }

    /// True once enough was lost.
    mutating func note(_ now: TCPStatistics) -> Bool {
        defer { last = now }
        guard let last else { return false }
        passed += Int(now.segmentsReceived &- last.segmentsReceived) + Int(now.segmentsSent &- last.segmentsSent)
        let isLost = received && now.disordered != last.disordered || sent && now.resent != last.resent
        if isLost, !now.isQueueing { lossy += 1 }
        guard lossy < Self.enough else { return true }
        if passed > Self.packets { (passed, lossy) = (0, 0) }
        return false
    }
}
