/// Puts steps together, each of which takes what the one before yields.
@resultBuilder
public enum PlanBuilder {
    /// A list begins with a source.
    public static func buildPartialBlock<Output>(first step: Step<Start, Output>) -> Steps<Output> {
        Steps(list: [step.listed])
    }

    /// A step goes on where the list yields what it takes.
    public static func buildPartialBlock<Middle, Output>(
        accumulated steps: Steps<Middle>, next step: Step<Middle, Output>
    ) -> Steps<Output> {
        Steps(list: steps.list + [step.listed])
    }

    // `if` around a step: only one that yields what it takes can be left out.

    /// The block of an `if` begins with a filter.
    public static func buildPartialBlock<Middle>(first step: Step<Middle, Middle>) -> Step<Middle, Middle> { step }

    /// Without an `else`, the list goes on as if the block weren't there.
    public static func buildOptional<Middle>(_ step: Step<Middle, Middle>?) -> Step<Middle, Middle>? { step }

    /// What an `if` may leave out.
    public static func buildPartialBlock<Middle>(
        accumulated steps: Steps<Middle>, next step: Step<Middle, Middle>?
    ) -> Steps<Middle> {
        Steps(list: steps.list + (step.map { [$0.listed] } ?? []))
    }
}

/// The steps of a list so far.
public struct Steps<Output: Medium>: Sendable {
    let list: [ListedStep]
}
