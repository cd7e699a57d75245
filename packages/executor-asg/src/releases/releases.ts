import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import type { AwsAccess, SessionOptions } from "@stackyard/aws";
import { type Clock, defined, isMap, type Logger, type Random, RecentMap, toPartition } from "@stackyard/core";
import { toTagValue } from "@stackyard/core/services";
import { createBucketMemory } from "../deploy/bucket-memory.ts";
import { isReleaseWorkName, type ReleaseWorkName, runState } from "../deploy/run-state.ts";
import { validateRelease } from "../deploy/validate.ts";
import { parseRelease } from "../document/parse-release.ts";
import type { Release, Service } from "../document/release.ts";
import type { ReleaseConstants } from "../presets.ts";
import { ReleaseError } from "../release-errors.ts";
import type { ReleaseDeps, ReleaseState, ReleaseWork, ServiceState, StateError } from "../release-state.ts";

/** The deployer's function. */
export interface Releases {
  /**
   * Runs a state of the state machine and returns the release for the next state. Rejects with errors named after the
   * predecessor's classes, which Lambda reports as `errorType`.
   */
  readonly handler: (event: unknown) => Promise<unknown>;
}

/** Creates the function behind the state machine of releases. Makes no calls before the first event. */
export function createReleases(deps: ReleasesDeps): Releases {
  const open = createSessions(deps);
  return {
    async handler(event) {
      try {
        return await answer(deps, open, event);
      } catch (error) {
        deps.logger.error("a state of a release failed", { error });
        throw toWireError(error);
      }
    },
  };
}

async function answer(deps: ReleasesDeps, open: OpenSession, event: unknown): Promise<WireRelease> {
  const { task, input } = parseReleaseCall(event);
  if (task === "Validate") return toWire(await validate(deps, open, input));
  const work = parseWire(input, deps.constants);
  const state = await runState(openDeps(deps, open, work.release), task, work);
  return toWire({ release: work.release, state });
}

async function validate(deps: ReleasesDeps, open: OpenSession, document: unknown) {
  const { account, region } = deps.deployer;
  const places = { deployerAccount: account, region };
  return validateRelease(openDeps(deps, open, readPlaces(deps, document)), { document, ...places });
}

/** Parses the document with its bucket; its age is checked later. */
function readPlaces({ constants, deployer }: ReleasesDeps, document: unknown): Release {
  const places = { account: deployer.account, region: deployer.region, deployerAccount: deployer.account };
  const parsed = parseRelease(document, { constants, ...places });
  if (parsed.kind === "parsed") return parsed.release;
  const isUnreadable = parsed.problems[0]?.class === "UnmarshalError";
  const message = parsed.problems.map((problem) => problem.message).join("\n");
  throw new ReleaseError(isUnreadable ? "RELEASE_UNREADABLE" : "BAD_RELEASE", message);
}

/** Dependencies of the deployer's function. */
export interface ReleasesDeps {
  readonly constants: ReleaseConstants;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Account and region of the function: defaults of releases, and location of the lock table. */
  readonly deployer: { readonly account: string; readonly region: string };
  /** Opens access to AWS in a session with this name and tags; without a target, as the function itself. */
  access(session: SessionOptions): AwsAccess;
  /** Bucket of all releases; other buckets are rejected. Default: the bucket named by each release. */
  readonly bucket?: string;
  /** The lock table. Default: none; the files of the bucket are the locks. */
  readonly lockTable?: string;
  /** External id of the roles in the targets. */
  readonly externalId?: string;
  /** Default: 30 min. */
  readonly leaseMs?: number;
  readonly actor?: NonNullable<ReleaseDeps["actor"]>;
}

/** A release and its state in one object, as passed between the predecessor's states. */
export type WireRelease = Readonly<Record<string, unknown>>;

const STATE_KEYS = {
  uuid: true,
  started_at: true,
  unwatched_ms: true,
  healthy: true,
  wait_for_detach: true,
  success: true,
  fencing_token: true,
  error: true,
  later_errors: true,
  previous_release_id: true,
  old_groups: true,
  left_groups: true,
} as const satisfies Record<Exclude<keyof Required<ReleaseState>, "services">, true>;

/** On the wire, a service's `healthy` is `Healthy`, because the predecessor has no tag for it. */
const SERVICE_KEYS = {
  resources: true,
  previous_desired_capacity: true,
  created_asg: true,
  healthy_report: true,
  stable: true,
  step: true,
  terminated: true,
  causes: true,
} as const satisfies Record<Exclude<keyof Required<ServiceState>, "healthy">, true>;

