import assert from "node:assert/strict";
import { defined } from "../../machine/json.ts";
import { JOB_MACHINE } from "../../machine/machine.ts";
import type { LastFailure, MetadataValue, Stack } from "../../machine/stack.ts";
import { MAIN_CONDITIONS, type MainCondition } from "../../machine/stack-health.ts";
import {
  type OpenAttempt,
  type OpenAttemptFilter,
  STACK_CONDITIONS,
  type StackFilter,
  type StackGroup,
  type StackGrouping,
  type StackScope,
  type Store,
} from "../../ports/store.ts";
import type { ConformanceCase } from "../conformance-case.ts";
import { createRandom } from "../fake-clock.ts";
import {
  aDispatch,
  aParkedEvent,
  aPut,
  aQueuedEvent,
  aStoredStack,
  assertRejects,
  commitNow,
  grantNow,
  listAll,
  MINUTE,
  storeCase,
  T0,
} from "./store-builders.ts";

/** A stack of a store, and whether an event is parked for it. */
export interface Written {
  readonly stack: Stack;
  readonly isParked: boolean;
}

/** Chooses by chance, the same for the same seed. */
export interface Chooser {
  one<const Value>(values: readonly Value[]): Value;
  upTo(most: number): number;
  /** Returns undefined twice in three times. */
  maybe<Value>(choose: () => Value): Value | undefined;
}

/** Begins with a seed. */
export function createChooser(seed: number): Chooser {
  const random = createRandom(seed);
  const upTo = (most: number) => Math.floor(random() * (most + 1));
  return {
    one(values) {
      const at = upTo(values.length - 1);
      for (const value of values.slice(at, at + 1)) return value;
      return assert.fail("There is nothing to choose from.");
    },
    upTo,
    maybe: (choose) => (upTo(2) === 0 ? choose() : undefined),
  };
}

const MACHINES = ["web", "db", 'né"\\', JOB_MACHINE] as const;
const STATES = ["UP", "DOWN", "FAILED", "ASLEEP"] as const;
const HASHES = ["a".repeat(64), "b".repeat(64), ""] as const;
const KEYS = ["branch", 'a "key"', "zero", "ünï"] as const;
const VALUES = ["main", "", 'x":"y', "ünï\n", 0, 1.5, -7e21, true, false, null] as const;
const CODES = ["OOM", 'a "code"', "TASK_CANCELLED"] as const;
const PREFIXES = ["", "web-", "web-1", "we_", "%", "né/"] as const;

/** Picks a random stack. Its time of update is unlike that of another in few cases. */
export function pickStack(pick: Chooser, id: string): Stack {
  const metadata: Record<string, MetadataValue> = {};
  for (let left = pick.upTo(3); left > 0; left -= 1) metadata[pick.one(KEYS)] = pick.one(VALUES);
  const statuses = pick.one([[], ["PENDING"], ["ERROR"], ["SATISFIED", "PENDING", "ERROR"]] as const);
  return aStoredStack({
    id,
    machine: pick.one(MACHINES),
    state: pick.one(STATES),
    machineHash: pick.one(HASHES),
    metadata,
    tasks: statuses.map((status, index) => ({
      name: `t${index}`,
      status,
      ...(status === "ERROR" && defined({ errorCode: pick.maybe(() => pick.one(CODES)) })),
    })),
    // It stays as long as the stack.
    createdAt: T0 + (id.charCodeAt(id.length - 1) % 5),
    updatedAt: T0 + pick.upTo(4),
    enteredAt: T0 + pick.upTo(4),
    // Texts that look like metadata, so that a search in the text of a record alone is not enough.
    incarnation: '{"branch":"main"}',
    outputs: { t0: { branch: "main", zero: 0 } },
    ...pick.maybe(() => ({ stalled: { code: "LOOP_LIMIT", reason: "…" } })),
    ...pick.maybe(() => ({ overdue: true })),
    ...pick.maybe(() => ({ heldBack: { code: "UPGRADE_TASK_UNKNOWN", reason: "…" } })),
    ...pick.maybe(() => ({ approvals: {} })),
    ...pick.maybe(() => ({ secretVersions: { branch: 1 } })),
    ...pick.maybe(() => ({ lastFailure: pickFailure(pick) })),
  });
}

