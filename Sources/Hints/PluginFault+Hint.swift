// What to do where an exec plugin gave no credential.

internal import Certificates
internal import HTTP
package import Kubernetes

extension PluginFault {
  package var hint: String? {
    switch problem {
    case .missing(let hint?):
      "Install the plugin, or correct exec.command. The kubeconfig says: "
        + hint.map { $0.isNewline ? " " : "\($0)" }.joined()
    case .missing(nil): "Install the plugin, or correct exec.command in the kubeconfig."
    case .notStarted: "Allow this user to run the program, which must be built for this machine."
    case .tooMuchInput: "Shorten exec.args and exec.env, or set provideClusterInfo to false."
    case .failed, .killed:
      "Run it as the kubeconfig says, and correct what it complains of: kubectl --kubeconfig FILE get "
        + "namespaces runs it too."
    case .tookTooLong:
      "Sign in with the plugin beforehand, or let it sign in without questions: it gets no input here."
    case .tooMuchOutput, .unreadable:
      "Correct exec.command, exec.args and exec.apiVersion in the kubeconfig, or update the plugin."
    case .certificate(let fault): fault.hint
    case .expired: "Sign in with the plugin again, or correct this machine's clock."
    }
  }
}
