import { type Sender, type SenderKind, toCodePersonId } from "../../access/sender.ts";
import type { ApprovalTerms } from "../approval.ts";
import { cutText } from "../cut-text.ts";
import { isSent } from "../event-message.ts";
import { defined } from "../json.ts";
import type { Approval, GivenApproval, KnownSender, Stack, TaskState } from "../stack.ts";
import { noteApproved, toApprover } from "./approved.ts";
import { toApprovedDigest } from "./approved-digest.ts";
import { findApproval, prepareApproval, prolongApproval, putApproval } from "./ask-approval.ts";
import { type Rejected, reject } from "./decision.ts";
import { changeTasks } from "./enter-state.ts";
import { isMovedBySender, isSameSender, listSenders, UNKNOWN_SENDER } from "./metadata-senders.ts";
import { prepareTask } from "./prepare-task.ts";
import { setTask } from "./set-task.ts";
import { toErrorTask } from "./start-tasks.ts";
import { storeOutputs } from "./store-outputs.ts";
import { findTask } from "./task-states.ts";
import { type Handler, toKnownSender, toScopeInput, toShown, type Work } from "./work.ts";

/** Adds the approval of a person. With the last required approval the task succeeds. */
export const approveTask: Handler = (work) => {
  const open = findOpen(work);
  if (open.kind === "rejected") return open;
  const { approval, name } = open;
  const by = findSender(work);
  const { at, reason, sender, isAllowed } = work.event;
  const fault =
    findGroupFault(approval, sender) ??
    findOwnFault(approval, by) ??
    findOfFault(work, approval) ??
    findCommentFault(work, approval);
  if (fault !== undefined && !isAllowed) return fault;
  const comment = reason === undefined ? undefined : toComment(work, reason);
  const own: GivenApproval = defined({ by, at, comment });
  const given = [...approval.given, own];
  if (isAsker(approval, by)) work.notes.push(`${by.name} requested it too.`);
  for (const each of listUnowned(approval)) work.notes.push(`${describeUnowned(each)}: ${by.name} may be behind it.`);
  work.notes.push(`Approved by ${by.name}: ${given.length} of ${approval.count}.`);
  if (given.length < approval.count) replaceApproval(work, name, { ...approval, given });
  else changeTasks(work, () => succeed(work, name, given));
  return undefined;
};

/** The history contains the whole comment; the record of a stack with many approvals must not be too large. */
const MOST_COMMENT_CHARACTERS = 500;

function toComment(work: Work, reason: string): string {
  return cutText(toShown(work, reason), MOST_COMMENT_CHARACTERS);
}

/** Rejects in the name of a person: the task fails permanently. */
export const rejectTask: Handler = (work) => {
  const open = findOpen(work);
  if (open.kind === "rejected") return open;
  const by = findSender(work);
  const fault = findGroupFault(open.approval, work.event.sender) ?? findCommentFault(work, open.approval);
  if (fault !== undefined && !work.event.isAllowed) return fault;
  const why = work.event.reason === undefined ? "." : `: ${work.event.reason}`;
  changeTasks(work, () =>
    setTask(work, toFailed(work, open.name, "APPROVAL_REJECTED", `Rejected by ${by.name}${why}`)),
  );
  return undefined;
};

/** Withdraws the approval of a person. */
export const withdrawApproval: Handler = (work) => {
  const open = findOpen(work);
  if (open.kind === "rejected") return open;
  const { approval, name } = open;
  const by = findSender(work);
  const given = approval.given.filter((each) => !isSameSender(each.by, by));
  if (given.length === approval.given.length) {
    return reject("NOT_ALLOWED", `${describe(work)} has no approval to withdraw.`);
  }
  work.notes.push(`Withdrawn by ${by.name}: ${given.length} of ${approval.count}.`);
  replaceApproval(work, name, { ...approval, given });
  return undefined;
};

/** Handles a passed deadline of an approval. Returns false when no approval of that name has expired. */
export function expireApproval(work: Work): boolean {
  const { stack, event } = work;
  const name = event.task?.name ?? "";
  const approval = findApproval(stack, name);
  if (approval === undefined || approval.expiresAt > event.at) return false;
  if (prolongApproval(work, name, approval)) return true;
  const missing = approval.count - approval.given.length;
  const message = `${missing} of ${approval.count} approvals were missing.`;
  changeTasks(work, () => setTask(work, toFailed(work, name, "APPROVAL_EXPIRED", message)));
  return true;
}

/**
 * Opens approvals again when the metadata has changed, when a person has moved the stack to another revision, or when the
 * revision that the stack follows changes what they are about (their digest), because people approve what they saw. The approvals keep
 * their deadlines, and after a move also their other terms. `before` is the stack as it was before the event.
 */
