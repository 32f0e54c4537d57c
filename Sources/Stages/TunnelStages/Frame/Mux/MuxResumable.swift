import ConfigurationLanguage
import NIOCore

/// What a session has that can be resumed.
struct MuxResumable {
    var send: ResumableSend
    var receive: ResumableReceive
    /// By what the session is named now.
    var token: ResumptionToken
    /// Where the acceptor has said that it can be reached itself, which only an opener knows; nil where it hasn't.
    let place: HostPort?
    /// How long it waits for another connection.
    let keep: TimeAmount
    /// Since when it has none, and when it is given up.
    var detached: (since: NIODeadline, until: NIODeadline)?
    /// The peer is told what has come, however little that is.
    var owesAcknowledgement = false
    /// What all sessions together are known to keep of this one, in bytes.
    var noted = 0

    /// Nil where the two sides have not agreed on it.
    /// - Parameter unread: What has come behind HELLO.
    init?(_ session: MuxSession, _ parking: MuxParking, unread: Int) {
        guard session.isResumable, let offer = session.role == .opener ? session.peer.offer : session.configuration.offer
        else { return nil }
        send = ResumableSend(bound: parking.settings.store)
        receive = ResumableReceive(window: session.configuration.sessionWindow)
        receive.take(unread)
        token = offer.token
        place = session.role == .opener ? offer.place : nil
        keep = session.role == .opener ? min(parking.settings.patience, .seconds(Int64(offer.keep))) : parking.settings.keep
    }
}
