import { parseAttemptId } from "@stackyard/core/machine";
import { fromItem, toItem } from "./attributes.ts";
import type { StoreContext } from "./store-context.ts";
import { toKeyPart, type WorkKey } from "./work-keys.ts";

// An attempt is part of its stack's item, and its id says of which stack it is. For ids of another form there is a row.

function toLocatorKey(attemptId: string): WorkKey {
  return { pk: `attempt#${toKeyPart(attemptId)}`, sk: "attempt" };
}

/** The stack that an attempt's id names; undefined where it names none. */
export function findNamedStack(attemptId: string): string | undefined {
  return parseAttemptId(attemptId)?.stackId;
}

/** The stack of an attempt: as its id says, or as its row says. Undefined: unknown. */
export async function locateAttempt(context: StoreContext, attemptId: string): Promise<string | undefined> {
  return findNamedStack(attemptId) ?? (await readLocator(context, attemptId));
}

/** What the row of an attempt says. */
export async function readLocator({ work }: StoreContext, attemptId: string): Promise<string | undefined> {
  const item = await work.get({ ...toLocatorKey(attemptId) });
  return item === undefined ? undefined : String(fromItem(item)["stackId"]);
}

/** Writes the row of an attempt whose id does not say its stack; before the attempt begins. */
export async function writeLocator({ work }: StoreContext, attemptId: string, stackId: string): Promise<void> {
  if (findNamedStack(attemptId) === stackId) return;
  await work.put(toItem({ ...toLocatorKey(attemptId), stackId }));
}

/** Removes the row of an attempt that nothing is kept of any more. */
export async function removeLocator({ work }: StoreContext, attemptId: string, stackId: string): Promise<void> {
  if (findNamedStack(attemptId) !== stackId) await work.remove({ ...toLocatorKey(attemptId) });
}
