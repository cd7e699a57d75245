import { findProjectFault } from "../../names/execution-name.ts";
import type { ReleaseConstants } from "../../release-constants.ts";
import { parseInstant } from "../parse-instant.ts";
import type { RawRelease } from "../raw-release.ts";
import { type Fault, quote } from "../release-problem.ts";
import { DETACH_STRATEGIES, MAX_TIMEOUT_SECONDS } from "../schema/release-schema.ts";

/** What the rules know beside the document. */
export interface RuleContext {
  readonly generation: ReleaseConstants["generation"];
  /** Epoch milliseconds of the deployer's clock; absent: the age of the document is not checked. */
  readonly now?: number | undefined;
}

/** The rules that every kind of release has; their messages have no release before them. */
export function* checkBase(raw: RawRelease, context: RuleContext): Generator<Fault> {
  for (const [key, code, what] of NAMES) {
    if (!raw[key]) yield { code, pointer: `/${key}`, message: `${key} must be defined: ${what}.` };
  }
  if (raw.created_at === undefined) {
    yield { code: "release-created-at-missing", pointer: "/created_at", message: "created_at must be defined." };
  } else yield* checkAge(raw.created_at, context);
  yield* checkNames(raw);
}

const NAMES = [
  ["aws_account_id", "release-account-missing", "the account to deploy to"],
  ["aws_region", "release-region-missing", "the region to deploy to"],
  ["release_id", "release-id-missing", "a name that no release had before"],
  ["project_name", "release-project-missing", "such as org/name"],
  ["config_name", "release-config-missing", "such as production"],
  ["bucket", "release-bucket-missing", "where the deployer keeps releases"],
] as const;

/** Seconds that a document may be old, and ahead of the deployer's clock. */
const WINDOWS = { odin: [864_000, 120], "step-asg-deployer": [300, 120] } as const;

function* checkAge(createdAt: string, { generation, now }: RuleContext): Generator<Fault> {
  const at = parseInstant(createdAt);
  if (at === undefined || now === undefined) return;
  const [past, future] = WINDOWS[generation];
  const pointer = "/created_at";
  const seconds = (now - at) / 1000;
  const clock = `the deployer's clock says ${toIso(now)}`;
  if (seconds >= past) {
    const message = `created_at ${createdAt} is ${Math.floor(seconds)} s old; it must be younger than ${past} s (${clock}). Deploy again.`;
    yield { code: "release-created-at-too-old", pointer, message };
  } else if (seconds <= -future) {
    const message = `created_at ${createdAt} is ${Math.floor(-seconds)} s ahead; less than ${future} s are allowed (${clock}). Set the clock of the client.`;
    yield { code: "release-created-at-in-future", pointer, message };
  }
}

function toIso(now: number): string {
  return Math.abs(now) <= 8.64e15 ? new Date(now).toISOString() : String(now);
}

/** The longest value of a tag (Auto Scaling, Tag): the id of a release is one. */
const MAX_RELEASE_ID = 256;

function* checkNames(raw: RawRelease): Generator<Fault> {
  const { release_id = "", project_name = "", config_name = "" } = raw;
  for (const [key, name] of Object.entries({ release_id, project_name, config_name })) {
    if (name !== "" && !isSafe(name)) {
      const message = `${key} is ${quote(name)}: it becomes part of paths, so it may hold no control characters and no part that is empty, "." or "..".`;
      yield { code: "release-name-unsafe", pointer: `/${key}`, message };
    }
  }
  if (release_id.length > MAX_RELEASE_ID) {
    const message = `release_id has ${release_id.length} characters; ${MAX_RELEASE_ID} are the limit.`;
    yield { code: "release-id-too-long", pointer: "/release_id", message };
  }
  const message = findProjectFault({ project_name, config_name });
  if (message !== undefined) {
    yield { code: "release-name-too-long", pointer: "/project_name", with: ["/config_name"], message };
  }
}

/** True for a name that cannot lead a path elsewhere. */
export function isSafe(name: string): boolean {
  if (/\p{Cc}/u.test(name) || !name.isWellFormed()) return false;
  return name.split("/").every((part) => !["", ".", ".."].includes(part));
}

/** The release's own rules, services aside. */
export function* checkOwn(raw: RawRelease, { generation }: RuleContext): Generator<Fault> {
  const { timeout = 1, detach_strategy = "Detach" } = raw;
  if (timeout > MAX_TIMEOUT_SECONDS && generation === "odin") {
    const message = `timeout is ${timeout} s; ${MAX_TIMEOUT_SECONDS} s (48 hours) are the limit.`;
    yield { code: "release-timeout-too-long", pointer: "/timeout", message };
  } else if (timeout <= 0) {
    const message = `timeout is ${timeout} s: the release would be over before it begins. Give at least 1.`;
    yield { code: "release-timeout-not-positive", pointer: "/timeout", message };
  }
  if (!DETACH_STRATEGIES.some((known) => known === detach_strategy)) {
    const message = `detach_strategy is ${quote(detach_strategy)}; it must be one of ${DETACH_STRATEGIES.join(", ")}.`;
    yield { code: "release-detach-strategy-unknown", pointer: "/detach_strategy", message };
  }
  if (raw.ami === undefined) {
    yield { code: "release-ami-missing", pointer: "/ami", message: "AMI image must be provided: an id, or a Name." };
  }
  if (generation === "odin" && !raw.user_data_sha256) {
    const message = "user_data_sha256 must be defined: the SHA-256 of the user data that is stored beside.";
    yield { code: "release-user-data-hash-missing", pointer: "/user_data_sha256", message };
  }
  if (generation === "step-asg-deployer" && !raw.user_data) {
    yield { code: "release-user-data-missing", pointer: "/user_data", message: "user_data must be defined." };
  }
}

/** Every service must know where to go: the release has subnets, or each service its own. */
export function* checkSubnets(raw: RawRelease): Generator<Fault> {
  if (raw.subnets !== undefined && raw.subnets.length > 0) return;
  const services = Object.values(raw.services ?? {});
  if (raw.subnets === undefined && services.length > 0 && services.every((service) => service?.subnets)) return;
  const message = "subnets must have at least one: an id, or the value of a tag Name.";
  yield { code: "release-subnets-missing", pointer: "/subnets", message };
}
