import { findPersonId } from "../../access/by.ts";
import { nameAll } from "../../access/name-apart.ts";
import { toApprovalTerms } from "../approval.ts";
import { quote } from "../document/wording.ts";
import { isSent, RESULT_EVENTS, type StackEvent } from "../event-message.ts";
import { haveCommon, listReferences } from "../expression/list-references.ts";
import { defined, isMap } from "../json.ts";
import { INIT, type Machine, NEXT, type State, type Task } from "../machine.ts";
import type { Approved, Approver, KnownSender, Stack, TaskState } from "../stack.ts";
import type { BroughtMetadata } from "./metadata.ts";
import { type PrepareFault, prepareTask } from "./prepare-task.ts";
import { findTask, isSatisfied } from "./task-states.ts";

/** A stack while an event is applied to it, as far as approvals matter. */
interface Work {
  readonly machine: Machine;
  readonly event: StackEvent;
  readonly brought: Pick<BroughtMetadata, "own">;
  readonly endedAttempts: readonly string[];
  stack: Stack;
}

// The approved text is kept by the approval itself, not under the keys that its text was made of: events may set
// those. A task that uses it is sent only while the text is the one that was approved.

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
  const { stack, event } = work;
  const of = stack.approvals?.[name]?.of ?? resolveOf(work, name);
  if (of !== undefined)
    work.stack = { ...stack, approved: { ...stack.approved, [name]: { of, ...who, at: event.at } } };
}

/** Returns why a task may not be sent: what people have approved for it has changed since. */
export function findUnapproved(work: Work, task: Task): PrepareFault | undefined {
  for (const [name, { by, of, settled }] of Object.entries(work.stack.approved ?? {})) {
    const present = usesApproved(work.machine, task, name) ? resolveOf(work, name) : undefined;
    if (present === undefined || present === of) continue;
    const what = `${nameAll(by)} ${settled ? "settled" : "approved"} ${quote(of)} at ${quote(name)}, and it is ${quote(present)} now`;
    return { kind: "fault", code: "APPROVAL_STALE", message: `${what}. Enter the state of ${quote(name)} again.` };
  }
  return undefined;
}

/** Notes that a task which uses what was approved has succeeded. */
export function noteUsed(work: Work, { name: done, status, detail }: TaskState): void {
  const { approved } = work.stack;
  const task = work.machine.tasks.get(done);
  if (approved === undefined || task === undefined || status !== "SATISFIED" || detail === "SKIPPED") return;
  const noted = Object.entries(approved).map(([name, each]) => {
    return [name, usesApproved(work.machine, task, name) ? { ...each, used: true as const } : each] as const;
  });
  work.stack = { ...work.stack, approved: Object.fromEntries(noted) };
}

/**
 * Forgets approvals of which the metadata has another text now, where that begins another round: the machine itself has
 * made it, or a sender after the approved work was done. What a sender changes before that stays approved as it was.
 */
export function forgetChanged(work: Work, before: Stack, { isBrought }: { readonly isBrought: boolean }): void {
  const { stack, event } = work;
  if (stack.approved === undefined || stack.metadata === before.metadata) return;
  const isSenders = isSent(event) && (RESULT_EVENTS.has(event.name) ? !endsAttempt(work) : isBrought);
  keep(work, (name, approved) => (isSenders && !isDone(work, name, approved)) || !isChanged(work, name));
}

/**
 * Forgets approvals when a sender leads the stack on: when the approved work was done, or when the event brings
 * something else for a state that does not rely on the approval.
 */
export function forgetLed(work: Work, state: string): void {
  const brought = new Set(work.brought.own.map((key) => `metadata.${key}`));
  keep(work, (name, approved) => {
    if (isDone(work, name, approved)) return false;
    const isBrought = haveCommon(listApprovedReferences(work.machine, name), brought) && isChanged(work, name);
    return !isBrought || relies(work, name, state);
  });
}

/**
 * Returns true for a state that follows on the approval by NEXT, or that nothing leads to before the approval has succeeded
 * and that does not request it again.
 */
