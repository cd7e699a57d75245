import { defined } from "@stackyard/core";
import { hashRelease, parseRelease } from "../document/parse-release.ts";
import { type Release, toServiceOrder } from "../document/release.ts";
import { toLetters, toReleaseId } from "../plan/names.ts";
import { assessRelease } from "../plan/plan-release.ts";
import { findSecrets, findUserDataFault, hashUserData, renderUserData } from "../plan/user-data.ts";
import { ReleaseError } from "../release-errors.ts";
import type { ReleaseDeps, ReleaseState, ReleaseTask, ReleaseWork, ServiceState } from "../release-state.ts";
import type { ReleaseVerdict } from "../resources/evaluate-release.ts";

/** Input of Validate. */
export interface ValidateInput {
  /** The document of the call: text, or a parsed value. */
  readonly document: unknown;
  /** The user data of the call, if any. Default: as stored. */
  readonly userData?: string;
  /** The deployer's account: default for the release's account, and part of the default bucket name. */
  readonly deployerAccount?: string;
  /** Default for the release's region. */
  readonly region?: string;
}

/**
 * Runs the state Validate: parses the document, compares it with the second channel before defaults are filled in,
 * verifies the hash of the user data, and starts the execution with a new id. Throws `RELEASE_UNREADABLE` or
 * `BAD_RELEASE` with all problems.
 */
export async function validateRelease(deps: ReleaseDeps, input: ValidateInput): Promise<ReleaseWork> {
  const { constants, clock, random } = deps;
  const now = clock.now();
  const release = parse(deps, input, now);
  await checkSecondChannel(deps, release, input.document);
  if (constants.generation === "odin") checkUserData(deps, release, await loadUserData(deps, release, input.userData));
  else reportSecrets(deps, release.user_data ?? "");
  const uuid = toReleaseId(now, toLetters(random));
  return { release, state: toFirstState(release, { uuid, now }) };
}

function parse({ constants }: ReleaseDeps, input: ValidateInput, now: number): Release {
  const { document, deployerAccount, region } = input;
  const options = { constants, now, account: deployerAccount, region, deployerAccount };
  const parsed = parseRelease(document, options);
  if (parsed.kind === "parsed") return parsed.release;
  const [first] = parsed.problems;
  const code = first?.class === "UnmarshalError" ? "RELEASE_UNREADABLE" : "BAD_RELEASE";
  throw new ReleaseError(code, parsed.problems.map(({ message }) => message).join("\n"));
}

async function checkSecondChannel({ memory, constants }: ReleaseDeps, release: Release, document: unknown) {
  if (!memory.isSecondChannel) return;
  const stored = await orBadRelease(() => memory.loadDocument(release), "Cannot read the release from its bucket");
  if (stored === undefined) {
    throw bad(release, `Its document is not in ${release.bucket}. Upload it before you call the deployer.`);
  }
  // Compare before defaults are filled in: keys that a client left out must be missing in both.
  const isSame = await orBadRelease(
    async () => toHash(stored, constants) === toHash(document, constants),
    "The release in its bucket is not a document",
  );
  if (isSame) return;
  throw bad(release, `Its document in ${release.bucket} differs from the one in the call.`);
}

/** Returns the hash of a stored value. A value that is not a document does not match. */
function toHash(document: unknown, constants: ReleaseDeps["constants"]): string {
  const value: unknown = typeof document === "string" ? JSON.parse(document) : document;
  return hashRelease(value, constants);
}

async function loadUserData({ memory }: ReleaseDeps, release: Release, given: string | undefined): Promise<string> {
  const text = given ?? (await orBadRelease(() => memory.loadUserData(release), "Cannot read the user data"));
  if (text === undefined) throw bad(release, `Its user data is not in ${release.bucket}.`);
  return text;
}

/** Checks the user data against the document's hash and the limits of EC2. */
function checkUserData(deps: ReleaseDeps, release: Release, text: string): void {
  const found = hashUserData(text);
  if (found !== release.user_data_sha256) {
    throw bad(release, `The user data has the SHA-256 ${found}, and user_data_sha256 is ${release.user_data_sha256}.`);
  }
  const faults = Object.keys(release.services).flatMap((service_name) => {
    const fault = findUserDataFault(renderUserData(text, { ...release, service_name }));
    return fault === undefined ? [] : [`Service(${service_name}) Error: ${fault}`];
  });
  if (faults.length > 0) throw bad(release, faults.join("\n"));
  reportSecrets(deps, text);
}

function reportSecrets({ report, logger }: ReleaseDeps, userData: string): void {
  for (const warning of findSecrets(userData)) {
    report(`warning: ${warning}`);
    logger.warn(warning);
  }
}

async function orBadRelease<Result>(read: () => Promise<Result>, what: string): Promise<Result> {
  try {
    return await read();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ReleaseError("BAD_RELEASE", `${what}: ${why}`, { cause: error });
  }
}

function bad({ release_id }: Release, what: string): ReleaseError {
  return new ReleaseError("BAD_RELEASE", `Release(${release_id}) Error: ${what}`);
}

function toFirstState(release: Release, { uuid, now }: { readonly uuid: string; readonly now: number }): ReleaseState {
  const services = Object.keys(release.services).map((name) => [name, { healthy: false, stable: 0 }]);
  return {
    uuid,
    started_at: new Date(now).toISOString(),
    healthy: false,
    wait_for_detach: 0,
    services: Object.fromEntries(services),
  };
}

/**
 * Looks up the resources and previous groups of a release; read-only. Throws `BAD_RELEASE` with all problems, one per
 * line.
 */
export const validateResources: ReleaseTask = async (deps, { release, state }) => {
  const verdict = await assessRelease(deps, release);
  report(deps, verdict);
  const [first] = verdict.problems;
  if (first !== undefined) {
    const message = verdict.problems.map((each) => each.message).join("\n");
    throw new ReleaseError("BAD_RELEASE", message, defined({ cause: first.cause }));
  }
  return toState(state, release, verdict);
};

function report({ report: tell, logger }: ReleaseDeps, { warnings }: ReleaseVerdict): void {
  for (const warning of warnings) {
    tell(`warning: ${warning}`);
    logger.warn(warning);
  }
}

function toState(state: ReleaseState, release: Release, verdict: ReleaseVerdict): ReleaseState {
  const services = toServiceOrder(release).map(({ service_name: name }): [string, ServiceState] => {
    const { resources, previous } = verdict.services[name] ?? {};
    const known = { healthy: false, stable: 0, ...(resources && { resources }) };
    return [name, previous === undefined ? known : { ...known, previous_desired_capacity: previous.desired }];
  });
  return {
    ...state,
    wait_for_detach: verdict.waitForDetachSeconds,
    services: Object.fromEntries(services),
    ...defined({ previous_release_id: verdict.previousReleaseId }),
  };
}
