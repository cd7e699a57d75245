import { defined, isMap, MAX_NAME } from "@stackyard/core";
import { type HistoryEntry, STACK_CONDITIONS, type UpgradePlan } from "@stackyard/core/api";
import * as operations from "@stackyard/core/api/operations";
import { fieldOf } from "@stackyard/core/api/operations";
import type { Page } from "@stackyard/sdk";
import { Type } from "typebox";
import { sizeOf } from "./bounded.ts";
import { MAX_DATA_BYTES } from "./present.ts";
import { defineTool, type Tool, type ToolAnswer, type ToolContext } from "./tool.ts";

const Id = (description: string) => Type.String({ minLength: 1, maxLength: MAX_NAME, description });
const stack = fieldOf(operations.getStack, "stackId", { description: "The id of the stack, such as pr-12." });
const machine = fieldOf(operations.listStacks, "machine", { description: "The name of the machine." });
const metadata = Type.Optional(
  Type.Record(Type.String({ maxLength: MAX_NAME }), Type.Union([Type.String(), Type.Number(), Type.Boolean()]), {
    description: "The metadata of the event, flat.",
    maxProperties: 100,
  }),
);
const pages = {
  cursor: fieldOf(operations.listStacks, "cursor", { description: "The cursor of the page before." }),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 50, description: "At most so many items. Default 20." })),
};
const DEFAULT_LIMIT = 20;
const LOG_BYTES = 16_384;

const listStacks = defineTool({
  name: "list_stacks",
  title: "List stacks",
  description: "List stacks (environments) with their state and conditions, and what each waits for. Begin here.",
  permission: "read",
  input: {
    condition: Type.Optional(
      Type.Enum(["any", ...STACK_CONDITIONS], {
        description: "`failed`: a task has failed. `waiting`: anything that is not quiet. Default: any.",
      }),
    ),
    machine,
    state: fieldOf(operations.listStacks, "state", { description: "Only stacks in this state." }),
    text: fieldOf(operations.listStacks, "text", { description: "Only ids that contain this text." }),
    ...pages,
  },
  call: ({ yard, signal }, { condition = "any", cursor, limit, ...filter }) =>
    loadFitting({ cursor, limit }, (page) =>
      yard.stacks.list({ condition, waiting: true, ...filter }, { ...page, signal }),
    ),
});

const explainStack = defineTool({
  name: "explain_stack",
  title: "Explain a stack",
  description:
    "One stack: its state, its tasks and why each waits or failed, attempts with their ids (for read_log), approvals, parked events, timers and metadata. Sensitive values are masked.",
  permission: "read",
  input: { stack },
  call: async ({ yard, signal }, { stack: id }) => ({ data: await yard.stacks.get(id, { signal }) }),
});

const listCauses = defineTool({
  name: "list_causes",
  title: "List causes",
  description: "Group failures of the whole yard by task and error code, the most frequent first.",
  permission: "read",
  input: {
    kind: Type.Enum(["failed", "degraded", "parked", "dead"], {
      description: "Failed tasks, last failures of degraded stacks, parked events, or dead letters.",
    }),
    ...pages,
  },
  call: ({ yard, signal }, { kind, cursor, limit }) =>
    loadFitting({ cursor, limit }, (page) => yard.causes({ kind, ...page, signal })),
});

const stackHistory = defineTool({
  name: "stack_history",
  title: "Read a stack's history",
  description:
    "What happened to a stack, newest first: events, who sent them, results of tasks. Also after its removal.",
  permission: "read",
  input: { stack, ...pages },
  call: ({ yard, signal }, { stack: id, cursor, limit }) =>
    loadFitting({ cursor, limit }, (page) => yard.stacks.history(id, { ...page, signal })),
});

const readLog = defineTool({
  name: "read_log",
  title: "Read a log",
  description: `The end of the log of an attempt, at most ${LOG_BYTES} bytes; with \`before\`, the part that ends there.`,
  permission: "read",
  input: {
    attempt: fieldOf(operations.getAttempt, "attemptId", {
      description: "The id of the attempt, as explain_stack names it.",
    }),
    before: Type.Optional(
      Type.Integer({ minimum: 1, description: "The byte at which the part ends: `from` of the part before." }),
    ),
  },
  call: (context, { attempt, before }) => loadLogPart(context, attempt, before),
});

const listMachines = defineTool({
  name: "list_machines",
  title: "List machines",
  description: "The machines (kinds of environments) of the yard, and whether each is valid.",
  permission: "read",
  input: {},
  call: async ({ yard, signal }) => ({ data: await yard.machines.list({ signal }) }),
});

const showMachine = defineTool({
  name: "show_machine",
  title: "Show a machine",
  description: "The document of a machine: its events, states and tasks.",
  permission: "read",
  input: { machine: fieldOf(operations.getMachine, "name", { description: "The name of the machine." }) },
  call: async ({ yard, signal }, { machine: name }) => ({ data: await yard.machines.get(name, { signal }) }),
});

const simulateEvent = defineTool({
  name: "simulate_event",
  title: "Simulate an event",
  description: "What an event would do to a stack in its present state. Changes nothing.",
  permission: "read",
  input: { stack, event: Id("The name of the event, such as PUSHED."), machine, metadata },
  call: async ({ yard, signal }, { stack: id, ...event }) => ({
    data: await yard.stacks.preview(id, event, { signal }),
  }),
});

const previewUpgrade = defineTool({
  name: "preview_upgrade",
  title: "Preview an upgrade",
  description: "What would differ if a stack moved to another revision of its machine. Changes nothing.",
  permission: "read",
  input: {
    stack,
    to: Type.Optional(
      Type.String({
        pattern: "^[0-9a-f]{4,64}$",
        description: "The beginning of the revision's hash. Default: the newest.",
      }),
    ),
  },
  call: async ({ http, signal }, { stack: id, to }) => {
    const path = ["v1", "stacks", id, "upgrade-plan"];
    return { data: await http.requestJson<UpgradePlan>({ path, query: { to }, signal }) };
  },
});

