/// Who wants names looked up, as numbers: what one program wants, and of that what one of its clients wants. Two that have a number in
/// common share what they may have.
package struct NameClient: Sendable, Hashable {
    /// The program that is connected here, or whoever it has been found to be.
    package let program: Int
    /// The client that it asks for.
    package let client: Int

    /// Numbers that tell clients apart, hashes say.
    package init(program: Int, client: Int) {
        self.program = program
        self.client = client
    }
}
