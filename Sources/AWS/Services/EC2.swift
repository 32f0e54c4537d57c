package import NIOCore

/// Amazon EC2, as far as the control plane needs it: the addresses of a task's network interface.
package struct EC2: Sendable {
    private let client: AWSClient

    /// The operations of EC2 with this client.
    package init(_ client: AWSClient) {
        self.client = client
    }

    /// An interface with its addresses, as far as it has them.
    package struct NetworkInterface: Sendable, Hashable {
        /// The interface's id, `eni-…`.
        package var id: String
        /// The public IPv4 address; nil if none is associated.
        package var publicAddress: String?
        /// The primary private IPv4 address.
        package var privateAddress: String?

        /// An interface with its addresses.
        package init(id: String, publicAddress: String?, privateAddress: String?) {
            self.id = id
            self.publicAddress = publicAddress
            self.privateAddress = privateAddress
        }
    }

    /// The interfaces with these ids, in EC2's order.
    package func describeNetworkInterfaces(
        _ ids: [String], deadline: NIODeadline
    ) async throws(AWSError) -> [NetworkInterface] {
        var form = "Action=DescribeNetworkInterfaces&Version=2016-11-15"
        for (index, id) in ids.enumerated() { form += "&NetworkInterfaceId.\(index + 1)=\(PercentEncoding.encode(id.utf8))" }
        return try await client.call(
            .ec2, method: "POST", path: nil,
            fields: [(name: "Content-Type", value: "application/x-www-form-urlencoded; charset=utf-8")], body: Array(form.utf8),
            deadline: deadline
        ) { body throws(AWSError) in
            guard let root = try? XMLElement(body), let set = root.child("networkInterfaceSet") else {
                throw AWSError(.invalidAnswer, "DescribeNetworkInterfaces was answered with something that can't be read")
            }
            return set.children.filter { $0.name == "item" }.compactMap { item in
                guard let id = item.child("networkInterfaceId")?.text, !id.isEmpty else { return nil }
                return NetworkInterface(
                    id: id, publicAddress: item.child("association")?.child("publicIp")?.text,
                    privateAddress: item.child("privateIpAddress")?.text)
            }
        }
    }
}
