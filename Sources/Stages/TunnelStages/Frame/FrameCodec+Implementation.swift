extension FrameCodec {
    /// What speaks the protocol.
    var implementation: any TunnelCodec.Type {
        switch self {
        case .mux: MuxCodec.self
        case .h2: H2Codec.self
        case .json: JSONCodec.self
        }
    }
}
