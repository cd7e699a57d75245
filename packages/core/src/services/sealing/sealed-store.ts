import { isStackyardError, StackyardError } from "../../errors/stackyard-error.ts";
import { parseAttemptId } from "../../machine/attempt-id.ts";
import { isMap } from "../../machine/json.ts";
import { parseSealedText } from "../../ports/queued-event.ts";
import type { Page, PutRecordInput, Records, StoredRecord, UnreadableRow } from "../../ports/records.ts";
import type { Change, ClaimResult, LoadedStack, QueuedEvent, SettleInput } from "../../ports/stack-store.ts";
import type { StackQueries, Store } from "../../ports/store.ts";
import type { DueItem } from "../../ports/work-queue.ts";
import { wrap } from "../../ports/wrap.ts";
import {
  openEvent,
  openHead,
  openLine,
  openMessage,
  openParked,
  sealDeadLetter,
  sealEvent,
  sealHead,
  sealLine,
  sealMessage,
  sealParked,
} from "./sealed-messages.ts";
import { type Convert, convertSecrets, convertStack, openValue, sealValue } from "./sealed-values.ts";
import type { Sealer } from "./sealer.ts";

/** A store, and what DynamoDB has besides. */
type SealableStore = Store & { readonly takeOwn?: Store["takeDue"] };

/** Options of a sealed store. */
export interface SealOptions {
  /**
   * A value that cannot be opened is returned unchanged, for a process that only shows stacks, masked, and decides nothing.
   * Default: false.
   */
  readonly isViewer?: boolean;
}

/** The record that names the key, with a value that only its owners can open. */
const PROBE = "seal/key";

/**
 * Wraps a store: with a sealer, documents go to it with sealed values, and come from it opened. Sealed are the values of
 * sensitive metadata and outputs, the content of events while they are queued, parked or dead-lettered, the progress of attempts, and
 * the messages of bulk operations. Without one, nothing is sealed, and what is sealed fails to open.
 *
 * Sealed values that were stored before there was a key are plain until their next write.
 *
 * @throws StackyardError `SEAL_KEY_MISSING` from calls that read a value that is sealed with another key.
 */
export function sealStore<Opened extends SealableStore>(
  store: Opened,
  sealer: Sealer | undefined,
  { isViewer = false }: SealOptions = {},
): Opened {
  const openAll: Convert = (owner, value) => openValue(sealer, owner, value);
  const open: Convert = isViewer ? (owner, value) => openAll(owner, value).catch(() => value) : openAll;
  const takeOpened = (take: Store["takeDue"]): Store["takeDue"] => {
    return async (input) => Promise.all((await take(input)).map((item) => openDue(open, item)));
  };
  return wrap<SealableStore>({
    ...(sealer === undefined ? PASSED_WRITES : createSealingWrites(store, sealer)),
    async load(ids) {
      return Promise.all((await store.load(ids)).map((loaded) => openLoaded(open, loaded)));
    },
    async loadParked(stackId, keys) {
      return Promise.all((await store.loadParked(stackId, keys)).map((parked) => openParked(open, parked)));
    },
    async claim(input) {
      return openClaim(open, input.attemptId, await store.claim(input));
    },
    takeDue: takeOpened(store.takeDue),
    takeOwn: store.takeOwn === undefined ? "pass" : takeOpened(store.takeOwn),
    queries: sealQueries(store.queries, open),
    records: sealRecords(store.records, sealer, open),
    // Times, ids, keys, states and machines: none is sensitive.
    renew: "pass",
    findAttempt: "pass",
    findTaskMessage: "pass",
    release: "pass",
    nextDueAt: "pass",
    memory: "pass",
    revisions: "pass",
    prune: "pass",
    correctAttempts: "pass",
    listLockHolders: "pass",
    watch: "pass",
    close: "pass",
  })(store);
}

function sealQueries(queries: StackQueries, open: Convert): StackQueries {
  return wrap<StackQueries>({
    async listStacks(filter, page) {
      return openPage(await queries.listStacks(filter, page), {
        toId: ({ stack }) => stack.id,
        toOpened: async (item) => ({ ...item, stack: await convertStack(item.stack, open) }),
      });
    },
    async listDeadLetters(filter, page) {
      return openPage(await queries.listDeadLetters(filter, page), {
        toId: ({ id }) => id,
        toOpened: async (letter) => ({ ...letter, event: await openEvent(open, letter.event) }),
      });
    },
    // The history has no values of sensitive keys but the marks of events; attempts are listed without their progress.
    async listHistory(filter, page) {
      const found = await queries.listHistory(filter, page);
      return { ...found, items: await Promise.all(found.items.map((line) => openLine(open, line))) };
    },
    listAttempts: "pass",
    listOpenAttempts: "pass",
    countStacks: "pass",
    listParkedStackIds: "pass",
    redrive: "pass",
    dismiss: "pass",
    stats: "pass",
  })(queries);
}

