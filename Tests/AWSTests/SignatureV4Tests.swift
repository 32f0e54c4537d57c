import AWS
import Foundation
import HTTPMessages
import Testing

/// Signatures against those that botocore computed.
@Suite struct SignatureV4Tests {
    struct Vector: Decodable, Sendable, CustomTestStringConvertible {
        var name: String
        var service: String
        var region: String
        var method: String
        var url: String
        var headers: [String: String]
        var body: String
        var accessKey: String
        var secretKey: String
        var sessionToken: String?
        var date: String
        var canonicalRequest: String
        var stringToSign: String
        var signature: String
        var authorization: String

        var testDescription: String { name }

        static let all: [Vector] = {
            let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                .appendingPathComponent("Fixtures/sigv4_vectors.json")
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            return (try? decoder.decode([Vector].self, from: Data(contentsOf: file))) ?? []
        }()
    }

    @Test func thereAreVectors() { #expect(Vector.all.count >= 12) }

    @Test(arguments: Vector.all)
    func matches(_ vector: Vector) throws {
        let date = vector.date
        let time = try #require(
            AWSTime.parse(
                "\(date.prefix(4))-\(date.dropFirst(4).prefix(2))-\(date.dropFirst(6).prefix(2))T\(date.dropFirst(9).prefix(2)):\(date.dropFirst(11).prefix(2)):\(date.dropFirst(13).prefix(2))Z"
            ))
        let signature = SignatureV4(
            method: vector.method, url: try #require(SignedURL(vector.url)),
            fields: vector.headers.map { (name: $0.key, value: $0.value) }, body: Array(vector.body.utf8), service: vector.service,
            region: vector.region,
            credentials: Credentials(
                accessKey: vector.accessKey, secretKey: vector.secretKey, sessionToken: vector.sessionToken), at: Int(time))
        #expect(signature.canonicalRequest == vector.canonicalRequest)
        #expect(signature.stringToSign == vector.stringToSign)
        #expect(signature.signature == vector.signature)
        #expect(signature.authorization == vector.authorization)
    }

    @Test(arguments: [
        (0, "19700101T000000Z"), (1_795_420_800, "20261123T080000Z"), (951_782_400, "20000229T000000Z"), (-1, "19691231T235959Z"),
    ])
    func stamps(_ time: Int, _ text: String) { #expect(AWSTime.basic(time) == text) }

    @Test(arguments: [
        ("2026-11-23T08:00:00Z", 1_795_420_800.0), ("2026-11-23T09:00:00+01:00", 1_795_420_800.0),
        ("2026-11-23T08:00:00.250Z", 1_795_420_800.25),
    ])
    func parses(_ text: String, _ time: Double) { #expect(AWSTime.parse(text) == time) }

    @Test(arguments: ["", "2026-11-23", "2026-13-23T08:00:00Z", "2026-11-23T08:00:00", "yesterday at eight o'clock"])
    func refuses(_ text: String) { #expect(AWSTime.parse(text) == nil) }

    @Test func httpDates() {
        #expect(HTTPDate.parse("Sun, 06 Nov 1994 08:49:37 GMT") == 784_111_777)
        #expect(HTTPDate.parse("Sunday, 06-Nov-94 08:49:37 GMT") == nil)
    }
}
