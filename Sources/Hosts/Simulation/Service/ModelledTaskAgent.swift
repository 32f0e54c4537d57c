#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The agent beside a task, which protects the task that it is asked from: `$ECS_AGENT_URI/task-protection/v1/state`.
enum ModelledTaskAgent {
    /// Answers a wish of a task's, or says how its protection is if there is none. `isDenied`: its role doesn't allow it.
    static func answer(
        _ body: [UInt8], from number: Int, to service: inout ModelledService, isDenied: Bool, _ now: Moment
    ) -> (status: Int, body: String) {
        let arn = service.task(number)?.arn ?? ""
        guard !isDenied else {
            return (
                400,
                #"{"requestID":"1","error":{"Arn":"\#(arn)","Code":"AccessDeniedException","Message":"the model was told so"}}"#
            )
        }
        if !body.isEmpty {
            guard let wish = try? JSONDecoder().decode(Wish.self, from: Data(body)) else {
                return (400, #"{"requestID":"1","error":{"Arn":"\#(arn)","Code":"ClientException","Message":"unreadable"}}"#)
            }
            let end = wish.isEnabled ? now + Double(60 * (wish.minutes ?? 120)) : nil
            if let refusal = service.protect(number, until: end, now) {
                return (200, #"{"requestID":"1","failure":{"Arn":"\#(arn)","Detail":null,"Reason":"\#(refusal.rawValue)"}}"#)
            }
        }
        let task = service.task(number)
        let isProtected = task?.isProtected(now) ?? false
        return (
            200,
            #"{"requestID":"1","protection":{"ExpirationDate":null,"ProtectionEnabled":\#(isProtected),"TaskArn":"\#(arn)"}}"#
        )
    }

    private struct Wish: Decodable {
        var isEnabled: Bool
        var minutes: Int?

        enum CodingKeys: String, CodingKey {
            case isEnabled = "ProtectionEnabled"
            case minutes = "ExpiresInMinutes"
        }
    }
}