type SealingWrites = Pick<Store, "commit" | "enqueue" | "settle" | "suspend">;

const PASSED_WRITES = { commit: "pass", enqueue: "pass", settle: "pass", suspend: "pass" } as const;

function createSealingWrites(store: Store, sealer: Sealer): SealingWrites {
  const seal: Convert = (owner, value) => sealValue(sealer, owner, value);
  return {
    commit: async (changes) =>
      store.commit(await Promise.all(changes.map((change) => sealChange(sealer, seal, change)))),
    enqueue: async (events) => store.enqueue(await sealEvents(sealer, events)),
    settle: async (grant, input) => store.settle(grant, await sealSettle(sealer, input)),
    async suspend(grant, input) {
      if (input.progress === undefined) return store.suspend(grant, input);
      const progress = await seal(toAttemptOwner(grant.attemptId), input.progress);
      return store.suspend(grant, { ...input, progress });
    },
  };
}

function sealEvents(sealer: Sealer, events: readonly QueuedEvent[]): Promise<readonly QueuedEvent[]> {
  return Promise.all(events.map((event) => sealEvent(sealer, event)));
}

async function sealChange(sealer: Sealer, seal: Convert, change: Change): Promise<Change> {
  const { write, park, retried, deadLetters, history } = change;
  return {
    ...change,
    write: write.kind === "put" ? { kind: "put", stack: await convertStack(write.stack, seal) } : write,
    park: await Promise.all(park.map((parked) => sealParked(sealer, parked))),
    ...(retried && { retried: await Promise.all(retried.map((head) => sealHead(sealer, head))) }),
    deadLetters: await Promise.all(deadLetters.map((letter) => sealDeadLetter(sealer, letter))),
    history: await Promise.all(history.map((line) => sealLine(sealer, line))),
  };
}

async function sealSettle(sealer: Sealer, input: SettleInput): Promise<SettleInput> {
  const { followUps } = input;
  return {
    ...input,
    event: await sealEvent(sealer, input.event),
    ...(followUps && {
      followUps: await Promise.all(
        followUps.map(async (each) => ({ ...each, event: await sealEvent(sealer, each.event) })),
      ),
    }),
  };
}

async function openLoaded(open: Convert, loaded: LoadedStack): Promise<LoadedStack> {
  const { stack, parked } = loaded;
  return {
    ...loaded,
    ...(stack && { stack: await convertStack(stack, open) }),
    parked: await Promise.all(parked.map((head) => openHead(open, head))),
  };
}

async function openClaim(open: Convert, attemptId: string, claimed: ClaimResult): Promise<ClaimResult> {
  if (claimed.kind !== "granted") return claimed;
  const { progress, secrets } = claimed;
  const stackId = parseAttemptId(attemptId)?.stackId ?? "";
  return {
    ...claimed,
    ...(progress !== undefined && { progress: await open(toAttemptOwner(attemptId), progress) }),
    ...(secrets && { secrets: await convertSecrets(stackId, secrets, open) }),
  };
}

function toAttemptOwner(attemptId: string): string {
  return `attempt ${JSON.stringify(attemptId)}`;
}

/**
 * Opens an event and the stack with which it came. An event that cannot be opened is returned unchanged: the engine
 * dead-letters it with the reason, so that it blocks no other, and it can be sent again.
 */
async function openDue(open: Convert, item: DueItem): Promise<DueItem> {
  if (item.kind !== "event") return item;
  const { loaded, ...rest } = item;
  const event = await openEvent(open, item.event).catch(() => item.event);
  if (loaded === undefined) return { ...rest, event };
  // Without it the engine loads the stack, and reports what is wrong with it.
  const opened = await openLoaded(open, loaded).catch(() => undefined);
  return opened === undefined ? { ...rest, event } : { ...rest, event, loaded: opened };
}

interface OpenPageInput<Item> {
  readonly toId: (item: Item) => string;
  readonly toOpened: (item: Item) => Promise<Item>;
}

