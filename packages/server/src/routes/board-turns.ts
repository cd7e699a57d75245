import { defined, isMap, type Stack } from "@stackyard/core";
import type { Board } from "@stackyard/core/api";
import { toStackPosition } from "@stackyard/core/engine";
import type { Machine } from "@stackyard/core/machine";
import { listTurns } from "@stackyard/promotion/deploy";
import type { Caller } from "../access/caller.ts";
import { hasEverywhere } from "../access/guard.ts";
import { mayRead } from "../access/reach.ts";
import type { RouteDeps } from "./route-deps.ts";

/**
 * Lists the turns of a board: those that tasks of the machine name, and those that its releases have or wait for. Of a
 * release that the caller may not read, only that it has the turn is shown. A turn that cannot be read may be that of any
 * release, so who may read all of them sees it.
 */
export async function listBoardTurns(
  { store, records, clock }: RouteDeps,
  caller: Pick<Caller, "rights">,
  machine: Machine,
): Promise<Board["turns"]> {
  const stacks = new Map<string, Stack>();
  const findPlaces = async (ids: readonly string[]) => {
    const found = (await store.load(ids)).flatMap(({ stack }) => stack ?? []);
    for (const stack of found) stacks.set(stack.id, stack);
    return new Map(found.map((stack) => [stack.id, toStackPosition(stack)]));
  };
  const turns = await listTurns({ records, clock, findPlaces });
  const named = new Set([...machine.tasks.values()].flatMap(({ definition }) => findTurnName(definition)));
  const isReadable = (id: string) => {
    const stack = stacks.get(id);
    return stack !== undefined && mayRead(caller, { kind: "stack", stackId: id, machine: stack.machine });
  };
  const readsAll = hasEverywhere(caller.rights, "read");
  return turns
    .filter(({ name, holder, waiting, problem }) => {
      const parts = [...(holder === undefined ? [] : [holder]), ...waiting];
      if (problem !== undefined && readsAll) return true;
      return named.has(name) || parts.some(({ stack }) => stacks.get(stack)?.machine === machine.name);
    })
    .map(({ name, holder, waiting, problem }) => ({
      name,
      ...(holder && { holder: isReadable(holder.stack) ? { release: holder.stack } : {} }),
      waiting: waiting
        .filter(({ stack }) => isReadable(stack))
        .map(({ stack: release, task = "" }) => ({ release, task })),
      ...defined({ problem }),
    }));
}

function findTurnName({ config }: Readonly<Record<string, unknown>>): readonly string[] {
  const turn = isMap(config) ? config["turn"] : undefined;
  return isMap(turn) && typeof turn["name"] === "string" ? [turn["name"]] : [];
}