function pickFailure(pick: Chooser): LastFailure {
  const past = { task: pick.one(["t0", "t2", "t9"]), state: "UP", entry: pick.upTo(3), attempt: 1, at: T0 };
  const end = pick.one([{}, {}, { resolvedAt: T0 }, { acknowledged: { at: T0, by: "ada" } }, { answeredAt: T0 }]);
  return { ...past, ...end, ...defined({ code: pick.maybe(() => pick.one(CODES)) }) };
}

const COUNT = 60;

/**
 * Picks a limit with which a list of `COUNT` stacks has two to twelve pages. Other cases read pages of one and two
 * items.
 */
export function pickLimit(pick: Chooser): number {
  return 5 + pick.upTo(30);
}

/** Writes stacks as chance has them, some with a parked event. */
export async function putRandom(store: Store, pick: Chooser): Promise<readonly Written[]> {
  const ids = new Set<string>();
  while (ids.size < COUNT) ids.add(`${pick.one(PREFIXES)}${pick.upTo(200)}`);
  const written = [...ids].map((id) => ({ stack: pickStack(pick, id), isParked: pick.upTo(3) === 0 }));
  const changes = written.map(({ stack, isParked }) => {
    const event = aQueuedEvent("e1", { stackId: stack.id });
    return aPut(stack, { park: isParked ? [aParkedEvent("e1", { event })] : [] });
  });
  for (const { kind } of await store.commit(changes)) assert.equal(kind, "committed");
  return written;
}

/** Picks a random filter. */
export function pickFilter(pick: Chooser): StackFilter {
  const prefix = () => pick.one([...PREFIXES, "a"]);
  const metadata = () => Object.fromEntries([[pick.one(KEYS), pick.one(VALUES)]]);
  const scope = () =>
    defined({
      machines: pick.maybe(() => [pick.one(MACHINES), pick.one(MACHINES)].slice(0, pick.upTo(2))),
      idPrefixes: pick.maybe(() => [prefix(), prefix()].slice(0, pick.upTo(2))),
    });
  return defined({
    machine: pick.maybe(() => pick.one(MACHINES)),
    state: pick.maybe(() => pick.one(STATES)),
    idPrefix: pick.maybe(prefix),
    text: pick.maybe(() => pick.one(["1", "-", "%", "_", "é/", "no such text", ""])),
    condition: pick.maybe(() => pick.one(STACK_CONDITIONS)),
    mainCondition: pick.maybe(() => pick.one(MAIN_CONDITIONS)),
    needsPerson: pick.maybe(() => pick.one([true, false])),
    behind: pick.maybe(() => pick.one([true, false])),
    jobs: pick.maybe(() => pick.one([true, false])),
    revision: pick.maybe(() => pick.one(HASHES)),
    metadata: pick.maybe(metadata),
    task: pick.maybe(() => pick.one(["t0", "t2", "t"])),
    code: pick.maybe(() => pick.one([...CODES, ""])),
    ids: pick.maybe(() => Array.from({ length: pick.upTo(200) }, () => `${pick.one(PREFIXES)}${pick.upTo(200)}`)),
    scopes: pick.maybe(() => [scope(), scope(), scope()].slice(0, pick.upTo(3))),
  });
}

