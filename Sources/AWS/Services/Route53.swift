package import NIOCore

/// Amazon Route 53, as far as a server needs it that writes its own address.
package struct Route53: Sendable {
    private let client: AWSClient

    /// The operations of Route 53 with this client.
    package init(_ client: AWSClient) {
        self.client = client
    }

    /// An A record: a name and its addresses.
    package struct Record: Sendable, Hashable {
        /// The record's name.
        package var name: String
        /// The addresses, all of them IPv4, or all IPv6, which make it an AAAA record.
        package var addresses: [String]
        /// The time to live, in seconds.
        package var timeToLive: Int

        /// A record with its time to live in seconds.
        package init(name: String, addresses: [String], timeToLive: Int) {
            self.name = name
            self.addresses = addresses
            self.timeToLive = timeToLive
        }

        var type: String { addresses.contains { $0.contains(":") } ? "AAAA" : "A" }
    }

    /// Makes the record, or replaces it.
    package func upsert(_ record: Record, zone: String, deadline: NIODeadline) async throws(AWSError) {
        let values = record.addresses.map {
            "<ResourceRecord><Value>\(XMLElement.escaped($0))</Value></ResourceRecord>"
        }.joined()
        let body = """
            <?xml version="1.0" encoding="UTF-8"?>
            <ChangeResourceRecordSetsRequest xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><ChangeBatch><Changes>\
            <Change><Action>UPSERT</Action><ResourceRecordSet><Name>\(XMLElement.escaped(record.name))</Name>\
            <Type>\(record.type)</Type><TTL>\(record.timeToLive)</TTL><ResourceRecords>\(values)</ResourceRecords>\
            </ResourceRecordSet></Change></Changes></ChangeBatch></ChangeResourceRecordSetsRequest>
            """
        let id = PercentEncoding.encode((zone.split(separator: "/").last ?? "").utf8)
        try await client.call(
            .route53, method: "POST", path: "/2013-04-01/hostedzone/\(id)/rrset",
            fields: [(name: "Content-Type", value: "application/xml")], body: Array(body.utf8), deadline: deadline
        ) { _ throws(AWSError) in }
    }
}
