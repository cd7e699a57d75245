/** A request as a binding to clients brings it. */
export interface SimRequest {
  /** As the SDK names the client, without `Client`. */
  readonly service: string;
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly region: string;
  readonly accessKeyId: string;
  readonly sessionToken: string | undefined;
}

/** Who signs a request. */
export interface Identity {
  readonly arn: string;
  readonly account: string;
  /** Temporary credentials of a role: a role that is assumed with them is chained. */
  readonly isRole: boolean;
  /** IAM actions, `*` at the end for any. */
  readonly allow: readonly string[];
  /** Of the session. */
  readonly tags: Readonly<Record<string, string>>;
}

/** One request, as a service of the simulation sees it. */
export interface SimCall {
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly region: string;
  readonly identity: Identity;
  readonly now: number;
}

/** An account and a region in it. */
export interface Place {
  readonly account: string;
  readonly region: string;
}

/** A resource whose name is unique in an account and region. */
export interface NamedResource extends Place {
  readonly name: string;
}

/** Returns the caller's account and the region of the call. */
export function placeOf({ identity, region }: SimCall): Place {
  return { account: identity.account, region };
}

/** Returns true if it belongs to the caller's account, in the region of the call. */
export function isOwn({ account, region }: Place, call: SimCall): boolean {
  return account === call.identity.account && region === call.region;
}

/** Returns the key of a resource in a map. */
export function toKey({ account, region, name }: NamedResource): string {
  return [account, region, name].join("/");
}

/** One service: its operations by name. What an operation throws is the client's error, what it gives is the output. */
export interface SimService {
  readonly operations: Readonly<Record<string, (call: SimCall) => unknown>>;
  /** The errors that differ from service to service. */
  readonly faults: ServiceFaults;
  /** Returns the IAM action of an operation. */
  toAction(operation: string): string;
}

/** The names of common errors in a service's protocol. */
export interface ServiceFaults {
  readonly unknownKey: (accessKeyId: string) => Error;
  readonly expired: () => Error;
  readonly denied: (who: string, action: string) => Error;
  readonly throttled: () => Error;
}

/** Returns a required text field of an input; the SDK rejects a request without it before it is sent. */
export function textOf(input: Readonly<Record<string, unknown>>, field: string): string {
  const value = input[field];
  if (typeof value !== "string") throw new Error(`No value provided for input HTTP label: ${field}.`);
  return value;
}

/** Returns an optional text field. */
export function findText(input: Readonly<Record<string, unknown>>, field: string): string | undefined {
  const value = input[field];
  return typeof value === "string" ? value : undefined;
}

/** Returns an optional number. */
export function findNumber(input: Readonly<Record<string, unknown>>, field: string): number | undefined {
  const value = input[field];
  return typeof value === "number" ? value : undefined;
}

type Input = Readonly<Record<string, unknown>>;

/** Returns a list of strings, empty if absent. */
export function textsOf(input: Input, field: string): readonly string[] {
  const value = input[field];
  return Array.isArray(value) ? value.map(String) : [];
}

/** Returns a list of structures, empty if absent. */
export function recordsOf(input: Input, field: string): readonly Input[] {
  const value = input[field];
  return Array.isArray(value) ? value.map((each) => Object(each)) : [];
}

/** Returns an optional structure. */
export function findRecord(input: Input, field: string): Input | undefined {
  const value = input[field];
  return typeof value === "object" && value !== null ? Object(value) : undefined;
}

/** Returns an optional boolean. */
export function findFlag(input: Input, field: string): boolean | undefined {
  const value = input[field];
  return typeof value === "boolean" ? value : undefined;
}

/** A service's own token bucket for one account, region and group of operations. */
export interface Throttle {
  /** Returns false if the call is rejected. */
  admit(key: string, now: number): boolean;
}

/** So many calls a second, and so many at once after a pause. */
export interface ThrottleInput {
  readonly perSecond: number;
  readonly burst?: number;
}

/** Buckets that are full at first and are refilled by the second. */
export function createThrottle({ perSecond, burst = perSecond }: ThrottleInput): Throttle {
  const buckets = new Map<string, { tokens: number; at: number }>();
  return {
    admit(key, now) {
      const bucket = buckets.get(key) ?? { tokens: burst, at: now };
      const tokens = Math.min(burst, bucket.tokens + (Math.max(0, now - bucket.at) / 1_000) * perSecond);
      const admitted = tokens >= 1;
      buckets.set(key, { tokens: admitted ? tokens - 1 : tokens, at: now });
      return admitted;
    },
  };
}