/** Evaluates a filter literally, one condition after the other. */
export function fits(filter: StackFilter, each: Written): boolean {
  const { machine, state, machineHash } = each.stack;
  const { scopes } = filter;
  const answers = [
    fitsId(filter, each.stack),
    filter.machine === undefined || filter.machine === machine,
    filter.jobs === undefined || filter.jobs === (machine === JOB_MACHINE),
    filter.state === undefined || filter.state === state,
    filter.revision === undefined || filter.revision === machineHash,
    filter.condition === undefined || conditionsOf(each).includes(filter.condition),
    fitsHealth(filter, each),
    Object.entries(filter.metadata ?? {}).every(([key, value]) => hasValue(each.stack, key, value)),
    (filter.task === undefined && filter.code === undefined) || failuresOf(filter, each.stack).length > 0,
    filter.behind === undefined || (each.stack.heldBack !== undefined) === filter.behind,
    scopes === undefined || scopes.some((scope) => isWithin(scope, each.stack)),
  ];
  return !answers.includes(false);
}

function fitsId({ idPrefix, text, ids }: StackFilter, { id }: Stack): boolean {
  const fitsText = text === undefined || id.indexOf(text) >= 0;
  return (
    fitsText && (idPrefix === undefined || id.indexOf(idPrefix) === 0) && (ids === undefined || ids.indexOf(id) >= 0)
  );
}

function fitsHealth({ mainCondition, needsPerson }: StackFilter, each: Written): boolean {
  const fitsMain = mainCondition === undefined || mainConditionOf(each) === mainCondition;
  return fitsMain && (needsPerson === undefined || isNeedy(each.stack) === needsPerson);
}

function failuresOf({ task, code }: StackFilter, stack: Stack): readonly unknown[] {
  const { tasks, lastFailure } = stack;
  if (lastFailure !== undefined && isLeftBehind(stack)) {
    const { task: name, code: own = "" } = lastFailure;
    return (task ?? name) === name && (code ?? own) === own ? [lastFailure] : [];
  }
  return tasks
    .filter(({ status }) => status === "ERROR")
    .filter(({ name }) => (task ?? name) === name)
    .filter(({ errorCode = "" }) => (code ?? errorCode) === errorCode);
}

function hasValue({ metadata, secretVersions = {} }: Stack, key: string, value: MetadataValue): boolean {
  return Object.keys(metadata).includes(key) && metadata[key] === value && !Object.keys(secretVersions).includes(key);
}

function isWithin({ machines, idPrefixes }: StackScope, { id, machine }: Stack): boolean {
  const pairs = (machines ?? [machine]).flatMap((each) =>
    (idPrefixes ?? [""]).map((prefix) => [each, prefix] as const),
  );
  return pairs.some(([each, prefix]) => each === machine && id.indexOf(prefix) === 0);
}

/** No success has resolved the last failure. */
function isLeftBehind({ machine, tasks, lastFailure, entry }: Stack): boolean {
  if (lastFailure === undefined || machine === JOB_MACHINE || tasks.some(({ status }) => status === "ERROR"))
    return false;
  const { resolvedAt, answeredAt } = lastFailure;
  const isPending = tasks.some(({ status }) => status === "PENDING");
  if (resolvedAt !== undefined) return false;
  return !isPending || (answeredAt === undefined && lastFailure.entry !== entry);
}

function isNeedy(stack: Stack): boolean {
  if (stack.machine === JOB_MACHINE) return false;
  const isSeen = isLeftBehind(stack) && stack.lastFailure?.acknowledged !== undefined;
  const conditions = conditionsOf({ stack, isParked: false });
  return conditions.some((name) => name !== "busy" && name !== "waiting" && !(name === "degraded" && isSeen));
}

function conditionsOf({ stack, isParked }: Written): readonly NonNullable<StackFilter["condition"]>[] {
  const isBusy = stack.tasks.some(({ status }) => status === "PENDING");
  const isFailed = stack.tasks.some(({ status }) => status === "ERROR");
  const isWaiting =
    isBusy ||
    isFailed ||
    stack.stalled !== undefined ||
    stack.overdue === true ||
    stack.approvals !== undefined ||
    isLeftBehind(stack) ||
    isParked;
  return [
    ...(isFailed ? (["failed"] as const) : []),
    ...(isLeftBehind(stack) ? (["degraded"] as const) : []),
    ...(stack.stalled === undefined ? [] : (["stalled"] as const)),
    ...(stack.overdue === true ? (["overdue"] as const) : []),
    ...(stack.approvals === undefined ? [] : (["approval"] as const)),
    ...(isBusy ? (["busy"] as const) : []),
    ...(isWaiting ? (["waiting"] as const) : []),
  ];
}

