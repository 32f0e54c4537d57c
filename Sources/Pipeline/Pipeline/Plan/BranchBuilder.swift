/// Puts the steps of a branch together: the first takes what the branch takes, and each what the one before yields.
@resultBuilder
public enum BranchBuilder<Input: Medium> {
    /// A branch begins with what takes its input.
    public static func buildPartialBlock<Output>(first step: Step<Input, Output>) -> BranchSteps<Output> {
        BranchSteps(list: [step.listed])
    }

    /// A step goes on where the list yields what it takes.
    public static func buildPartialBlock<Middle, Output>(
        accumulated steps: BranchSteps<Middle>, next step: Step<Middle, Output>
    ) -> BranchSteps<Output> {
        BranchSteps(list: steps.list + [step.listed])
    }
}

/// The steps of a branch so far.
public struct BranchSteps<Output: Medium>: Sendable {
    let list: [ListedStep]
}

extension NestedStages {
    /// A list in Swift code. One that doesn't begin and end as it must, or in which a stage doesn't take what the one before it yields,
    /// does not compile.
    public init(@BranchBuilder<Input> _ steps: () -> BranchSteps<Output>) {
        self.init(steps: steps().list)
    }
}