/** Step Functions overwrites the previous caught error; the first one is stored here. */
const FIRST_ERROR = "first_error";

/** Converts a release and its state to the predecessor's format. */
export function toWire({ release, state }: ReleaseWork): WireRelease {
  const { services, ...rest } = state;
  const merged = Object.entries(release.services).map(([name, service]) => [
    name,
    toWireService(service, services[name]),
  ]);
  return {
    ...release,
    ...rest,
    ...defined({ [FIRST_ERROR]: state.error }),
    services: Object.fromEntries(merged),
  };
}

function toWireService(service: Service, state: ServiceState | undefined): Readonly<Record<string, unknown>> {
  const { healthy = false, ...rest } = state ?? {};
  return { ...service, ...rest, Healthy: healthy };
}

/**
 * Parses this format. The state of a predecessor's deployer may lack fields: its document is parsed like a new one.
 * Throws `RELEASE_UNREADABLE`.
 */
export function parseWire(value: unknown, constants: ReleaseConstants): ReleaseWork {
  const wire = toObject(value, "The state of the release");
  const services = Object.entries(toObject(wire["services"], "The services of the release")).map(
    ([name, service]) => [name, toObject(service, `The service ${name}`)] as const,
  );
  const stateOf = (service: WireRelease): ServiceState => ({
    healthy: service["Healthy"] === true,
    stable: 0,
    ...pick(service, SERVICE_KEYS),
    ...toResources(service["resources"]),
  });
  const state = {
    uuid: "",
    started_at: "",
    healthy: false,
    wait_for_detach: 0,
    ...pick(wire, STATE_KEYS),
    ...readErrors(wire),
    services: Object.fromEntries(services.map(([name, service]) => [name, stateOf(service)])),
  };
  if (state.uuid === "") throw new ReleaseError("RELEASE_UNREADABLE", "The state of the release has no uuid.");
  const bare = services.map(([name, service]) => [name, omit(service, { ...SERVICE_KEYS, Healthy: true })]);
  const document = { ...omit(wire, { ...STATE_KEYS, [FIRST_ERROR]: true }), services: Object.fromEntries(bare) };
  return { release: toRelease(document, constants), state };
}

/** Fills in resources: the predecessor omits empty lists, or writes `null`. */
function toResources(found: unknown): Pick<ServiceState, "resources"> {
  if (typeof found !== "object" || found === null) return {};
  const given = Object.fromEntries(Object.entries(found).filter(([, value]) => value !== null));
  return { resources: { image: "", security_groups: [], elbs: [], target_group_arns: [], subnets: [], ...given } };
}

/** Returns the release of a state. One that passed Stackyard's Validate is complete. */
function toRelease(document: WireRelease, constants: ReleaseConstants): Release {
  // Such a document is exactly the Release passed to toWire.
  if ("drain_timeout" in document && "wait_for_healthy" in document) return document as unknown as Release;
  const parsed = parseRelease(document, { constants });
  if (parsed.kind === "parsed") return parsed.release;
  throw new ReleaseError("RELEASE_UNREADABLE", parsed.problems.map(({ message }) => message).join("\n"));
}

/**
 * Parses the errors of a release: on the wire, `error` is the last caught error; the first one stays the error of the
 * release.
 */
export function readErrors(wire: WireRelease): Pick<ReleaseState, "error" | "later_errors"> {
  const last = toError(wire["error"]);
  const first = toError(wire[FIRST_ERROR]) ?? last;
  if (first === undefined) return {};
  const later = Array.isArray(wire["later_errors"]) ? wire["later_errors"].map(toError).filter(isError) : [];
  const isNew = last !== undefined && [first, ...later].every((known) => !isSame(known, last));
  const all = isNew ? [...later, last] : later;
  return { error: first, ...(all.length > 0 ? { later_errors: all } : {}) };
}

function toError(value: unknown): StateError | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { Error: name, Cause: cause } = { Error: undefined, Cause: undefined, ...value };
  return typeof name === "string" ? { Error: name, Cause: typeof cause === "string" ? cause : "" } : undefined;
}

function isError(error: StateError | undefined): error is StateError {
  return error !== undefined;
}

function isSame(one: StateError, other: StateError): boolean {
  return one.Error === other.Error && one.Cause === other.Cause;
}

function toObject(value: unknown, what: string): WireRelease {
  if (isMap(value)) return { ...value };
  throw new ReleaseError("RELEASE_UNREADABLE", `${what} is not an object.`);
}

