import type { AuditLine } from "@stackyard/sdk";

/** A piece of a sentence: words, or the name of what an act was about. */
export interface SentencePart {
  readonly text: string;
  /** Missing: words. A stack and a job have a page. */
  readonly kind?: "name" | "stack" | "job";
}

/** What an act does: done, to be done, and to what. A part whose subject a line does not have is left out. */
type Deed = readonly [done: string, toDo: string, ...objects: string[]];

/** The acts of the audit log in words: operations of the API, what the engine does on request, and signing in. */
const DEEDS: Readonly<Record<string, Deed>> = {
  // Of the engine.
  ACKNOWLEDGE_FAILURE: ["acknowledged", "acknowledge", "the failure of {stackId}"],
  APPROVE_TASK: ["approved", "approve", "{task}", "of {stackId}"],
  CANCEL_TASK: ["cancelled", "cancel", "{task}", "of {stackId}"],
  REJECT_TASK: ["rejected", "reject", "{task}", "of {stackId}"],
  REMOVE_STACK: ["removed", "remove", "{stackId}"],
  RETRY_FAILED_TASKS: ["retried", "retry", "the tasks of {stackId}"],
  RETRY_PENDING_TASKS: ["tried", "try", "the waiting tasks of {stackId} again"],
  SETTLE_APPROVAL: ["settled", "settle", "the approval of {task}", "of {stackId}"],
  SETTLE_TASK: ["settled", "settle", "{task}", "of {stackId}"],
  UPGRADE_STACK: ["upgraded", "upgrade", "{stackId}", "to another revision of {machine}"],
  WITHDRAW_APPROVAL: ["withdrew", "withdraw", "the approval of {task}", "of {stackId}"],
  // Of the API.
  cancelBulk: ["cancelled", "cancel", "the bulk operation {bulkId}"],
  createCode: ["created", "create", "a code to sign in for {key}"],
  createToken: ["created", "create", "the token {key}"],
  deleteTerraformState: ["deleted", "delete", "the Terraform state {stateKey}"],
  dismissEvents: ["dismissed", "dismiss", "dead letters"],
  dismissUnsavedRun: ["dismissed", "dismiss", "a run that was not saved in the Terraform state {stateKey}"],
  endFreeze: ["ended", "end", "the freeze {key}"],
  exceptFromFreeze: ["let", "let", "{stackId} pass", "the freeze {key}"],
  exportAudit: ["exported", "export", "the audit log"],
  getStackBundle: ["downloaded", "download", "the bundle of {stackId}"],
  getTerraformStateVersion: ["read", "read", "a version of the Terraform state {stateKey}"],
  linkPreview: ["linked", "link", "{stackId}", "to a pull request"],
  listAudit: ["read", "read", "the audit log"],
  login: ["signed in", "sign in"],
  logout: ["signed out", "sign out"],
  lockTerraformState: ["locked", "lock", "the Terraform state {stateKey}"],
  pushUnsavedState: ["saved", "save", "a state that a run had not saved, as {stateKey}"],
  readTerraformState: ["read", "read", "the Terraform state {stateKey}"],
  redriveEvents: ["sent", "send", "dead letters again"],
  redriveQueueItem: ["sent", "send", "an item of a queue again"],
  refreshArtifact: ["looked", "look", "for an artifact again"],
  replayArtifacts: ["announced", "announce", "artifacts again"],
  restoreTerraformState: ["restored", "restore", "the Terraform state {stateKey}"],
  revealSecret: ["revealed", "reveal", "the secret {key}", "of {stackId}"],
  revokeSession: ["ended", "end", "a session"],
  revokeToken: ["revoked", "revoke", "the token {key}"],
  rotateToken: ["rotated", "rotate", "the token {key}"],
  startBulk: ["started", "start", "the bulk operation {bulkId}", "on stacks of {machine}"],
  startFreeze: ["started", "start", "the freeze {key}"],
  startJob: ["started", "start", "the job {jobId}"],
  unlockTerraformState: ["unlocked", "unlock", "the Terraform state {stateKey}"],
  withdrawEvents: ["withdrew", "withdraw", "parked events"],
  writeMachineSource: ["saved", "save", "the machine {machine}"],
  writeTerraformState: ["wrote", "write", "the Terraform state {stateKey}"],
};

/** The act of a line about a request that was refused before it was known what it is about. */
export const DENIED = "denied";

/** The names of acts that a filter may offer. */
export const ACTIONS: readonly string[] = Object.keys(DEEDS);

/** Returns what was done, or was to be done, without who did it: `approved`, `sign-off`, `of`, `shop-1.43.0`. */
export function toSentence({
  action,
  outcome,
  on,
}: Pick<AuditLine, "action" | "outcome" | "on">): readonly SentencePart[] {
  if (action === DENIED) return [{ text: "was refused" }];
  const [done, toDo, ...objects] = findDeed(action);
  const lead = { done, begun: `began to ${toDo}`, failed: `tried to ${toDo}`, denied: `was refused to ${toDo}` }[
    outcome
  ];
  return [{ text: lead ?? done }, ...objects.flatMap((object) => toParts(object, on))];
}

const EVENT = /^event "(.*)"$/;

/** Returns what an act does. One without words is an event of a machine, or an operation that an assistant has called. */
function findDeed(action: string): Deed {
  const known = Object.hasOwn(DEEDS, action) ? DEEDS[action] : undefined;
  if (known !== undefined) return known;
  if (/^[a-z][A-Za-z]*$/.test(action)) return ["called", "call", `{=${action}}`, "for {stackId}"];
  return ["sent", "send", `{=${EVENT.exec(action)?.[1] ?? action}}`, "to {stackId}"];
}

/** Returns the parts of an object such as `of {stackId}`; none where the line does not have the subject. */
function toParts(object: string, on: AuditLine["on"]): readonly SentencePart[] {
  const [, before = "", key, after = ""] = /^(.*?)\{(.+?)\}(.*)$/s.exec(object) ?? [undefined, object];
  if (key === undefined) return [{ text: before }];
  const name = key.startsWith("=") ? key.slice(1) : on[key];
  if (name === undefined) return [];
  const text = key === "key" ? name.replace(/^freezes\//, "") : name;
  const kind = key === "stackId" ? "stack" : key === "jobId" ? "job" : "name";
  const parts: readonly SentencePart[] = [{ text: before.trim() }, { text, kind }, { text: after.trim() }];
  return parts.filter((part) => part.text !== "");
}
