// `etcd-backup volume …`, for restore.sh and so not in `--help`: the moves of a restore on one member's volume.

internal import ArgumentParser
internal import Backup
internal import Glibc
internal import Volume

struct Volume: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "volume",
    abstract: "Moves data directories on the volume of a stopped etcd member.",
    discussion: """
      restore.sh runs this in Jobs that mount the member's volume. Old data is kept aside until \
      discard, every move is a rename, and every command may be repeated after an interruption. \
      Needs no configuration and contacts nothing.
      """,
    shouldDisplay: false,
    subcommands: [Check.self, Prepare.self, Switch.self, PutBack.self, Discard.self])

  /// Which volume, and which restore.
  struct Places: ParsableArguments {
    @Option(help: "The member's data directory.")
    var data: String

    @Option(help: "Where its start-up picks restored data up (default: the data directory itself).")
    var target: String?

    @Option(help: "The name of this restore: lower-case letters, digits and dashes.")
    var restore: String

    func volume() throws(VolumeError) -> MemberVolume {
      try MemberVolume(data: data, target: target ?? data, restore: restore)
    }

    /// Does it and says so in one line, or says why not and ends with status 1.
    func perform(_ action: (MemberVolume) throws(VolumeError) -> String) throws {
      let line: String
      do throws(VolumeError) {
        line = try action(try volume())
      } catch {
        Output.error(error.description, hint: error.hint)
        throw ExitCode.failure
      }
      try Output.print { try $0.line(line) }
    }
  }

  struct Room: ParsableArguments {
    @Option(help: "Free bytes that the restore needs.")
    var need: UInt64
  }

  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Checks that a restore can happen here; changes nothing.")
    @OptionGroup var places: Places
    @OptionGroup var room: Room

    func run() throws {
      try places.perform { volume throws(VolumeError) in
        "checked: \(try volume.check(needed: room.need))"
      }
    }
  }

  struct Prepare: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Makes an empty folder restore-NAME beside the data, for the download.")
    @OptionGroup var places: Places
    @OptionGroup var room: Room

    func run() throws {
      try places.perform { volume throws(VolumeError) in
        "prepared: \(try volume.prepare(needed: room.need))"
      }
    }
  }

  struct Switch: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Sets the old data aside and puts the restored data into place.")
    @OptionGroup var places: Places

    func run() throws {
      try places.perform { volume throws(VolumeError) in
        try volume.switchOver()
        return "switched: the restored data is in place, the old data aside"
      }
    }
  }

  struct PutBack: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Puts the old data back and removes what was restored.")
    @OptionGroup var places: Places

    func run() throws {
      try places.perform { volume throws(VolumeError) in
        try volume.putBack()
        return "put back: the data is what it was before the restore"
      }
    }
  }

  struct Discard: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Removes old data kept aside, and leftovers. There is no way back then.")
    @OptionGroup var places: Places

    func run() throws {
      try places.perform { volume throws(VolumeError) in
        let gone = try volume.discard()
        return "discarded: " + (gone.isEmpty ? "nothing was kept" : gone.joined(separator: ", "))
      }
    }
  }
}
