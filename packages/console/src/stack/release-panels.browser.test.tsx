import type { MachineGraph } from "@stackyard/sdk";
import { expect, it } from "vitest";
import { page } from "vitest/browser";
import { anAttempt, anEntry, aStack, stackApi } from "../testing/a-stack.ts";
import { type Answer, renderPage } from "../testing/render-page.tsx";
import { StackPage } from "./stack-page.tsx";

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

const none = { waiting: 0, sent: 0, done: 0, failed: 0, skipped: 0, unsent: 0 };
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
      counts: { ...none, done: 3, skipped: 1 },
      pause: { from: hour(11), to: hour(13) },
    },
    { name: "tenth", stacks: 5, maxFailures: 0, counts: { ...none, done: 5 } },
    { name: "rest", stacks: 43, maxFailures: 4, counts: { ...none, done: 18, failed: 1, sent: 2, waiting: 22 } },
  ],
  progress: [
    { at: hour(10), done: 0, failed: 0 },
    { at: hour(11), done: 4, failed: 0 },
    { at: hour(14), done: 9, failed: 0 },
    { at: hour(15), done: 27, failed: 1 },
  ],
};

const until = "2027-01-04T08:00:00Z";

function showRelease(answers: Readonly<Record<string, Answer>> = {}) {
  const staging = anAttempt({ executor: "deploy", task: "staging", entry: 1, outcome: "succeeded" });
  const { outcome: _, ...sending } = anAttempt({ executor: "deploy", task: "tenants", entry: 2, status: "suspended" });
  const { outcome: __, ...watching } = anAttempt({
    executor: "gate",
    task: "watch",
    entry: 2,
    status: "suspended",
    progressMessage: `The calendar "office" is closed until ${until}.`,
  });
  const { failed: ___, ...plain } = aStack();
  const stack = {
    ...plain,
    state: "PRODUCTION",
    entry: 2,
    mainCondition: "busy" as const,
    tasks: [
      { name: "tenants", status: "PENDING" as const, detail: "RUNNING", why: "Sends." },
      { name: "watch", status: "PENDING" as const, detail: "RUNNING", why: "Waits." },
    ],
    attempts: [watching, sending, staging],
  };
  const history = [
    anEntry(4, { from: "STAGING", to: "PRODUCTION", event: "TASK_SATISFIED" }),
    anEntry(3, { event: "APPROVE_TASK", task: "approve", actor: "ben" }),
    anEntry(2, { event: "APPROVE_TASK", task: "approve", actor: "ada" }),
    anEntry(1, { from: "INIT", to: "STAGING", event: "RELEASED", actor: "ci" }),
  ];
  return renderPage(StackPage, "/stack?id=pr-12", {
    ...stackApi(stack, history),
    "GET /v1/machines/review-app/graph": graph,
    "GET /v1/stacks/pr-12/deploys": { items: [tenants] },
    "GET /v1/stacks/pr-12/versions": { versions: [], more: 0 },
    ...answers,
  });
}

const isLoaded = () =>
  performance.getEntriesByType("resource").some(({ name }) => name.includes("/release-panels.tsx"));

it("is loaded only for a stack that is a release", async () => {
  const { screen } = await renderPage(StackPage, "/stack?id=pr-12", stackApi(aStack()));
  await expect.element(screen.getByRole("heading", { name: "Graph" })).toBeVisible();
  expect(isLoaded()).toBe(false);
  await screen.unmount();

  const release = await showRelease();
  await expect.element(release.screen.getByRole("region", { name: "Stages" })).toBeVisible();
  expect(isLoaded()).toBe(true);
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
    await expect.element(region.getByText("2 of 3 waves, 27 of 52 stacks, 1 failed")).toBeVisible();
    await expect.element(region.getByText("closed until")).toBeVisible();
    expect(region.element().querySelector(".stage-note time")?.getAttribute("datetime")).toBe(until);
    const tops = [".stages", ".deploy", ".graph-panel, [aria-label^='Graph of']"].map(
      (selector) => document.querySelector(selector)?.getBoundingClientRect().top ?? Number.NaN,
    );
    expect(tops[0]).toBeLessThan(tops[1] ?? Number.NaN);
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
  const curve = deployment.getByRole("img", { name: "Stacks of tenants over time: 27 of 52 arrived now, 1 failed" });
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
  await expect.element(deployment.getByRole("img", { name: "canary: 3 done, 1 left alone" })).toBeVisible();
  await expect.element(deployment.getByText("2 of at most 20")).toBeVisible();
  await expect.element(deployment.getByText("22 stacks of rest are sent next")).toBeVisible();
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
