/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Variables that any program may need to run; none is a secret of the yard. A star is allowed only at the end. */
export const BASE_VARIABLES: readonly string[] = [
  ...["PATH", "HOME", "USER", "LANG", "LC_*", "TZ", "TMPDIR", "SYSTEMROOT"],
  ...[
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
  ],
];

/** What the processes of a yard are given for themselves: its database, keys and tokens, and options of their Node.js. */
const OWN = /^(?:STACKYARD_|DATABASE_URL|PG[A-Z]|OIDC_|NODE_OPTIONS$)/;

/**
 * Returns the variables of this process that a program which it starts may see: those that are named. A name may end with a star, which
 * never includes a variable of the yard itself: such a one is passed only by its whole name. Every program gets its environment
 * from here.
 */
export function pickEnvironment(from: Environment, names: readonly string[]): Readonly<Record<string, string>> {
  const exact = new Set(names);
  const prefixes = names.filter((name) => name.endsWith("*")).map((name) => name.slice(0, -1));
  const isMatched = (name: string) => !OWN.test(name) && prefixes.some((prefix) => name.startsWith(prefix));
  const picked: Record<string, string> = {};
  for (const [name, value] of Object.entries(from)) {
    if (value !== undefined && (exact.has(name) || isMatched(name))) picked[name] = value;
  }
  return picked;
}
