import Addresses

/// The connections of clients that haven't shown yet who they are, the oldest first. A value without clock and channel: it is told which
/// of them have had their time, and says which of those goes when there is no room for another.
struct Strangers<Handle: Sendable>: Sendable {
    /// Tells a connection from every other. One that came later has a larger one.
    typealias ID = UInt64

    private struct Entry: Sendable {
        let id: ID
        /// An index of `crowds`.
        let crowd: Int
        /// By what the connection is closed, once it has had its time.
        var handle: Handle?
    }

    private var entries: [Entry] = []
    /// How many strangers each client has, in places that are used again.
    private var crowds: [(network: ClientNetwork, count: Int)] = []
    private var unusedCrowds: [Int] = []
    private var crowdOfNetwork: [ClientNetwork: Int] = [:]
    private var nextID: ID = 0
    private var lingering = 0

    var count: Int { entries.count }
    /// Whether any of them has had its time.
    var haveLingered: Bool { lingering > 0 }

    mutating func add(from network: ClientNetwork) -> ID {
        let crowd = crowd(of: network)
        crowds[crowd].count += 1
        nextID += 1
        entries.append(Entry(id: nextID, crowd: crowd, handle: nil))
        return nextID
    }

    /// A stranger has become somebody, or has gone. False if it was none any longer.
    @discardableResult
    mutating func remove(_ id: ID) -> Bool {
        guard let index = index(of: id) else { return false }
        remove(at: index)
        return true
    }

    /// A stranger has had its time, and can be closed by `handle`.
    mutating func linger(_ id: ID, _ handle: Handle) {
        guard let index = index(of: id), entries[index].handle == nil else { return }
        entries[index].handle = handle
        lingering += 1
    }

    /// Takes out the one that goes first of those that have had their time: the oldest of the client that has most.
    mutating func takeFirstToGo() -> Handle? {
        guard lingering > 0 else { return nil }
        var found: Int?
        var most = 0
        for index in entries.indices where entries[index].handle != nil && crowds[entries[index].crowd].count > most {
            most = crowds[entries[index].crowd].count
            found = index
        }
        guard let found else { return nil }
        defer { remove(at: found) }
        return entries[found].handle
    }

    private mutating func remove(at index: Int) {
        let entry = entries.remove(at: index)
        if entry.handle != nil { lingering -= 1 }
        crowds[entry.crowd].count -= 1
        guard crowds[entry.crowd].count == 0 else { return }
        crowdOfNetwork[crowds[entry.crowd].network] = nil
        unusedCrowds.append(entry.crowd)
    }

    private mutating func crowd(of network: ClientNetwork) -> Int {
        if let crowd = crowdOfNetwork[network] { return crowd }
        let crowd: Int
        if let unused = unusedCrowds.popLast() {
            crowd = unused
            crowds[crowd].network = network
        } else {
            crowd = crowds.count
            crowds.append((network, 0))
        }
        crowdOfNetwork[network] = crowd
        return crowd
    }

    /// They lie in the order of their numbers.
    private func index(of id: ID) -> Int? {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low < entries.count && entries[low].id == id ? low : nil
    }
}
