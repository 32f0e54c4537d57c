/// What the holder of a code may be given: a client's certificate with this name, for so long. The limits are the invitation's; the one who
/// joins can't ask for more.
package struct Invitation: Sendable, Equatable {
    /// The common name of the certificate, and the name of its files.
    package var name: String
    /// The last second in which the code counts, of the Unix epoch.
    package var until: Int
    /// How many days the certificate is valid.
    package var days: Int
    /// A URI among the certificate's names, by which rules may know its owner.
    package var uri: String?

    /// An invitation with everything that it says.
    package init(name: String, until: Int, days: Int, uri: String? = nil) {
        self.name = name
        self.until = until
        self.days = days
        self.uri = uri
    }

    /// The lines of its file.
    package var text: String {
        RecordText.text(["name": name, "until": String(until), "days": String(days), "uri": uri])
    }

    /// What a file says; nil if something is missing in it.
    package init?(text: String) {
        guard let values = RecordText.values(text), let name = values["name"], let until = values["until"].flatMap({ Int($0) }),
            let days = values["days"].flatMap({ Int($0) })
        else { return nil }
        self.init(name: name, until: until, days: days, uri: values["uri"])
    }
}
