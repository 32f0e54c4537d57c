/// Compares what somebody else must not find out by how long it takes.
package enum ConstantTime {
    /// Takes as long for bytes that differ at once as for equal ones. Of different lengths is known at once.
    package static func equal(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        var difference: UInt8 = 0
        for index in left.indices { difference |= left[index] ^ right[index] }
        return difference == 0
    }
}
