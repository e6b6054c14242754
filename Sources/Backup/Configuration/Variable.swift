// Every environment variable the program reads: its name, what it means, and its default.

/// The one list behind `--help`, the parser and the tests; README's table is checked against it.
package struct Variable: Hashable, Sendable {
  package enum Default: Hashable, Sendable {
    /// Must be set.
    case required
    /// May be absent; the text says what happens then.
    case none(String)
    case value(String)
  }

  package let name: String
  package let defaultValue: Default
  package let summary: String

  private init(_ name: String, _ defaultValue: Default, _ summary: String) {
    self.name = name
    self.defaultValue = defaultValue
    self.summary = summary
  }
}

extension Variable {
  static let namespace = Variable(
    "APP_WORKING_NAMESPACE", .required,
    "Namespace of the Secrets and the ConfigMap; not needed where none of them is named.")
  static let endpoints = Variable(
    "APP_BACKUP_ETCD_ENDPOINTS", .required,
    "Comma-separated client URLs of one etcd cluster; the most up-to-date member is used.")
  static let tlsSecret = Variable(
    "APP_BACKUP_CLIENT_TLS_SECRET", .none("no client certificate, the system's CAs"),
    "Secret with etcd-client.crt, etcd-client.key and etcd-client-ca.crt (PEM), or with the names of cert-manager, kubeadm or k3s."
  )
  static let tlsFolder = Variable(
    "APP_BACKUP_CLIENT_TLS_DIRECTORY", .none("none"),
    "Folder with the same as files, in place of the Secret.")
  static let credentialsSecret = Variable(
    "APP_BACKUP_ETCD_CREDENTIALS_SECRET", .none("no etcd user"),
    "Secret with username and password, for clusters with etcd authentication.")
  static let credentialsFolder = Variable(
    "APP_BACKUP_ETCD_CREDENTIALS_DIRECTORY", .none("none"),
    "Folder with the same as files, in place of the Secret.")
  static let etcdTransport = Variable(
    "APP_BACKUP_ETCD_TRANSPORT", .value("gateway"),
    "How etcd is spoken to: gateway (JSON through its gRPC gateway), grpc (native gRPC, which costs etcd far less), or auto (gRPC where the endpoint speaks it, else the gateway)."
  )
  static let container = Variable(
    "APP_ABS_CONTAINER_NAME", .required,
    "ABS container for the backups; it must exist. One trailing / is dropped.")
  static let accountSecret = Variable(
    "APP_ABS_SECRET_NAME", .required,
    "Secret with the storage account and what opens it; APP_ABS_AUTHENTICATION says which keys. Not needed with APP_ABS_SECRET_DIRECTORY, or where the AZURE_ variables below hold the same."
  )
  static let accountFolder = Variable(
    "APP_ABS_SECRET_DIRECTORY", .none("none"),
    "Folder with the same keys as files, in place of the Secret.")
  static let storageAuthentication = Variable(
    "APP_ABS_AUTHENTICATION", .value("shared-key"),
    "How requests to the store are authorised: shared-key (storage-account and storage-key of the Secret), sas (storage-account and sas-token), connection-string (connection-string), workload-identity or managed-identity (storage-account), or service-principal (storage-account, and client-secret or client-certificate)."
  )
  static let clientID = Variable(
    "AZURE_CLIENT_ID", .none("the machine's only identity, for managed-identity"),
    "Client id of the identity; the webhook of workload identity sets it.")
  static let tenantID = Variable(
    "AZURE_TENANT_ID", .none("none"),
    "Tenant of the identity; the webhook of workload identity sets it.")
  static let federatedTokenFile = Variable(
    "AZURE_FEDERATED_TOKEN_FILE", .none("none"),
    "File with the service account's token; the webhook of workload identity sets it.")
  static let authorityHost = Variable(
    "AZURE_AUTHORITY_HOST", .value("https://login.microsoftonline.com"),
    "URL of Microsoft Entra ID, https; other clouds have their own.")
  static let metadataHost = Variable(
    "AZURE_POD_IDENTITY_AUTHORITY_HOST", .value("http://169.254.169.254"),
    "URL of the Instance Metadata Service (IMDS), for managed-identity.")
  static let azureAccount = Variable(
    "AZURE_STORAGE_ACCOUNT", .none("none"),
    "Storage account, where neither APP_ABS_SECRET_NAME nor APP_ABS_SECRET_DIRECTORY is set; so are the next five."
  )
  static let azureKey = Variable("AZURE_STORAGE_KEY", .none("none"), "Key of the account.")
  static let azureSAS = Variable(
    "AZURE_STORAGE_SAS_TOKEN", .none("none"), "Shared access signature.")
  static let azureConnectionString = Variable(
    "AZURE_STORAGE_CONNECTION_STRING", .none("none"), "Connection string.")
  static let azureClientSecret = Variable(
    "AZURE_CLIENT_SECRET", .none("none"), "Secret of the service principal.")
  static let azureClientCertificate = Variable(
    "AZURE_CLIENT_CERTIFICATE_PATH", .none("none"),
    "PEM file with the certificate and the private key of the service principal, in place of its secret."
  )
  static let blobPrefix = Variable(
    "APP_BLOB_PREFIX", .required,
    "First part of the blob names, e.g. service-catalog; no part of it ends in a full stop. One trailing / is dropped."
  )
  static let storageEndpoint = Variable(
    "APP_ABS_ENDPOINT", .none("https://{account}.blob.core.windows.net"),
    "Blob endpoint, http or https. A path-style emulator's ends in the account's name.")
  static let allowHTTP = Variable(
    "APP_ABS_ALLOW_HTTP", .value("off"),
    "on: APP_ABS_ENDPOINT may be http off this machine, where the database travels readable for all on the way. off: that is refused."
  )
  static let apiVersion = Variable(
    "APP_ABS_API_VERSION", .value("2021-12-02"),
    "Version of the Blob service that requests name (x-ms-version), 2019-02-02 or later; Azure Stack Hub takes 2019-07-07."
  )
  static let storageCA = Variable(
    "APP_ABS_CA_FILE", .none("the system's CAs"),
    "PEM file with the CA that signs the certificates of the blob endpoint and of AZURE_AUTHORITY_HOST."
  )
  static let accessTier = Variable(
    "APP_ABS_ACCESS_TIER", .none("the account's default"),
    "Access tier of new backups: hot, cool or cold. Azure bills 30 days of cool and 90 of cold, however early a backup is deleted."
  )
  static let immutability = Variable(
    "APP_ABS_IMMUTABILITY", .value("off"),
    "unlocked or locked: no one can delete a new backup before the age of APP_CLEANER_EXPIRATION_BLOB_TIME. The end of a locked one can only be put off. Needs version-level immutability."
  )
  static let recordConfigMap = Variable(
    "APP_BACKUP_CONFIG_MAP_NAME_FOR_TRACING", .required,
    "ConfigMap that records the last success; created when absent. Not needed where no Secret is named either: then no API is contacted and nothing is recorded."
  )
  static let keepNewest = Variable(
    "APP_CLEANER_LEAVE_MIN_NEWEST_BACKUP_BLOBS", .required,
    "That many newest backups stay, however old.")
  static let expiration = Variable(
    "APP_CLEANER_EXPIRATION_BLOB_TIME", .required,
    "Age at which older backups are deleted, e.g. 72h.")
  static let keepDaily = Variable(
    "APP_CLEANER_KEEP_DAILY", .value("0"),
    "Of a history, the newest backup of each of so many days stays as well, at most 366. Days are those of UTC that have a backup."
  )
  static let keepWeekly = Variable(
    "APP_CLEANER_KEEP_WEEKLY", .value("0"), "The same of weeks, from Monday on, at most 520.")
  static let keepMonthly = Variable(
    "APP_CLEANER_KEEP_MONTHLY", .value("0"), "The same of months, at most 240.")
  static let historyExpiration = Variable(
    "APP_CLEANER_HISTORY_EXPIRATION", .value("720h"),
    "How long the newest backups of a history stay after it ended; then its newest one stays.")
  static let timeout = Variable(
    "APP_BACKUP_TIMEOUT", .value("30m"), "Deadline of the whole run.")
  static let blockSize = Variable(
    "APP_BACKUP_BLOCK_SIZE", .value("4160KiB"),
    "Size of the blocks of the blob, 1MiB or more, in bytes, KiB or MiB; Azure is fast above 4MiB.")
  static let blocksInFlight = Variable(
    "APP_BACKUP_BLOCKS_IN_FLIGHT", .none("6, or as many as 32MiB allow"),
    "Blocks uploaded at the same time. (This + 1) × block size is held in memory, at most 32MiB.")
  static let encryptionRecipients = Variable(
    "APP_BACKUP_ENCRYPTION_RECIPIENTS", .none("backups are not encrypted"),
    "Recipients of age, age1…, separated by commas or blanks: backups are encrypted, and each of their identities decrypts them."
  )
  static let encryptionRecipientsFile = Variable(
    "APP_BACKUP_ENCRYPTION_RECIPIENTS_FILE", .none("backups are not encrypted"),
    "File with such recipients, one a line, as age -R takes it; in place of the list.")
  static let compression = Variable(
    "APP_BACKUP_COMPRESSION", .value("off"),
    "off, zstd, or zstd: and a level from 1 to 6; zstd alone is zstd:1.")
  static let identitySecret = Variable(
    "APP_BACKUP_IDENTITY_SECRET", .none("no identity"),
    "Secret with identities of age, which decrypt a backup for verify and download.")
  static let identityFolder = Variable(
    "APP_BACKUP_IDENTITY_DIRECTORY", .none("no identity"),
    "Folder whose files hold such identities.")
  static let kubeconfig = Variable(
    "APP_KUBECONFIG_PATH", .none("the pod's service account"),
    "kubeconfig for a run outside a cluster.")
  static let kubernetes = Variable(
    "APP_KUBERNETES", .none("on if a Secret or a ConfigMap is named"),
    "off: no API is contacted and nothing is recorded. A pod that names neither a Secret nor a ConfigMap must say so."
  )
  static let skipUnchanged = Variable(
    "APP_BACKUP_SKIP_UNCHANGED", .value("off"),
    "on: where nothing was written to etcd since the recorded backup, and that one is still there, a run takes no other and succeeds. Any doubt means a backup."
  )
  static let kubeconfigPlugins = Variable(
    "APP_KUBECONFIG_EXEC", .value("on"),
    "on: the kubeconfig may name a program that prints the credential (exec), which runs in this environment. off: that is refused."
  )
  static let pageCheck = Variable(
    "APP_BACKUP_PAGE_CHECK", .value("on"),
    "on: a database with broken pages is refused. off: for emergencies, when no member has a sound one."
  )
  static let spoolFolder = Variable(
    "APP_BACKUP_SPOOL_DIRECTORY", .none("no spool: etcd waits where the store is slow"),
    "Folder for what the store cannot take yet, so that etcd need not wait.")
  static let spoolLimit = Variable(
    "APP_BACKUP_SPOOL_LIMIT", .none("as much as the folder has room for"),
    "Size that the spool may grow to, e.g. 2GiB.")
  static let logLevel = Variable(
    "APP_LOGGER_LEVEL", .value("info"), "trace, debug, info, warn or error.")
  static let logFormat = Variable(
    "APP_LOGGER_FORMAT", .none("text on a terminal, else json"), "json or text.")
  static let terminationMessage = Variable(
    "APP_TERMINATION_MESSAGE_PATH", .value("/dev/termination-log"),
    "File, if it exists, that gets the result as one line of JSON.")

  package static let all = [
    namespace, endpoints, tlsSecret, tlsFolder, credentialsSecret, credentialsFolder, etcdTransport,
    container, accountSecret, accountFolder, storageAuthentication, azureAccount, azureKey,
    azureSAS,
    azureConnectionString, azureClientSecret, azureClientCertificate, clientID, tenantID,
    federatedTokenFile, authorityHost,
    metadataHost,
    blobPrefix,
    storageEndpoint, allowHTTP, apiVersion, storageCA, accessTier, immutability, recordConfigMap,
    keepNewest, expiration, keepDaily, keepWeekly, keepMonthly, historyExpiration, timeout,
    blockSize,
    blocksInFlight, skipUnchanged, pageCheck, spoolFolder, spoolLimit, encryptionRecipients,
    encryptionRecipientsFile, compression, identitySecret, identityFolder, kubernetes, kubeconfig,
    kubeconfigPlugins,
    logLevel, logFormat,
    terminationMessage,
  ]
}
