import NIOCore
import Pipeline
import Testing

@testable import Names

@Suite struct AddressOrderTests {
    private static let place = HostPort(host: "a", port: 443)
    private static func four(_ number: UInt32) -> IPAddress { IPAddress(v4: number) }
    private static func six(_ number: UInt64) -> IPAddress { IPAddress(high: 6, low: number) }

    @Test(arguments: [
        ([four(1), four(2)], [four(1), four(2)]),
        ([six(1)], [six(1)]),
        ([four(1), six(1)], [six(1), four(1)]),
        ([four(1), four(2), four(3), six(1)], [six(1), four(1), four(2), four(3)]),
        ([six(1), six(2), six(3), four(1)], [six(1), four(1), six(2), six(3)]),
        ([], []),
    ])
    func `IPv6 first, then in turn`(addresses: [IPAddress], order: [IPAddress]) {
        #expect(AddressOrder.interleaved(addresses) == order)
    }

    @Test func `What has proven itself goes first for some time`() {
        var order = AddressOrder()
        let addresses = [Self.six(1), Self.six(2), Self.four(1), Self.four(2)]
        let usual = [Self.six(1), Self.four(1), Self.six(2), Self.four(2)]
        #expect(order.order(addresses, for: Self.place, at: .seconds(0)) == usual)
        order.connected(Self.four(1), dialledFirst: Self.six(1), for: Self.place, at: .seconds(0))
        let proven = [Self.four(1), Self.six(1), Self.six(2), Self.four(2)]
        #expect(order.order(addresses, for: Self.place, at: .seconds(599)) == proven)
        // It keeps its place, and its time isn't prolonged.
        order.connected(Self.four(1), dialledFirst: Self.four(1), for: Self.place, at: .seconds(599))
        #expect(order.order(addresses, for: Self.place, at: .seconds(600)) == usual)
        #expect(order.order(addresses, for: HostPort(host: "a", port: 80), at: .seconds(0)) == usual)
        // An address that the name hasn't any more isn't dialled.
        #expect(order.order([Self.six(1), Self.four(2)], for: Self.place, at: .seconds(0)) == [Self.six(1), Self.four(2)])
    }

    @Test func `An address at which a connection was of no use goes last for a while`() {
        var order = AddressOrder()
        let addresses = [Self.four(1), Self.four(2), Self.four(3)]
        order.connected(Self.four(2), dialledFirst: Self.four(1), for: Self.place, at: .seconds(0))
        order.wasOfNoUse(Self.four(2), for: Self.place, at: .seconds(1))
        let expected = [Self.four(1), Self.four(3), Self.four(2)]
        #expect(order.order(addresses, for: Self.place, at: .seconds(1)) == expected)
        order.wasOfNoUse(Self.four(1), for: Self.place, at: .seconds(2))
        #expect(order.order(addresses, for: Self.place, at: .seconds(60)) == [Self.four(3), Self.four(1), Self.four(2)])
        #expect(order.order(addresses, for: Self.place, at: .seconds(61)) == [Self.four(2), Self.four(3), Self.four(1)])
        #expect(order.order(addresses, for: Self.place, at: .seconds(62)) == addresses)
        // At another port is another server.
        #expect(order.order(addresses, for: HostPort(host: "a", port: 80), at: .seconds(3)) == addresses)
    }

    @Test func `What fails has proven nothing`() {
        var order = AddressOrder()
        let addresses = [Self.six(1), Self.four(1)]
        order.connected(Self.four(1), dialledFirst: Self.six(1), for: Self.place, at: .seconds(0))
        order.failed(for: Self.place)
        #expect(order.order(addresses, for: Self.place, at: .seconds(0)) == addresses)
        order.connected(Self.six(1), dialledFirst: Self.six(1), for: Self.place, at: .seconds(0))
        #expect(order.order(addresses, for: Self.place, at: .seconds(0)) == addresses)
    }
}
