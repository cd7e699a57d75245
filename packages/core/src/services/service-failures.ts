import { isMap } from "../machine/json.ts";
import type { YardServicesDeps } from "./service-deps.ts";

/** A service whose ticks fail. */
export interface ServiceFailure {
  /** Failed ticks in a row. */
  readonly count: number;
  /** Epoch milliseconds. */
  readonly firstAt: number;
  readonly lastAt: number;
  /** The error message; at most 1,024 characters. */
  readonly message: string;
}

/** A service as lists show it. */
export interface ServiceState {
  readonly name: string;
  /** Missing when its last tick succeeded, or before the first. */
  readonly failure?: ServiceFailure;
}

const MAX_MESSAGE = 1_024;

const toKey = (name: string): string => `service-failures/${name}`;

/** Returns a service with the failure that the processes of the yard have stored. */
export async function loadServiceState({ store, clock }: YardServicesDeps, name: string): Promise<ServiceState> {
  const found = await store.records.get(toKey(name), clock.now());
  return isFailure(found?.value) ? { name, failure: found.value } : { name };
}

/** Stores that a tick has failed. */
export async function noteFailure({ store, clock }: YardServicesDeps, name: string, text: string): Promise<void> {
  const now = clock.now();
  const found = await store.records.get(toKey(name), now);
  const before = isFailure(found?.value) ? found.value : { count: 0, firstAt: now };
  const message = text.slice(0, MAX_MESSAGE);
  const value: ServiceFailure = { count: before.count + 1, firstAt: before.firstAt, lastAt: now, message };
  // Another process that fails at the same time writes the same.
  await store.records.put({ key: toKey(name), value, expected: found?.version ?? "absent", now });
}

/** Removes the failure of a service after a tick that succeeded. */
export async function removeFailure({ store, clock }: YardServicesDeps, name: string): Promise<void> {
  const found = await store.records.get(toKey(name), clock.now());
  if (found !== undefined) await store.records.remove(found.key, found.version);
}

function isFailure(value: unknown): value is ServiceFailure {
  return isMap(value) && typeof value["count"] === "number" && typeof value["message"] === "string";
}
