import { parseRelease } from "../document/parse-release.ts";
import { readJson } from "../document/read-json.ts";
import type { Release } from "../document/release.ts";
import type { ReleaseProblem, ReleaseWarning } from "../document/release-problem.ts";
import { toReleaseId } from "../names/release-id.ts";
import type { ReleaseConstants } from "../release-constants.ts";
import { findSecrets } from "../user-data/find-secrets.ts";
import { hashUserData } from "../user-data/hash-user-data.ts";
import { renderUserData } from "../user-data/render-user-data.ts";
import { findUserDataFault } from "../user-data/user-data-size.ts";

/** A release file, and what its client knows beside it. */
export interface PrepareInput {
  readonly text: string;
  /** Of `<file>.userdata`; undefined: there is none. */
  readonly userData: string | undefined;
  /** What people call that file. */
  readonly userDataFile: string;
  readonly constants: ReleaseConstants;
  /** Epoch ms. */
  readonly now: number;
  /** Seven, for the release's id. */
  readonly letters: string;
  /** Defaults where the document does not say. */
  readonly account?: string;
  readonly region?: string;
  readonly bucket?: string;
}

/** What is sent to a deployer, or why it cannot be. */
export type PreparedRelease =
  | {
      readonly kind: "prepared";
      /** As it is sent: the file's content with a new id, without our defaults. */
      readonly document: Readonly<Record<string, unknown>>;
      /** What goes beside it; seed documents hold it themselves. */
      readonly userData?: string;
      readonly release: Release;
      readonly warnings: readonly ReleaseWarning[];
    }
  | { readonly kind: "refused"; readonly problems: readonly ReleaseProblem[] };

/** Stands for what only the deployer knows, while the rest is checked. */
const UNKNOWN = { account: "000000000000", region: "us-east-1" } as const;

/**
 * Makes a release of a file as the predecessor's client did: a new `release_id`, `created_at` of now, no `uuid`, the hash of the
 * user data; and finds everything that is wrong with it.
 */
export function prepareRelease(input: PrepareInput): PreparedRelease {
  const { text, constants, now, account, region } = input;
  const read = readJson(text);
  if (read.kind === "refused") return read;
  const document = isMap(read.value) ? fillDocument(read.value, input) : read.value;
  const parsed = parseRelease(document, {
    constants,
    now,
    account: account ?? UNKNOWN.account,
    region: region ?? UNKNOWN.region,
  });
  const missing = findMissingUserData(document, input);
  if (parsed.kind === "refused" || !isMap(document)) {
    const problems = parsed.kind === "refused" ? parsed.problems : [];
    return { kind: "refused", problems: [...withoutHash(problems, missing), ...missing] };
  }
  const problems = [...missing, ...findLargeUserData(parsed.release, input)];
  if (problems.length > 0) return { kind: "refused", problems };
  const warnings = [...parsed.warnings, ...findUnsaid(document), ...warnOfSecrets(parsed.release, input)];
  return {
    kind: "prepared",
    document,
    release: parsed.release,
    warnings,
    ...(constants.generation === "odin" && input.userData !== undefined ? { userData: input.userData } : {}),
  };
}

type Document = Readonly<Record<string, unknown>>;

function fillDocument(given: Document, input: PrepareInput): Document {
  const { constants, now, letters, account, region, bucket, userData } = input;
  const { uuid: _uuid, ...rest } = given;
  const isOdin = constants.generation === "odin";
  return {
    ...(account === undefined ? {} : { aws_account_id: account }),
    ...(bucket === undefined ? {} : { bucket }),
    ...(region === undefined ? {} : { aws_region: region }),
    ...rest,
    ...(!isOdin && rest["user_data"] === PLACEHOLDER && userData !== undefined ? { user_data: userData } : {}),
    ...(isOdin && userData !== undefined ? { user_data_sha256: hashUserData(userData) } : {}),
    release_id: toReleaseId(now, letters),
    created_at: new Date(now).toISOString(),
  };
}

/** A seed document that holds exactly this wants the file beside it. */
const PLACEHOLDER = "{{USER_DATA_FILE}}";

function findMissingUserData(document: unknown, input: PrepareInput): readonly ReleaseProblem[] {
  const { constants, userData, userDataFile } = input;
  if (userData !== undefined || !isMap(document)) return [];
  const isOdin = constants.generation === "odin";
  if (!isOdin && document["user_data"] !== PLACEHOLDER) return [];
  const message = `There is no user data: write it to "${userDataFile}".`;
  const pointer = isOdin ? "/user_data_sha256" : "/user_data";
  return [{ class: "BadReleaseError", code: "release-user-data-file", pointer, message }];
}

/** The hash is missing because the file is: said once. */
function withoutHash(problems: readonly ReleaseProblem[], missing: readonly ReleaseProblem[]) {
  return problems.filter(({ pointer }) => missing.every((each) => each.pointer !== pointer));
}

function findLargeUserData(release: Release, { constants, userData }: PrepareInput): readonly ReleaseProblem[] {
  const template = release.user_data ?? userData;
  return Object.keys(release.services).flatMap((service_name) => {
    const fault = findUserDataFault(renderUserData(template, { ...release, service_name }, constants.generation));
    if (fault === undefined) return [];
    const message = `Service(${service_name}) Error: ${fault}`;
    return [
      { class: "BadReleaseError", code: "release-user-data-size", pointer: "/user_data_sha256", message },
    ] as const;
  });
}

function findUnsaid(document: Document): readonly ReleaseWarning[] {
  return (["aws_account_id", "aws_region"] as const)
    .filter((key) => document[key] === undefined || document[key] === null)
    .map((key) => ({
      code: "release-place-unsaid" as const,
      pointer: `/${key}`,
      message: `${key} is not given: the deployer's own counts.`,
    }));
}

function warnOfSecrets(release: Release, { userData }: PrepareInput): readonly ReleaseWarning[] {
  const pointer = release.user_data === undefined ? "/user_data_sha256" : "/user_data";
  return findSecrets(release.user_data ?? userData ?? "").map((message) => ({
    code: "release-user-data-secret",
    pointer,
    message,
  }));
}

function isMap(value: unknown): value is Document {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
