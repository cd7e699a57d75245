import { defined, isUnreadable, StackyardError, type Store } from "@stackyard/core";
import {
  type AccessDecision,
  type AccessSubject,
  decideAccess,
  type Permission,
  type Rights,
} from "@stackyard/core/access";
import {
  createRevisionNames,
  type EventHead,
  type HistoryEntry,
  type LoadedStack,
  type Page,
  type PageInput,
} from "@stackyard/core/engine";
import { pageOfReadable } from "../routes/readable-page.ts";
import type { Caller } from "./caller.ts";
import { findStackMachine, type Guard, hasEverywhere, toDelegateHint } from "./guard.ts";

/** Returns whether a caller may read something. */
export function mayRead({ rights }: Pick<Caller, "rights">, subject: AccessSubject): boolean {
  return decideAccess(rights, "read", subject) === "allowed";
}

/**
 * Removes the attempts that a caller may not read. A stack's id also finds attempts of earlier stacks of the same id,
 * which may be of other machines.
 */
export async function keepReadable<Attempt extends { readonly attemptId: string }>(
  guard: Pick<Guard, "findAttempt">,
  caller: Pick<Caller, "rights">,
  attempts: readonly Attempt[],
): Promise<readonly Attempt[]> {
  if (hasEverywhere(caller.rights, "read")) return attempts;
  const isReadable = new Map<string, boolean>();
  const kept: Attempt[] = [];
  for (const attempt of attempts) {
    const incarnation = attempt.attemptId.split("/", 2).join("/");
    const known = isReadable.get(incarnation) ?? (await isAttemptReadable(guard, caller, attempt.attemptId));
    isReadable.set(incarnation, known);
    if (known) kept.push(attempt);
  }
  return kept;
}

async function isAttemptReadable(
  guard: Pick<Guard, "findAttempt">,
  caller: Pick<Caller, "rights">,
  attemptId: string,
): Promise<boolean> {
  const subject = await guard.findAttempt(caller.rights, attemptId);
  return subject !== undefined && mayRead(caller, subject);
}

/** The source of a list: it loads a page, and finds an item's subject; undefined: unknown, only for callers that read everything. */
interface ListSource<Item> {
  readonly load: (page: PageInput) => Promise<Page<Item>>;
  readonly toSubject: (item: Item) => AccessSubject | undefined | Promise<AccessSubject | undefined>;
}

/**
 * Loads a page without items that the caller cannot read, as `pageOfReadable` does. Unreadable rows are reported only to
 * callers that read everything: their owners are unknown.
 */
export async function loadVisible<Item>(
  caller: Caller,
  input: PageInput,
  { load, toSubject }: ListSource<Item>,
): Promise<Page<Item>> {
  if (hasEverywhere(caller.rights, "read")) return load(input);
  const list = async (page: PageInput): Promise<Page<Item>> => {
    const { items, cursor } = await load(page);
    return { items, ...defined({ cursor }) };
  };
  const show = async (items: readonly Item[]) => {
    const views: (Item | undefined)[] = [];
    for (const item of items) {
      const subject = await toSubject(item);
      views.push(subject !== undefined && mayRead(caller, subject) ? item : undefined);
    }
    return { views };
  };
  return pageOfReadable({ list, show }, input);
}

/** Finds the subjects of lines and events. */
export interface SubjectFinder {
  /** Returns the machine of a line: the one that decided it; without one, the stack's last machine. */
  machineOf(line: Pick<HistoryEntry, "stackId" | "machineHash">): Promise<string | undefined>;
  /** Returns the subject of a line: the machine that decided it; without one, the stack's machine. */
  ofLine(rights: Rights, line: Pick<HistoryEntry, "stackId" | "machineHash">): Promise<AccessSubject | undefined>;
}

