import { createHash } from "node:crypto";
import {
  type ReleaseConstants,
  type ReleaseDeps,
  ReleaseError,
  type ReleaseWork,
  toReleaseError,
} from "../release-state.ts";
import { toServiceOrder } from "./names.ts";

/** What user data may be told, by the names of the document; `{ ...release, service_name }` fits. */
export interface UserDataFacts {
  readonly release_id?: string;
  readonly project_name?: string;
  readonly config_name?: string;
  readonly service_name?: string;
  readonly bucket?: string;
  readonly aws_account_id?: string;
  readonly aws_region?: string;
}

type Fact = (facts: UserDataFacts) => string | undefined;

const SEED_FACTS = new Map<string, Fact>([
  ["RELEASE_ID", ({ release_id }) => release_id],
  ["PROJECT_NAME", ({ project_name }) => project_name],
  ["CONFIG_NAME", ({ config_name }) => config_name],
  ["SERVICE_NAME", ({ service_name }) => service_name],
]);

const FACTS: ReadonlyMap<ReleaseConstants["generation"], ReadonlyMap<string, Fact>> = new Map([
  ["step-asg-deployer", SEED_FACTS],
  [
    "odin",
    new Map<string, Fact>([
      ...SEED_FACTS,
      ["RELEASE_BUCKET", ({ bucket }) => bucket],
      ["AWS_ACCOUNT_ID", ({ aws_account_id }) => aws_account_id],
      ["AWS_REGION", ({ aws_region }) => aws_region],
      ["SHARED_PROJECT_DIR", ({ aws_account_id, project_name }) => join(aws_account_id, project_name, "_shared")],
      ["RELEASE_DIR", (facts) => join(facts.aws_account_id, facts.project_name, facts.config_name, facts.release_id)],
    ]),
  ],
]);

/**
 * Puts facts in the place of tokens such as `{{RELEASE_ID}}`, in one pass: what was put in is not looked at again. A token that
 * the generation does not know stays; a fact that is not there is the empty text.
 */
export function renderUserData(
  template: string | undefined,
  facts: UserDataFacts,
  generation: ReleaseConstants["generation"] = "odin",
): string {
  const known = FACTS.get(generation);
  return (template ?? "").replaceAll(/\{\{([A-Z_]+)\}\}/g, (token, name: string) => {
    const fact = known?.get(name);
    return fact ? (fact(facts) ?? "") : token;
  });
}

function join(...parts: readonly (string | undefined)[]): string {
  return parts.includes(undefined) ? "" : parts.join("/");
}

/** What looks like a secret, and what it is called. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----/, "a private key"],
  // IAM User Guide, "Understanding unique ID prefixes": access keys, and those of sessions.
  [/\b(?:AKIA|ASIA)[A-Z2-7]{16}\b/, "an AWS access key"],
  [/\bgh[pousr]_[A-Za-z0-9]{36,}/, "a GitHub token"],
  [/\bxox[abprs]-[A-Za-z0-9-]{10,}/, "a Slack token"],
  [/\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]+:[^\s/@${}]+@/i, "a password in a URL"],
  // A value that is read from elsewhere when the server boots is no secret.
  [/(?:password|passwd|secret|token|api_?key)["']?\s*[=:]\s*["']?[^\s"'$<{(`]{8,}/i, "a password or token"],
];

/**
 * Where user data seems to hold a secret, a sentence each, without the secret: whoever may describe launch templates or reach an
 * instance's metadata reads it. A guess, so that it warns and refuses nothing.
 */
export function findSecrets(userData: string): readonly string[] {
  return userData.split("\n").flatMap((line, index) => {
    // Longer user data is refused for its size anyhow.
    const [, what] = PATTERNS.find(([pattern]) => pattern.test(line.slice(0, MAX_USER_DATA_BYTES))) ?? [];
    if (what === undefined) return [];
    return [
      `Line ${index + 1} of the user data looks like ${what}. Others can read it: load it when the server boots.`,
    ];
  });
}

/** SHA-256 of user data as it is stored, not rendered; hex. */
export function hashUserData(userData: string): string {
  return createHash("sha256").update(userData, "utf8").digest("hex");
}

/** The most that EC2 takes, before base64 (EC2 User Guide, instance user data). */
const MAX_USER_DATA_BYTES = 16_384;

/** Why rendered user data cannot be used; `undefined`: it can. */
export function findUserDataFault(rendered: string): string | undefined {
  const bytes = Buffer.byteLength(rendered);
  if (bytes <= MAX_USER_DATA_BYTES) return undefined;
  return `The user data has ${bytes} bytes with its values put in, and EC2 takes ${MAX_USER_DATA_BYTES}. Load the rest from a bucket.`;
}

/**
 * The user data of each service, rendered, by the service's name. It is read again and must still be what the document says. Throws
 * `RELEASE_HALTED`: nothing is created without it, so there is nothing to clean up.
 */
export async function loadUserData(
  deps: ReleaseDeps,
  { release }: Pick<ReleaseWork, "release">,
): Promise<Readonly<Record<string, string>>> {
  const { generation } = deps.constants;
  const template = release.user_data ?? (await loadStored(deps, release));
  const rendered = toServiceOrder(release).map(({ service_name }) => {
    const text = renderUserData(template, { ...release, service_name }, generation);
    const fault = findUserDataFault(text);
    if (fault !== undefined) throw new ReleaseError("RELEASE_HALTED", `Service(${service_name}) Error: ${fault}`);
    return [service_name, text] as const;
  });
  return Object.fromEntries(rendered);
}

async function loadStored(deps: ReleaseDeps, release: ReleaseWork["release"]): Promise<string> {
  const what = `The user data of release "${release.release_id}"`;
  const stored = await read(deps, release, what);
  if (stored === undefined) {
    throw new ReleaseError("RELEASE_HALTED", `${what} is not there any more. Deploy again, with a new release id.`);
  }
  const hash = hashUserData(stored);
  if (hash === release.user_data_sha256) return stored;
  const message = `${what} was changed after it had been checked: its SHA-256 is ${hash}, not ${release.user_data_sha256}.`;
  throw new ReleaseError("RELEASE_HALTED", `${message} Find out by whom, and deploy again.`);
}

async function read(deps: ReleaseDeps, release: ReleaseWork["release"], what: string): Promise<string | undefined> {
  try {
    return await deps.memory.loadUserData(release);
  } catch (error) {
    deps.signal.throwIfAborted();
    throw toReleaseError("RELEASE_HALTED", error, `${what} cannot be read.`);
  }
}
