import { type SecretReference, StackyardError } from "@stackyard/core";
import { parseDuration } from "@stackyard/core/machine";
import { SecretReferenceSchema } from "@stackyard/core/services";
import { type Static, Type } from "typebox";

const closed = { additionalProperties: false };
const Secrets = Type.Array(SecretReferenceSchema, { minItems: 1, maxItems: 10 });

const SecretsOfPolled = Type.Optional(Secrets);

const ReportKind = Type.Union([
  Type.Literal("comment"),
  Type.Literal("check"),
  Type.Literal("deployment"),
  Type.Literal("summary"),
]);
/** The kinds of reports to pull requests. */
export type ReportKind = Static<typeof ReportKind>;

const Reports = Type.Optional(
  Type.Array(ReportKind, {
    maxItems: 4,
    description:
      "What is written to pull requests. Default: comment, check and deployment. `summary`: one check of each pull request, which branch protection can require.",
  }),
);

const People = Type.Optional(
  Type.Record(
    Type.String({ pattern: "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}$", description: "The login." }),
    Type.Object(
      {
        id: Type.Optional(
          Type.Integer({
            minimum: 1,
            description:
              "The host's number of the user, which then counts in place of the login: a login can change owners.",
          }),
        ),
        subject: Type.String({
          minLength: 1,
          maxLength: 256,
          description: "`sub` of the person at `access.people.issuer`.",
        }),
        groups: Type.Array(Type.String({ minLength: 1, maxLength: 128 }), { maxItems: 50 }),
      },
      closed,
    ),
    { ...closed, maxProperties: 1_000, description: "Users who may approve by comment, and the people that they are." },
  ),
);

const Commits = Type.Optional(
  Type.Array(Type.String({ minLength: 1, maxLength: 256 }), {
    maxItems: 1_000,
    description:
      "Repositories such as acme/shop or acme/*, whose commits people see on approvals and releases if they may read the stack. Default: none.",
  }),
);

const Poll = Type.Optional(
  Type.String({
    pattern: "^(only|[1-9][0-9]{0,4}[smh])$",
    expected: "only, or a duration such as 1m",
    description: "How often lost deliveries are read, such as 1m. `only`: they are all read, and none is received.",
  }),
);

const Former = Type.Optional(
  Type.Array(Type.String({ pattern: "^[a-z][a-z0-9-]{0,31}$" }), {
    maxItems: 10,
    description: "Names that the host had in these options before: its previews are taken over.",
  }),
);

/** Defines the option for the address of a self-hosted host. */
const toUrl = (description: string) =>
  Type.Optional(
    Type.String({
      pattern: "^https?://[^\\s]{1,2000}$",
      expected: "an address such as https://git.example.org",
      description,
    }),
  );

const GitHubOptions = Type.Object(
  {
    type: Type.Literal("github"),
    appId: Type.Optional(Type.Integer({ minimum: 1, description: "Of the GitHub App. With it facts are looked up." })),
    key: Type.Optional(SecretReferenceSchema),
    secrets: SecretsOfPolled,
    people: People,
    pull: Poll,
    reports: Reports,
    commits: Commits,
    former: Former,
    url: toUrl("Of GitHub Enterprise."),
  },
  closed,
);
const GitHubTokenOptions = Type.Object(
  {
    type: Type.Literal("github"),
    token: SecretReferenceSchema,
    secrets: Secrets,
    people: People,
    reports: Reports,
    commits: Commits,
    former: Former,
    url: GitHubOptions.properties.url,
  },
  closed,
);
const GitLabOptions = Type.Object(
  {
    type: Type.Literal("gitlab"),
    token: Type.Optional(SecretReferenceSchema),
    secrets: SecretsOfPolled,
    people: People,
    pull: Poll,
    reports: Reports,
    commits: Commits,
    former: Former,
    url: toUrl("Of a self-managed GitLab."),
  },
  closed,
);
const StandardOptions = Type.Object({ type: Type.Literal("standard"), secrets: Secrets }, closed);

/** A code host, or another sender of signed messages. */
export const HostOptions = Type.Union([GitHubOptions, GitHubTokenOptions, GitLabOptions, StandardOptions]);
export type HostOptions = Static<typeof HostOptions>;