export function askAgain(work: Work, before: Stack): void {
  const isSame = isSameMetadata(before, work.stack);
  if (isSame && before.machineHash === work.stack.machineHash) return;
  for (const [name, approval] of Object.entries(work.stack.approvals ?? {})) {
    // The approvals that this event has opened already contain the changed metadata; those that it has left are closed.
    const isOpen = [before, work.stack].every((stack) => findApproval(stack, name)?.id === approval.id);
    if (!isOpen) continue;
    if (!isSame) askOneAgain(work, name, approval);
    else askOnMove(work, { name, approval, isSenders: isMovedBySender(work, before) });
  }
}

function askOneAgain(work: Work, name: string, approval: Approval): void {
  const next = prepareAgain(work, name);
  if (next?.kind === "fault") changeTasks(work, () => setTask(work, toErrorTask(work, name, next)));
  else replaceQuestion(work, { name, approval, terms: next?.terms ?? approval, what: "metadata" });
}

interface MovedApproval {
  readonly name: string;
  readonly approval: Approval;
  /** A sender has moved the stack. */
  readonly isSenders: boolean;
}

function askOnMove(work: Work, { name, approval, isSenders }: MovedApproval): void {
  const next = prepareAgain(work, name);
  const { of } = next?.kind === "approval" ? next.terms : approval;
  const digest = of === undefined ? undefined : toApprovedDigest(work.machine, name, of);
  if (!isSenders && digest === approval.digest) return;
  const { of: _, ...kept } = approval;
  replaceQuestion(work, { name, approval, terms: { ...kept, ...defined({ of }) }, what: "revision" });
}

function prepareAgain(work: Work, name: string) {
  const task = work.machine.tasks.get(name);
  const resolved = task?.isApproval ? prepareTask(toScopeInput(work), task) : undefined;
  return resolved?.kind === "prepared" ? prepareApproval(resolved) : resolved;
}

interface NewQuestion {
  readonly name: string;
  readonly approval: Approval;
  readonly terms: ApprovalTerms;
  /** The part that has changed. */
  readonly what: "metadata" | "revision";
}

function replaceQuestion(work: Work, { name, approval, terms, what }: NewQuestion): void {
  const { askedBy, askedAt, expiresAt, unwatchedMs, given } = approval;
  const { from, count, own, unowned, comment, of } = terms;
  const rest = defined({ own, unowned, comment, of, askedBy, unwatchedMs });
  const question = { from, count, askedAt, expiresAt, given: [], ...rest };
  putApproval(work, name, { ...question, ...toChangedBy(work, approval) });
  if (given.length > 0) work.notes.push(`The ${what} has changed, so "${name}" must be approved again.`);
}

function isSameMetadata({ metadata: before }: Stack, { metadata: after }: Stack): boolean {
  if (before === after) return true;
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].every(
    (key) => Object.hasOwn(before, key) === Object.hasOwn(after, key) && before[key] === after[key],
  );
}

/** More changers than an approval usually has, and few enough for a record. */
const MOST_CHANGERS = 50;

function toChangedBy({ event }: Work, { changedBy = [] }: Approval): Pick<Approval, "changedBy"> {
  if (!isSent(event)) return changedBy.length === 0 ? {} : { changedBy };
  const senders = listSenders(event);
  const others = changedBy.filter((each) => !senders.some((sender) => isSameSender(each, sender)));
  return { changedBy: [...others, ...senders].slice(-MOST_CHANGERS) };
}

interface Open {
  readonly kind: "open";
  readonly name: string;
  readonly approval: Approval;
}

function findOpen({ event, stack }: Work): Open | Rejected {
  const name = event.task?.name;
  if (name === undefined) return reject("EVENT_INVALID", `"${event.name}" needs "task" with a "name".`);
  if (event.metadata !== undefined) {
    return reject("EVENT_INVALID", `"${event.name}" must not bring metadata: what is approved would change with it.`);
  }
  const approval = findApproval(stack, name);
  if (approval === undefined) return reject("APPROVAL_CLOSED", describeClosed(stack, name));
  if (event.dispatchId === undefined || event.dispatchId === approval.id) return { kind: "open", name, approval };
  const reason = `The subject of the approval "${name}" has changed. Read it again, then answer the new approval.`;
  return reject("APPROVAL_CLOSED", reason);
}

function describeClosed(stack: Stack, name: string): string {
  const task = findTask(stack, name);
  if (task === undefined) return `"${stack.state}" has no task "${name}" that waits for an approval.`;
  return `Task "${name}" is ${task.detail ?? task.status} and waits for no approval.`;
}

/** Returns the sender. In a replay the history contains only the sender's name. */
function findSender({ event }: Work): KnownSender {
  if (event.sender !== undefined) return toKnownSender(event.sender);
  const name = event.actor ?? "";
  return { kind: "person", id: name, name };
}

const PEOPLE: ReadonlySet<SenderKind> = new Set(["person", "aws", "host", "local"]);

/** Returns true when the sender may approve the task, by the rules of the approval itself, not of the yard. */
export function mayApprove(stack: Stack, task: string, sender: Sender): boolean {
  const approval = findApproval(stack, task);
  return approval !== undefined && (findGroupFault(approval, sender) ?? findOwnFault(approval, sender)) === undefined;
}