/** The first that is true. */
function mainConditionOf(each: Written): MainCondition {
  const { machine, state } = each.stack;
  if (machine === JOB_MACHINE && state === "FAILED") {
    return each.stack.lastFailure?.code === "TASK_CANCELLED" ? "cancelled" : "failed";
  }
  const conditions = conditionsOf(each);
  const first = MAIN_CONDITIONS.find((name) => conditions.some((condition) => condition === name));
  return first ?? (state === "ASLEEP" ? "asleep" : "healthy");
}

function countPlainly(written: readonly Written[], by: StackGrouping): readonly StackGroup[] {
  const counts = new Map<string, number>();
  const add = (group: Omit<StackGroup, "count">, count = 1) => {
    const key = JSON.stringify(group);
    counts.set(key, (counts.get(key) ?? 0) + count);
  };
  if (by === "condition") for (const condition of STACK_CONDITIONS) add({ condition }, 0);
  for (const each of written) for (const group of groupsOf(each, by)) add(group);
  return [...counts]
    .map(([key, count]): StackGroup => ({ ...JSON.parse(key), count }))
    .sort((a, b) => b.count - a.count || (toSortText(a) < toSortText(b) ? -1 : 1));
}

function groupsOf(each: Written, by: StackGrouping): readonly Omit<StackGroup, "count">[] {
  const { machine, state, machineHash: revision } = each.stack;
  if (by === "condition") return conditionsOf(each).map((condition) => ({ condition }));
  if (by === "mainCondition") {
    return [{ machine, mainCondition: mainConditionOf(each), ...(isNeedy(each.stack) && { needsPerson: true }) }];
  }
  if (by === "machine") return [{ machine }];
  return [by === "state" ? { machine, state } : { machine, revision }];
}

function toSortText({ machine, state, condition, mainCondition, revision, needsPerson }: StackGroup): string {
  return JSON.stringify([machine, state, condition ?? mainCondition, revision, needsPerson]);
}

