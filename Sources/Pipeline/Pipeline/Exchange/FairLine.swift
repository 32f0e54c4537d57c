import DequeModule
package import NIOCore

/// What waits, a line for each client, which give their first in turns: whoever has a thousand waiting doesn't delay another's one behind
/// all of them. What has a place gives it up for nobody, but that the longest line gives its last for one of a shorter.
package struct FairLine<Client: Hashable, Element> {
    private var lines: [Client: Deque<Element>] = [:]
    /// Those who have a line, in the order of their turns.
    private var turns: Deque<Client> = []
    /// How many wait, of all clients.
    package private(set) var count = 0

    /// A line in which nobody stands.
    package init() {}

    /// Whether nothing waits.
    package var isEmpty: Bool { count == 0 }
    /// What is next.
    package var first: Element? { turns.first.flatMap { lines[$0]?.first } }
    /// Everything that waits, in no order.
    package var elements: some Sequence<Element> { lines.values.lazy.flatMap { $0 } }

    /// How many of a client's wait.
    package func count(of client: Client) -> Int { lines[client]?.count ?? 0 }

    /// Puts something at the end of its client's line.
    /// - Parameter isNext: Whether the client's turn is next, if nothing of his waits; else it comes behind those of the others.
    package mutating func append(_ element: Element, of client: Client, isNext: Bool = false) {
        if lines[client] == nil {
            if isNext { turns.prepend(client) } else { turns.append(client) }
        }
        lines[client, default: []].append(element)
        count += 1
    }

    /// Puts something in front of everything.
    package mutating func prepend(_ element: Element, of client: Client) {
        if lines[client] != nil { turns.removeAll { $0 == client } }
        turns.prepend(client)
        lines[client, default: []].prepend(element)
        count += 1
    }

    /// Takes what is next.
    package mutating func popFirst() -> Element? {
        guard let client = turns.popFirst(), let element = lines[client]?.popFirst() else { return nil }
        count -= 1
        if lines[client]?.isEmpty == true { lines[client] = nil } else { turns.append(client) }
        return element
    }

    /// Takes the first that will do, in the order of the clients' turns, which stay as they are.
    package mutating func popFirst(where willDo: (Element) -> Bool) -> Element? {
        for client in turns {
            if let element = popFirst(of: client, where: willDo) { return element }
        }
        return nil
    }

    /// Takes the first of a client's that will do.
    package mutating func popFirst(of client: Client, where willDo: (Element) -> Bool) -> Element? {
        lines[client]?.firstIndex(where: willDo).flatMap { remove(at: $0, of: client) }
    }

    /// Takes the last of the client for whom most waits, unless for `other`, if there is one, there is as much with one more.
    /// - Parameter weight: What an element counts; nil where all count the same.
    package mutating func popOfHeaviest(for other: Client?, weight: ((Element) -> Int64)? = nil) -> Element? {
        func weigh(_ line: Deque<Element>) -> Int64 {
            guard let weight else { return Int64(line.count) }
            return line.reduce(0) { $0 + weight($1) }
        }
        let least = other.map { (lines[$0].map(weigh) ?? 0) + 1 } ?? 0
        guard let heaviest = lines.mapValues(weigh).max(by: { $0.value < $1.value }), heaviest.key != other, heaviest.value > least,
            let line = lines[heaviest.key]
        else { return nil }
        return remove(at: line.index(before: line.endIndex), of: heaviest.key)
    }

    /// Takes out everything that isn't wanted any more.
    package mutating func removeAll(where isUnwanted: (Element) -> Bool) -> [Element] {
        var removed: [Element] = []
        for (client, line) in lines {
            let left = line.filter(isUnwanted)
            guard !left.isEmpty else { continue }
            removed += left
            lines[client] = left.count == line.count ? nil : line.filter { !isUnwanted($0) }
        }
        if !removed.isEmpty { turns.removeAll { lines[$0] == nil } }
        count -= removed.count
        return removed
    }

    /// Takes out everything of a client's, in its order.
    package mutating func removeAll(of client: Client) -> some Collection<Element> {
        let line = lines.removeValue(forKey: client) ?? []
        if !line.isEmpty { turns.removeAll { $0 == client } }
        count -= line.count
        return line
    }

    private mutating func remove(at index: Int, of client: Client) -> Element? {
        let element = lines[client]?.remove(at: index)
        count -= 1
        if lines[client]?.isEmpty == true {
            lines[client] = nil
            turns.removeAll { $0 == client }
        }
        return element
    }
}

extension FairLine: Sendable where Client: Sendable, Element: Sendable {}

/// Something that waits until its time is up.
package protocol ImpatientElement {
    /// When it is up.
    var until: NIODeadline { get }
}

extension FairLine where Element: ImpatientElement {
    /// Each line's first is the earliest of its line, as everything waits equally long.
    package var deadline: NIODeadline? { lines.values.lazy.compactMap { $0.first?.until }.min() }

    /// Takes out everything whose time is up.
    package mutating func popExpired(at now: NIODeadline) -> [Element] { removeAll { $0.until <= now } }
}