/** Returns why the sender may neither approve nor reject. */
function findGroupFault({ from }: Approval, sender: Sender | undefined): Rejected | undefined {
  if (sender === undefined)
    return reject("NOT_ALLOWED", `The sender is unknown. Log in as a member of ${from.join(" or ")}.`);
  const { kind, name, groups } = sender;
  if (!PEOPLE.has(kind)) {
    const reason = `${name} is a ${toNoun(sender)}, and only people may approve or reject.`;
    return reject("NOT_ALLOWED", `${reason} Log in as a member of ${from.join(" or ")}.`);
  }
  if (groups.some((group) => from.includes(group))) return undefined;
  return reject("NOT_ALLOWED", `${name} is in none of the groups that may approve: ${from.join(", ")}.`);
}

/** Returns why the sender may not approve although it is in one of the groups. */
function findOwnFault(approval: Approval, by: KnownSender): Rejected | undefined {
  const { count, given, own } = approval;
  const isFree = own || by.kind === "local";
  if (!isFree && isAsker(approval, by)) {
    return reject("NOT_ALLOWED", `${by.name} requested it, so another person must approve it.`);
  }
  const unowned = isFree || approval.unowned || count > 1 ? undefined : listUnowned(approval)[0];
  if (unowned !== undefined) {
    const advice = "The machine must require two approvals (count: 2), or allow such requests (unowned: true).";
    return reject("NOT_ALLOWED", `${describeUnowned(unowned)}: ${by.name} may be behind it. ${advice}`);
  }
  if (!given.some((each) => isSameSender(each.by, by))) return undefined;
  return reject("APPROVAL_REPEATED", `${by.name} has approved it before; ${count - given.length} more must approve.`);
}

function toNoun({ kind }: Sender): string {
  return kind === "anonymous" ? "sender without a login" : kind;
}

function findOfFault({ event }: Work, { of }: Approval): Rejected | undefined {
  if (of === undefined || event.of === of) return undefined;
  return reject("NOT_ALLOWED", `The approval must repeat what is approved: "of": ${JSON.stringify(of)}.`);
}

function findCommentFault({ event }: Work, { comment }: Approval): Rejected | undefined {
  if (comment !== "required" || event.reason?.trim()) return undefined;
  return reject("COMMENT_REQUIRED", "This approval requires a comment. Add one.");
}

/**
 * Returns true for the requester, and for those who changed the metadata of the approval. A token counts as the person
 * who created it, and as the one who signs in with its codes.
 */
function isAsker({ askedBy, changedBy = [] }: Approval, sender: KnownSender): boolean {
  const askers = askedBy === undefined ? changedBy : [askedBy, ...changedBy];
  return askers.some((asker) => {
    const isOfCode = asker.kind === "token" && toCodePersonId(asker.id) === sender.id;
    return isSameSender(asker, sender) || asker.owner === sender.id || isOfCode;
  });
}

/** Returns the requesters behind whom anybody may be: tokens without an owner, and senders that are not known. */
function listUnowned({ askedBy = UNKNOWN_SENDER, changedBy = [] }: Approval): readonly KnownSender[] {
  return [askedBy, ...changedBy].filter(({ kind, owner }) => UNOWNED.has(kind) && owner === undefined);
}

const UNOWNED: ReadonlySet<SenderKind> = new Set(["token", "stack", "anonymous"]);

function describeUnowned(sender: KnownSender): string {
  if (sender.kind === "token") return `The token "${sender.name}" requested it, and has no owner`;
  if (sender.kind === "stack") return `The release "${sender.name}" requested it, and who started that is not known`;
  return "A sender who is not known requested it";
}

function describe({ event }: Work): string {
  return event.sender?.name ?? event.actor ?? "The sender";
}

function replaceApproval(work: Work, task: string, approval: Approval): void {
  work.stack = { ...work.stack, approvals: { ...work.stack.approvals, [task]: approval } };
}

function succeed(work: Work, name: string, given: readonly GivenApproval[]): void {
  const outputs = {
    approvedBy: given.map(({ by }) => by.name).join(", "),
    approvedAt: new Date(work.event.at).toISOString(),
  };
  const answered: Work = { ...work, event: { ...work.event, task: { name }, outputs } };
  const fault = storeOutputs(answered, name, work.stack.metadata);
  work.stack = answered.stack;
  if (fault === undefined) noteApproved(work, name, { by: given.map(({ by }) => toApprover({ sender: by })) });
  const done: TaskState = { name, status: "SATISFIED" };
  setTask(work, fault === undefined ? done : toFailed(work, name, "OUTPUT_INVALID", fault));
}

function toFailed(work: Work, name: string, code: string, message: string): TaskState {
  return { name, status: "ERROR", errorCode: code, errorMessage: toShown(work, message) };
}
