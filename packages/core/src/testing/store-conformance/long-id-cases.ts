import assert from "node:assert/strict";
import type { Store } from "../../ports/store.ts";
import type { ConformanceCase } from "../conformance-case.ts";
import { loadParked } from "./load-parked.ts";
import {
  aCancel,
  aChange,
  aClaim,
  aDispatch,
  aHistoryEntry,
  aParkedEvent,
  aPut,
  aQueuedEvent,
  aSettle,
  commitNow,
  commitOnPresent,
  expectKind,
  grantNow,
  MINUTE,
  storeCase,
  take,
  takeAttemptIds,
  takeEventIds,
  takeReceipts,
} from "./store-builders.ts";

/** Characters in no order that a compression could use; of three bytes each, or of one. */
function draw(length: number, seed: number, { first, count } = { first: 0x4e00, count: 20_000 }): string {
  let state = seed;
  let text = "";
  while (text.length < length) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    text += String.fromCharCode(first + ((state >> 8) % count));
  }
  return text;
}

const STACK = draw(255, 1);
const EVENT = draw(255, 2);
const TASK = draw(1_024, 3);
const KEY = `key:${draw(1_020, 4)}`;
const ASCII = { first: 0x61, count: 26 };
/** Alike for long: an id begins with the stack's. */
const ATTEMPTS = [5, 6].map((seed) => draw(4_000, 7, ASCII) + draw(4_192, seed, ASCII));
const [FIRST = "", SECOND = ""] = ATTEMPTS;
const keyed = { exclusiveKeys: [KEY] };

const dispatches = ATTEMPTS.map((id) => aDispatch(id, { stackId: STACK, task: TASK }));

/** Texts that are as long as a message may bring them, in a script whose characters take three bytes. */
export const longIdCases: readonly ConformanceCase<Store>[] = [
  storeCase("takes events, stacks and tasks whose ids are as long as they may be", async (store) => {
    const event = aQueuedEvent(EVENT, { stackId: STACK });
    await store.enqueue([event]);
    const receipts = await takeReceipts(store, ["event"]);
    const history = [aHistoryEntry(EVENT, { stackId: STACK })];
    const park = [aParkedEvent(`x${EVENT.slice(1)}`, { event: { ...event, id: `x${EVENT.slice(1)}` } })];

    await commitNow(store, aPut({ id: STACK }, { appliedIds: [EVENT], receipts, history, park, dispatches }));

    await store.enqueue([event]);
    assert.deepEqual(await takeEventIds(store), []);
    assert.deepEqual(await takeAttemptIds(store, "task"), ATTEMPTS);
    const { items } = await store.queries.listHistory({ stackId: STACK, eventId: EVENT }, { limit: 9 });
    assert.deepEqual(
      items.map(({ eventId }) => eventId),
      [EVENT],
    );
    assert.deepEqual(await loadParked(store, STACK), park);
    assert.deepEqual(
      (await store.queries.listAttempts(STACK)).map(({ attemptId, task }) => [attemptId, task]),
      ATTEMPTS.toReversed().map((id) => [id, TASK]),
    );
    assert.equal((await store.findTaskMessage(SECOND))?.dispatch.id, SECOND);
  }),

  storeCase("knows applied ids that are as long as those of results, and no others by them", async (store) => {
    const ids = ATTEMPTS.map((id) => `result:${id}`);
    await commitNow(store, aPut({}, { appliedIds: ids.slice(0, 1) }));

    const result = await commitOnPresent(store, aPut({}, { appliedIds: ids }));
    await store.enqueue(ids.map((id) => aQueuedEvent(id)));

    assert.deepEqual(result, { kind: "duplicate", eventIds: ids.slice(0, 1) });
    assert.deepEqual(await takeEventIds(store), ids.slice(1));
  }),

  storeCase("passes an exclusive key on that is as long as it may be", async (store) => {
    await commitNow(store, aPut({ id: STACK }, { dispatches }));
    const grant = await grantNow(store, FIRST, keyed);

    const waiting = await store.claim(aClaim(SECOND, keyed));

    assert.deepEqual(waiting, { kind: "queued", key: KEY, holder: FIRST, place: 1 });
    const view = await store.findAttempt(SECOND);
    assert.deepEqual([view?.attemptId, view?.queuedFor], [SECOND, { key: KEY, holder: FIRST, place: 1 }]);
    assert.deepEqual((await store.findAttempt(FIRST))?.heldKeys, [KEY]);
    assert.deepEqual(await store.renew(grant, { leaseMs: MINUTE, now: 0 }), { kind: "renewed" });
    assert.equal(await store.settle(grant, aSettle(FIRST)), "settled");
    assert.deepEqual((await store.findAttempt(SECOND))?.heldKeys, [KEY]);
    assert.deepEqual(await takeEventIds(store), [`result:${FIRST}`]);
  }),

  storeCase("cancels and endedAttempts attempts whose ids are as long as they may be", async (store) => {
    await commitNow(store, aPut({ id: STACK }, { dispatches }));

    await commitNow(store, aChange({ stackId: STACK, cancels: [aCancel(FIRST)], endedAttempts: [SECOND] }));

    const [item] = await take(store, ["event"]);
    const { event } = expectKind(item, "event");
    assert.deepEqual([event.id, event.message["dispatchId"]], [`cancelled:${FIRST}`, FIRST]);
    assert.deepEqual(
      (await store.queries.listAttempts(STACK)).map(({ attemptId, outcome }) => [attemptId, outcome]),
      [
        [SECOND, "closed"],
        [FIRST, "cancelled"],
      ],
    );
  }),
];
