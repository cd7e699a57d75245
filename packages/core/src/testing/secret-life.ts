import assert from "node:assert/strict";
import { Type } from "typebox";
import { createBulkRecords } from "../bulk/bulk-records.ts";
import { toEncodedForms } from "../machine/encoded-forms.ts";
import { toEventKey } from "../machine/event-message.ts";
import { defineExecutor, failed, running, succeeded } from "../ports/executor.ts";
import type { Store } from "../ports/store.ts";
import { sealStore } from "../services/sealing/sealed-store.ts";
import type { Sealer } from "../services/sealing/sealer.ts";
import { createTrial } from "./trial.ts";

const SECRETS = {
  metadata: "Oa1-secret-of-the-opening/event+1",
  fixed: "Oa2-secret-that-never-changes/+2",
  changed: "Oa3-secret-that-replaces-one/+3",
  output: "Oa4-secret-output-of-a-task/+4",
  kept: "Oa5-secret-output-of-a-state/+5",
  progress: "Oa6-secret-in-the-progress/+6",
  parked: "Oa7-secret-of-a-parked-event/+7",
  early: "Oa8-secret-of-an-unknown-machine/+8",
  dead: "Oa9-secret-of-a-dead-letter/+9",
  queued: "Ob1-secret-of-a-queued-event/+1",
  bulk: "Ob2-secret-of-a-bulk/+2",
} as const;

const MACHINE = `
version: 2
events: [OPENED, PUSHED, LATE, CLOSED]
metadata:
  password: { type: string, sensitive: true }
  fixed: { type: string, sensitive: true, immutable: true }
  dsn: { type: string, sensitive: true }
states:
  INIT: { on: { OPENED: BUILD } }
  BUILD: { tasks: [db], on: { NEXT: LIVE } }
  LIVE: { tasks: [check], on: { PUSHED: BUILD, CLOSED: GONE } }
  GONE: { on: { LATE: LIVE } }
tasks:
  db:
    executor: work
    config: { password: "\${metadata.password}" }
    outputs: { dsn: url }
    retry: { attempts: 3, backoff: { from: 1s, to: 1s } }
  check: { executor: work, config: { password: "\${metadata.dsn}" } }
`;

/** The values that a life of stacks has used, by their origin; and configs as the executor received them. */
export interface SecretLife {
  readonly secrets: Readonly<Record<keyof typeof SECRETS, string>>;
  readonly received: ReadonlySet<string>;
}

/**
 * Plays a whole life of a stack with sensitive values over an empty store, which it seals with the sealer: they are in
 * metadata, outputs, progress, failures, and in events that are queued, parked and dead-lettered. Leaves events queued.
 */
export async function playSecretLife(store: Store, sealer: Sealer | undefined): Promise<SecretLife> {
  const sealed = sealStore(store, sealer);
  const received = new Set<string>();
  const { yard } = createTrial({
    source: MACHINE,
    executors: [createWork(received)],
    wrapStore: () => sealed,
    engines: 1,
    workers: 1,
  });
  const { metadata, fixed, changed, parked, early, dead, queued, bulk } = SECRETS;
  const send = (id: string, event: string, values: object = {}) =>
    yard.publish({ id, stackId: "pr-1", event, machine: "app", metadata: values });
  await send("e1", "OPENED", { password: metadata, fixed });
  await yard.advance(60_000);
  await send("e2", "PUSHED", { password: changed, fixed });
  await yard.advance(60_000);
  await send("e3", "LATE", { password: parked });
  await send("e4", "NOTHING", { password: dead });
  await yard.publish({ id: "e5", stackId: "pr-2", event: "OPENED", machine: "appp", metadata: { password: early } });
  await yard.settle();
  const [loaded] = await sealed.load(["pr-1"]);
  assert.deepEqual(loaded?.stack?.metadata, { password: changed, fixed, dsn: SECRETS.output });
  assert.deepEqual(
    (
      await sealed.loadParked(
        "pr-1",
        loaded.parked.map(({ event }) => toEventKey(event)),
      )
    ).map(({ event }) => event.message["metadata"]),
    [{ password: parked }],
  );
  const { items: letters } = await sealed.queries.listDeadLetters({}, { limit: 10 });
  assert.deepEqual(
    letters.map(({ event }) => event.message["metadata"]),
    [{ password: dead }],
  );
  await send("e6", "CLOSED", { password: queued });
  await addBulk(sealed, yard.clock, bulk);
  return { secrets: SECRETS, received };
}

function createWork(received: Set<string>) {
  return defineExecutor({
    name: "work",
    config: Type.Object({ password: Type.String() }),
    async start(ctx, { password }) {
      received.add(password);
      ctx.report(`connects with ${password}`);
      if (ctx.attempt.number === 1) {
        return failed({ code: "REFUSED", message: `refused ${password}`, retryable: true });
      }
      return running({ progress: { token: SECRETS.progress }, pollAfterMs: 1_000, message: `waits for ${password}` });
    },
    async poll(_, __, { token }) {
      received.add(token);
      const outputs = { url: SECRETS.output, other: SECRETS.kept };
      return { ...succeeded(outputs), sensitive: ["url", "other"] };
    },
    progress: Type.Object({ token: Type.String() }),
  });
}

async function addBulk(store: Store, clock: { now(): number; sleep(ms: number): Promise<void> }, password: string) {
  const records = createBulkRecords(store.records, clock);
  const sender = { kind: "local", id: "local", name: "local", groups: [] } as const;
  const message = { event: "CLOSED", metadata: { password } };
  const now = clock.now();
  const bulk = { id: "01J0000000000000000000000A", operation: "send", filter: {}, message, sender } as const;
  await records.add({ ...bulk, status: "running", createdAt: now, total: 1, done: 0, counts: {} }, ["pr-1"]);
  assert.deepEqual((await records.find(bulk.id))?.bulk.message, message);
  assert.deepEqual((await records.list({ limit: 1 })).items[0]?.message, message);
}

/** Returns the names of the values that bytes of a store contain, as text or in any encoded form. */
export function findSecretsIn(bytes: Uint8Array, { secrets }: Pick<SecretLife, "secrets">): readonly string[] {
  const content = Buffer.from(bytes);
  return Object.entries(secrets).flatMap(([name, secret]) => {
    const forms = [secret, JSON.stringify(secret).slice(1, -1), ...toEncodedForms(secret)];
    return forms.some((form) => content.includes(form) || content.includes(Buffer.from(form, "utf16le"))) ? [name] : [];
  });
}