function pick(from: WireRelease, keys: object): WireRelease {
  return Object.fromEntries(Object.entries(from).filter(([key, value]) => Object.hasOwn(keys, key) && value !== null));
}

function omit(from: WireRelease, keys: object): WireRelease {
  return Object.fromEntries(Object.entries(from).filter(([key]) => !Object.hasOwn(keys, key)));
}

/** A call of a state of the state machine. */
export interface ReleaseCall {
  readonly task: "Validate" | ReleaseWorkName;
  readonly input: unknown;
}

/** Keys of a release, not of the call. */
const MAY_BE_INPUT = 2;

/**
 * Parses a call: `{ Task, Input }`, or the predecessor's `{ Task, …release }`. Throws `TASK_UNKNOWN`, or
 * `RELEASE_UNREADABLE` if it is not an object.
 */
export function parseReleaseCall(event: unknown): ReleaseCall {
  if (typeof event !== "object" || event === null || Array.isArray(event)) {
    throw new ReleaseError("RELEASE_UNREADABLE", "Call the deployer with an object that has a Task.");
  }
  const { Task: task, ...rest }: Readonly<Record<string, unknown>> = { ...event };
  const keys = Object.keys(rest);
  const input = keys.length < MAY_BE_INPUT && "Input" in rest ? rest["Input"] : rest;
  if (task === "Validate" || isReleaseWorkName(task)) return { task, input };
  throw new ReleaseError("TASK_UNKNOWN", `Unknown task: ${JSON.stringify(task) ?? "(missing)"}.`);
}

/**
 * Returns an error for Lambda to report to Step Functions: `errorType` is its name (Lambda guide, "Node.js function
 * errors").
 */
export function toWireError(error: unknown): Error {
  const isOurs = error instanceof ReleaseError;
  const message = error instanceof Error ? error.message : String(error);
  const told = new Error(message, { cause: error });
  told.name = isOurs ? error.errorClass : "PanicError";
  return told;
}

/** Opens sessions for releases; the states of one release share a session. */
export type OpenSession = (release: Pick<Release, "project_name" | "config_name" | "release_id">) => AwsAccess;

const MAX_SESSIONS = 50;

/** Caches the newest sessions, because assuming a role for every call is soon throttled. */
export function createSessions({ access }: ReleasesDeps): OpenSession {
  const sessions = new RecentMap<string, AwsAccess>(MAX_SESSIONS);
  return ({ project_name, config_name, release_id }) => {
    const key = JSON.stringify([project_name, config_name, release_id]);
    const known = sessions.get(key);
    if (known !== undefined) return known;
    const tags = { ProjectName: project_name, ConfigName: config_name, ReleaseID: release_id };
    const session = access({
      name: `release-${release_id}`,
      tags: Object.fromEntries(Object.entries(tags).map(([name, value]) => [name, toTagValue(value)])),
    });
    sessions.set(key, session);
    return session;
  };
}

/**
 * Creates the dependencies of one release: its account through the assumed role, and the bucket as the function itself.
 */
export function openDeps(deps: ReleasesDeps, open: OpenSession, release: Release): ReleaseDeps {
  const { constants, clock, random, logger, deployer, externalId, actor } = deps;
  if (deps.bucket !== undefined && release.bucket !== deps.bucket) {
    const what = `Release(${release.release_id}) Error: its bucket is ${release.bucket}`;
    throw new ReleaseError("BAD_RELEASE", `${what}, but this deployer reads only ${deps.bucket}.`);
  }
  const access = open(release);
  const region = release.aws_region;
  const target = {
    account: release.aws_account_id,
    region,
    partition: toPartition(region),
    role: constants.assumedRole,
    ...defined({ externalId }),
  };
  const own = { account: deployer.account, region, partition: toPartition(region) };
  return {
    constants,
    clock,
    random,
    logger,
    signal: new AbortController().signal,
    target: { ...target, client: (type) => access.client(type, target) },
    memory: createBucketMemory({
      s3: access.client(S3Client, own),
      bucket: release.bucket,
      clock,
      generation: constants.generation,
      ...(deps.lockTable === undefined
        ? {}
        : { table: { client: access.client(DynamoDBClient, undefined), name: deps.lockTable } }),
      ...defined({ leaseMs: deps.leaseMs, by: actor?.name }),
    }),
    ...defined({ actor }),
    report: (line) => logger.info(line, { release: release.release_id }),
  };
}
