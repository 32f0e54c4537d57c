import HTTPMessages
import NIOCore

/// Making room where streams hold it that nobody reads.
extension MuxHandler {
    /// Nothing more comes of a stream that is over. Who still has something of it is remembered.
    func forget(_ end: MuxEnd) {
        if end.leftover > 0, let leftover = MuxLeftover(end) { leftovers.append(leftover) }
        end.forget()
    }

    /// Ends those who hold what others need and nobody takes, if it is time for that.
    func relieve(_ now: NIODeadline) {
        let places = session.relieve(now, leftovers: leftovers.holders) { slot in end(slot)?.exchange?.party ?? "" }
        guard !places.isEmpty else { return }
        let failure = Failure(.excessive, "nobody took its bytes, and others need the room")
        // What is ended may end and begin others: those that are meant are found before, or by their numbers.
        for leftover in leftovers.remove(places) {
            meter.streamReset(.crowded)
            leftover.abandon(failure)
        }
        for case .stream(let slot, let number) in places where session.isOpen(slot, number) {
            meter.streamReset(.crowded)
            session.reset(slot, failure)
            let end = release(slot)
            end?.wasReset(failure)
            end?.forget()
            owner?.streamsFreed()
        }
    }
}
