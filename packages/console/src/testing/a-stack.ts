import type {
  Attempt,
  HistoryEntry,
  MachineDetails,
  MachineGraph,
  OperationAnswer,
  StackDetails,
} from "@stackyard/sdk";

const HASH = "c3435a5e2f4e1490e53a289ca973c396253c54eee71489b0ab6513183a7face4";

/** Returns an attempt of `pr-12` that has failed, unless the changes say otherwise. */
export function anAttempt(changes: Partial<Attempt> = {}): Attempt {
  const { task = "database", attempt = 1, entry = 1 } = changes;
  return {
    attemptId: `pr-12/open/${entry}/${task}/${attempt}`,
    stackId: "pr-12",
    task,
    entry,
    attempt,
    executor: "lambda",
    status: "settled",
    outcome: "failed",
    dispatchedAt: "2026-11-20T03:00:00Z",
    deadlineAt: "2026-11-20T03:10:00Z",
    heldKeys: [],
    hasLog: true,
    ...changes,
  };
}

/** Returns `pr-12` with the failed task `database`. */
export function aStack(changes: Partial<StackDetails> = {}): StackDetails {
  const database = anAttempt();
  return {
    id: "pr-12",
    machine: "review-app",
    machineHash: HASH,
    state: "BUILD",
    previousState: "INIT",
    metadata: { sha: "4f1cab12", url: "https://pr-12.example.org/" },
    createdAt: "2026-11-20T03:00:00Z",
    updatedAt: "2026-11-20T03:02:00Z",
    enteredAt: "2026-11-20T03:00:00Z",
    incarnation: "open",
    entry: 1,
    version: 4,
    failed: true,
    summary: "Failed: database. `stackyard stacks retry pr-12` tries again.",
    parts: [{ kind: "failed", names: ["database"], does: "failed", why: "no room for another database" }],
    tasks: [
      { name: "network", status: "SATISFIED", why: "Done." },
      {
        name: "database",
        status: "ERROR",
        errorCode: "LAMBDA_FUNCTION_ERROR",
        errorMessage: "no room for another database",
        why: "Failed (LAMBDA_FUNCTION_ERROR): no room for another database",
        attempt: database,
      },
    ],
    attempts: [database],
    parked: [],
    timers: [],
    ...changes,
  };
}

/** Returns a line of the history of `pr-12`. */
export function anEntry(position: number, changes: Partial<HistoryEntry> = {}): HistoryEntry {
  return {
    position,
    stackId: "pr-12",
    at: new Date(Date.UTC(2026, 10, 20, 3, 0, position)).toISOString(),
    eventId: `e${position}`,
    event: "PUSHED",
    outcome: "applied",
    sent: [],
    notes: [],
    ...changes,
  };
}

/** The machine of `pr-12`. */
export const reviewApp: MachineDetails = {
  name: "review-app",
  status: "valid",
  hash: HASH,
  problems: [],
  version: 2,
  revision: "pin",
  events: ["OPENED", "PUSHED", "MERGED"],
  states: [
    { name: "INIT", terminal: false, tasks: [], on: ["OPENED"] },
    { name: "BUILD", terminal: false, tasks: ["network", "database"], on: ["NEXT", "PUSHED"], protected: true },
    { name: "GONE", terminal: true, tasks: [], on: [] },
  ],
  tasks: [{ name: "network" }, { name: "database" }],
  metadata: {
    keys: [{ name: "sha", type: "string" }],
    additional: true,
    requiredBy: { PUSHED: ["sha"] },
  },
};

/** The graph of that machine. */
export const reviewAppGraph: MachineGraph = {
  nodes: [
    { kind: "start", id: "start:" },
    { kind: "state", id: "INIT", terminal: false, tasks: [], reachable: true },
    { kind: "state", id: "BUILD", terminal: false, tasks: ["network", "database"], reachable: true },
    { kind: "state", id: "GONE", terminal: true, tasks: [], reachable: true },
    { kind: "end", id: "end:" },
  ],
  edges: [
    { from: "start:", to: "INIT", passing: false },
    { from: "INIT", to: "BUILD", event: "OPENED", passing: false },
    { from: "BUILD", to: "GONE", event: "MERGED", when: "stack.visits.BUILD > 1", passing: false },
    { from: "GONE", to: "end:", passing: false },
  ],
};

/** What an operation answers that was applied. */
export const applied: OperationAnswer = { eventId: "e9", stackId: "pr-12", outcome: "applied", notes: [] };

/** Returns the responses for the pages of a stack. */
export function stackApi(stack: StackDetails, history: readonly HistoryEntry[] = []) {
  const path = `/v1/stacks/${stack.id}`;
  return {
    [`GET ${path}`]: stack,
    [`GET ${path}/history`]: { items: history },
    [`GET ${path}/attempts`]: { items: stack.attempts },
    ...Object.fromEntries(
      stack.attempts.map(({ attemptId }) => [
        `GET /v1/attempts/${attemptId}/log`,
        () => new Response("connecting\nERROR no room\n    at make (db.mjs:1)\n"),
      ]),
    ),
    "GET /v1/machines/review-app": reviewApp,
    "GET /v1/machines/review-app/graph": reviewAppGraph,
    "GET /v1/machines/review-app/revisions": { items: [] },
  };
}
