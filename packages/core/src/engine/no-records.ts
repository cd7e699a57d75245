import { StackyardError } from "../errors/stackyard-error.ts";
import type { Records } from "../ports/records.ts";

/** The records of a runner without a store: each call fails with `CONFIG_INVALID`. */
export const noRecords: Records = {
  get: refuse,
  put: refuse,
  remove: refuse,
  list: refuse,
};

async function refuse(): Promise<never> {
  throw new StackyardError(
    "CONFIG_INVALID",
    "This runner works by message alone, and the task needs records or leases. Configure the yard's store for it.",
  );
}
