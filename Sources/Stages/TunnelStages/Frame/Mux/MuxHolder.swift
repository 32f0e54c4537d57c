import NIOCore

/// Somebody who has something of a session's memory that nobody takes.
struct MuxHolder {
    enum Place: Hashable {
        /// An open stream, by its slot and its number.
        case stream(slot: Int, UInt32)
        /// What a stream that is over has left, by the owner's list of these.
        case leftover(Int)
    }

    var place: Place
    /// Whose it is: a client has what all of its streams have.
    var party: String
    /// What it has.
    var bytes: Int
    /// Since when some of that has been there at least.
    var since: NIODeadline
}

extension MuxHolder {
    /// Who has to go so that as many bytes become free, as far as there are such: only those come into question who have had some of it
    /// since `time`, and each time one of the client that has most by then. Nobody has to go as long as another client has more, even if
    /// what that has is too new: who has few streams keeps them.
    static func choose(_ holders: [MuxHolder], toFree bytes: Int, since time: NIODeadline) -> [Place] {
        var parties: [String: (bytes: Int, candidates: [MuxHolder])] = [:]
        for holder in holders where holder.bytes > 0 {
            parties[holder.party, default: (0, [])].bytes += holder.bytes
            if holder.since <= time { parties[holder.party]?.candidates.append(holder) }
        }
        var queues = Array(parties.values)
        // The last comes first.
        for index in queues.indices { queues[index].candidates.sort { $1.goesBefore($0) } }
        var (chosen, left): ([Place], Int) = ([], bytes)
        while left > 0, let index = queues.indices.max(by: { queues[$0].bytes < queues[$1].bytes }) {
            guard let next = queues[index].candidates.popLast() else { break }
            chosen.append(next.place)
            left -= next.bytes
            queues[index].bytes -= next.bytes
        }
        return chosen
    }

    /// Of one client's: who has more goes first; of those who have about as much, who has had it longest. A reader that is slow has the
    /// rest of its bytes for a shorter time than one that has stopped.
    private func goesBefore(_ other: MuxHolder) -> Bool {
        let (size, otherSize) = (bytes.leadingZeroBitCount, other.bytes.leadingZeroBitCount)
        return size == otherSize ? since < other.since : size < otherSize
    }
}
