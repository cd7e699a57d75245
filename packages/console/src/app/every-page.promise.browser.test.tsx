import type { ComponentType } from "react";
import { describe, expect, it } from "vitest";
import { AccessPage } from "../access/access-page.tsx";
import { ApprovalPage } from "../approvals/approval-page.tsx";
import { ApprovalsPage } from "../approvals/approvals-page.tsx";
import { ArtifactsPage } from "../artifacts/artifacts-page.tsx";
import { AuditPage } from "../audit/audit-page.tsx";
import { BundlePage } from "../bundle/bundle-page.tsx";
import { CustomResourcePage } from "../custom/custom-resource-page.tsx";
import { CustomResourcesPage } from "../custom/custom-resources-page.tsx";
import { EditPage } from "../editor/edit-page.tsx";
import { SimulatePage } from "../editor/simulate-page.tsx";
import { FleetPage } from "../fleet/fleet-page.tsx";
import { JobPage } from "../jobs/job-page.tsx";
import { JobsPage } from "../jobs/jobs-page.tsx";
import { MachinePage } from "../machines/machine-page.tsx";
import { MachinesPage } from "../machines/machines-page.tsx";
import { AsgPage } from "../releases/asg-page.tsx";
import { FreezesPage } from "../releases/freezes-page.tsx";
import { PlanPage } from "../releases/plan-page.tsx";
import { ReleasesPage } from "../releases/releases-page.tsx";
import { LogPage } from "../stack/attempts/log-page.tsx";
import { StackPage } from "../stack/stack-page.tsx";
import { StacksPage } from "../stacks/stacks-page.tsx";
import { StatePage } from "../terraform/state-page.tsx";
import { StatesPage } from "../terraform/states-page.tsx";
import { anAttempt, anEntry, aStack, reviewApp, reviewAppGraph } from "../testing/a-stack.ts";
import { customResources } from "../testing/custom-resources.ts";
import { failEach } from "../testing/fail-each.ts";
import { type Answer, renderPage } from "../testing/render-page.tsx";
import { aFailedStack, conditionCounts } from "../testing/stacks.ts";
import { YardPage } from "../yard/yard-page.tsx";
import { router } from "./router.tsx";

const ID = "pr-12";
const NONE = { items: [] };
const digest = "5e0b".padEnd(64, "0");
const stack = aStack();
const attempt = anAttempt();
const key = "review-app/pr-12/app";
const source = "version: 2\nevents: [OPENED]\nstates:\n  INIT: { on: { OPENED: LIVE } }\n  LIVE: {}\n";
const job = {
  jobId: ID,
  state: "failed",
  executor: "asg",
  config: {},
  startedAt: "2026-11-20T03:00:00Z",
  endedAt: "2026-11-20T03:05:00Z",
  error: { code: "STACK_BROKEN", message: "The service is broken." },
};
const approval = {
  id: "pr-12/1/3/sign-off/a",
  stackId: ID,
  machine: "review-app",
  state: "REVIEW",
  task: "sign-off",
  from: ["release-managers"],
  count: 1,
  need: 1,
  own: false,
  comment: "optional",
  askedAt: "2026-11-20T03:00:00Z",
  expiresAt: "2099-11-20T06:00:00Z",
  given: [],
};

const THEN = {
  stackId: ID,
  at: "2026-11-20T03:00:01Z",
  event: "OPENED",
  outcome: "applied",
  state: "BUILD",
  stack: { id: ID, machine: "review-app", state: "BUILD", metadata: { sha: "0000" }, tasks: [] },
};

