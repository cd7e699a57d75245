import type { ExecutorContext, Stack } from "@stackyard/core";
import { createMemoryStore, type StackMove, YARD } from "@stackyard/core/engine";
import { attemptIdOf } from "@stackyard/core/machine";
import { addItems } from "@stackyard/core/rollout";
import { ARTIFACT_ARRIVALS, type ArtifactArrival, CALENDAR_FILES } from "@stackyard/core/services";
import { aStack, createExecutorContext, createFakeClock } from "@stackyard/core/testing";
import { type DeployRow, type DeployState, toRow } from "../deploy/deploy-row.ts";
import { openRows, PAGE_ROWS } from "../deploy/rows.ts";

/** An alarm, and its changes: instants and values. */
export interface FakeAlarm {
  readonly changes: readonly (readonly [at: number, value: "OK" | "ALARM" | "INSUFFICIENT_DATA"])[];
}

const RELEASE = { id: "shop-1.42.0", incarnation: "e1", entry: 3, task: "watch" };

type Part = "yard" | "alarms" | "artifacts" | "calendars" | "records";

/** Each bench has another attempt, because the memory of a gate belongs to its attempt. */
let attempts = 0;

/** Creates the world of one gate: a yard with stacks, CloudWatch, calendars and a distributor, which tests change. */
export function createGateBench() {
  attempts += 1;
  const attempt = attempts;
  const clock = createFakeClock();
  const { records } = createMemoryStore();
  const stacks = new Map<string, Stack>();
  const alarms = new Map<string, FakeAlarm>();
  const artifacts = new Map<string, ArtifactArrival>();
  const calendars = new Map<string, string>();
  /** Names of what throws when called. */
  const broken = new Set<Part>();
  const calls: string[] = [];
  const check = (part: Part): void => {
    if (broken.has(part)) throw new Error(`${part} cannot be reached`);
  };
  /** Ids of stacks that the machine may not read. */
  const hidden = new Set<string>();
  /** States that stacks have entered since they arrived. */
  const moves = new Map<string, readonly StackMove[]>();
  const services = createServices({ stacks, hidden, moves, artifacts, calendars, check, calls });

  function addStack(stack: Partial<Stack> & { readonly id: string }): void {
    stacks.set(
      stack.id,
      aStack({ machine: "app", state: "LIVE", incarnation: "i1", ...stacks.get(stack.id), ...stack }),
    );
  }

  async function addRows(rows: readonly DeployRow[], state: Partial<DeployState> = {}): Promise<void> {
    const owner = { stackId: RELEASE.id, incarnation: RELEASE.incarnation, task: "staging" };
    const whole: DeployState = { ...DEPLOYED, release: owner, ...state };
    const added = addItems({ state: whole, pages: new Map() }, [...rows], { pageRows: PAGE_ROWS, toRow });
    await openRows({ records, clock, owner: whole.release }).save(added);
  }

  function send(command: SentCommand) {
    const { name } = command.constructor;
    calls.push(name);
    check("alarms");
    const describe = name === "DescribeAlarmsCommand" ? describeAlarms : describeHistory;
    return describe(alarms, command.input, clock.now());
  }

  function toContext(own: Partial<typeof RELEASE> & { readonly state?: string } = {}) {
    const { id: stackId, incarnation, entry, task } = { ...RELEASE, ...own };
    const get: typeof records.get = async (...args) => {
      check("records");
      return records.get(...args);
    };
    return createExecutorContext({
      stackId,
      task,
      machine: "shop-release",
      state: own.state ?? "PRODUCTION",
      attempt: { id: attemptIdOf({ stackId, incarnation, entry, task, attempt }), number: attempt, token: 1 },
      clock,
      records: { ...records, get },
      service: ((key: unknown) => services.get(key)) as ExecutorContext["service"],
      aws: ((type: { readonly prototype: object }) =>
        Object.assign(Object.create(type.prototype), { send: async (command: never) => send(command) })) as never,
    });
  }

  addStack({ id: RELEASE.id, incarnation: RELEASE.incarnation, entry: RELEASE.entry, state: "PRODUCTION" });
  return {
    clock,
    hidden,
    moves,
    records,
    alarms,
    artifacts,
    calendars,
    broken,
    calls,
    services,
    addStack,
    stacks,
    addRows,
    toContext,
  };
}

