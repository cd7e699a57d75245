import type { AttemptStore } from "../ports/attempt-store.ts";
import type { Records } from "../ports/records.ts";
import type { Revisions } from "../ports/store.ts";

/** The part of a store that a worker uses. */
export interface WorkerStore extends Pick<AttemptStore, "claim" | "renew" | "suspend" | "settle"> {
  readonly records: Records;
  readonly revisions: Pick<Revisions, "put">;
}
