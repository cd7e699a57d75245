import type { MachineGraph } from "@stackyard/sdk";
import { expect, it } from "vitest";
import { page } from "vitest/browser";
import { anAttempt, anEntry, applied, aStack, stackApi } from "../../testing/a-stack.ts";
import { failEach } from "../../testing/fail-each.ts";
import { type Answer, problem, renderPage } from "../../testing/render-page.tsx";
import { StackPage } from "../stack-page.tsx";
import { NO_STACKS } from "./deploy-counts.ts";
import { ReleasePage } from "./release-page.tsx";

const state = (id: string, ...tasks: readonly string[]) =>
  ({ kind: "state", id, tasks, terminal: false, reachable: true }) as const;
const edge = (from: string, to: string, event: string) => ({ from, to, event, passing: false });

const graph: MachineGraph = {
  nodes: [state("INIT"), state("STAGING", "staging", "soak"), state("PRODUCTION", "tenants", "watch"), state("DONE")],
  edges: [
    edge("INIT", "STAGING", "RELEASED"),
    edge("STAGING", "PRODUCTION", "NEXT"),
    edge("PRODUCTION", "DONE", "NEXT"),
  ],
};

const hour = (at: number) => `2026-11-26T${String(at).padStart(2, "0")}:00:00Z`;
const digest = "5e0b".padEnd(61, "0").padEnd(64, "c41");
const tenants = {
  plan: digest,
  task: "tenants",
  op: "send",
  event: "RELEASED",
  metadata: { api: "1.42.0" },
  startedAt: hour(10),
  concurrency: 20,
  waves: [
    {
      name: "canary",
      stacks: 4,
      maxFailures: 0,
      counts: { ...NO_STACKS, done: 3, skipped: 1 },
      pause: { from: hour(11), to: hour(13) },
    },
    { name: "tenth", stacks: 5, maxFailures: 0, counts: { ...NO_STACKS, done: 5 } },
    { name: "rest", stacks: 43, maxFailures: 4, counts: { ...NO_STACKS, done: 18, failed: 1, sent: 2, waiting: 22 } },
  ],
  progress: [
    { at: hour(10), done: 0, failed: 0 },
    { at: hour(11), done: 4, failed: 0 },
    { at: hour(14), done: 9, failed: 0 },
    { at: hour(15), done: 27, failed: 1 },
  ],
};

const failedRow = {
  stackId: "tenant-harbor",
  wave: "rest",
  state: "failed",
  tries: 1,
  code: "STATE_LOCKED",
  message: "The state is locked.",
  from: { api: "1.41.3" },
  tasks: ["ROLL-OUT/app", "ROLL-OUT/smoke", "CHECK/smoke"],
  since: hour(15),
};

const until = "2027-01-04T08:00:00Z";

function showRelease(answers: Readonly<Record<string, Answer>> = {}) {
  return renderPage(ReleasePage, "/release?id=pr-12", { ...releaseApi(), ...answers });
}

function releaseApi(): Readonly<Record<string, Answer>> {
  const staging = anAttempt({ executor: "deploy", task: "staging", entry: 1, outcome: "succeeded" });
  const { outcome: _, ...sending } = anAttempt({ executor: "deploy", task: "tenants", entry: 2, status: "suspended" });
  const { outcome: __, ...watching } = anAttempt({
    executor: "gate",
    task: "watch",
    entry: 2,
    status: "suspended",
    progressMessage: 'The calendar "office" is closed.',
    opensAt: until,
  });
  const { failed: ___, ...plain } = aStack();
  const stack = {
    ...plain,
    state: "PRODUCTION",
    entry: 2,
    mainCondition: "busy" as const,
    tasks: [
      { name: "tenants", status: "PENDING" as const, detail: "RUNNING", why: "Sends." },
      {
        name: "watch",
        status: "PENDING" as const,
        detail: "RUNNING",
        why: "Waits.",
        attempt: watching,
        waitsFor: { kind: "opening" as const, at: until },
      },
    ],
    attempts: [watching, sending, staging],
    parts: [
      { kind: "runs" as const, names: ["tenants"], does: "runs", since: sending.dispatchedAt },
      { kind: "waits" as const, names: ["watch"], does: "waits", next: { does: "it can continue", at: until } },
    ],
  };
  const history = [
    anEntry(4, { from: "STAGING", to: "PRODUCTION", event: "TASK_SATISFIED" }),
    anEntry(3, { event: "APPROVE_TASK", task: "approve", actor: "ben" }),
    anEntry(2, { event: "APPROVE_TASK", task: "approve", actor: "ada" }),
    anEntry(1, { from: "INIT", to: "STAGING", event: "RELEASED", actor: "ci" }),
  ];
  return {
    ...stackApi(stack, history),
    "GET /v1/machines/review-app/graph": graph,
    "GET /v1/stacks/pr-12/deploys": { items: [tenants] },
    "GET /v1/stacks/pr-12/calendar": { from: until, to: until, windows: [], freezes: [], alarms: [] },
    "GET /v1/stacks/pr-12/versions": { versions: [], more: 0 },
    "GET /v1/stacks/pr-12/deploys/tenants": { items: [{ ...failedRow }] },
    "GET /v1/boards": { items: [{ machine: "review-app", environments: 1 }] },
    "GET /v1/boards/review-app": { machine: "review-app", environments: [], releases: [], turns: [] },
  };
}