/** Filters of lists and counts, against one that is written down plainly. */
export const filterCases: readonly ConformanceCase<Store>[] = [
  storeCase("lists and counts the stacks that a filter fits, and no others", async (store) => {
    const pick = createChooser(1);
    const written = await putRandom(store, pick);

    for (let left = 150; left > 0; left -= 1) {
      const filter = pickFilter(pick);
      const wanted = written.filter((each) => fits(filter, each));
      const found = await listAll((page) => store.queries.listStacks(filter, page), pickLimit(pick));
      const by = pick.one(["machine", "state", "condition", "mainCondition", "revision"]);
      assert.deepEqual(
        found.map(({ stack }) => stack.id),
        wanted.map(({ stack }) => stack.id).sort(),
        JSON.stringify(filter),
      );
      assert.deepEqual(
        await store.queries.countStacks(filter, by),
        { total: wanted.length, groups: countPlainly(wanted, by) },
        JSON.stringify({ filter, by }),
      );
    }
  }),

  storeCase("limits lists and counts to the scopes of a caller", async (store) => {
    for (const [id, machine] of [
      ["web-1", "web"],
      ["web-2", "db"],
      ["api-1", "web"],
      ["api-2", "db"],
    ] as const) {
      await commitNow(store, aPut({ id, machine }));
    }

    for (const [scopes, ids] of [
      [[], []],
      [[{}], ["api-1", "api-2", "web-1", "web-2"]],
      [[{ machines: ["web"] }], ["api-1", "web-1"]],
      [[{ idPrefixes: ["web-"] }], ["web-1", "web-2"]],
      [[{ machines: ["web"], idPrefixes: ["web-"] }], ["web-1"]],
      [
        [
          { machines: ["web"], idPrefixes: ["web-"] },
          { machines: ["db"], idPrefixes: ["api-", "x"] },
        ],
        ["api-2", "web-1"],
      ],
      [
        [{ machines: ["web"] }, { idPrefixes: ["web-"] }],
        ["api-1", "web-1", "web-2"],
      ],
      [[{ machines: [] }], []],
      [[{ machines: [], idPrefixes: ["web-"] }, { idPrefixes: [] }], []],
    ] as const) {
      const { items } = await store.queries.listStacks({ scopes }, { limit: 9 });
      assert.deepEqual(
        items.map(({ stack }) => stack.id),
        ids,
        JSON.stringify(scopes),
      );
      assert.equal((await store.queries.countStacks({ scopes })).total, ids.length);
    }
  }),

  storeCase("counts at most 200 groups, the largest first", async (store) => {
    const ids = Array.from({ length: 205 }, (_, index) => `s${index}`);
    const changes = ids.map((id, index) => aPut({ id, state: `S${index % 203}` }));
    await store.commit(changes);

    const { total, groups, moreGroups } = await store.queries.countStacks({}, "state");

    assert.deepEqual([total, groups.length, moreGroups], [205, 200, 3]);
    assert.deepEqual(groups.slice(0, 2), [
      { machine: "web", state: "S0", count: 2 },
      { machine: "web", state: "S1", count: 2 },
    ]);
    assert.deepEqual(await store.queries.countStacks({}), { total: 205, groups: [] });
  }),

  storeCase("takes 1,000 ids in a filter, and no more", async (store) => {
    await store.commit(["a", "b", "c"].map((id) => aPut({ id })));
    const ids = Array.from({ length: 999 }, (_, index) => `no-${index}`);

    const { items } = await store.queries.listStacks({ ids: [...ids, "b"] }, { limit: 5 });

    assert.deepEqual(
      items.map(({ stack }) => stack.id),
      ["b"],
    );
    assert.equal((await store.queries.countStacks({ ids: [] })).total, 0);
    await assertRejects(() => store.queries.listStacks({ ids: [...ids, "a", "b"] }, { limit: 1 }), "USAGE");
    await assertRejects(() => store.queries.countStacks({ ids: [...ids, "a", "b"] }), "USAGE");
  }),

  storeCase("takes 5 values of metadata in a filter, and no more", async (store) => {
    const metadata = { a: 1, b: 2, c: 3, d: 4, e: 5 };
    await commitNow(store, aPut({ id: "a", metadata }));

    assert.equal((await store.queries.countStacks({ metadata })).total, 1);
    const filter = { metadata: { ...metadata, f: 6 } };
    await assertRejects(() => store.queries.listStacks(filter, { limit: 1 }), "USAGE");
    await assertRejects(() => store.queries.countStacks(filter, "machine"), "USAGE");
  }),
];

