import { type Invariant, keyIn, type StartedCall } from "./invariant.ts";

/** What users see of leases and keys: their executor at work. */
export const startsHeld: Invariant = {
  name: "starts-held",
  promise: "An executor is called once a grant, with the keys of its task held and one idempotency key an attempt.",
  create(tell) {
    // The keys that came with each grant of which nothing was called yet.
    const grants = new Map<string, ReadonlySet<string>>();
    const taskKeys = new Map<string, string>();
    const idempotency = createIdempotency();
    return {
      onClaimed({ attemptId, exclusiveKeys }, result) {
        if (result.kind === "granted") grants.set(grantOf(attemptId, result.grant.token), new Set(exclusiveKeys));
      },
      onCommitted({ after }) {
        for (const { attemptId, exclusiveKey } of after?.runs ?? []) {
          if (exclusiveKey !== undefined) taskKeys.set(attemptId, `key:${exclusiveKey}`);
        }
      },
      onStarted(call) {
        const { attemptId, token, exclusiveKey } = call;
        const held = grants.get(grantOf(attemptId, token));
        grants.delete(grantOf(attemptId, token));
        if (held === undefined) tell(`${attemptId} was begun with token ${token}, which was not granted or is spent.`);
        for (const key of [taskKeys.get(attemptId), exclusiveKey]) {
          if (key !== undefined && held?.has(key) === false) tell(`${attemptId} was begun without the key "${key}".`);
        }
        for (const sentence of idempotency.note(call)) tell(sentence);
      },
    };
  },
};

function grantOf(attemptId: string, token: number): string {
  return keyIn(attemptId, String(token));
}

/** An attempt has one idempotency key, and no other attempt has it. */
function createIdempotency() {
  const keys = new Map<string, string>();
  const owners = new Map<string, string>();
  return {
    note({ attemptId, idempotencyKey }: StartedCall): readonly string[] {
      const known = keys.get(attemptId) ?? idempotencyKey;
      const owner = owners.get(idempotencyKey) ?? attemptId;
      keys.set(attemptId, known);
      owners.set(idempotencyKey, owner);
      return [
        ...(known === idempotencyKey ? [] : [`${attemptId} was begun again with another idempotency key.`]),
        ...(owner === attemptId ? [] : [`${attemptId} was begun with the idempotency key of ${owner}.`]),
      ];
    },
  };
}
