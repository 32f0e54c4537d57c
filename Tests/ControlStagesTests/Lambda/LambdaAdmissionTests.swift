import ConfigurationLanguage
import ControlStages
import Foundation
import HTTPMessages
import Testing

/// Who is let in, by what AWS says of it and by what the request proves.
@Suite struct LambdaAdmissionTests {
    private static let key = "0123456789abcdef0123456789abcdef"

    private static func admission(_ access: LambdaAccess = .authenticated, key: String? = key) -> LambdaAdmission {
        var configuration = LambdaConfiguration()
        configuration.access = access
        configuration.apiKey = key.map { Secret($0) }
        return LambdaAdmission(configuration)
    }

    /// A function URL's event with `authorizer` (or nothing) in its context and a key (or none) in its fields.
    private static func functionURL(authorizer: String? = nil, key: String? = nil) throws -> LambdaEvent {
        let authorizer = authorizer.map { #","authorizer":\#($0)"# } ?? ""
        let field = key.map { #""x-api-key":"\#($0)""# } ?? ""
        return try LambdaEvent(
            Array(
                #"{"rawPath":"/wake","headers":{\#(field)},"requestContext":{"http":{"method":"POST"}\#(authorizer)}}"#.utf8))
    }

    private static func gateway(_ context: String) throws -> LambdaEvent {
        try LambdaEvent(Array(#"{"httpMethod":"POST","path":"/wake","headers":{},"requestContext":\#(context)}"#.utf8))
    }

    @Test(arguments: [#"{"iam":{"userArn":"arn:aws:iam::1:user/a"}}"#, #"{"jwt":{"claims":{}}}"#, #"{"lambda":null}"#])
    func anAuthorizerSuffices(_ authorizer: String) throws {
        let event = try Self.functionURL(authorizer: authorizer)
        #expect(event.isAuthenticated)
        #expect(Self.admission(key: nil).refusal(of: event) == nil)
    }

    @Test(arguments: [nil, "", "0123456789abcdef0123456789abcdeF", "0123456789abcdef", key + "0"])
    func withoutOneTheKeyCounts(_ given: String?) throws {
        let refusal = Self.admission().refusal(of: try Self.functionURL(key: given))
        #expect(refusal?.head.status == 403)
        #expect(refusal?.body.contains(#""code":"forbidden""#) == true)
        #expect(refusal?.body.contains(Self.key) == false)
        #expect(Self.admission().refusal(of: try Self.functionURL(key: Self.key)) == nil)
    }

    @Test(arguments: [nil, "{}", "null"])
    func whereThereIsNoKeyNobodyHasIt(_ authorizer: String?) throws {
        for key in [nil, ""] {
            for given in [nil, "", "null", Self.key] {
                let event = try Self.functionURL(authorizer: authorizer, key: given)
                #expect(Self.admission(key: key).refusal(of: event)?.head.status == 403)
            }
        }
    }

    @Test(arguments: [
        (#"{"identity":{"apiKeyId":"k1","apiKey":"x"}}"#, true), (#"{"identity":{"userArn":"arn:aws:iam::1:user/a"}}"#, true),
        (#"{"identity":{},"authorizer":{"principalId":"user"}}"#, true), (#"{"identity":{"apiKeyId":null,"userArn":null}}"#, false),
        (#"{"identity":{"apiKeyId":""}}"#, false), (#"{"identity":{"sourceIp":"203.0.113.10"},"authorizer":{}}"#, false),
        // A load balancer's events have the shape of a REST API's, and nobody was asked who he is.
        (#"{"elb":{"targetGroupArn":"arn:aws:elasticloadbalancing:…"}}"#, false), ("{}", false), ("null", false),
    ])
    func restAPIs(_ context: String, _ isLetIn: Bool) throws {
        let event = try Self.gateway(context)
        #expect((Self.admission().refusal(of: event) == nil) == isLetIn)
    }

    @Test(arguments: ["null", #"{"action":"wake"}"#, #"{"detail-type":"Scheduled Event","source":"aws.events"}"#])
    func whoeverInvokesTheFunctionItselfIsIAMsBusiness(_ text: String) throws {
        #expect(Self.admission(key: nil).refusal(of: try LambdaEvent(Array(text.utf8))) == nil)
    }

    @Test func everybodyMeansEverybody() throws {
        #expect(Self.admission(.everybody, key: nil).refusal(of: try Self.functionURL()) == nil)
    }
}
