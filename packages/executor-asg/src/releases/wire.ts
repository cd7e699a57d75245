import { parseRelease } from "../document/parse-release.ts";
import type { Release, Service } from "../document/release.ts";
import type { ReleaseConstants } from "../release-constants.ts";
import type { ReleaseWork } from "../release-deps.ts";
import { ReleaseError } from "../release-error.ts";
import type { ReleaseState, ServiceState, StateError } from "../release-state.ts";

/** A release and its state in one object, as the predecessor's states hand it to each other. */
export type WireRelease = Readonly<Record<string, unknown>>;

const STATE_KEYS = {
  uuid: true,
  started_at: true,
  healthy: true,
  wait_for_detach: true,
  success: true,
  fencing_token: true,
  error: true,
  later_errors: true,
  previous_release_id: true,
  old_groups: true,
} as const satisfies Record<Exclude<keyof Required<ReleaseState>, "services">, true>;

/** On the wire `healthy` of a service is `Healthy`, since the predecessor has no tag for it. */
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

/** Step Functions writes a caught error over the one before; the first one is kept beside it. */
const FIRST_ERROR = "first_error";

/** The release with all that is known, under the predecessor's names. */
export function toWire({ release, state }: ReleaseWork): WireRelease {
  const { services, ...rest } = state;
  const merged = Object.entries(release.services).map(([name, service]) => [
    name,
    toWireService(service, services[name]),
  ]);
  return {
    ...release,
    ...rest,
    ...(state.error === undefined ? {} : { [FIRST_ERROR]: state.error }),
    services: Object.fromEntries(merged),
  };
}

function toWireService(service: Service, state: ServiceState | undefined): Readonly<Record<string, unknown>> {
  const { healthy = false, ...rest } = state ?? {};
  return { ...service, ...rest, Healthy: healthy };
}

/**
 * Takes it apart again. A state that a predecessor's deployer has written lacks what it does not know: its document is read as a new one
 * is. Throws `RELEASE_UNREADABLE`.
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

/** The predecessor leaves empty lists out, or writes them as `null`. */
function toResources(found: unknown): Pick<ServiceState, "resources"> {
  if (typeof found !== "object" || found === null) return {};
  const given = Object.fromEntries(Object.entries(found).filter(([, value]) => value !== null));
  return { resources: { image: "", security_groups: [], elbs: [], target_group_arns: [], subnets: [], ...given } };
}

/** Of a state that has passed our Validate nothing is missing. */
function toRelease(document: WireRelease, constants: ReleaseConstants): Release {
  // Such a document is the very Release that toWire was given.
  if ("drain_timeout" in document && "wait_for_healthy" in document) return document as unknown as Release;
  const parsed = parseRelease(document, { constants });
  if (parsed.kind === "parsed") return parsed.release;
  throw new ReleaseError("RELEASE_UNREADABLE", parsed.problems.map(({ message }) => message).join("\n"));
}

/** The errors of a release: on the wire `error` is what was caught last, and the first one stays the error of the release. */
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
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw new ReleaseError("RELEASE_UNREADABLE", `${what} is no object.`);
}

function pick(from: WireRelease, keys: object): WireRelease {
  return Object.fromEntries(Object.entries(from).filter(([key, value]) => Object.hasOwn(keys, key) && value !== null));
}

function omit(from: WireRelease, keys: object): WireRelease {
  return Object.fromEntries(Object.entries(from).filter(([key]) => !Object.hasOwn(keys, key)));
}