function relies({ machine }: Work, name: string, state: string): boolean {
  const isNext = (_: State, event: string) => event === NEXT;
  const isBefore = ({ tasks }: State, event: string) => event !== NEXT || !tasks.includes(name);
  const asking = [...machine.states.values()].filter(({ tasks }) => tasks.includes(name));
  if (reach(machine, asking, isNext).has(state)) return true;
  const asked = reach(machine, [machine.states.get(state)], isNext);
  return (
    !reach(machine, [machine.states.get(INIT)], isBefore).has(state) && !asking.some((each) => asked.has(each.name))
  );
}

/** Forgets approvals that are going to be requested again. */
export function forgetAsked(work: Work, tasks: readonly string[]): void {
  keep(work, (name) => !tasks.includes(name));
}

function keep(work: Work, isKept: (name: string, approved: Approved) => boolean): void {
  const { approved = {}, ...stack } = work.stack;
  const all = Object.entries(approved);
  const kept = all.filter(([name, each]) => isKept(name, each));
  if (kept.length === all.length) return;
  work.stack = kept.length === 0 ? stack : { ...stack, approved: Object.fromEntries(kept) };
}

/** Returns true for the result of an attempt that was open: the machine has waited for it. */
function endsAttempt({ event, stack, endedAttempts }: Work): boolean {
  const isOpen = stack.runs.some(({ attemptId }) => attemptId === event.dispatchId);
  return isOpen || endedAttempts.length > 0 || findTask(stack, event.task?.name ?? "")?.status === "PENDING";
}

/** Returns true when what was approved has happened: a task has used it, and nothing is left to be done or repeated. */
function isDone({ machine, stack }: Pick<Work, "machine" | "stack">, name: string, { used }: Approved): boolean {
  if (used !== true || !isSatisfied(stack.tasks)) return false;
  const lacking = Object.values(stack.deeds ?? {}).flatMap(({ lacks = {} }) => Object.keys(lacks));
  return !lacking.some((each) => {
    const task = machine.tasks.get(each);
    return task !== undefined && usesApproved(machine, task, name);
  });
}

function isChanged(work: Work, name: string): boolean {
  const present = resolveOf(work, name);
  return present !== undefined && present !== work.stack.approved?.[name]?.of;
}

/** Returns the text that an approval would name now; undefined where it cannot be known, such as without its outputs. */
function resolveOf({ machine, stack, event }: Work, name: string): string | undefined {
  const task = machine.tasks.get(name);
  if (task?.isApproval !== true) return undefined;
  const prepared = prepareTask({ machine, stack, at: event.at }, task);
  const read = prepared.kind === "prepared" ? toApprovalTerms(prepared.definition["config"]) : prepared;
  return read.kind === "terms" ? read.terms.of : undefined;
}

/** Returns true when a task needs the approval, or its config or target reads what the text of the approval is made of. */
function usesApproved(machine: Machine, task: Task, name: string): boolean {
  const { definition, target } = task;
  if (task.isApproval) return false;
  const used = listReferences([definition["config"], machine.targets.get(target ?? "")?.source]);
  return haveCommon(used, listApprovedReferences(machine, name)) || needs(machine, task, name);
}

function listApprovedReferences({ tasks }: Machine, name: string): ReadonlySet<string> {
  const config = tasks.get(name)?.definition["config"];
  return listReferences(isMap(config) ? config["of"] : undefined);
}

function needs({ tasks }: Machine, task: Task, name: string): boolean {
  const all = new Set(task.needs);
  // Iteration over a set includes items that are added meanwhile.
  for (const each of all) for (const need of tasks.get(each)?.needs ?? []) all.add(need);
  return all.has(name);
}

/** Returns the states that the taken events lead to, with those that it begins with. */
function reach(
  { states }: Machine,
  from: readonly (State | undefined)[],
  isTaken: (state: State, event: string) => boolean,
): ReadonlySet<string> {
  const reached = new Set(from.flatMap((each) => each ?? []));
  // Iteration over a set includes items that are added meanwhile.
  for (const each of reached) {
    const taken = [...each.on].flatMap(([event, choices]) => (isTaken(each, event) ? choices : []));
    for (const { advance } of taken) {
      const next = states.get(advance.at(-1) ?? "");
      if (next !== undefined) reached.add(next);
    }
  }
  return new Set([...reached].map(({ name }) => name));
}
