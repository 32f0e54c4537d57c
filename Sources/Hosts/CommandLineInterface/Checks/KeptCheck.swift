import Pipeline
import TunnelStages

/// What a configuration keeps at most so that sessions outlive their connections.
enum KeptCheck {
    /// A sentence for each stage that keeps something.
    static func sentences(_ configuration: LoadedConfiguration) -> [String] {
        configuration.stages.compactMap { stage in
            guard stage.name == FrameFactory.name, let frame = stage.configuration as? FrameConfiguration, frame.resume.enabled,
                (frame.codecs ?? [frame.codec]).contains(.mux)
            else { return nil }
            let (keep, store) = (frame.resume.memory.printed, frame.resume.store.printed)
            let time = stage.form.input == .inbound ? ", for \(frame.resume.keep.printed) without a connection" : ""
            return
                "'frame' keeps at most \(store) of a session that the other end has not acknowledged, and \(keep) of all\(time); "
                + "where all have as much, a session keeps 256KiB at most, and those that begin can't be resumed"
        }
    }
}
