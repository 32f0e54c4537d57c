import DequeModule

/// What waits to be done, a line for each client, which give their first in turns. Who comes while nothing of his waits is next, whatever
/// others have: a crowd that came before is no reason to wait. Clients that are suspect have turns of their own, in the order in which they
/// came, one for every three of the others'. There is a limit for all together; beyond it, who has most gives something up.
struct FairQueue<Client: Hashable & Sendable, Element: Sendable>: Sendable {
    private struct Lines: Sendable {
        var ofClient: [Client: Deque<Element>] = [:]
        var turns: Deque<Client> = []

        func count(of client: Client) -> Int { ofClient[client]?.count ?? 0 }

        mutating func append(_ element: Element, of client: Client, isNext: Bool) {
            if ofClient[client] == nil {
                if isNext { turns.prepend(client) } else { turns.append(client) }
            }
            ofClient[client, default: []].append(element)
        }

        mutating func takeAll(of client: Client) -> Deque<Element> {
            guard let line = ofClient.removeValue(forKey: client) else { return [] }
            turns.removeAll { $0 == client }
            return line
        }

        mutating func popFirst() -> Element? {
            guard let client = turns.popFirst(), let element = ofClient[client]?.popFirst() else { return nil }
            if ofClient[client]?.isEmpty == true { ofClient[client] = nil } else { turns.append(client) }
            return element
        }

        mutating func removeAll(where isUnwanted: (Element) -> Bool) -> [Element] {
            var removed: [Element] = []
            for (client, line) in ofClient {
                let left = line.filter(isUnwanted)
                guard !left.isEmpty else { continue }
                removed += left
                ofClient[client] = left.count == line.count ? nil : line.filter { !isUnwanted($0) }
            }
            if !removed.isEmpty { turns.removeAll { ofClient[$0] == nil } }
            return removed
        }

        /// Takes the last of the longest line, if that has more than `least`.
        mutating func takeFromLongest(ifMoreThan least: Int) -> Element? {
            guard let client = ofClient.max(by: { $0.value.count < $1.value.count })?.key, count(of: client) > least else {
                return nil
            }
            let element = ofClient[client]?.popLast()
            if ofClient[client]?.isEmpty == true {
                ofClient[client] = nil
                turns.removeAll { $0 == client }
            }
            return element
        }
    }

    private let limit: Int
    private var trusted = Lines()
    private var suspect = Lines()
    private var turnsOfTrusted = 0
    private(set) var count = 0

    init(limit: Int) { self.limit = limit }

    /// Puts something at the end of its client's line. The result has to go for it: something else, or itself.
    mutating func append(_ element: Element, of client: Client, isSuspect: Bool) -> Element? {
        var leaving: Element?
        if count >= limit {
            leaving = isSuspect ? suspect.takeFromLongest(ifMoreThan: suspect.count(of: client) + 1) : makeRoom(for: client)
            guard leaving != nil else { return element }
            count -= 1
        }
        if isSuspect {
            suspect.append(element, of: client, isNext: false)
        } else {
            trusted.append(element, of: client, isNext: true)
        }
        count += 1
        return leaving
    }

    var isFull: Bool { count >= limit }

    /// Takes out what nobody waits for any longer.
    mutating func removeAll(where isUnwanted: (Element) -> Bool) -> [Element] {
        let removed = trusted.removeAll(where: isUnwanted) + suspect.removeAll(where: isUnwanted)
        count -= removed.count
        return removed
    }

    /// What waits for a client does so as a suspect's from now on.
    mutating func distrust(_ client: Client) {
        for element in trusted.takeAll(of: client) { suspect.append(element, of: client, isNext: false) }
    }

    private mutating func makeRoom(for client: Client) -> Element? {
        suspect.takeFromLongest(ifMoreThan: 0) ?? trusted.takeFromLongest(ifMoreThan: trusted.count(of: client) + 1)
    }

    /// What is done next.
    mutating func popFirst() -> Element? {
        let isTurnOfSuspect = turnsOfTrusted >= 3
        guard let next = isTurnOfSuspect ? popSuspect() ?? popTrusted() : popTrusted() ?? popSuspect() else { return nil }
        count -= 1
        return next
    }

    private mutating func popTrusted() -> Element? {
        guard let next = trusted.popFirst() else { return nil }
        turnsOfTrusted += 1
        return next
    }

    private mutating func popSuspect() -> Element? {
        turnsOfTrusted = 0
        return suspect.popFirst()
    }
}
