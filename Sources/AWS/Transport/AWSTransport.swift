package import NIOCore

/// One request as it goes over the wire.
package struct AWSRequest: Sendable {
    /// The method.
    package var method: String
    /// The URL that was signed.
    package var url: SignedURL
    /// The fields in the order in which they are sent, those of the signature included.
    package var fields: [(name: String, value: String)]
    /// The body, which may be empty.
    package var body: [UInt8]

    /// A request that is signed, or needs no signature.
    package init(method: String, url: SignedURL, fields: [(name: String, value: String)], body: [UInt8]) {
        self.method = method
        self.url = url
        self.fields = fields
        self.body = body
    }
}

/// An answer, read to its end.
package struct AWSResponse: Sendable {
    /// The three-digit status.
    package var status: Int
    /// The fields in the order in which they came.
    package var fields: [(name: String, value: String)]
    /// The body, decoded from its transfer coding.
    package var body: [UInt8]

    /// An answer that has come whole.
    package init(status: Int, fields: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    /// The value of the first field of that name, without regard to case.
    package func first(_ name: String) -> String? {
        fields.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}

/// Sends one request and gets its whole answer, or throws what kept it from that. A seam: tests put scripts here.
package protocol AWSTransport: Sendable {
    /// Sends a request and returns its answer, whatever its status. Throws if none has come by the deadline.
    func send(_ request: AWSRequest, deadline: NIODeadline) async throws -> AWSResponse
}
