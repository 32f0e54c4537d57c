package import NIOCore

/// One request as it goes over the wire.
package struct AWSRequest: Sendable {
    package var method: String
    package var url: SignedURL
    package var fields: [(name: String, value: String)]
    package var body: [UInt8]

    package init(method: String, url: SignedURL, fields: [(name: String, value: String)], body: [UInt8]) {
        self.method = method
        self.url = url
        self.fields = fields
        self.body = body
    }
}

/// An answer, read to its end.
package struct AWSResponse: Sendable {
    package var status: Int
    package var fields: [(name: String, value: String)]
    package var body: [UInt8]

    package init(status: Int, fields: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    package func first(_ name: String) -> String? {
        fields.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}

/// Sends one request and gets its whole answer, or throws what kept it from that. A seam: tests put scripts here.
package protocol AWSTransport: Sendable {
    func send(_ request: AWSRequest, deadline: NIODeadline) async throws -> AWSResponse
}