interface World {
  readonly hidden: ReadonlySet<string>;
  readonly moves: ReadonlyMap<string, readonly StackMove[]>;
  readonly stacks: ReadonlyMap<string, Stack>;
  readonly artifacts: ReadonlyMap<string, ArtifactArrival>;
  readonly calendars: ReadonlyMap<string, string>;
  readonly check: (part: Part) => void;
  /** The calls; `load` with its count of stacks. */
  readonly calls: string[];
}

function createServices({ stacks, hidden, moves, artifacts, calendars, check, calls }: World): Map<unknown, unknown> {
  const snapshots: ReadonlyMap<string, Stack>[] = [];
  const yard = {
    own: async () => {
      check("yard");
      return stacks.get(RELEASE.id);
    },
    load: async (ids: readonly string[]) => {
      check("yard");
      calls.push(`load ${ids.length}`);
      return ids.map((stackId) => {
        if (hidden.has(stackId)) return { stackId, version: 0, parked: [], hidden: true };
        return { stackId, version: 1, stack: stacks.get(stackId), parked: [] };
      });
    },
    findPositions: async (ids: readonly string[]) => {
      check("yard");
      return ids.flatMap((stackId) => {
        const stack = stacks.get(stackId);
        return stack === undefined ? [] : [{ stackId, ...stack, pending: stack.tasks.map(({ name }) => name) }];
      });
    },
    findChanges: async (mark?: string) => {
      check("yard");
      calls.push("findChanges");
      const before = mark === undefined ? undefined : snapshots[Number(mark)];
      snapshots.push(new Map(stacks));
      const ids = new Set([...stacks.keys(), ...(before?.keys() ?? [])]);
      const changed = [...ids].filter((id) => before?.get(id) !== stacks.get(id));
      return { mark: String(snapshots.length - 1), ...(before && { stacks: new Set(changed) }) };
    },
    findMoves: async ({ id }: Pick<Stack, "id">) => moves.get(id) ?? [],
    keepFitting: async (where: string, given: readonly Stack[]) => {
      check("yard");
      return given.filter(({ metadata }) => where === `metadata.tier == '${metadata["tier"]}'`);
    },
  };
  const arrivals = {
    find: async ({ name, version }: { readonly name: string; readonly version: string }) => {
      check("artifacts");
      return artifacts.get(`${name} ${version}`);
    },
  };
  const files = {
    read: async (name: string) => {
      check("calendars");
      return calendars.get(name);
    },
  };
  return new Map<unknown, unknown>([
    [YARD, yard],
    [ARTIFACT_ARRIVALS, arrivals],
    [CALENDAR_FILES, files],
  ]);
}

interface SentCommand {
  readonly constructor: { readonly name: string };
  readonly input: Input;
}

interface Input {
  readonly AlarmNames?: readonly string[];
  readonly AlarmName?: string;
  readonly StartDate?: Date;
}

type Alarms = ReadonlyMap<string, FakeAlarm>;

function describeAlarms(alarms: Alarms, { AlarmNames = [] }: Input, now: number) {
  const MetricAlarms = AlarmNames.flatMap((name) => {
    const past = alarms.get(name)?.changes.filter(([at]) => at <= now) ?? [];
    const [at, StateValue] = past.at(-1) ?? [];
    if (at === undefined) return [];
    return [{ AlarmName: name, StateValue, StateTransitionedTimestamp: new Date(at) }];
  });
  return { MetricAlarms, CompositeAlarms: [] };
}

function describeHistory(alarms: Alarms, { AlarmName = "", StartDate = new Date(0) }: Input, now: number) {
  const changes = alarms.get(AlarmName)?.changes ?? [];
  const AlarmHistoryItems = changes
    .filter(([at]) => at >= StartDate.getTime() && at <= now)
    .map(([at, value]) => ({
      AlarmName,
      Timestamp: new Date(at),
      HistoryItemType: "StateUpdate",
      HistoryData: JSON.stringify({ version: "1.0", newState: { stateValue: value } }),
    }));
  return { AlarmHistoryItems };
}

const DEPLOYED: Omit<DeployState, "release"> = {
  version: 1,
  op: "send",
  entry: 1,
  attempt: 1,
  event: "RELEASED",
  metadata: { api: "1.42.0" },
  until: ["LIVE"],
  failed: [],
  waves: ["all"],
  sizes: [1],
  isRule: false,
  startedAt: 0,
  wave: 0,
  next: 1,
  sending: [],
  tallies: [],
};
