package import NIOCore

/// Texts that AWS keeps: parameters of Systems Manager, and secrets of Secrets Manager.
package struct StoredTexts: Sendable {
    private let client: AWSClient

    /// The operations of both services with this client.
    package init(_ client: AWSClient) {
        self.client = client
    }

    /// The value of a parameter, decrypted where it is encrypted.
    package func parameter(_ name: String, deadline: NIODeadline) async throws(AWSError) -> String {
        let answer = try await client.json(
            .systemsManager, version: "1.1", api: "AmazonSSM", "GetParameter", ParameterInput(name: name), as: ParameterOutput.self,
            capitalized: true, deadline: deadline)
        return answer.parameter.value
    }

    /// The current text of a secret, by its name or ARN.
    package func secret(_ identifier: String, deadline: NIODeadline) async throws(AWSError) -> String {
        let answer = try await client.json(
            .secretsManager, version: "1.1", api: "secretsmanager", "GetSecretValue", SecretInput(secretId: identifier),
            as: SecretOutput.self, capitalized: true, deadline: deadline)
        guard let text = answer.secretString else {
            throw AWSError(.invalidAnswer, "the secret is made of bytes, and a text is wanted")
        }
        return text
    }

    private struct ParameterInput: Encodable, Sendable {
        var name: String
        var withDecryption = true
    }

    private struct ParameterOutput: Decodable { var parameter: Parameter }

    private struct Parameter: Decodable { var value: String }

    private struct SecretInput: Encodable, Sendable { var secretId: String }

    private struct SecretOutput: Decodable { var secretString: String? }
}
