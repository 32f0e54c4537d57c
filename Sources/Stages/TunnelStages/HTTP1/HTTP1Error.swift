/// Why bytes are no HTTP/1.1 message, or none that is accepted.
package struct HTTP1Error: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong with the message.
    package let code: Code

    /// An error of this kind.
    package init(_ code: Code) { self.code = code }

    /// What is wrong with a message.
    package enum Code: Sendable, CaseIterable {
        // First lines.
        /// Faults of a request line.
        case badRequestLine, methodTooLong, badTarget, targetTooLong, badVersion, unsupportedVersion, tooManyEmptyLines
        /// Faults of a status line.
        case badStatusLine, statusLineTooLong
        // Lines and fields.
        /// Faults of a single line or field.
        case bareLineFeed, foldedField, missingColon, spaceBeforeColon, emptyFieldName, badFieldName, badFieldValue
        /// Field sections over `HTTP1Limits`.
        case fieldsTooLarge, tooManyFields
        // Framing and routing.
        /// Faults of Content-Length and Transfer-Encoding (RFC 9112, 6).
        case badLength, differingLengths, lengthAndTransferEncoding, unsupportedTransferCoding, chunkedNotLast, badTransferEncoding
        /// Heads whose version, method or host can't be as they are.
        case transferEncodingTooOld, connectWithBody, upgradeWithoutLength, missingHost, multipleHosts, badHost
        // Chunks.
        /// Faults of the chunked coding (RFC 9112, 7.1).
        case badChunkSize, chunkExtensionsTooLarge, badChunkEnd
        /// The connection ended in the middle of a message.
        case truncated
        /// The connection ended before the first byte of a response that was expected.
        case noResponse
        /// A byte came while no response was expected.
        case unexpectedBytes
        /// The status 101 for a request that didn't ask for another protocol.
        case unexpectedUpgrade
        /// A body in a form that only the other end of the tunnel takes.
        case deflatedBody
    }

    /// The status for the client whose request it was (RFC 9110, section 15). A response's errors have no use for it.
    package var status: Int {
        switch code {
        case .upgradeWithoutLength: 411
        case .targetTooLong: 414
        case .fieldsTooLarge, .tooManyFields: 431
        case .methodTooLong, .unsupportedTransferCoding: 501
        case .unsupportedVersion: 505
        default: 400
        }
    }

    /// A sentence that says what is wrong, for people.
    package var reason: String {
        switch code {
        case .badRequestLine: "The request line is not a method, a target and a version with one space between them."
        case .methodTooLong: "The method is too long."
        case .badTarget: "The request target has a byte that no target may have."
        case .targetTooLong: "The request target is too long."
        case .badVersion: "The version is not HTTP/1.1 or HTTP/1.0."
        case .unsupportedVersion: "This version of HTTP is not spoken here."
        case .tooManyEmptyLines: "There are too many empty lines before the request."
        case .badStatusLine: "The first line of the response is not a version and a status."
        case .statusLineTooLong: "The first line of the response is too long."
        case .bareLineFeed: "A line ends with LF alone instead of CR LF."
        case .foldedField: "A field is continued on the next line, which is no longer allowed."
        case .missingColon: "A field has no colon."
        case .spaceBeforeColon: "A field has a space before its colon."
        case .emptyFieldName: "A field has no name."
        case .badFieldName: "A field's name has a byte that no name may have."
        case .badFieldValue: "A field's value has a control character."
        case .fieldsTooLarge: "The fields are too large."
        case .tooManyFields: "There are too many fields."
        case .badLength: "Content-Length is not a number of bytes."
        case .differingLengths: "Content-Length is given twice with different values."
        case .lengthAndTransferEncoding: "Content-Length and Transfer-Encoding are both given."
        case .unsupportedTransferCoding: "Transfer-Encoding names a coding other than chunked."
        case .chunkedNotLast: "Transfer-Encoding does not end with chunked, so that nobody can tell where the body ends."
        case .badTransferEncoding: "Transfer-Encoding is empty or names chunked twice."
        case .transferEncodingTooOld: "Transfer-Encoding is not part of HTTP/1.0."
        case .connectWithBody: "A CONNECT request has no body."
        case .upgradeWithoutLength: "A request with Upgrade needs a Content-Length for its body here."
        case .missingHost: "The Host field is missing."
        case .multipleHosts: "The Host field is given more than once."
        case .badHost: "The Host field is not a host."
        case .badChunkSize: "A chunk's size is not a hexadecimal number of bytes."
        case .chunkExtensionsTooLarge: "The chunks' extensions are too large."
        case .badChunkEnd: "A chunk does not end with CR LF."
        case .truncated: "The connection ended in the middle of a message."
        case .noResponse: "The connection ended before the response."
        case .unexpectedBytes: "Bytes came that belong to no response."
        case .unexpectedUpgrade: "The response changes the protocol, but the request did not ask for it."
        case .deflatedBody: "The body is compressed for the tunnel, and no stage here has inflated it."
        }
    }

    package var description: String { reason }
}
