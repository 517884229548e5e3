//! Every key there is: the one table that reading, errors and `docs/reference/configuration.md` are made of.

/// What a key holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text.
    Text,
    /// Text that is never shown; `<key>_file` names a file that holds it.
    Secret,
    /// A whole number.
    Number,
    /// `true` or `false`.
    Flag,
    /// `30m`, `1h30m`, `7d`.
    Duration,
    /// A YAML list; in the environment separated by commas.
    List,
    /// An address to listen on, `127.0.0.1:5000` or `:5000`.
    Address,
}

/// One key.
pub(crate) struct Key {
    /// Its dotted path in the file.
    pub(crate) path: &'static str,
    /// What it holds.
    pub(crate) kind: Kind,
    /// What holds without it, in words.
    pub(crate) default: &'static str,
    /// What it does, in one or two sentences.
    pub(crate) help: &'static str,
}

const fn key(path: &'static str, kind: Kind, default: &'static str, help: &'static str) -> Key {
    Key {
        path,
        kind,
        default,
        help,
    }
}

/// All keys, in the order of the reference.
pub(crate) const KEYS: &[Key] = &[
    key(
        "listen",
        Kind::Address,
        "127.0.0.1:5000",
        "Where clients connect. `--listen` wins over it.",
    ),
    key(
        "metrics_listen",
        Kind::Address,
        "none",
        "Serves `/metrics`, `/healthz` and `/readyz` here as well; `/metrics` is then no longer served on `listen`.",
    ),
    key(
        "external_url",
        Kind::Text,
        "taken from each request",
        "The address that clients use, such as `https://registry.example.org`. Without it the token service is announced \
         under the very host, port and scheme that the client used, which is right unless a proxy hides them.",
    ),
    key(
        "external_ca_file",
        Kind::Text,
        "none",
        "A file with the certificate of the authority that signed the one which clients see, in PEM form. It is handed out to \
         everybody at `/api/v2.0/systeminfo/getcert`; a changed file counts at once.",
    ),
    key(
        "trusted_proxies",
        Kind::List,
        "empty",
        "Addresses or networks (CIDR) of proxies. Only from those do `X-Forwarded-For`, `-Proto`, `-Host`, `-Port` and \
         `-Prefix` count.",
    ),
    key(
        "cors.allowed_origins",
        Kind::List,
        "none",
        "Pages from these origins (`https://ui.example.org`, or `*` for all) may use `/v2/` and `/service/token` in a browser.",
    ),
    key(
        "database.url",
        Kind::Secret,
        "none",
        "`postgres://user:password@host:port/name?sslmode=…`. Or set the keys below instead. `all` without either runs a \
         PostgreSQL of its own.",
    ),
    key(
        "database.host",
        Kind::Text,
        "none",
        "Host name, or folder of the Unix socket.",
    ),
    key("database.port", Kind::Number, "5432", "Port."),
    key("database.name", Kind::Text, "slipway", "Name of the database."),
    key("database.user", Kind::Text, "slipway", "User."),
    key(
        "database.password",
        Kind::Secret,
        "none",
        "Password. With `database.url` it replaces the one in there.",
    ),
    key(
        "database.ssl_mode",
        Kind::Text,
        "prefer",
        "`disable`, `prefer`, `require`, `verify-ca` or `verify-full`.",
    ),
    key(
        "database.ca_file",
        Kind::Text,
        "the system's",
        "PEM file of the authorities that sign the server's certificate.",
    ),
    key(
        "database.max_connections",
        Kind::Number,
        "20",
        "Most connections that one process opens.",
    ),
    key(
        "cache.url",
        Kind::Secret,
        "none",
        "`redis://host:6379/0`, or `rediss://` for TLS. Without it each process keeps its own cache. It may be emptied or \
         lost at any time.",
    ),
    key(
        "cache.password",
        Kind::Secret,
        "none",
        "Password of the cache, where it does not stand in the URL.",
    ),
    key(
        "cache.ca_file",
        Kind::Text,
        "the system's",
        "PEM file of the authorities that sign the cache's certificate.",
    ),
    key(
        "storage.filesystem.path",
        Kind::Text,
        "none",
        "Folder for the blobs; every replica must see the same one.",
    ),
    key(
        "storage.memory",
        Kind::Flag,
        "false",
        "Keeps blobs in memory: for trying things out, lost at the end.",
    ),
    key(
        "storage.shared",
        Kind::Flag,
        "false",
        "Several registries keep their blobs in the same folder or bucket prefix. Without it each place belongs to the registry that used it first, and another one does not start; with it no registry removes what it does not know itself.",
    ),
    key(
        "storage.s3.bucket",
        Kind::Text,
        "none",
        "The bucket; it must exist. docs/guides/storage.md tells what each provider needs.",
    ),
    key(
        "storage.s3.region",
        Kind::Text,
        "the environment's, or us-east-1",
        "The region, such as `eu-central-1`.",
    ),
    key(
        "storage.s3.endpoint",
        Kind::Text,
        "Amazon's",
        "Address of the object store, such as `https://minio.example.org:9000`.",
    ),
    key(
        "storage.s3.path_style",
        Kind::Flag,
        "true with an endpoint, else false",
        "The bucket stands in the path and not in the host's name.",
    ),
    key(
        "storage.s3.prefix",
        Kind::Text,
        "none",
        "Stands before every key, such as `registries/main`.",
    ),
    key(
        "storage.s3.access_key_id",
        Kind::Secret,
        "the environment's",
        "Access key. Without one: `AWS_*` variables, profile files, web identity (IRSA), pod identity, instance profile. A changed file counts within 15 minutes.",
    ),
    key(
        "storage.s3.secret_access_key",
        Kind::Secret,
        "the environment's",
        "Secret of the access key.",
    ),
    key(
        "storage.s3.encryption",
        Kind::Text,
        "what the bucket does",
        "`AES256` or `aws:kms`: asked for with each object.",
    ),
    key(
        "storage.s3.kms_key_id",
        Kind::Text,
        "the account's",
        "The key for `aws:kms`.",
    ),
    key(
        "storage.s3.checksums",
        Kind::Text,
        "when_supported on Amazon, when_required with an endpoint",
        "`when_supported` sends a CRC-32 with what is uploaded; servers of before 2025 may refuse it: `when_required`.",
    ),
    key(
        "storage.s3.part_size",
        Kind::Text,
        "8MiB",
        "Size of the parts of an upload, from `5MiB` to `512MiB`. The largest blob has 10,000 parts: 78 GiB by default.",
    ),
    key(
        "storage.s3.concurrency",
        Kind::Number,
        "6",
        "How many parts one process may hold in memory at once, over all uploads, from 2 to 64.",
    ),
    key(
        "storage.s3.ca_file",
        Kind::Text,
        "the system's",
        "PEM file of authorities to trust beside the system's.",
    ),
    key(
        "storage.s3.redirect.enabled",
        Kind::Flag,
        "false",
        "Answers `GET` of a blob with a redirect to a signed address of the object store, instead of sending the bytes. Clients must reach it.",
    ),
    key(
        "storage.s3.redirect.expiry",
        Kind::Duration,
        "30m",
        "How long such an address works, from 1m to 7d. Clients that resume a download later get an error: not less than 20m is advised.",
    ),
    key(
        "storage.s3.redirect.endpoint",
        Kind::Text,
        "storage.s3.endpoint",
        "Address of the object store as clients reach it.",
    ),
    key(
        "storage.s3.redirect.networks",
        Kind::List,
        "everybody",
        "Only clients from these addresses or networks are redirected.",
    ),
    key(
        "token.signing_key",
        Kind::Secret,
        "none",
        "What tokens are signed with, at least 32 characters, the same for every replica. `all` makes one.",
    ),
    key(
        "token.lifetime",
        Kind::Duration,
        "30m; for a push 2h",
        "How long a token is good for, at least 60s. Whatever it says, what its owner may do is looked up at each request.",
    ),
    key(
        "system_account.name",
        Kind::Text,
        "none",
        "Login name of an account with all rights that exists in the settings only: the Kubernetes operator's.",
    ),
    key(
        "system_account.password",
        Kind::Secret,
        "none",
        "Its password; a changed file counts within seconds.",
    ),
    key(
        "admin.password",
        Kind::Secret,
        "none",
        "Password of `admin`. It is set when the registry first starts, and again each time this value changes (a changed \
         file counts within seconds); in between a password changed through the API stays. `all` makes one.",
    ),
    key(
        "robot.name_prefix",
        Kind::Text,
        "robot-",
        "In front of every robot's full name. Logins with Harbor's `robot$` work as well, whatever is set here.",
    ),
    key(
        "robot.name_separator",
        Kind::Text,
        "--",
        "Between project and name in a project robot's full name.",
    ),
    key(
        "robot.warn_before",
        Kind::Duration,
        "7d",
        "So long before a robot expires the event `robot.expiring` is written, once, and `slipway_robots_expiring` counts it.",
    ),
    key(
        "settings.self_registration",
        Kind::Flag,
        "the API's, at first false",
        "People may make accounts for themselves. This and the following keys decide settings of the same name of `PUT /api/v2.0/configurations`, \
         which then does not change them any more.",
    ),
    key(
        "settings.project_creation_restriction",
        Kind::Text,
        "the API's, at first everyone",
        "Who may create projects: `everyone` or `adminonly`.",
    ),
    key(
        "settings.storage_per_project",
        Kind::Number,
        "the API's, at first -1",
        "Bytes that a new project may hold, -1 without limit.",
    ),
    key(
        "settings.robot_token_duration",
        Kind::Number,
        "the API's, at first 30",
        "Days that a robot lives whose maker does not say, from 1 to 36500.",
    ),
    key(
        "settings.session_timeout",
        Kind::Number,
        "the API's, at first 60",
        "Minutes without a request after which a session of the portal ends, from 1 to 525600.",
    ),
    key(
        "settings.read_only",
        Kind::Flag,
        "the API's, at first false",
        "Nothing may be changed, pushes included.",
    ),
    key(
        "settings.banner_message",
        Kind::Text,
        "the API's, at first empty",
        "What the portal shows to everybody: a JSON object, written as one text.",
    ),
    key(
        "upload_expiry",
        Kind::Duration,
        "24h",
        "An upload that no byte reached for this long is given up.",
    ),
    key(
        "limits.pulls",
        Kind::Number,
        "no limit",
        "How many manifests one caller may `GET` in a minute, from 1 to 100000.",
    ),
    key(
        "limits.heads",
        Kind::Number,
        "no limit",
        "How many `HEAD` requests one caller may send in a minute. A push sends one for each of its layers.",
    ),
    key(
        "limits.tokens",
        Kind::Number,
        "no limit",
        "How many tokens one caller may get in a minute.",
    ),
    key(
        "push.sparse_indexes",
        Kind::Flag,
        "false",
        "Indexes may be pushed whose children are not all in the repository, as mirrors do that copy one platform and keep the \
         index's digest; pulling an absent child is a 404. Without it such an index is refused, and each missing digest is named.",
    ),
    key(
        "upstreams.allowed_networks",
        Kind::List,
        "public addresses only",
        "Networks (CIDR) or addresses in which other registries, their token services and their storage may be, beside public \
         addresses: `10.0.0.0/8` for registries of your own network. Endpoints elsewhere are answered as unhealthy.",
    ),
    key(
        "gc.grace",
        Kind::Duration,
        "2h",
        "A blob that lost its last reference is kept for this long.",
    ),
    key(
        "log.format",
        Kind::Text,
        "json, human on a terminal",
        "`json` or `human`.",
    ),
    key(
        "log.level",
        Kind::Text,
        "info",
        "`error`, `warn`, `info`, `debug` or `trace`, or a filter such as `info,sqlx=debug`.",
    ),
    key(
        "idle_timeout",
        Kind::Duration,
        "2m",
        "The longest pause within the transfer of a body, in either direction. There is no limit on the whole: a slow client \
         may take hours.",
    ),
    key(
        "drain_timeout",
        Kind::Duration,
        "10m",
        "After SIGTERM running requests (uploads and downloads among them) have this long to end.",
    ),
    key(
        "drain_delay",
        Kind::Duration,
        "2s",
        "After SIGTERM `/readyz` fails at once, but new connections are served for this long, until nobody sends any.",
    ),
];

