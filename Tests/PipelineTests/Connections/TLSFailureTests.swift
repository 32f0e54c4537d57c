import NIOCore
import Pipeline
import Testing

@Suite struct TLSFailureTests {
    /// As the library describes its errors.
    private static func described(_ code: String, _ name: String) -> String {
        "handshakeFailed(NIOSSL.BoringSSLError.sslError([Error: 1 error:\(code):SSL routines:OPENSSL_internal:\(name) at /a/b/c.cc:1]))"
    }

    @Test(
        arguments: [
            (described("1000007d", "CERTIFICATE_VERIFY_FAILED"), .untrustedCertificate),
            // An authority of the right name with another key: its signature is bad, so the certificate isn't verified.
            (described("0b000089", "BAD_SIGNATURE") + described("1000007d", "CERTIFICATE_VERIFY_FAILED"), .untrustedCertificate),
            (described("100000f7", "WRONG_VERSION_NUMBER"), .notTLS),
            (described("1000009c", "HTTP_REQUEST"), .notTLS),
            (described("100000f0", "UNSUPPORTED_PROTOCOL"), .version),
            (described("100000c0", "PEER_DID_NOT_RETURN_A_CERTIFICATE"), .noCertificate),
            (described("10000133", "NO_APPLICATION_PROTOCOL"), .noProtocol),
            (described("10000418", "TLSV1_ALERT_UNKNOWN_CA"), .alert(48)),
            (described("1000045c", "TLSV1_ALERT_CERTIFICATE_REQUIRED"), .alert(116)),
            (described("100000b8", "NO_SHARED_CIPHER"), .other("no shared cipher")),
            (described("0b000074", "KEY_VALUES_MISMATCH"), .other("key values mismatch")),
            (described("100000b8", "BAD at /path"), .other("bad")),
            ("sslError([Error:  EOF during handshake])", .ended),
            ("uncleanShutdown", .ended),
            ("NIOSSLExtraError.failedToValidateHostname: Couldn't find a in certificate from peer", .wrongName),
            ("unableToValidateCertificate", .untrustedCertificate),
            ("something new at /a/b/c.cc:1", .other("")),
            ("error:", .other("")),
            ("error:12:x", .other("")),
        ] as [(String, TLSFailure)])
    func `What an error says`(description: String, failure: TLSFailure) {
        #expect(TLSFailure(description: description) == failure)
    }

    @Test func `Errors of others are none of TLS`() {
        #expect(TLSFailure(ChannelError.eof) == nil)
        #expect(TLSFailure(StageError(.unavailable, "error:1000007d:SSL routines:x:y")) == nil)
    }

    /// Every alert has a sentence about the peer; those about what this side showed are told apart.
    @Test func `Alerts`() {
        let refusals: Set<UInt8> = [42, 43, 44, 45, 46, 48, 49, 116, 120]
        for number in UInt8.min...UInt8.max {
            let failure = TLSFailure.alert(number)
            let sentence = failure.sentence(about: "the server")
            #expect(sentence.hasPrefix("the server ") && sentence.hasSuffix("(alert \(number))"))
            #expect(failure.isRefusal == refusals.contains(number))
        }
    }
}