/** Opens the rows of a page; those that cannot be opened are unreadable rows. */
async function openPage<Item>(page: Page<Item>, { toId, toOpened }: OpenPageInput<Item>): Promise<Page<Item>> {
  const items: Item[] = [];
  const unreadable: UnreadableRow[] = [...(page.unreadable ?? [])];
  for (const [index, result] of (await Promise.allSettled(page.items.map(toOpened))).entries()) {
    const item = page.items[index];
    if (result.status === "fulfilled") items.push(result.value);
    else if (item !== undefined && isStackyardError(result.reason)) {
      unreadable.push({ id: toId(item), reason: result.reason.message });
    } else throw result.reason;
  }
  return { ...page, items, ...(unreadable.length > 0 && { unreadable }) };
}

/** A field of some records that is sealed. */
interface SealedField {
  readonly prefix: string;
  readonly field: string;
  seal(sealer: Sealer, owner: string, value: unknown): Promise<unknown>;
  open(open: Convert, owner: string, value: unknown): Promise<unknown>;
}

const SEALED_FIELDS: readonly SealedField[] = [
  {
    prefix: "bulk/all/",
    field: "message",
    seal: async (sealer, owner, value) => (isMap(value) ? sealMessage(sealer, owner, value) : value),
    open: async (open, owner, value) => (isMap(value) ? openMessage(open, owner, value) : value),
  },
  {
    prefix: "access/audit-key/",
    field: "secret",
    seal: sealValue,
    open: (open, owner, value) => open(owner, value),
  },
];

type ConvertField = (sealed: SealedField, owner: string, value: unknown) => Promise<unknown>;

function sealRecords(records: Records, sealer: Sealer | undefined, open: Convert): Records {
  const convert = async ({ key, value }: Pick<StoredRecord, "key" | "value">, to: ConvertField): Promise<unknown> => {
    const sealed = SEALED_FIELDS.find(({ prefix }) => key.startsWith(prefix));
    if (sealed === undefined || !isMap(value) || value[sealed.field] === undefined) return value;
    return { ...value, [sealed.field]: await to(sealed, toRecordOwner(key), value[sealed.field]) };
  };
  const toOpened = async (record: StoredRecord): Promise<StoredRecord> => ({
    ...record,
    value: await convert(record, (sealed, owner, value) => sealed.open(open, owner, value)),
  });
  const toSealed = (input: PutRecordInput): Promise<unknown> =>
    sealer === undefined
      ? Promise.resolve(input.value)
      : convert(input, (sealed, owner, value) => sealed.seal(sealer, owner, value));
  return wrap<Records>({
    async get(key, now) {
      const record = await records.get(key, now);
      return record && toOpened(record);
    },
    async put(input) {
      const put = await records.put({ ...input, value: await toSealed(input) });
      if (put.kind === "written") return { kind: "written", record: await toOpened(put.record) };
      return { kind: "conflict", current: put.current && (await toOpened(put.current)) };
    },
    async list(prefix, page) {
      return openPage(await records.list(prefix, page), { toId: ({ key }) => key, toOpened });
    },
    remove: "pass",
  })(records);
}

function toRecordOwner(key: string): string {
  return `record ${JSON.stringify(key)}`;
}

/**
 * Checks that this process has the key with which the yard's values are sealed, and notes the key of the first process
 * that has one. Processes without it must not work: they would fail at every sealed value.
 *
 * @throws StackyardError `SEAL_KEY_MISSING` with the id of the key.
 */
export async function checkSealKey(records: Records, sealer: Sealer | undefined, now: number): Promise<void> {
  const found = await records.get(PROBE, now);
  const probe = isMap(found?.value) ? found.value["probe"] : undefined;
  if (probe !== undefined) await openProbe(sealer, probe);
  if (sealer === undefined || parseSealedText(probe)?.keyId === sealer.keyId) return;
  const value = { probe: await sealValue(sealer, "yard", "key") };
  // If two processes begin at the same time, either may be noted.
  await records.put({ key: PROBE, value, expected: found?.version ?? "absent", now });
}

/** Returns true for a yard for which something was sealed. */
export async function isSealed(records: Records, now: number): Promise<boolean> {
  return (await records.get(PROBE, now)) !== undefined;
}

async function openProbe(sealer: Sealer | undefined, probe: unknown): Promise<void> {
  try {
    await openValue(sealer, "yard", probe);
  } catch (error) {
    if (!isStackyardError(error, "SEAL_KEY_MISSING")) throw error;
    const message = `The sensitive values of this yard are sealed with the key ${parseSealedText(probe)?.keyId}, which this process does not have. Set STACKYARD_SEAL_KEY, STACKYARD_SEAL_KEY_FILE or, on AWS, STACKYARD_SEAL_KMS_KEY as in the yard's other processes. To rotate, keep the old key after the new one.`;
    throw new StackyardError("SEAL_KEY_MISSING", message, { cause: error, details: error.details });
  }
}
