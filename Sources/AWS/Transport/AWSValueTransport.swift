package import NIOCore

/// A call as its caller has it, before it is written as JSON and signed.
package struct AWSCall: Sendable {
    /// The operation's name: `DescribeServices` say.
    package var operation: String
    /// What the operation is given, `ECS.ServicesInput` say: what the body would be written from.
    package var input: any Sendable
    /// The time that the signature would have, in seconds of the Unix epoch.
    package var time: Int

    /// A call of an operation.
    package init(operation: String, input: any Sendable, time: Int) {
        self.operation = operation
        self.input = input
        self.time = time
    }
}

/// What comes of a call that was never written.
package enum AWSResult: Sendable {
    /// It was done: what would have been read from the body, `ECS.ServicesOutput` say.
    case done(any Sendable)
    /// AWS refuses it, with its word for why and a message for people. `date`: AWS's time, in seconds of the Unix epoch.
    case refused(status: Int, name: String, message: String, date: Int)
}

/// A transport that can do without bytes: a model of AWS in the same process, for which writing and reading would be most of its work.
/// All else of a call is as over the wire: its deadlines, its attempts and waits, and what is done about a clock that is off. Calls whose
/// bodies aren't JSON come to `send` all the same.
package protocol AWSValueTransport: AWSTransport {
    /// Answers a call. Throws if nothing has come of it by the deadline.
    func answer(_ call: AWSCall, deadline: NIODeadline) async throws -> AWSResult
}