it("says what could not be loaded, and nothing that only the rest would say (mig-ui#689)", {
  timeout: 120_000,
}, async () => {
  await failEach({ api: releaseApi(), show: showRelease });
});

it.each([
  ["the parts of the stack while it is not known what was sent", "deploys", /watch waits/, "26 of 52 arrived, 1"],
  [
    "no word on what is sent next while it is not known what holds it",
    "calendar",
    /26 of 52 arrived, 1/,
    "are sent next",
  ],
])("has %s", async (_, part, said, unsaid) => {
  const { screen } = await showRelease({
    [`GET /v1/stacks/pr-12/${part}`]: problem(500, "SERVER_ERROR", "The store does not answer."),
  });

  await expect.element(screen.getByText("The store does not answer.").first()).toBeVisible();
  await expect.element(screen.getByText(said).first()).toBeVisible();
  expect(document.body.textContent).not.toContain(unsaid);
});

it("is a page under the releases, which the address of the stack leads to; its tabs stay those of a stack", async () => {
  const sending = anAttempt({ executor: "deploy", task: "tenants" });
  const api = stackApi(aStack({ attempts: [sending] }));
  const stack = await renderPage(StackPage, "/stack?id=pr-12", api);
  await expect.poll(stack.address).toBe("/release?id=pr-12");
  await stack.screen.unmount();

  const { screen, address } = await renderPage(StackPage, "/stack?id=pr-12&tab=attempts", api);
  await expect.element(screen.getByRole("table")).toBeVisible();
  expect(address()).toBe("/stack?id=pr-12&tab=attempts");
});

it("leads to the history of a release that was removed", async () => {
  const { address } = await renderPage(ReleasePage, "/release?id=gone", {});

  await expect.poll(address).toBe("/stack?id=gone&tab=history");
});

it.each([390, 1_024, 1_440])(
  "begins with the stages, each with its condition as a word, what its tasks have reached, and the gate that holds it, %i px wide",
  { tags: "page" },
  async (width) => {
    await page.viewport(width, 1_400);
    const { screen } = await showRelease();

    const stages = screen.getByRole("region", { name: "Stages" }).getByRole("list").first().getByRole("heading");
    await expect.element(stages.nth(2)).toBeVisible();
    expect(stages.elements().map(({ textContent }) => textContent)).toEqual([
      "STAGINGDone",
      "PRODUCTIONBusy",
      "DONETo come",
    ]);
    const region = screen.getByRole("region", { name: "Stages" });
    await expect.element(region.getByText("2 of 3 waves, 26 of 52 stacks, 1 skipped, 1 failed")).toBeVisible();
    await expect.element(region.getByText("closed until")).toBeVisible();
    expect(region.element().querySelector(".stage-note time")?.getAttribute("datetime")).toBe(until);
    const headings = screen.getByRole("heading", { level: 2 }).elements();
    expect(headings.map(({ textContent }) => textContent)).toEqual([
      "Stages",
      "Waves of tenants52 stacks",
      "Gate",
      "Stacks of tenantsfrom which values to which",
      "Boardwhat runs where",
    ]);
    expect(document.querySelector("aside")).toBeNull();
    expect(document.documentElement.scrollWidth).toBeLessThanOrEqual(width);
  },
);

