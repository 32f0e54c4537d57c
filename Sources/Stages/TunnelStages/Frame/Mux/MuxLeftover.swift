import Filters
import HTTPMessages
import NIOCore
import Pipeline

/// What a stream that is over has left: its exchange has ended, and somebody has yet to take what came last. Both are let go of when that
/// is taken, and this doesn't keep them.
struct MuxLeftover {
    private weak var exchange: Exchange?
    private weak var client: MuxClientStream?
    private weak var server: MuxServerStream?

    /// Nil where nothing is left.
    init?(_ end: MuxEnd) {
        switch end {
        case .client(let stream): (client, exchange) = (stream, stream.exchange)
        case .server(let stream): (server, exchange) = (stream, stream.exchange)
        }
        if isSettled { return nil }
    }

    private var left: (bytes: Int, since: NIODeadline) { client?.leftover ?? server?.leftover ?? (0, .distantPast) }

    var isSettled: Bool { left.bytes == 0 || exchange == nil }

    /// As one of those who have something of the session's memory.
    func holder(at index: Int) -> MuxHolder {
        let (bytes, since) = left
        return MuxHolder(place: .leftover(index), party: exchange?.party ?? "", bytes: bytes, since: since)
    }

    /// What is left is lost, and whoever doesn't take it hears of that by the end of the connection.
    func abandon(_ failure: Failure) {
        if client != nil { exchange?.abandonResponse(failure) } else { exchange?.abandonRequest(failure) }
    }
}

/// All that streams have left which are over.
struct MuxLeftovers {
    private var entries: [MuxLeftover] = []
    /// At so many they are looked through for those that aren't any more.
    private var limit = 64

    mutating func append(_ leftover: MuxLeftover) {
        entries.append(leftover)
        guard entries.count >= limit else { return }
        entries.removeAll(where: \.isSettled)
        limit = max(64, 2 * entries.count)
    }

    var holders: [MuxHolder] { entries.indices.map { entries[$0].holder(at: $0) } }

    /// Takes out those at some places. Each is asked to go once only: who doesn't has a reason that will not pass.
    mutating func remove(_ places: [MuxHolder.Place]) -> [MuxLeftover] {
        let indices = Set(places.compactMap { if case .leftover(let index) = $0 { index } else { nil } })
        guard !indices.isEmpty else { return [] }
        defer { entries = entries.indices.filter { !indices.contains($0) }.map { entries[$0] } }
        return indices.map { entries[$0] }
    }
}

extension Exchange {
    /// Whose it is, where clients share something: the user's, if it is known who that is, or the connection's.
    var party: String { identity?.name ?? "\(client.clientKey)" }
}
