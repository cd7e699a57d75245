import type { Identity } from "./identities.ts";

/** A request as a binding to clients brings it. */
export interface SimRequest {
  readonly service: string;
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly region: string;
  readonly accessKeyId: string;
  readonly sessionToken: string | undefined;
}

/** One request, as a service of the simulation sees it. */
export interface SimCall {
  /** As the SDK names the client, without `Client`. */
  readonly service: string;
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly region: string;
  readonly identity: Identity;
  readonly now: number;
}

/** One service: its operations by name. What an operation throws is the client's error, what it gives is the output. */
export interface SimService {
  readonly operations: Readonly<Record<string, (call: SimCall) => unknown>>;
  /** The errors that differ from service to service. */
  readonly faults: ServiceFaults;
  /** The IAM action of an operation. */
  toAction(operation: string): string;
}

/** The names of common errors in a service's protocol. */
export interface ServiceFaults {
  readonly unknownKey: (accessKeyId: string) => Error;
  readonly expired: () => Error;
  readonly denied: (who: string, action: string) => Error;
  readonly throttled: () => Error;
}

/** A text field of an input that has to be there; the SDK refuses a request without it before it is sent. */
export function textOf(input: Readonly<Record<string, unknown>>, field: string): string {
  const value = input[field];
  if (typeof value !== "string") throw new Error(`No value provided for input HTTP label: ${field}.`);
  return value;
}

/** A text field that may be left out. */
export function findText(input: Readonly<Record<string, unknown>>, field: string): string | undefined {
  const value = input[field];
  return typeof value === "string" ? value : undefined;
}

/** A number that may be left out. */
export function findNumber(input: Readonly<Record<string, unknown>>, field: string): number | undefined {
  const value = input[field];
  return typeof value === "number" ? value : undefined;
}
