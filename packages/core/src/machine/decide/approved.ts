import { findPersonId } from "../../access/by.ts";
import { nameAll } from "../../access/name-apart.ts";
import { toApprovalTerms } from "../approval.ts";
import { quote } from "../document/wording.ts";
import { defined } from "../json.ts";
import type { Task } from "../machine.ts";
import type { Approved, Approver, KnownSender, Stack } from "../stack.ts";
import { listEntryNeeds, toApprovedDigest } from "./approved-digest.ts";
import { findApproval } from "./ask-approval.ts";
import { listNamedApprovals } from "./entry-needs.ts";
import { type PrepareFault, prepareTask } from "./prepare-task.ts";
import { toScope } from "./to-scope.ts";
import { toScopeInput, type Work } from "./work.ts";

// An approval counts for what it has approved, until its state is entered again: for tasks of that entry that need it, and
// for states that name it. Its digest is written when it is requested, and compared whenever something is sent by it.

/** Converts the sender of an event to who has approved. */
export function toApprover({ sender, actor = "" }: ApprovingEvent): Approver {
  return { name: sender?.name ?? actor, ...defined({ id: sender && findPersonId(sender) }) };
}

interface ApprovingEvent {
  readonly sender?: KnownSender;
  readonly actor?: string;
}

/** Notes what was approved, or settled by hand. Without `of`, an approval names nothing. */
export function noteApproved(work: Work, name: string, who: Pick<Approved, "by" | "settled">): void {
  const { stack, event, machine } = work;
  const asked = findApproval(stack, name);
  const of = asked?.of ?? resolveOf(work, name);
  if (of === undefined) return;
  const digest = asked?.digest ?? toApprovedDigest(machine, name, of);
  const note: Approved = { of, digest, ...who, at: event.at };
  work.stack = { ...stack, approved: { ...stack.approved, [name]: note } };
}

/** Forgets approvals that are going to be requested again. Nothing else ends them. */
export function forgetAsked(work: Work, tasks: readonly string[]): void {
  const { approved = {}, ...stack } = work.stack;
  const all = Object.entries(approved);
  const kept = all.filter(([name]) => !tasks.includes(name));
  if (kept.length === all.length) return;
  work.stack = kept.length === 0 ? stack : { ...stack, approved: Object.fromEntries(kept) };
}

/** Returns why a task may not be sent: an approval that it runs by is missing, or was given for something else. */
export function findUnapproved(work: Work, { name }: Task): PrepareFault | undefined {
  const { stack } = work;
  for (const gate of listNamedApprovals(work, name)) {
    const fault = isSkipped(work, gate) ? undefined : (findStale(work, gate) ?? findMissing(work, gate));
    if (fault !== undefined) return fault;
  }
  if (stack.approved === undefined) return undefined;
  // What was approved under a task of this entry was approved in this entry.
  for (const need of listEntryNeeds(work, name)) {
    const fault = findStale(work, need);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** Returns true for an approval that is not asked of what the stack has now. */
function isSkipped(work: Work, gate: string): boolean {
  const result = work.machine.tasks.get(gate)?.when?.evaluate(toScope(toScopeInput(work)));
  return result?.kind === "value" && result.value === false;
}

function findMissing({ stack }: Work, gate: string): PrepareFault | undefined {
  if (findApproved(stack, gate) !== undefined) return undefined;
  const message = `${quote(stack.state)} does only what ${quote(gate)} has approved, which is nothing yet. Enter the state of ${quote(gate)} first.`;
  return { kind: "fault", code: "APPROVAL_MISSING", message };
}

function findStale(work: Work, gate: string): PrepareFault | undefined {
  const approved = findApproved(work.stack, gate);
  if (approved === undefined) return undefined;
  const present = resolveOf(work, gate);
  if (present !== undefined && toApprovedDigest(work.machine, gate, present) === approved.digest) return undefined;
  const { by, of, settled } = approved;
  const what = `${nameAll(by)} ${settled ? "settled" : "approved"} ${quote(of)} at ${quote(gate)}`;
  const now = toPresent(of, present);
  const message = `${what}, and ${now}. Enter the state of ${quote(gate)} again.`;
  return { kind: "fault", code: "APPROVAL_STALE", message };
}

function toPresent(of: string, present: string | undefined): string {
  if (present === undefined) return "its present content is unknown";
  return of === present
    ? "another revision of the machine would do something else with it"
    : `it is ${quote(present)} now`;
}

function findApproved({ approved = {} }: Stack, name: string): Approved | undefined {
  return Object.hasOwn(approved, name) ? approved[name] : undefined;
}

/** Returns the text that an approval would name now; undefined where it cannot be known, such as without its outputs. */
function resolveOf({ machine, stack, event }: Work, name: string): string | undefined {
  const task = machine.tasks.get(name);
  if (task?.isApproval !== true) return undefined;
  const prepared = prepareTask({ machine, stack, at: event.at }, task);
  const read = prepared.kind === "prepared" ? toApprovalTerms(prepared.definition["config"]) : prepared;
  return read.kind === "terms" ? read.terms.of : undefined;
}
