// One etcd server, whichever way it is spoken to: the seam between the two transports.

internal import Console
internal import HTTP

/// Both transports return the same types and the same errors; callers do not know which is in use.
protocol EtcdServer {
  var endpoint: Endpoint { get }
  /// For the log: how this server is spoken to.
  var transportName: String { get }

  /// Makes sure that this way works, signs in where that is needed, and asks the member for its
  /// status.
  mutating func probe(signingInAs credentials: Credentials?) throws(EtcdError) -> MemberStatus

  /// Gets a token for `credentials`, once; carries on without where the cluster has
  /// authentication off, since some releases refuse a token then.
  mutating func signIn(as credentials: Credentials?) throws(EtcdError)

  /// The store's revision after everything acknowledged so far, by a read that goes through raft.
  ///
  /// The member answers only once it has applied all of that itself, so it is not behind then.
  func linearizableRevision() throws(EtcdError) -> UInt64

  /// How many keys the store holds, and at which revision, by a read that goes through raft.
  func count() throws(EtcdError) -> KeyCount

  /// Asks for a snapshot; `demandingLeader` makes a member without a leader refuse.
  func openSnapshot(demandingLeader: Bool) throws(EtcdError) -> SnapshotMessages
}

extension EtcdServer {
  /// A store's first revision is 1. Nothing could ever be behind one of 0.
  func sureRevision(_ revision: UInt64?, told call: String) throws(EtcdError) -> UInt64 {
    guard let revision, revision > 0 else {
      throw .strangeAnswer(endpoint: endpoint, call: call, status: 200, text: "no revision")
    }
    return revision
  }
}

/// How long each kind of call may take, whichever way it goes.
enum CallLimit {
  /// In bytes, of every response but a snapshot: none of them grows with the database.
  static let responseSize = 256 << 10
  /// Answered from memory; but one packet lost on the way to the name server costs five seconds.
  static let status = Duration.seconds(8)
  /// Hashing a password is slow by design, and the token goes through raft.
  static let signIn = Duration.seconds(15)
  /// etcd itself gives up on raft after 5 seconds and two elections.
  static let linearizableRead = Duration.seconds(15)
}

/// The longest text of a foreign response that an error message quotes.
///
/// It ends where something like base64 begins: that may be a part of the database, whose contents
/// must not be shown.
func excerpt(_ body: some Collection<UInt8>, length: Int = 300) -> String {
  // Before anything is cut: half a secret would not be recognised.
  let text = Secrets.redact(String(decoding: body, as: UTF8.self)).prefix(length)
  var words: [Substring] = []
  for word in text.split(whereSeparator: \.isWhitespace) {
    guard let encoded = startOfBase64(in: word) else {
      words.append(word)
      continue
    }
    words.append(word[..<encoded] + "…")
    break
  }
  return words.joined(separator: " ")
}

/// Where a run of base64's characters begins that is longer than any word.
private func startOfBase64(in text: Substring) -> Substring.Index? {
  var start = text.startIndex
  var length = 0
  for index in text.indices {
    let character = text[index]
    let isOfBase64 =
      character.isASCII && (character.isLetter || character.isNumber || "+/=".contains(character))
    if !isOfBase64 {
      start = text.index(after: index)
      length = 0
    } else {
      length += 1
      if length > 24 { return start }
    }
  }
  return nil
}
