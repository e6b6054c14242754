// A user of etcd's own authentication.

internal import Console

/// Printing it in any way yields `<etcd credentials>`.
package struct Credentials: Sendable, Equatable {
  let username: String
  let password: String

  package init(username: String, password: String) {
    self.username = username
    self.password = password
    Secrets.register(password)
  }
}

extension Credentials: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  package var description: String { "<etcd credentials>" }
  package var debugDescription: String { description }
  package var customMirror: Mirror { Mirror(self, children: []) }
}