const readPlan = defineTool({
  name: "read_plan",
  title: "Read a plan",
  description:
    "The newest Terraform plan of a stack: what it adds, changes and destroys, problems of policies, its estimated cost, and the end of its log with the addresses.",
  permission: "read",
  input: { stack },
  call: (context, { stack: id }) => loadPlan(context, id),
});

const listApprovals = defineTool({
  name: "list_approvals",
  title: "List approvals",
  description: "What waits for a person's approval, and from whom. Only people approve; no tool does.",
  permission: "read",
  input: pages,
  call: ({ yard, signal }, { cursor, limit }) =>
    loadFitting({ cursor, limit }, (page) => yard.approvals.list({ ...page, signal })),
});

const eventOutcome = defineTool({
  name: "event_outcome",
  title: "Look up an event",
  description: "What became of an event, such as one of send_event. No item: it is not decided yet.",
  permission: "read",
  input: { event: fieldOf(operations.listEventHistory, "eventId", { description: "The id of the event." }) },
  call: async ({ http, signal }, { event }) => {
    const path = ["v1", "events", event, "history"];
    return { data: await http.requestJson<Page<HistoryEntry>>({ path, query: { limit: DEFAULT_LIMIT }, signal }) };
  },
});

const sendEvent = defineTool({
  name: "send_event",
  title: "Send an event",
  description:
    "Send an event to a stack. It starts real work, such as building or removing an environment: simulate it first, and ask the user. The same id is applied once.",
  permission: "send",
  input: {
    stack,
    event: Id("The name of the event, such as PUSHED."),
    machine,
    metadata,
    id: Type.Optional(Id("Repeat the id of an event that may not have arrived. Default: a new one.")),
  },
  call: async ({ yard, signal }, { stack: stackId, ...event }) => ({
    data: await yard.publish({ stackId, ...event }, { signal }),
    note: "It is stored, and is applied soon: call event_outcome with its id.",
  }),
});

const retryTasks = defineTool({
  name: "retry_tasks",
  title: "Retry failed tasks",
  description: "Retry the failed tasks of a stack, or one of them. It starts real work: ask the user.",
  permission: "operate",
  input: {
    stack,
    task: fieldOf(operations.retryStack, "task", { description: "Only this task." }),
    reason: fieldOf(operations.settleStack, "reason", { description: "Why; recorded in the history." }),
  },
  call: async ({ yard, signal }, { stack: id, ...options }) => ({
    data: await yard.stacks.retry(id, { ...options, signal }),
  }),
});

/** All tools, in the order in which they are listed. None approves, repairs, reveals or removes by force. */
export const TOOLS: readonly Tool[] = [
  listStacks,
  explainStack,
  listCauses,
  stackHistory,
  readLog,
  listMachines,
  showMachine,
  simulateEvent,
  previewUpgrade,
  readPlan,
  listApprovals,
  eventOutcome,
  sendEvent,
  retryTasks,
];

interface PageArgs {
  readonly cursor?: string | undefined;
  readonly limit?: number | undefined;
}

type Loader = (page: { readonly cursor?: string; readonly limit: number }) => Promise<Page<unknown>>;

/** Loads a page that fits a result: a shorter one instead of one with cut items, whose cursor would skip what was cut. */
async function loadFitting({ cursor, limit: wanted = DEFAULT_LIMIT }: PageArgs, load: Loader): Promise<ToolAnswer> {
  for (let limit = wanted; ; limit = Math.max(1, Math.floor(limit / 2))) {
    const data = await load({ ...defined({ cursor }), limit });
    if (limit > 1 && sizeOf(data) > MAX_DATA_BYTES) continue;
    return { data, note: data.cursor === undefined ? undefined : 'There are more: call again with "cursor".' };
  }
}

async function loadLogPart(
  { yard, signal }: ToolContext,
  attempt: string,
  before: number | undefined,
): Promise<ToolAnswer> {
  const part = before === undefined ? { last: LOG_BYTES } : { from: Math.max(0, before - LOG_BYTES), to: before };
  const log = await yard.stacks.log(attempt, { ...part, signal });
  const { from, to, size } = log;
  const rest = from === 0 ? "" : ` The first ${from} bytes are missing: call again with before=${from}.`;
  return { data: log, note: `Bytes ${from} to ${to} of ${size}.${rest}` };
}

/** Lines of the history in which the result of a plan is looked for. */
const PLAN_LINES = 200;
const PLAN_LOG_BYTES = 8_192;

async function loadPlan({ yard, signal }: ToolContext, stackId: string): Promise<ToolAnswer> {
  const { items } = await yard.stacks.history(stackId, { limit: PLAN_LINES, signal });
  const line = items.find(({ outputs }) => isMap(outputs) && "unchanged" in outputs && "destroys" in outputs);
  if (line === undefined) return { data: null, note: `The last ${PLAN_LINES} lines of the history have no plan.` };
  const attempts = await yard.stacks.attempts(stackId, { signal });
  const attempt = attempts.find(
    ({ task, attemptId }) => task === line.task && attemptId === (line.dispatchId ?? attemptId),
  );
  const log = attempt && (await yard.stacks.log(attempt.attemptId, { last: PLAN_LOG_BYTES, signal }));
  const { at, task, outputs } = line;
  return {
    data: { task, at, outputs, ...defined({ attempt: attempt?.attemptId, log: log?.text }) },
    note:
      log !== undefined && log.from > 0
        ? `The first ${log.from} bytes of the log are missing: use read_log.`
        : undefined,
  };
}
