import NIOCore
import Pipeline

/// What a session does when its memory is used up by streams that nobody reads. Some such streams are usual, paused videos say:
/// there is room for a dozen or two. One beyond that isn't to stop everybody else.
extension MuxSession {
    /// So long a session may be without room before a stream has to go.
    static let patience = TimeAmount.seconds(10)
    /// After one, the next goes so much later, if that wasn't enough.
    private static let betweenTwo = TimeAmount.seconds(1)

    /// Most of what may come is here and isn't passed on; or most of what may wait to be sent waits for windows.
    var isCrowded: Bool {
        received * 8 > configuration.sessionWindow * 7 || stuckBytes * 8 > configuration.sendLimit * 7
    }

    /// Notes since when there has been no room.
    mutating func watchCrowding(_ now: NIODeadline) {
        if isCrowded { crowdedSince = crowdedSince ?? now } else { crowdedSince = nil }
    }

    /// Ends the stream that holds most of those of which nothing has been taken for the whole time, if there is one.
    mutating func relieve(_ now: NIODeadline) -> MuxEvent {
        crowdedSince = now - Self.patience + Self.betweenTwo
        let stalled = slots.values.filter { streams[$0].movedAt + Self.patience <= now && streams[$0].held > 0 }
        guard let slot = stalled.max(by: { streams[$0].held < streams[$1].held }) else { return .none }
        let seconds = Self.patience.nanoseconds / 1_000_000_000
        let failure = Failure(.excessive, "nobody took its bytes for \(seconds) s, and others need the room")
        reset(slot, failure)
        return .reset(slot: slot, failure, .crowded)
    }
}

extension MuxStreamState {
    /// What the session holds of it that nobody takes, in bytes.
    fileprivate var held: Int { received + stuck }
}