/// Suffix of the key that names a secret's file.
pub(crate) const FILE_SUFFIX: &str = "_file";

/// Start of every environment variable of ours.
pub(crate) const PREFIX: &str = "SLIPWAY_";

/// Variables that are no keys: arguments of the program.
pub(crate) const ARGUMENTS: &[&str] = &["SLIPWAY_CONFIG", "SLIPWAY_DATA_DIR"];

/// The environment variable of a key.
pub(crate) fn variable(path: &str) -> String {
    format!("{PREFIX}{}", path.replace('.', "_").to_ascii_uppercase())
}

/// Every path that may be set, files of secrets included, with its kind.
pub(crate) fn paths() -> impl Iterator<Item = (String, Kind)> {
    KEYS.iter().flat_map(|key| {
        let file = (key.kind == Kind::Secret).then(|| (format!("{}{FILE_SUFFIX}", key.path), Kind::Text));
        std::iter::once((key.path.to_owned(), key.kind)).chain(file)
    })
}

/// The known word that is nearest to a wrong one, if any is near.
pub(crate) fn nearest<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    known
        .map(|word| {
            (
                distance(&wrong.to_ascii_lowercase(), &word.to_ascii_lowercase()),
                word,
            )
        })
        .filter(|(distance, word)| *distance <= (word.len().max(wrong.len()) / 2).max(2))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word.to_owned())
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = corner + usize::from(x != *y);
            corner = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}