it("names who started and approved it, and the plan that it follows", async () => {
  const { screen } = await showRelease();

  await expect.element(screen.getByText("by ci", { exact: true })).toBeVisible();
  await expect.element(screen.getByText("by ada, ben", { exact: true })).toBeVisible();
  await expect
    .element(screen.getByRole("link", { name: "sha256:5e0b…c41" }))
    .toHaveAttribute("href", `/plan?stack=pr-12&plan=${digest}`);
});

it("shows the progress over time, with the pause, and the failures used of those that the wave allows", async () => {
  await page.viewport(1_440, 1_400);
  const { screen } = await showRelease();

  const deployment = screen.getByRole("region", { name: "Deployment of tenants" });
  const curve = deployment.getByRole("img", { name: "Stacks of tenants over time: 26 of 52 arrived now, 1 failed" });
  await expect.element(curve).toBeVisible();
  expect(curve.element().querySelectorAll(".deploy-pause")).toHaveLength(1);
  await expect.element(deployment.getByText("grey: the pause after canary")).toBeVisible();
  await expect.element(deployment.getByText("Failures allowed in rest")).toBeVisible();
  const budget = deployment.getByRole("img", { name: "1 of 4 used" });
  expect([...budget.element().children].map(({ className }) => className)).toEqual([
    "tone-fail",
    "soft",
    "soft",
    "soft",
  ]);
  await expect.element(deployment.getByRole("img", { name: "canary: 3 done, 1 skipped" })).toBeVisible();
  await expect.element(deployment.getByText("2 of at most 20")).toBeVisible();
});

it("says first what waits for what, names what failed, and lists it first with its values before and after", async () => {
  await page.viewport(1_440, 1_400);
  const { screen } = await showRelease();

  const sentence = screen.getByText(/26 of 52 arrived, 1 skipped, 2 on their way, 1 failed: tenant-harbor/);
  await expect.element(sentence).toBeVisible();
  const text = document.querySelector(".head-text > p")?.textContent;
  expect(text).toMatch(
    /^tenants 26 of 52 arrived, 1 skipped, 2 on their way, 1 failed: tenant-harbor\. 22 stacks of rest are sent next\. watch waits; it can continue Mon 4 Jan 2027 .*, in .*\. $/,
  );
  const table = screen.getByRole("region", { name: "Stacks of tenants" });
  await expect.element(table.getByText("The state is locked.")).toBeVisible();
  const cells = [...table.element().querySelectorAll("tbody tr:first-child td")].map(({ textContent }) => textContent);
  expect(cells.slice(0, 5)).toEqual(["tenant-harbor", "rest", "Failed", "1.41.3 → 1.42.0", "app, smoke"]);
});

it("stops what it sends, saying what stays without the version", async () => {
  await page.viewport(1_440, 1_400);
  const { screen, sent } = await showRelease({ "POST /v1/stacks/pr-12/tasks/tenants/cancel": applied });

  await screen.getByRole("button", { name: "Stop sending…" }).click();
  await expect.element(screen.getByText(/Nothing more is sent: 22 stacks stay without this version/)).toBeVisible();
  await screen.getByRole("button", { name: "Stop sending", exact: true }).click();

  await expect.poll(() => sent.filter(({ method }) => method === "POST").map(({ path }) => path)).toHaveLength(1);
});

it.each(["light", "dark"])("is readable in the %s scheme on a phone", async (scheme) => {
  await page.viewport(390, 1_400);
  document.documentElement.setAttribute("data-theme", scheme);
  const { screen } = await showRelease();
  await expect.element(screen.getByRole("region", { name: "Stages" })).toBeVisible();
  await expect.element(screen.getByRole("region", { name: "Deployment of tenants" })).toBeVisible();

  // Stages stand below each other, and nothing is cut off.
  const cards = [...document.querySelectorAll(".stage")].map((card) => card.getBoundingClientRect());
  expect(cards.map(({ left }) => left).every((left) => left === cards[0]?.left)).toBe(true);
  for (const text of document.querySelectorAll(".stages bdi, .deploy bdi")) {
    expect(text.scrollWidth).toBeLessThanOrEqual(text.clientWidth + 1);
  }
  const colors = new Set(
    [...document.querySelectorAll(".deploy-bar > span")].map((part) => getComputedStyle(part).backgroundColor),
  );
  expect(colors.size).toBeGreaterThan(3);
  document.documentElement.removeAttribute("data-theme");
});
