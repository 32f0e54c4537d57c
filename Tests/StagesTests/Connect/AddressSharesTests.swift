import NIOCore
import Pipeline
import Testing

@testable import TunnelStages

@Suite("Which of a name's addresses each dialer has")
struct AddressSharesTests {
    private static func at(_ seconds: Int64) -> NIODeadline { .uptimeNanoseconds(1_000_000_000_000) + .seconds(seconds) }
    private static func four(_ number: UInt32) -> IPAddress { IPAddress(v4: number) }
    private static func six(_ number: UInt64) -> IPAddress { IPAddress(high: 6, low: number) }
    private static let (a, b, c) = (four(1), four(2), four(3))

    private func aims(_ shares: AddressShares) -> [AddressShares.Aim] { (0..<shares.count).map { shares.aim(of: $0) } }

    /// One whose first dialer is up at `a`, of `addresses`.
    private func shares(_ count: Int, _ addresses: [IPAddress], up: [IPAddress]) -> AddressShares {
        var shares = AddressShares(count: count)
        shares.found(addresses, at: Self.at(0))
        for (index, address) in up.enumerated() { shares.came(index, at: address) }
        return shares
    }

    @Test("Before one is up the first dials the name, and nobody else dials")
    func first() {
        var shares = AddressShares(count: 3)
        #expect(aims(shares) == [.name(except: []), .nowhere, .nowhere])
        shares.found([Self.a, Self.b], at: Self.at(0))
        #expect(aims(shares) == [.name(except: []), .nowhere, .nowhere])
        shares.came(0, at: Self.b)
        #expect(aims(shares) == [.address(Self.b), .address(Self.a), .nowhere])
    }

    @Test("What is known only when the first is up is dealt out then")
    func late() {
        var shares = AddressShares(count: 2)
        shares.came(0, at: Self.a)
        #expect(aims(shares) == [.address(Self.a), .nowhere] && !shares.isLeaving(0))
        shares.found([Self.b, Self.a], at: Self.at(1))
        #expect(aims(shares) == [.address(Self.a), .address(Self.b)])
    }

    @Test("A name with an address of each family is one server")
    func families() {
        for up in [Self.a, Self.six(1)] {
            let shares = shares(2, [Self.six(1), Self.a], up: [up])
            #expect(aims(shares) == [.address(up), .nowhere])
        }
        let several = shares(3, [Self.six(1), Self.a, Self.six(2), Self.b], up: [Self.six(1)])
        #expect(aims(several) == [.address(Self.six(1)), .address(Self.six(2)), .nowhere])
    }

    @Test("One that is lost keeps its address, while another is up")
    func lost() {
        var shares = shares(3, [Self.a, Self.b, Self.c], up: [Self.a, Self.b])
        shares.went(0)
        #expect(aims(shares) == [.address(Self.a), .address(Self.b), .address(Self.c)])
        // Without any, the first dials the name again: what the others dial too, they dial.
        shares.went(1)
        #expect(aims(shares) == [.name(except: [Self.b, Self.c]), .address(Self.b), .address(Self.c)])
    }

    @Test("While nothing is up the first may find the other family, which counts from then on")
    func otherFamily() {
        var shares = shares(2, [Self.a, Self.b, Self.six(1), Self.six(2)], up: [Self.a, Self.b])
        shares.went(0)
        shares.went(1)
        shares.came(0, at: Self.six(2))
        #expect(aims(shares) == [.address(Self.six(2)), .address(Self.six(1))])
    }

    @Test("An address that comes is dialled by who has none")
    func comes() {
        var shares = shares(3, [Self.a], up: [Self.a])
        shares.found([Self.a, Self.b], at: Self.at(5))
        #expect(aims(shares) == [.address(Self.a), .address(Self.b), .nowhere])
        shares.found([Self.c, Self.b, Self.a, Self.four(4)], at: Self.at(10))
        #expect(aims(shares) == [.address(Self.a), .address(Self.b), .address(Self.c)], "there are three")
    }

    @Test("An address that goes stays the name's for a minute, and is left as soon as another can take what comes")
    func goes() {
        var shares = shares(3, [Self.a, Self.b], up: [Self.a, Self.b])
        shares.found([Self.b], at: Self.at(59))
        #expect(!shares.isLeaving(0))
        shares.found([Self.b], at: Self.at(60))
        #expect(shares.isLeaving(0) && !shares.isLeaving(1))
        // What comes is dialled by another meanwhile.
        shares.found([Self.b, Self.c], at: Self.at(65))
        #expect(aims(shares) == [.address(Self.a), .address(Self.b), .address(Self.c)])
        shares.went(0)
        #expect(aims(shares) == [.nowhere, .address(Self.b), .address(Self.c)])
        // One that is down is left at once.
        shares.found([Self.b], at: Self.at(124))
        shares.found([Self.b], at: Self.at(125))
        #expect(aims(shares) == [.nowhere, .address(Self.b), .nowhere])
    }

    @Test("The only one isn't left before its successor is up")
    func successor() {
        var shares = shares(2, [Self.a], up: [Self.a])
        shares.found([Self.b], at: Self.at(60))
        #expect(aims(shares) == [.address(Self.a), .address(Self.b)] && !shares.isLeaving(0))
        shares.came(1, at: Self.b)
        #expect(shares.isLeaving(0))
        // It is the name's again.
        shares.found([Self.a, Self.b], at: Self.at(61))
        #expect(!shares.isLeaving(0))
    }

    @Test("Where no answer has an address of the family any more, the other one counts")
    func familyGoes() {
        var shares = shares(2, [Self.a], up: [Self.a])
        shares.found([Self.six(1)], at: Self.at(60))
        #expect(aims(shares) == [.address(Self.a), .address(Self.six(1))])
        shares.came(1, at: Self.six(1))
        #expect(shares.isLeaving(0))
    }

    @Test("Two that have come to the same address don't both stay")
    func same() {
        var shares = shares(2, [Self.a, Self.b], up: [Self.a, Self.b])
        shares.went(0)
        shares.went(1)
        shares.came(1, at: Self.b)
        shares.came(0, at: Self.b)
        #expect(shares.isLeaving(1) && !shares.isLeaving(0))
        shares.went(1)
        #expect(aims(shares) == [.address(Self.b), .address(Self.a)])
    }

    @Test("However many addresses come, what is kept has a bound")
    func bound() {
        var shares = AddressShares(count: 8)
        shares.came(0, at: Self.a)
        for second in 0..<10_000 {
            shares.found([Self.a] + (0..<100).map { Self.four(UInt32(second * 100 + $0 + 10)) }, at: Self.at(Int64(second) / 1_000))
        }
        #expect(shares.knownCount == 64)
        #expect(aims(shares).count { if case .address = $0 { true } else { false } } == 8)
    }
}