/** A yard in which something is of each kind that a page loads, so that what is none of it is a false sentence. */
const YARD: Readonly<Record<string, Answer>> = {
  "GET /v1/stack-counts": conditionCounts(50, { failed: 37, waiting: 40, approval: 1 }),
  "GET /v1/causes": { ...NONE, examined: 0 },
  "GET /v1/stacks": { items: [aFailedStack(ID)] },
  "GET /v1/parked": NONE,
  "GET /v1/dead-letters": NONE,
  "GET /v1/approvals": { items: [approval] },
  "GET /v1/attempts": { items: [{ ...attempt, machine: "review-app" }] },
  "GET /v1/history": { items: [anEntry(1)] },
  "GET /v1/processes": NONE,
  "GET /v1/previews": NONE,
  "GET /v1/bulk": NONE,
  "GET /v1/boards": NONE,
  "GET /v1/freezes": NONE,
  "GET /v1/executors": NONE,
  "GET /v1/releases/places": NONE,
  "GET /v1/yard": {
    version: "0.1.0",
    stacks: 12,
    queuedEvents: 3,
    queuedTasks: 1,
    parkedEvents: 0,
    deadLetters: 2,
    openAttempts: 4,
    states: [],
  },
  "GET /v1/machines": { items: [{ name: "review-app", status: "valid", problems: [], origin: "review-app.yaml" }] },
  "GET /v1/machines/review-app": reviewApp,
  "GET /v1/machines/review-app/graph": reviewAppGraph,
  "GET /v1/machines/review-app/revisions": NONE,
  "GET /v1/machines/review-app/source": {
    machine: "review-app",
    source,
    hash: "x",
    origin: "review-app.yaml",
    writable: true,
    problems: [],
  },
  [`GET /v1/revisions/${stack.machineHash}`]: {
    machine: "review-app",
    hash: stack.machineHash,
    source,
    current: true,
    stacks: 1,
  },
  [`GET /v1/revisions/${stack.machineHash}/graph`]: reviewAppGraph,
  [`GET /v1/stacks/${ID}`]: { ...stack, approvals: [approval] },
  [`GET /v1/stacks/${ID}/attempts`]: { items: stack.attempts },
  [`GET /v1/stacks/${ID}/history`]: { items: [anEntry(2, { from: "INIT", to: "BUILD" }), anEntry(1)] },
  [`GET /v1/stacks/${ID}/at/1`]: { ...THEN, position: 1 },
  [`GET /v1/stacks/${ID}/at/2`]: { ...THEN, position: 2 },
  [`GET /v1/stacks/${ID}/deploys`]: NONE,
  [`GET /v1/stacks/${ID}/commits`]: { commits: [] },
  [`GET /v1/stacks/${ID}/versions`]: { versions: [], more: 0 },
  [`GET /v1/stacks/${ID}/calendar`]: {
    from: "2026-11-20T03:00:00Z",
    to: "2026-11-27T03:00:00Z",
    windows: [],
    freezes: [],
    alarms: [],
  },
  [`GET /v1/stacks/${ID}/plans/${digest}`]: {
    digest,
    madeAt: "2026-11-26T15:42:00Z",
    tasks: [{ task: "tenants", event: "RELEASED", metadata: {}, until: ["LIVE"], waves: ["rest"] }],
    stacks: 1,
    hidden: 0,
    counts: { move: 1, same: 0, create: 0, moving: 0, fails: 0 },
    runs: 1,
    changed: 0,
  },
  [`GET /v1/stacks/${ID}/plans/${digest}/stacks`]: NONE,
  [`GET /v1/attempts/${attempt.attemptId}`]: attempt,
  [`GET /v1/attempts/${attempt.attemptId}/log`]: () => new Response("created\n"),
  [`GET /v1/attempts/${attempt.attemptId}/full-log`]: () => new Response("created\n"),
  "GET /v1/jobs": { items: [job] },
  [`GET /v1/jobs/${ID}`]: job,
  [`GET /v1/jobs/${ID}/report`]: NONE,
  "GET /v1/artifacts/coverage": NONE,
  "GET /v1/terraform/states": NONE,
  [`GET /v1/terraform/states/${key}`]: {
    key,
    current: 1,
    versions: [{ version: 1, bytes: 900, at: "2026-11-20T02:00:00Z", by: "pr-12/1/1/app/1", serial: 4 }],
  },
  [`GET /v1/terraform/states/${key}/versions/1`]: () => new Response('{"version":4,"resources":[]}'),
  "GET /v1/audit": NONE,
  "GET /v1/audit/head": { seq: 41, hash: "4f1c", first: { seq: 1, prev: "00" } },
  "GET /v1/tokens": NONE,
  "GET /v1/sessions": NONE,
  ...customResources,
};

/** A page at an address, with sentences on what is not there that do not come from a list. */
type Case = readonly [address: string, page: ComponentType, ...known: string[]];

