import assert from "node:assert/strict";
import { toEventKey } from "../../machine/event-message.ts";
import { toParkedHead } from "../../ports/parked-head.ts";
import type { ParkedEvent } from "../../ports/stack-store.ts";
import type { Store } from "../../ports/store.ts";
import { expectThere, loadOne } from "./store-builders.ts";

/** Loads the parked events of a stack with their messages, oldest first. Checks the heads that the stack comes with. */
export async function loadParked(store: Store, stackId = "s1"): Promise<readonly ParkedEvent[]> {
  const { parked: heads } = await loadOne(store, stackId);
  const keys = heads.map(({ event }) => toEventKey(event));
  const found = new Map((await store.loadParked(stackId, keys)).map((each) => [toEventKey(each.event), each]));
  const events = keys.map((key) => expectThere(found.get(key)));
  assert.deepEqual(heads, events.map(toParkedHead));
  return events;
}
