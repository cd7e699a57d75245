import type { Stackyard } from "@stackyard/sdk";
import { findNearestName } from "../shell/nearest-name.ts";
import { readAll } from "./read-pages.ts";

/** The yard that is asked. */
interface YardContext {
  readonly yard: Pick<Stackyard, "stacks">;
  readonly signal: AbortSignal;
}

/** Stacks that are compared at most: the advice must not cost more than the command. */
const MAX_STACKS = 1_000;

/** Returns the id of an existing stack that was probably meant; undefined when none is near or they cannot be listed. */
export async function findNearestStack({ yard, signal }: YardContext, id: string): Promise<string | undefined> {
  const stacks = await readAll((page) => yard.stacks.list({}, { ...page, signal }), { limit: MAX_STACKS }).catch(
    () => [],
  );
  return findNearestName(
    id,
    stacks.map((stack) => stack.id).filter((other) => other !== id),
  );
}

/** What to do when there is no such stack: the id that was probably meant, or where the ids or its history are listed. */
export async function adviseUnknownStack(context: YardContext, id: string): Promise<string> {
  const near = await findNearestStack(context, id);
  if (near !== undefined) return `Did you mean "${near}"?`;
  const { yard, signal } = context;
  const past = await yard.stacks.history(id, { limit: 1, signal }).catch(() => undefined);
  if (past === undefined || past.items.length === 0) return "`stackyard stacks ls` lists the stacks.";
  return `\`stackyard stacks history ${id}\` shows what happened to it.`;
}