const PAGES: readonly Case[] = [
  ["/stacks", StacksPage],
  ["/stacks?view=tiles", StacksPage],
  [`/stack?id=${ID}`, StackPage],
  [`/stack?id=${ID}&tab=history`, StackPage],
  [`/stack?id=${ID}&tab=attempts`, StackPage],
  [`/stack?id=${ID}&tab=metadata`, StackPage],
  [`/stack?id=${ID}&tab=machine`, StackPage],
  [`/log?attempt=${encodeURIComponent(attempt.attemptId)}`, LogPage],
  ["/machines", MachinesPage],
  ["/machine?name=review-app", MachinePage],
  ["/machine?name=review-app&tab=text", MachinePage],
  ["/machine?name=review-app&tab=revisions", MachinePage],
  ["/edit?machine=review-app", EditPage],
  [`/simulate?machine=review-app&rev=${stack.machineHash}`, SimulatePage, "No steps yet", "No timer is set"],
  ["/jobs", JobsPage],
  [`/job?id=${ID}`, JobPage, "No earlier job that did the same is known."],
  [`/fleet?id=${ID}`, FleetPage],
  ["/custom-resources", CustomResourcesPage],
  ["/custom-resource?id=8236-r-1", CustomResourcePage],
  ["/releases", ReleasesPage],
  [`/asg?id=${ID}`, AsgPage],
  [`/plan?stack=${ID}&plan=${digest}`, PlanPage],
  ["/freezes", FreezesPage],
  ["/artifacts", ArtifactsPage],
  ["/states", StatesPage],
  [`/state?key=${encodeURIComponent(key)}`, StatePage, "There is no second version to compare with."],
  ["/yard", YardPage],
  ["/approvals", ApprovalsPage],
  [`/approval?stack=${ID}&task=sign-off`, ApprovalPage],
  ["/audit", AuditPage],
  ["/access", AccessPage],
];

/** Pages with a test of their own of this kind, in a yard of their own. */
const TRIED_ELSEWHERE = ["/", "/inbox", "/release"];

/** Pages that load nothing before a person asks for it. */
const WITHOUT_LOADS = new Map<string, ComponentType>([["/bundle", BundlePage]]);

/** Without the names of AWS accounts their numbers are shown, which are complete. */
const NAMES_OF_ACCOUNTS = ["/v1/yard "];

/** Tabs that show nothing of the attempts, which only tell a release from other stacks. */
const WITHOUT_ATTEMPTS = /tab=(?:history|metadata|machine)$/;

/** Pages that show the figures of the yard, which come with those names. */
const FIGURES: ReadonlySet<string> = new Set(["/yard"]);

describe("each request of a page that fails", () => {
  it("is tried on every page of the console", () => {
    const tried = new Set([
      ...PAGES.map(([address]) => address.split("?")[0]),
      ...WITHOUT_LOADS.keys(),
      ...TRIED_ELSEWHERE,
    ]);

    expect(Object.keys(router.routesByPath).filter((path) => !tried.has(path))).toEqual([]);
  });

  it.each([...WITHOUT_LOADS])("is none at %s", async (address, page) => {
    const { sent, screen } = await renderPage(page, address, YARD);
    await expect.element(screen.getByRole("heading", { level: 1 })).toBeVisible();

    expect(sent.filter(({ method, path }) => method === "GET" && path !== "/v1/me")).toEqual([]);
  });

  it.each(PAGES.map(([address, page, ...known]) => ({ address, page, known })))(
    "is said in its place, and nothing that only the rest would say, nor does the page ask without end: $address (lightdash#6330, mig-ui#689, TanStack/query#2173, redux-toolkit#2226, airbyte#6650, cockroach#8699)",
    { timeout: 120_000 },
    async ({ address, page, known }) => {
      const spared = [
        ...(FIGURES.has(address) ? [] : NAMES_OF_ACCOUNTS),
        ...(WITHOUT_ATTEMPTS.test(address) ? [`/v1/stacks/${ID}/attempts `] : []),
      ];
      await failEach({ api: YARD, show: (api) => renderPage(page, address, api), known, isWhole: true, spared });
    },
  );
});
