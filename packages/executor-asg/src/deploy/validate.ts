import { hashRelease, parseRelease } from "../document/parse-release.ts";
import type { Release } from "../document/release.ts";
import { toLetters, toReleaseId, toServiceOrder } from "../plan/names.ts";
import { assessRelease } from "../plan/plan-release.ts";
import { findSecrets, findUserDataFault, hashUserData, renderUserData } from "../plan/user-data.ts";
import {
  type ReleaseDeps,
  ReleaseError,
  type ReleaseState,
  type ReleaseTask,
  type ReleaseWork,
  type ServiceState,
} from "../release-state.ts";
import type { ReleaseVerdict } from "../resources/judge-release.ts";

/** What a release begins with. */
export interface ValidateInput {
  /** As it came with the call: text, or the value that it is. */
  readonly document: unknown;
  /** As it came with the call, where it did. Default: as the memory has it. */
  readonly userData?: string;
  /** The account that the deployer runs in: a default for the release's, and part of the bucket's default name. */
  readonly deployerAccount?: string;
  /** A default for the release's. */
  readonly region?: string;
}

/**
 * The state Validate: reads the document, by the deployer's clock; compares it with what the second channel has, before any default is
 * filled in; compares the user data with its hash; and begins the execution under an id of its own. Throws `RELEASE_UNREADABLE` or
 * `BAD_RELEASE` with everything that is wrong.
 */
export async function validateRelease(deps: ReleaseDeps, input: ValidateInput): Promise<ReleaseWork> {
  const { constants, clock, random } = deps;
  const now = clock.now();
  const release = parse(deps, input, now);
  await checkSecondChannel(deps, release, input.document);
  if (constants.generation === "odin") checkUserData(deps, release, await loadUserData(deps, release, input.userData));
  else tellSecrets(deps, release.user_data ?? "");
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
  const stored = await insist(() => memory.loadDocument(release), "The release could not be read from its bucket");
  if (stored === undefined) {
    throw bad(release, `There is no document of it in ${release.bucket}. Put it there before the deployer is called.`);
  }
  // Before defaults: what a client left out must be left out in both.
  const isSame = await insist(
    async () => toHash(stored, constants) === toHash(document, constants),
    "The release in its bucket is no document",
  );
  if (isSame) return;
  throw bad(release, `Its document in ${release.bucket} is another one than the deployer was called with.`);
}

/** Who stores something that is no document has not stored this one. */
function toHash(document: unknown, constants: ReleaseDeps["constants"]): string {
  const value: unknown = typeof document === "string" ? JSON.parse(document) : document;
  return hashRelease(value, constants);
}

async function loadUserData({ memory }: ReleaseDeps, release: Release, given: string | undefined): Promise<string> {
  const text = given ?? (await insist(() => memory.loadUserData(release), "The user data could not be read"));
  if (text === undefined) throw bad(release, `There is no user data of it in ${release.bucket}.`);
  return text;
}

/** It must be what the document says, and what EC2 takes. */
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
  tellSecrets(deps, text);
}

function tellSecrets({ report, logger }: ReleaseDeps, userData: string): void {
  for (const warning of findSecrets(userData)) {
    report(`warning: ${warning}`);
    logger.warn(warning);
  }
}

async function insist<Result>(read: () => Promise<Result>, what: string): Promise<Result> {
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
 * Finds what the names of a release mean, whether it may use that, and which groups it follows on. Changes nothing. Throws
 * `BAD_RELEASE` with every problem, a line each.
 */
export const validateResources: ReleaseTask = async (deps, { release, state }) => {
  const verdict = await assessRelease(deps, release);
  report(deps, verdict);
  const [first] = verdict.problems;
  if (first !== undefined) {
    const message = verdict.problems.map((each) => each.message).join("\n");
    throw new ReleaseError("BAD_RELEASE", message, first.cause === undefined ? {} : { cause: first.cause });
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
    ...(verdict.previousReleaseId !== undefined && { previous_release_id: verdict.previousReleaseId }),
  };
}
