import { defined, isStackyardError, isUnreadable, type Stack } from "@stackyard/core";
import type { Board, BoardName } from "@stackyard/core/api";
import * as operations from "@stackyard/core/api/operations";
import { createFits } from "@stackyard/core/engine";
import type { Machine } from "@stackyard/core/machine";
import {
  type BoardPlace,
  type CountedPlace,
  createBoardTally,
  findLag,
  listBoardPlaces,
} from "@stackyard/core/services";
import type { Caller } from "../access/caller.ts";
import { mayRead } from "../access/reach.ts";
import { toReadKey } from "../access/stack-scopes.ts";
import type { Route } from "../http/route.ts";
import { reply, serve } from "../http/serve.ts";
import { toInstant } from "../schemas/event.ts";
import { createBoardCache } from "./board-cache.ts";
import { listBoardReleases, listStackPages } from "./board-releases.ts";
import { listBoardTurns } from "./board-turns.ts";
import { loadMachine } from "./machine-routes.ts";
import type { RouteDeps } from "./route-deps.ts";

/** Defines the routes of boards: what runs where, of machines that deploy to other stacks. */
export function boardRoutes(deps: RouteDeps): readonly Route[] {
  const boards = createBoardCache<Board>(deps);
  return [
    serve(deps, operations.listBoards, async (_, { caller }) => {
      const items = (await deps.locator.list()).flatMap(({ name, located }): BoardName[] => {
        if (located.kind !== "found" || !mayRead(caller, { kind: "machine", machine: name })) return [];
        const environments = listBoardPlaces(located.machine).length;
        return environments === 0 ? [] : [{ machine: name, environments }];
      });
      return reply(200, { items });
    }),
    serve(deps, operations.getBoard, async ({ params: { name } }, { caller }) => {
      const machine = await loadMachine(deps.locator, caller, name);
      const key = JSON.stringify([name, machine.hash, toReadKey(caller)]);
      return reply(200, await boards.get(key, () => computeBoard(deps, caller, machine)));
    }),
  ];
}

/** Computes what a caller sees. Of the caller only what it may read counts: see the key. */
async function computeBoard(deps: RouteDeps, caller: Reader, machine: Machine): Promise<Board> {
  const counted: Counted[] = [];
  for (const place of listBoardPlaces(machine)) counted.push(await countPlace(deps, caller, place));
  const [{ created, arrivals, ...listed }, turns] = await Promise.all([
    listBoardReleases(deps, caller, machine),
    listBoardTurns(deps, caller, machine),
  ]);
  const environments = counted.map((each, index): Board["environments"][number] => ({
    ...toEnvironment(each),
    ...toLag(each, { before: counted.slice(0, index), created }),
    coming: arrivals.filter(({ place }) => place === each.task).map(({ place: _, ...arrival }) => arrival),
  }));
  return { machine: machine.name, environments, ...listed, turns };
}

function toLag(
  counted: Counted,
  { before, created }: { readonly before: readonly Counted[]; readonly created: readonly number[] },
): Pick<Board["environments"][number], "behind" | "lag"> {
  const lag = findLag(counted, before, created);
  return { behind: lag !== undefined, ...defined({ lag }) };
}

/** The part of a caller on which a board may depend: the rights to read. */
type Reader = Pick<Caller, "rights">;

interface Counted extends CountedPlace {
  readonly place: BoardPlace;
  readonly problem?: string;
}

/** Counts the stacks of an environment. What cannot be read or decided is a problem of its environment, not of the board. */
async function countPlace(deps: RouteDeps, caller: Reader, place: BoardPlace): Promise<Counted> {
  const tally = createBoardTally(place);
  const unreadable: string[] = [];
  try {
    const skip = (id: string) => unreadable.push(id);
    for await (const stack of listStacksOf(deps, caller, { ...place, skip })) tally.add(stack);
    return { place, task: place.task, versions: tally.list(), ...defined({ problem: describeUnreadable(unreadable) }) };
  } catch (error) {
    if (isStackyardError(error, "USAGE") || isUnreadable(error)) {
      return { place, task: place.task, versions: [], problem: error.message };
    }
    throw error;
  }
}

function describeUnreadable([first, ...others]: readonly string[]): string | undefined {
  if (first === undefined) return undefined;
  const more = others.length === 0 ? "" : `, and ${others.length} more`;
  return `Not counted, because it cannot be read: the stack "${first}"${more}.`;
}

interface Listing extends Pick<BoardPlace, "target"> {
  /** Called with the id of each stack that cannot be read. */
  skip(id: string): void;
}

async function* listStacksOf(deps: RouteDeps, caller: Reader, { target, skip }: Listing): AsyncGenerator<Stack> {
  const isReadable = (stackId: string, machine: string) => mayRead(caller, { kind: "stack", stackId, machine });
  if ("stack" in target) {
    const [loaded] = await deps.store.load([target.stack]);
    if (loaded?.stack !== undefined && isReadable(target.stack, loaded.stack.machine)) yield loaded.stack;
    return;
  }
  const { machine } = target;
  const fits = createFits(deps, target.where);
  for await (const { items, unreadable = [] } of listStackPages(deps, caller, machine)) {
    for (const { id } of unreadable.filter(({ id }) => isReadable(id, machine))) skip(id);
    for (const { stack } of items) if (await fits(stack)) yield stack;
  }
}

function toEnvironment({ place: { task, target }, versions, problem }: Counted) {
  return {
    task,
    ...target,
    stacks: versions.reduce((sum, { stacks }) => sum + stacks, 0),
    versions: versions.map(({ release, since, ...version }) => ({
      ...version,
      ...(release && { release: { id: release.id, createdAt: toInstant(release.createdAt) } }),
      since: toInstant(since),
    })),
    ...defined({ problem }),
  };
}