const DEFAULT_POLL_MS = 60_000;
const LEAST_POLL_MS = 10_000;
/** GitHub stores deliveries for three days. */
const MOST_POLL_MS = 86_400_000;

/** Returns the option `pull`. In this package, a pull is a pull request, and reading at the host is polling. */
function findPollOption(options: HostOptions): string | undefined {
  return "pull" in options ? options.pull : undefined;
}

/** Returns true for a host that cannot reach the yard: all its deliveries are read. */
export function isPolledOnly({ options }: { readonly options: HostOptions }): boolean {
  return findPollOption(options) === "only";
}

/** Returns how often deliveries are read, in milliseconds. Throws `CONFIG_INVALID`. */
export function toPollMs({ name, options }: { readonly name: string; readonly options: HostOptions }): number {
  checkApp(name, options);
  const pull = findPollOption(options);
  if (pull !== undefined && findKey(options) === undefined) {
    const needed = options.type === "github" ? '"appId" and "key"' : '"token"';
    throw new StackyardError("CONFIG_INVALID", `hosts.${name}.pull needs ${needed}: deliveries are read with them.`);
  }
  if (pull !== "only" && options.secrets === undefined) {
    const advice = 'Add the secrets of the webhook, or set pull: "only".';
    throw new StackyardError("CONFIG_INVALID", `hosts.${name}.secrets is missing. ${advice}`);
  }
  if (pull === undefined || pull === "only") return DEFAULT_POLL_MS;
  const ms = parseDuration(pull) ?? 0;
  if (ms >= LEAST_POLL_MS && ms <= MOST_POLL_MS) return ms;
  throw new StackyardError("CONFIG_INVALID", `hosts.${name}.pull: "${pull}" must be at least 10s and at most 24h.`);
}

/** Throws `CONFIG_INVALID` for an incomplete App, which would be ignored silently. */
function checkApp(name: string, options: HostOptions): void {
  if (!("appId" in options || "key" in options)) return;
  const { appId, key } = options;
  if ((appId === undefined) === (key === undefined)) return;
  const [there, missing] = appId === undefined ? ["key", "appId"] : ["appId", "key"];
  throw new StackyardError("CONFIG_INVALID", `hosts.${name}.${there} needs "${missing}" too: both are of the App.`);
}

/** Returns the former names of a host. */
export function listFormer(options: HostOptions): readonly string[] {
  return "former" in options ? (options.former ?? []) : [];
}

/** Throws `CONFIG_INVALID` for a former name that is one of another host. */
export function checkFormer(hosts: Readonly<Record<string, HostOptions>>): void {
  const seen = new Map(Object.keys(hosts).map((name) => [name, name]));
  for (const [name, options] of Object.entries(hosts)) {
    for (const former of listFormer(options)) {
      const other = seen.get(former);
      if (other !== undefined) {
        throw new StackyardError("CONFIG_INVALID", `hosts.${name}.former: "${former}" is a name of "${other}" too.`);
      }
      seen.set(former, name);
    }
  }
}

/** Returns what opens the API of a host. */
export function findKey(options: HostOptions): SecretReference | undefined {
  if (options.type === "standard") return undefined;
  if (options.type === "gitlab" || "token" in options) return options.token;
  return "appId" in options ? options.key : undefined;
}

const PUBLIC_APIS = { github: "https://api.github.com", gitlab: "https://gitlab.com" };

/** Returns the address of a host's API; undefined for one that is not called. */
export function findApi(options: HostOptions): string | undefined {
  if (options.type === "standard" || findKey(options) === undefined) return undefined;
  return options.url ?? PUBLIC_APIS[options.type];
}

/** Options of the plugin. */
export const HostsOptions = Type.Object(
  {
    hosts: Type.Optional(
      Type.Record(Type.String({ pattern: "^[a-z][a-z0-9-]{0,31}$" }), HostOptions, { ...closed, maxProperties: 20 }),
    ),
    documents: Type.Optional(
      Type.String({ minLength: 1, maxLength: 4_096, description: "The folder of mapping documents. Default: hooks." }),
    ),
  },
  closed,
);
export type HostsOptions = Static<typeof HostsOptions>;
