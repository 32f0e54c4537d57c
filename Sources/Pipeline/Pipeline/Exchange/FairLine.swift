import DequeModule
package import NIOCore

/// What waits, a line for each client, which give their first in turns: whoever has a thousand waiting doesn't delay another's one behind
/// all of them. What has a place gives it up for nobody, but that the longest line gives its last for one of a shorter.
package struct FairLine<Client: Hashable, ID: Hashable, Element> {
    /// Something that waits.
    package struct Entry {
        /// What waits.
        package let element: Element
        /// What it is known by, where it leaves before its turn.
        package let id: ID
        /// Whose it is: in whose line it stands.
        package let client: Client
        /// When its time is up.
        package let until: NIODeadline

        /// Something of a client's that may wait until then.
        package init(_ element: Element, id: ID, of client: Client, until: NIODeadline) {
            self.element = element
            self.id = id
            self.client = client
            self.until = until
        }
    }

    private var lines: [Client: Deque<Entry>] = [:]
    /// Those who have a line, in the order of their turns.
    private var turns: Deque<Client> = []
    /// How many entries wait, of all clients.
    package private(set) var count = 0

    /// A line in which nobody stands.
    package init() {}

    /// Whether nothing waits.
    package var isEmpty: Bool { count == 0 }
    /// What is next.
    package var first: Element? { turns.first.flatMap { lines[$0]?.first?.element } }
    /// Everything that waits, in no order.
    package var entries: some Sequence<Entry> { lines.values.lazy.flatMap { $0 } }

    /// Each line's first is the earliest of its line, as everything waits equally long.
    package var deadline: NIODeadline? { lines.values.lazy.compactMap { $0.first?.until }.min() }

    /// How many of a client's wait.
    package func count(of client: Client) -> Int { lines[client]?.count ?? 0 }

    /// Puts something at the end of its client's line.
    package mutating func append(_ entry: Entry) {
        if lines[entry.client] == nil { turns.append(entry.client) }
        lines[entry.client, default: []].append(entry)
        count += 1
    }

    /// Puts something in front of everything.
    package mutating func prepend(_ entry: Entry) {
        if lines[entry.client] != nil { turns.removeAll { $0 == entry.client } }
        turns.prepend(entry.client)
        lines[entry.client, default: []].prepend(entry)
        count += 1
    }

    /// Takes what is next.
    package mutating func popFirst() -> Entry? {
        guard let client = turns.popFirst(), let entry = lines[client]?.popFirst() else { return nil }
        count -= 1
        if lines[client]?.isEmpty == true { lines[client] = nil } else { turns.append(client) }
        return entry
    }

    /// Takes the first that will do, in the order of the clients' turns, which stay as they are.
    package mutating func popFirst(where willDo: (Element) -> Bool) -> Entry? {
        for client in turns {
            if let index = lines[client]?.firstIndex(where: { willDo($0.element) }) { return remove(at: index, of: client) }
        }
        return nil
    }

    /// Takes something out that waits no longer.
    package mutating func remove(_ id: ID, of client: Client) -> Entry? {
        lines[client]?.firstIndex { $0.id == id }.flatMap { remove(at: $0, of: client) }
    }

    /// Takes the last of the client for whom most waits, unless for `other` there is as much with one more.
    /// - Parameter weight: What an element counts.
    package mutating func popOfHeaviest(for other: Client, weight: (Element) -> Int64 = { _ in 1 }) -> Entry? {
        func weigh(_ line: Deque<Entry>) -> Int64 { line.reduce(0) { $0 + weight($1.element) } }
        let own = lines[other].map(weigh) ?? 0
        guard let heaviest = lines.mapValues(weigh).max(by: { $0.value < $1.value }), heaviest.key != other,
            heaviest.value > own + 1,
            let line = lines[heaviest.key]
        else { return nil }
        return remove(at: line.index(before: line.endIndex), of: heaviest.key)
    }

    /// Takes out everything whose time is up.
    package mutating func popExpired(at now: NIODeadline) -> [Entry] {
        let expired = entries.filter { $0.until <= now }
        for entry in expired { _ = remove(entry.id, of: entry.client) }
        return expired
    }

    private mutating func remove(at index: Int, of client: Client) -> Entry? {
        let entry = lines[client]?.remove(at: index)
        count -= 1
        if lines[client]?.isEmpty == true {
            lines[client] = nil
            turns.removeAll { $0 == client }
        }
        return entry
    }
}
