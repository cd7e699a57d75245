import { isMap } from "../../machine/json.ts";
import type { Machine } from "../../machine/machine.ts";
import { maskMetadata, toShownMetadata } from "../../machine/secrets.ts";
import type { Stack } from "../../machine/stack.ts";
import { evaluateArrival, type RestingPlace } from "../../machine/stack-standing.ts";

/** An environment: what one task `deploy` of a machine sends to. */
export interface BoardPlace extends RestingPlace {
  readonly task: string;
  /** One stack, or those of a machine. */
  readonly target: { readonly stack: string } | { readonly machine: string; readonly where?: string };
  /** The keys of the metadata that a release sets. */
  readonly keys: readonly string[];
}

/** Returns the environments of a machine, in the order in which its states reach them; none: it deploys nothing. */
export function listBoardPlaces(machine: Machine): readonly BoardPlace[] {
  const names = [...new Set([...machine.states.values()].flatMap(({ tasks }) => tasks))];
  return names.flatMap((name) => toPlace(name, machine.tasks.get(name)?.definition));
}

function toPlace(task: string, definition: Readonly<Record<string, unknown>> | undefined): readonly BoardPlace[] {
  const { executor, config } = definition ?? {};
  if (executor !== "deploy" || !isMap(config)) return [];
  const { op = "send", stacks, metadata, until, failed } = config;
  if (op !== "send" || !isMap(metadata)) return [];
  const keys = Object.keys(metadata);
  const place = { task, keys, until: toNames(until), failed: toNames(failed) };
  if (typeof stacks === "string") return [{ ...place, target: { stack: stacks } }];
  if (!isMap(stacks) || typeof stacks["machine"] !== "string") return [];
  const { machine, where } = stacks;
  return [{ ...place, target: { machine, ...(typeof where === "string" && { where }) } }];
}

function toNames(given: unknown): readonly string[] {
  return Array.isArray(given) ? given.map(String) : [];
}

/** The standing of a stack. `by-hand`: it has other values than those that releases have set. */
export type BoardStanding = "rests" | "moving" | "failed" | "by-hand";

/** Stacks of an environment with the same values by the same release. Instants are epoch milliseconds. */
export interface BoardVersion {
  /** By key; a value that is sensitive is `***`. A key without a value is missing. */
  readonly values: Readonly<Record<string, unknown>>;
  /** The newest release among those that have set them. Missing: none has. */
  readonly release?: { readonly id: string; readonly createdAt: number };
  /** When the last of these stacks got its values; without a release, when it entered its state. */
  readonly since: number;
  readonly stacks: number;
  readonly standings: Readonly<Record<BoardStanding, number>>;
  /** At most three, those in trouble first. */
  readonly examples: readonly string[];
}

/** Counts the stacks of an environment. Memory grows with the versions, not with the stacks. */
export interface BoardTally {
  add(stack: Stack): void;
  /** Returns the versions, those with most stacks first. */
  list(): readonly BoardVersion[];
}

interface Counted {
  version: Omit<BoardVersion, "examples">;
  readonly examples: string[];
  readonly troubled: string[];
}

const MOST_EXAMPLES = 3;

/** Creates the tally of one environment. */
export function createBoardTally(place: BoardPlace): BoardTally {
  const { keys } = place;
  const found = new Map<string, Counted>();
  return {
    add(stack) {
      const { values, release, since } = toVersion(stack, keys);
      const standing = toStanding(stack, place);
      const key = JSON.stringify([keys.map((each) => values[each] ?? null), release?.id]);
      const known = found.get(key) ?? {
        version: { values, ...(release && { release }), since, stacks: 0, standings: NO_STANDINGS },
        examples: [],
        troubled: [],
      };
      const { version } = known;
      known.version = {
        ...version,
        since: Math.max(version.since, since),
        stacks: version.stacks + 1,
        standings: { ...version.standings, [standing]: version.standings[standing] + 1 },
      };
      const list = standing === "rests" ? known.examples : known.troubled;
      if (list.length < MOST_EXAMPLES) list.push(stack.id);
      found.set(key, known);
    },
    list() {
      return [...found.values()]
        .map(({ version, examples, troubled }) => ({
          ...version,
          examples: [...troubled, ...examples].slice(0, MOST_EXAMPLES),
        }))
        .toSorted((a, b) => b.stacks - a.stacks || b.since - a.since);
    },
  };
}

const NO_STANDINGS: Readonly<Record<BoardStanding, number>> = { rests: 0, moving: 0, failed: 0, "by-hand": 0 };

function toVersion(stack: Stack, keys: readonly string[]) {
  const { releases = {}, enteredAt } = stack;
  const shown = maskMetadata(toShownMetadata(stack));
  const values = Object.fromEntries(keys.flatMap((key) => (shown[key] === undefined ? [] : [[key, shown[key]]])));
  const setters = keys.flatMap((key) => releases[key] ?? []);
  const newest = setters.toSorted((a, b) => b.createdAt - a.createdAt)[0];
  if (newest === undefined) return { values, since: enteredAt };
  return {
    values,
    release: { id: newest.id, createdAt: newest.createdAt },
    since: Math.max(...setters.map(({ at }) => at)),
  };
}

function toStanding(stack: Stack, place: BoardPlace): BoardStanding {
  const metadata = Object.fromEntries(place.keys.map((key) => [key, stack.metadata[key] ?? null]));
  const { kind } = evaluateArrival(stack, { ...place, metadata });
  if (kind === "failed" || kind === "moving") return kind;
  return place.keys.some((key) => isByHand(stack, key)) ? "by-hand" : "rests";
}

function isByHand({ metadata, releases = {} }: Stack, key: string): boolean {
  // Without a release it is not known who has set the value: an undo restores what was before all releases.
  const release = releases[key];
  return release !== undefined && metadata[key] !== undefined && metadata[key] !== release.value;
}

/** The distance by which an environment is behind another one. */
export interface BoardLag {
  /** The task of the other one. */
  readonly of: string;
  /** The count of releases that are newer than the newest here, up to the newest there. */
  readonly releases: number;
}

/** An environment with what runs there. */
export interface CountedPlace {
  readonly task: string;
  readonly versions: readonly BoardVersion[];
}

/**
 * Returns how far an environment is behind the nearest one before it to which a release has come; undefined: it is not.
 * `created` has the instants of all releases that are known.
 */
export function findLag(
  { versions }: CountedPlace,
  before: readonly CountedPlace[],
  created: readonly number[],
): BoardLag | undefined {
  const source = before.findLast((each) => findNewest(each.versions) > 0);
  if (source === undefined) return undefined;
  const [here, there] = [findNewest(versions), findNewest(source.versions)];
  if (there <= here) return undefined;
  const missed = created.filter((at) => at > here && at < there);
  return { of: source.task, releases: missed.length + 1 };
}

function findNewest(versions: readonly BoardVersion[]): number {
  return Math.max(0, ...versions.map(({ release }) => release?.createdAt ?? 0));
}
