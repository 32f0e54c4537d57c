import Pipeline

/// What waits to be done, a line for each client, which give their first in turns. Who comes while nothing of his waits is next, whatever
/// others have: a crowd that came before is no reason to wait. Clients that are suspect have turns of their own, in the order in which they
/// came, one for every three of the others'. There is a limit for all together; beyond it, who has most gives something up.
struct FairQueue<Client: Hashable & Sendable, Element: Sendable>: Sendable {
    private let limit: Int
    private var trusted = FairLine<Client, Element>()
    private var suspect = FairLine<Client, Element>()
    private var turnsOfTrusted = 0

    init(limit: Int) { self.limit = limit }

    var count: Int { trusted.count + suspect.count }

    /// Puts something at the end of its client's line. The result has to go for it: something else, or itself.
    mutating func append(_ element: Element, of client: Client, isSuspect: Bool) -> Element? {
        var leaving: Element?
        if count >= limit {
            leaving = isSuspect ? suspect.popOfHeaviest(for: client) : makeRoom(for: client)
            guard leaving != nil else { return element }
        }
        if isSuspect {
            suspect.append(element, of: client)
        } else {
            trusted.append(element, of: client, isNext: true)
        }
        return leaving
    }

    var isFull: Bool { count >= limit }

    /// Takes out what nobody waits for any longer.
    mutating func removeAll(where isUnwanted: (Element) -> Bool) -> [Element] {
        trusted.removeAll(where: isUnwanted) + suspect.removeAll(where: isUnwanted)
    }

    /// What waits for a client does so as a suspect's from now on.
    mutating func distrust(_ client: Client) {
        for element in trusted.removeAll(of: client) { suspect.append(element, of: client) }
    }

    private mutating func makeRoom(for client: Client) -> Element? {
        suspect.popOfHeaviest(for: nil) ?? trusted.popOfHeaviest(for: client)
    }

    /// What is done next.
    mutating func popFirst() -> Element? {
        let isTurnOfSuspect = turnsOfTrusted >= 3
        return isTurnOfSuspect ? popSuspect() ?? popTrusted() : popTrusted() ?? popSuspect()
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