/** Lists of attempts over the yard. */
export const openAttemptCases: readonly ConformanceCase<Store>[] = [
  storeCase("lists open attempts in order of dispatch over pages", async (store) => {
    await dispatchAll(store);

    for (const limit of [1, 2, 100]) {
      assert.deepEqual(await listOpenIds(store, {}, limit), [
        "b/1/plan/1",
        "a/1/plan/1",
        "web-1/1/plan/1",
        "c/1/other/1",
      ]);
    }
    const [first] = (await store.queries.listOpenAttempts({}, { limit: 1 })).items;
    assert.deepEqual(first, { ...(await store.findAttempt("b/1/plan/1")), machine: "web" });
  }),

  storeCase(
    "filters open attempts by status, executor, machine, beginning of the stack's id and scopes",
    async (store) => {
      await dispatchAll(store);
      await grantNow(store, "a/1/plan/1");

      assert.deepEqual(await listOpenIds(store, { status: "running" }), ["a/1/plan/1"]);
      assert.deepEqual(await listOpenIds(store, { status: "unclaimed", executor: "terraform" }), [
        "b/1/plan/1",
        "web-1/1/plan/1",
      ]);
      assert.deepEqual(await listOpenIds(store, { executor: "lambda" }), ["c/1/other/1"]);
      assert.deepEqual(await listOpenIds(store, { machine: "db" }), ["c/1/other/1"]);
      assert.deepEqual(await listOpenIds(store, { idPrefix: "web-" }), ["web-1/1/plan/1"]);
      assert.deepEqual(await listOpenIds(store, { status: "suspended" }), []);
      const scopes = [{ machines: ["db"] }, { machines: ["web"], idPrefixes: ["a", "x"] }];
      assert.deepEqual(await listOpenIds(store, { scopes }), ["a/1/plan/1", "c/1/other/1"]);
      assert.deepEqual(await listOpenIds(store, { scopes: [] }), []);
    },
  ),

  storeCase("lists no attempt that has ended, and one of a stack that is gone", async (store) => {
    await dispatchAll(store);
    await commitNow(store, aPut({ id: "a" }, { endedAttempts: ["a/1/plan/1"] }));
    await commitNow(store, { ...aPut({ id: "b" }), write: { kind: "remove" } });

    assert.deepEqual(await listOpenIds(store), ["b/1/plan/1", "web-1/1/plan/1", "c/1/other/1"]);
    assert.deepEqual(await listOpenIds(store, { machine: "web" }), ["b/1/plan/1", "web-1/1/plan/1"]);
  }),

  storeCase("shows of an open attempt which one it waits for", async (store) => {
    await dispatchAll(store);
    await grantNow(store, "b/1/plan/1", { exclusiveKeys: ["key:k"] });
    await store.claim({ attemptId: "a/1/plan/1", owner: "w2", leaseMs: MINUTE, exclusiveKeys: ["key:k"], now: T0 });

    const { items } = await store.queries.listOpenAttempts({ status: "queued" }, { limit: 9 });

    assert.deepEqual(items, [{ ...(await store.findAttempt("a/1/plan/1")), machine: "web" }]);
    assert.deepEqual(items[0]?.queuedFor, { key: "key:k", holder: "b/1/plan/1", place: 1 });
  }),

  storeCase("continues a list of open attempts while others begin and end", async (store) => {
    await dispatchAll(store);
    const first = await store.queries.listOpenAttempts({}, { limit: 2 });
    await commitNow(
      store,
      aPut({ id: "a" }, { endedAttempts: ["a/1/plan/1"], dispatches: [anAttempt("a", "plan", { attempt: 2 })] }),
    );

    const second = await store.queries.listOpenAttempts({}, { limit: 9, cursor: first.cursor ?? "" });

    assert.deepEqual(second.items.map(toId), ["web-1/1/plan/1", "c/1/other/1", "a/1/plan/2"]);
    await assertRejects(() => store.queries.listOpenAttempts({}, { limit: 9, cursor: "x" }), "USAGE");
  }),
];

const toId = ({ attemptId }: OpenAttempt) => attemptId;

async function listOpenIds(store: Store, filter: OpenAttemptFilter = {}, limit = 100) {
  return (await listAll((page) => store.queries.listOpenAttempts(filter, page), limit)).map(toId);
}

function anAttempt(stackId: string, task: string, overrides: Partial<ReturnType<typeof aDispatch>> = {}) {
  const id = `${stackId}/1/${task}/${overrides.attempt ?? 1}`;
  return aDispatch(id, { stackId, task, ...overrides });
}

/** Dispatches one attempt each of four stacks. */
async function dispatchAll(store: Store): Promise<void> {
  for (const id of ["b", "a", "web-1"]) await commitNow(store, aPut({ id }, { dispatches: [anAttempt(id, "plan")] }));
  const other = anAttempt("c", "other", { executor: "lambda" });
  const message = { ...other.message, stack: { ...other.message.stack, machine: "db" } };
  await commitNow(store, aPut({ id: "c", machine: "db" }, { dispatches: [{ ...other, message }] }));
}