/** Creates a finder. */
export function createSubjectFinder({ store, guard }: { readonly store: Store; readonly guard: Guard }): SubjectFinder {
  const findMachine = createRevisionNames(store.revisions);

  return {
    async machineOf({ stackId, machineHash }) {
      return machineHash === undefined ? findStackMachine(store, stackId) : findMachine(machineHash);
    },
    async ofLine(rights, { stackId, machineHash }) {
      if (stackId === "") return undefined;
      if (machineHash === undefined) return guard.findStack(rights, stackId);
      const isLimited = rights.some((right) => right.machines !== undefined);
      const machine = isLimited ? await findMachine(machineHash) : undefined;
      return { kind: "stack", stackId, ...defined({ machine }) };
    },
  };
}

/**
 * Returns the subject of a parked event or a dead letter: the stack that it was for, which may be gone, and its id may
 * belong to another machine by now; without a stack, the machine that the event names.
 */
export function toEventSubject({
  stackId,
  machine: owner,
  message,
}: Pick<EventHead, "stackId" | "machine" | "message">): AccessSubject | undefined {
  if (stackId === "") return undefined;
  const named = message.machine;
  const machine = owner ?? (typeof named === "string" ? named : undefined);
  return { kind: "stack", stackId, ...defined({ machine }) };
}

/**
 * Decides whether a caller may send a dead letter again: the event acts on the present stack of its id, which may be
 * another than the one that it was for.
 */
export async function decideRedrive(
  guard: Guard,
  { rights }: Pick<Caller, "rights">,
  event: Pick<EventHead, "stackId" | "machine" | "message">,
): Promise<AccessDecision> {
  const own = toEventSubject(event);
  if (own === undefined) return "absent";
  const decision = decideAccess(rights, "repair", own);
  if (decision !== "allowed" || own.kind !== "stack") return decision;
  const present = withMachine(await guard.findStack(rights, event.stackId), own.machine);
  return decideAccess(rights, "repair", present) === "allowed" ? "allowed" : "forbidden";
}

/** Leaves out parked events that the caller may not read: those of an earlier stack of the id. */
export function withReadableParked(caller: Caller, loaded: LoadedStack): LoadedStack {
  const parked = loaded.parked.filter(({ event }) => {
    const subject = event.machine === undefined ? undefined : toEventSubject(event);
    return subject === undefined || mayRead(caller, subject);
  });
  return { ...loaded, parked };
}

/** Returns whether a caller may read a line of the history. */
export async function mayReadLine(
  subjects: SubjectFinder,
  caller: Caller,
  line: Pick<HistoryEntry, "stackId" | "machineHash">,
): Promise<boolean> {
  const subject = await subjects.ofLine(caller.rights, line);
  return subject !== undefined && mayRead(caller, subject);
}

/** Adds the machine that an event names to a stack that does not exist yet. */
export function withMachine(subject: AccessSubject, machine: unknown): AccessSubject {
  if (subject.kind !== "stack" || subject.machine !== undefined || typeof machine !== "string") return subject;
  return { ...subject, machine };
}

/** Throws `FORBIDDEN` that names the denied items by their places, if there are any. */
export function checkDenied(
  denied: readonly { readonly index: number; readonly permission: Permission; readonly delegate?: string }[],
): void {
  const [first] = denied;
  if (first === undefined) return;
  const { permission } = first;
  const count = denied.length === 1 ? "an item" : `${denied.length} items`;
  throw new StackyardError(
    "FORBIDDEN",
    `You do not have the permission "${permission}" for ${count} of this request. Nothing was done.`,
    {
      details: { permission, denied: denied.map(({ index }) => index), ...toDelegateHint(first.delegate) },
    },
  );
}

function skipUnreadable(error: unknown): [] {
  if (isUnreadable(error)) return [];
  throw error;
}

/** Loads stacks by id, also those that do not exist. A damaged one is missing in the result, and does not hide the others. */
export async function loadReadable(store: Pick<Store, "load">, ids: readonly string[]) {
  try {
    return new Map((await store.load(ids)).map((each) => [each.stackId, each]));
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    const loaded = await Promise.all(ids.map((id) => store.load([id]).catch(skipUnreadable)));
    return new Map(loaded.flat().map((each) => [each.stackId, each]));
  }
}
