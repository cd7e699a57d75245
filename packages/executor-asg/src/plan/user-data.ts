import { createHash } from "node:crypto";
import { toServiceOrder } from "../document/release.ts";
import type { ReleaseConstants } from "../presets.ts";
import { ReleaseError, toReleaseError } from "../release-errors.ts";
import type { ReleaseDeps, ReleaseWork } from "../release-state.ts";

/** Values for the placeholders in user data, named as in the document; `{ ...release, service_name }` fits. */
export interface UserDataFacts {
  readonly release_id?: string;
  readonly project_name?: string;
  readonly config_name?: string;
  readonly service_name?: string;
  readonly bucket?: string;
  readonly aws_account_id?: string;
  readonly aws_region?: string;
}

/**
 * Replaces placeholders such as `{{RELEASE_ID}}` in one pass; replaced text is not scanned again. Unknown placeholders
 * stay; missing values become an empty string.
 */
export function renderUserData(
  template: string | undefined,
  facts: UserDataFacts,
  generation: ReleaseConstants["generation"] = "odin",
): string {
  const known = toPlaceholders(facts, generation);
  return (template ?? "").replaceAll(/\{\{([A-Z_]+)\}\}/g, (token, name: string) => {
    return known.has(name) ? (known.get(name) ?? "") : token;
  });
}

/** Returns the values of all placeholders that a generation knows. */
function toPlaceholders(
  { release_id, project_name, config_name, service_name, bucket, aws_account_id, aws_region }: UserDataFacts,
  generation: ReleaseConstants["generation"],
): ReadonlyMap<string, string | undefined> {
  const ofBoth = [
    ["RELEASE_ID", release_id],
    ["PROJECT_NAME", project_name],
    ["CONFIG_NAME", config_name],
    ["SERVICE_NAME", service_name],
  ] as const;
  if (generation === "step-asg-deployer") return new Map(ofBoth);
  return new Map([
    ...ofBoth,
    ["RELEASE_BUCKET", bucket],
    ["AWS_ACCOUNT_ID", aws_account_id],
    ["AWS_REGION", aws_region],
    ["SHARED_PROJECT_DIR", join(aws_account_id, project_name, "_shared")],
    ["RELEASE_DIR", join(aws_account_id, project_name, config_name, release_id)],
  ]);
}

function join(...parts: readonly (string | undefined)[]): string {
  return parts.includes(undefined) ? "" : parts.join("/");
}

/** Patterns of secrets, and their names. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----/, "a private key"],
  // IAM User Guide, "Understanding unique ID prefixes": access keys, and those of sessions.
  [/\b(?:AKIA|ASIA)[A-Z2-7]{16}\b/, "an AWS access key"],
  [/\bgh[pousr]_[A-Za-z0-9]{36,}/, "a GitHub token"],
  [/\bxox[abprs]-[A-Za-z0-9-]{10,}/, "a Slack token"],
  [/\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]+:[^\s/@${}]+@/i, "a password in a URL"],
  // A value that is loaded when the server boots is not a secret.
  [/(?:password|passwd|secret|token|api_?key)["']?\s*[=:]\s*["']?[^\s"'$<{(`]{8,}/i, "a password or token"],
];

/**
 * Returns a sentence for each line of user data that looks like a secret, without the secret. User data is visible to
 * everyone who can describe launch templates or reach the instance metadata. This is a guess, so it only warns.
 */
export function findSecrets(userData: string): readonly string[] {
  return userData.split("\n").flatMap((line, index) => {
    // Longer user data is rejected for its size.
    const [, what] = PATTERNS.find(([pattern]) => pattern.test(line.slice(0, MAX_USER_DATA_BYTES))) ?? [];
    if (what === undefined) return [];
    return [
      `Line ${index + 1} of the user data looks like ${what}, and others can read it. Load it when the server boots.`,
    ];
  });
}

/** Returns the SHA-256 of user data as stored, not rendered; hex. */
export function hashUserData(userData: string): string {
  return createHash("sha256").update(userData, "utf8").digest("hex");
}

/** Maximum size accepted by EC2, before base64 (EC2 User Guide, instance user data). */
const MAX_USER_DATA_BYTES = 16_384;

/** Returns why rendered user data cannot be used, or undefined. */
export function findUserDataFault(rendered: string): string | undefined {
  const bytes = Buffer.byteLength(rendered);
  if (bytes <= MAX_USER_DATA_BYTES) return undefined;
  return `The rendered user data has ${bytes} bytes; EC2 accepts ${MAX_USER_DATA_BYTES}. Load the rest from a bucket.`;
}

/**
 * Returns the rendered user data of each service, by name. Reads the stored user data again and verifies its hash.
 * Throws `RELEASE_HALTED`: nothing was created yet, so there is nothing to clean up.
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
    throw new ReleaseError("RELEASE_HALTED", `${what} no longer exists. Deploy again with a new release id.`);
  }
  const hash = hashUserData(stored);
  if (hash === release.user_data_sha256) return stored;
  const message = `${what} was changed after validation: its SHA-256 is ${hash}, not ${release.user_data_sha256}.`;
  throw new ReleaseError("RELEASE_HALTED", `${message} Find out who changed it, and deploy again.`);
}

async function read(deps: ReleaseDeps, release: ReleaseWork["release"], what: string): Promise<string | undefined> {
  try {
    return await deps.memory.loadUserData(release);
  } catch (error) {
    deps.signal.throwIfAborted();
    throw toReleaseError("RELEASE_HALTED", error, `${what} cannot be read.`);
  }
}
