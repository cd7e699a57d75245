import { deflateRawSync, inflateRawSync } from "node:zlib";
import { StackyardError } from "@stackyard/core";

/**
 * Text that rows contain often, the most frequent last. A row of some hundred bytes compresses to half only with such a
 * dictionary. Rows are unreadable under another one: change it only together with the name of the packed attribute.
 */
const DICTIONARY = Buffer.from(
  [
    '"code":"EVENT_NOT_HANDLED","reason":"","deliveries":0,"beside":"queuedFor":"progress":{"progressMessage":"',
    '"description":"","retryable":false,"outputs":{"dispatchId":"timer":"actor":"notes":[],"sent":[""],"masked":["password"]',
    '"origin":"external","origin":"worker","message":{"event":"TASK_COMPLETED","TASK_ERROR","receivedAt":17',
    '"cancel":{"why":"requested","withinMs":"cancelAt":"pollDueAt":17,"outcome":"failed","outcome":"succeeded","settledAt":17',
    '"hasLogRow":true,"deadlineHidden":{"at":17,"until":17,"timerHidden":"nextTryAt":17,"keptSecrets":{"secretVersions":{',
    '"outbox":[{"version":1,"now":17,"entry":1,"lines":[{"stackId":"","at":17,"eventId":"result:","event":"TASK_COMPLETED",',
    '"outcome":"applied","sent":["deploy"],"notes":[],"internal":true,"life":"","from":"","to":"","task":"","machineHash":"',
    '"metadata":{"branch":"main"}}],"ended":[{"status":"settled","outcome":"succeeded","settledAt":17',
    '"machineHash":"","enteredAt":17,"life":"","entry":1,"attempts":{"":1},"runs":[{"task":"","attempt":1,"attemptId":"","status":"RUNNING"',
    '"timers":[{"id":"1/after/0","event":"","dueAt":17}],"automaticEntries":[],"metadataOrder":["branch","url"],"stackVersion":',
    '"attempts":[{"attemptId":"/1/deploy/1","stackId":"","task":"deploy","timeoutMs":3600000,"status":"running","token":1,"deadlineAt":17',
    '"remainingMs":86400000,"isCancelTold":false,"heldKeys":[],"entry":1,"attempt":1,"executor":"terraform","lambda",',
    '"message":{"task":{"name":"","executor":""},"stack":{"id":"","previousState":"","machine":"","_state":"","tasks":[{"name":"',
    '"status":"PENDING"},{"name":"","status":"SATISFIED"}],"metadata":{},"createdAt":17,"updatedAt":17},"dispatch":{"id":"","attempt":1,',
    '"deadline":"2026-01-01T00:00:00.000Z","version":2,"entry":1}},"sequence":17,"dispatchedAt":17,"keys":[],"sentNo":1,',
    '"sent":{"no":1,"dueAt":17,"visibleAt":0,"deliveries":0}},"owner":"","leaseUntil":17',
  ].join(""),
);

/** A value as compressed JSON. Undefined members are left out. */
export function pack(value: unknown): Uint8Array {
  return deflateRawSync(JSON.stringify(value), { dictionary: DICTIONARY, level: 9 });
}

/** What `pack` made bytes of. `what` names it in an error. */
export function unpack(bytes: Uint8Array | undefined, what: string): unknown {
  try {
    return JSON.parse(inflateRawSync(bytes ?? new Uint8Array(), { dictionary: DICTIONARY }).toString());
  } catch (cause) {
    throw new StackyardError("STORE_CORRUPT", `${what} cannot be read: its packed part is damaged.`, { cause });
  }
}
