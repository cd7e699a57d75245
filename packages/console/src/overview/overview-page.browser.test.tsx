import type { Approval, HistoryEntry, OpenAttempt, YardProcess } from "@stackyard/sdk";
import { describe, expect, it } from "vitest";
import { page } from "vitest/browser";
import { queryClient } from "../api/client.ts";
import { failEach } from "../testing/fail-each.ts";
import { type Answer, problem, renderPage, type SentRequest, viewer } from "../testing/render-page.tsx";
import { aBulk, aCause, aStack, conditionCounts, HOSTILE, isDryRun, never, SHOWN_HOSTILE } from "../testing/stacks.ts";
import { OverviewPage } from "./overview-page.tsx";

const worker: YardProcess = {
  id: "w1",
  roles: ["worker"],
  version: "0.1.0",
  host: "host-1",
  executors: ["terraform"],
  capacity: 4,
  running: 1,
  draining: false,
  startedAt: "2026-11-20T03:00:00Z",
  seenAt: "2026-11-20T03:12:00Z",
  gone: false,
};

const attempt: OpenAttempt = {
  attemptId: "pr-12/e1/1/app/1",
  stackId: "pr-12",
  machine: "review-app",
  task: "app",
  entry: 1,
  attempt: 1,
  status: "running",
  dispatchedAt: "2026-11-20T03:00:00Z",
  deadlineAt: "2026-11-20T03:10:00Z",
  heldKeys: [],
  hasLog: true,
  progressMessage: "\u001b[32mcreating\u001b[0m the service",
};

const entry: HistoryEntry = {
  position: 7,
  stackId: "pr-12",
  at: "2026-11-20T03:12:04Z",
  eventId: "e7",
  event: "TASK_ERROR",
  outcome: "applied",
  task: "app",
  code: "NO_ROOM",
  sent: [],
  notes: [],
};

const approval: Approval = {
  id: "web-prod/e/1/sign-off/1",
  stackId: "web-prod",
  machine: "website",
  state: "SIGN-OFF",
  task: "sign-off",
  from: ["release-managers"],
  count: 1,
  need: 1,
  own: false,
  comment: "optional",
  askedAt: "2026-11-20T03:00:00Z",
  expiresAt: "2026-11-20T06:00:00Z",
  given: [],
};

const quiet = {
  "GET /v1/stack-counts": conditionCounts(12),
  "GET /v1/attempts": { items: [] },
  "GET /v1/history": { items: [] },
  "GET /v1/processes": { items: [worker] },
  "GET /v1/stacks": { items: [] },
  "GET /v1/yard": problem(403, "FORBIDDEN", "no"),
};

const TRACE = "no room for another database\n    at handler (file:///functions/database.mjs:16:48)";
const { code: _, ...codeless } = aCause({ task: "network", count: 2 });

const broken = {
  ...quiet,
  "GET /v1/stack-counts": conditionCounts(12, { failed: 39, overdue: 3, approval: 1 }),
  "GET /v1/causes": { items: [aCause({ sample: { ...aCause().sample, message: TRACE } }), codeless], examined: 39 },
  "GET /v1/stacks": { items: [aStack("pr-881", { state: "ROLL-OUT", overdue: true })] },
  "GET /v1/approvals": { items: [approval] },
  "GET /v1/attempts": { items: [attempt] },
  "GET /v1/history": { items: [entry] },
};

describe("OverviewPage", () => {
  it("says what could not be loaded, in its place, and keeps the rest (lightdash#6330, AzureTRE#2093)", {
    timeout: 120_000,
  }, async () => {
    const previews = { "GET /v1/previews": { items: [] } };
    const show = (api: Readonly<Record<string, Answer>>) => renderPage(OverviewPage, "/", api);

    const info = { "GET /v1/yard": { version: "0.1.0", queuedTasks: 4 } };
    const api = { ...broken, ...previews, ...info };
    await failEach({ api, show, neverSays: ["All quiet", "None needs attention"] });
  });

  it("lists causes first, then what is overdue, approvals, what runs and what came last", {
    tags: "page",
  }, async () => {
    const { screen } = await renderPage(OverviewPage, "/", broken);

    await expect.element(screen.getByRole("link", { name: "Failed 37" })).toBeVisible();
    await expect.element(screen.getByText("no room for another database").first()).toBeVisible();
    expect(document.body.textContent).not.toContain("at handler");
    await expect
      .element(screen.getByRole("link", { name: "Failed 2" }))
      .toHaveAttribute("href", "/stacks?condition=failed&task=network&code=none");
    await expect.element(screen.getByRole("link", { name: "pr-881" })).toBeVisible();
    await expect.element(screen.getByRole("link", { name: "Open stack" })).toHaveAttribute("href", "/stack?id=pr-881");
    await expect
      .element(screen.getByRole("link", { name: "Review" }))
      .toHaveAttribute("href", "/approval?stack=web-prod&task=sign-off");
    await expect.element(screen.getByText("creating the service")).toBeVisible();
    await expect.element(screen.getByText("app failed")).toBeVisible();
    await expect.element(screen.getByText("1 worker", { exact: true })).toBeVisible();
    await expect.element(screen.getByText("room for 3")).toBeVisible();
  });

  it.each([
    ["1 of 2 workers", [false, true]],
    ["0 of 1 worker", [true]],
    ["2 workers", [false, false]],
  ])("counts the workers that are there: %s", async (word, gone) => {
    const items = gone.map((isGone, index) => ({ ...worker, id: `w${index}`, gone: isGone }));
    const { screen } = await renderPage(OverviewPage, "/", { ...quiet, "GET /v1/processes": { items } });

    await expect.element(screen.getByText(word, { exact: true })).toBeVisible();
  });

  it("shows the jobs that failed in the last day, with a link to each one's page", async () => {
    const at = new Date().toISOString();
    const old = aStack("run-3", { enteredAt: "2026-11-01T03:00:00Z" });
    const error = { code: "ECS_UNHEALTHY", message: "The service did not become healthy." };
    const job = { jobId: "run-1", state: "failed", executor: "ecs", config: {}, error, startedAt: at, endedAt: at };
    const { screen, sent } = await renderPage(OverviewPage, "/", {
      ...quiet,
      "GET /v1/stacks": { items: [aStack("run-1", { enteredAt: at }), aStack("run-2", { enteredAt: at }), old] },
      "GET /v1/jobs/run-1": job,
      "GET /v1/jobs/run-2": { ...job, jobId: "run-2", state: "cancelled" },
    });

    await expect.element(screen.getByText("ECS_UNHEALTHY")).toBeVisible();
    await expect.element(screen.getByRole("link", { name: "run-1" })).toHaveAttribute("href", "/job?id=run-1");
    await expect.element(screen.getByRole("link", { name: "Open job" })).toHaveAttribute("href", "/job?id=run-1");
    await expect.element(screen.getByText("All quiet")).not.toBeInTheDocument();
    await expect.element(screen.getByRole("link", { name: "run-2" })).not.toBeInTheDocument();
    expect(sent.find(({ path }) => path === "/v1/stacks")?.query).toMatchObject({
      machine: "stackyard.run",
      mainCondition: "failed",
      sort: "-enteredAt",
    });
    expect(sent.map(({ path }) => path)).not.toContain("/v1/jobs/run-3");
  });

  it("says the same number of what needs a person in its sentence and its panel, also with a failed job", async () => {
    const at = new Date().toISOString();
    const error = { code: "ECS_UNHEALTHY", message: "The service did not become healthy." };
    const job = { jobId: "run-1", state: "failed", executor: "ecs", config: {}, error, startedAt: at, endedAt: at };
    const { screen } = await renderPage(OverviewPage, "/", {
      ...broken,
      "GET /v1/stack-counts": conditionCounts(350, { failed: 6, approval: 2 }),
      "GET /v1/stacks": { items: [aStack("run-1", { enteredAt: at })] },
      "GET /v1/jobs/run-1": job,
    });

    await expect
      .element(screen.getByText("350 stacks of 1 machine. 8 need attention, and 1 job has failed."))
      .toBeVisible();
    await expect
      .element(screen.getByRole("heading", { name: "Needs attention", exact: false }))
      .toHaveTextContent("Needs attention8 stacks, 1 job, by cause");
  });

  it("says that all is quiet only once it knows of failed jobs, too", async () => {
    const unknown = { ...quiet, "GET /v1/stacks": () => problem(400, "STORE_DOWN", "The store does not answer.") };
    const { screen } = await renderPage(OverviewPage, "/", unknown);

    await expect.element(screen.getByText("The store does not answer.").first()).toBeVisible();
    await expect.element(screen.getByText("All quiet")).not.toBeInTheDocument();
    await expect.element(screen.getByText(/needs attention\./)).not.toBeInTheDocument();
  });

  it("moves no row while a link is pressed: the click would be lost", async () => {
    let items = [entry];
    const { screen, address } = await renderPage(OverviewPage, "/", {
      ...broken,
      "GET /v1/history": () => ({ items }),
    });
    const line = screen.getByRole("listitem").filter({ hasText: "app failed" });
    const link = line.getByRole("link", { name: "pr-12" });
    await expect.element(link).toBeVisible();
    link.element().scrollIntoView({ block: "center" });
    const { x, y, width, height } = link.element().getBoundingClientRect();
    const at = { clientX: x + width / 2, clientY: y + height / 2, bubbles: true, cancelable: true };
    const pressed = document.elementFromPoint(at.clientX, at.clientY);

    pressed?.dispatchEvent(new PointerEvent("pointerdown", at));
    items = [{ ...entry, position: 8, event: "OPENED", stackId: "pr-13" }, entry];
    await queryClient.invalidateQueries();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const released = document.elementFromPoint(at.clientX, at.clientY);
    released?.dispatchEvent(new PointerEvent("pointerup", at));
    // A browser sends the click to what was pressed and released.
    if (released === pressed) released?.dispatchEvent(new MouseEvent("click", at));

    await expect.poll(address).toBe("/stack?id=pr-12&tab=history&at=7");
  });

  it("has its first action in ink, and the others plain", async () => {
    const { screen } = await renderPage(OverviewPage, "/", broken);
    await expect.element(screen.getByRole("link", { name: "Review" })).toBeVisible();
    const actions = [...document.querySelectorAll(".attention-line .action-column > .button")];

    const colors = actions.map((action) => getComputedStyle(action).backgroundColor);
    expect(colors.length).toBeGreaterThan(1);
    const ink = getComputedStyle(document.documentElement).getPropertyValue("--ink");
    const probe = document.createElement("i");
    probe.style.color = ink;
    document.body.append(probe);
    expect(colors.map((color) => color === getComputedStyle(probe).color)).toEqual(
      colors.map((_, index) => index === 0),
    );
    probe.remove();
  });

  it("retries all of one cause after a dry run", async () => {
    const { screen, sent } = await renderPage(OverviewPage, "/", {
      ...broken,
      "POST /v1/bulk": ({ body }: SentRequest) =>
        isDryRun(body)
          ? {
              operation: "retry",
              total: 37,
              examined: 37,
              outcomes: [{ outcome: "applied", count: 37, follows: [], examples: [] }],
              digest: "d".repeat(32),
            }
          : aBulk({ total: 37 }),
      "GET /v1/bulk/b1": aBulk({ total: 37, done: 37, status: "done", counts: { applied: 37 } }),
    });

    await screen.getByRole("button", { name: "Retry 37…" }).click();
    await screen.getByRole("button", { name: "Retry 37", exact: true }).click();

    await expect.element(screen.getByText("Retry: 37 of 37 stacks – done")).toBeVisible();
    await expect.element(screen.getByText("Retry: 37 of 37 done")).toBeVisible();
    expect(sent.filter(({ path }) => path === "/v1/bulk").map(({ body }) => body)).toEqual([
      {
        operation: "retry",
        filter: { condition: "failed", task: "database", code: "NO_ROOM" },
        body: { task: "database" },
        dryRun: true,
      },
      {
        operation: "retry",
        filter: { condition: "failed", task: "database", code: "NO_ROOM" },
        body: { task: "database" },
        plan: "d".repeat(32),
      },
    ]);
  });

  it("explains at the button why a viewer cannot retry", async () => {
    const { screen } = await renderPage(OverviewPage, "/", { ...broken, "GET /v1/me": viewer });

    const button = screen.getByRole("button", { name: "Retry 37…" });
    await expect.element(button).toHaveAttribute("aria-disabled", "true");
    await expect.element(button).toHaveAccessibleDescription("Needs operate");
  });

  it("says when all is quiet, with the last failure", async () => {
    const { screen } = await renderPage(OverviewPage, "/", { ...quiet, "GET /v1/history": { items: [entry] } });

    await expect.element(screen.getByText("All quiet")).toBeVisible();
    await expect.element(screen.getByText("Last failure:", { exact: false })).toBeVisible();
    await expect.element(screen.getByText("No task runs.")).toBeVisible();
  });

  it.each([
    [1440, 900],
    [1024, 768],
    [390, 844],
  ])("shows counts that add up to the total at %i by %i pixels [argo-cd#6275]", async (width, height) => {
    await page.viewport(width, height);
    const counts = conditionCounts(350, { failed: 1, degraded: 6, overdue: 2, approval: 3, busy: 9, asleep: 112 });
    const { screen } = await renderPage(OverviewPage, "/", { ...broken, "GET /v1/stack-counts": counts });
    await expect.element(screen.getByText("350 stacks of 1 machine. 12 need attention.")).toBeVisible();

    const figures = [...document.querySelectorAll(".overview-counts b")].map((figure) => Number(figure.textContent));
    expect(figures.reduce((sum, count) => sum + count, 0)).toBe(350);
    await expect
      .element(screen.getByRole("link", { name: "6 Degraded" }))
      .toHaveAttribute("href", "/stacks?is=degraded");
    // One of 350 is seen in the bar.
    const parts = [...document.querySelectorAll(".overview-bar > span")].map((part) => part.clientWidth);
    expect(Math.min(...parts)).toBeGreaterThanOrEqual(9);
    expect(document.querySelectorAll(".overview-yard .block")).toHaveLength(350);
    expect(document.documentElement.scrollWidth).toBeLessThanOrEqual(width);
  });

  it.each([
    [390, ["Stacks by condition", "Needs attention", "Stacks of each machine", "Running"]],
    [1440, ["Stacks by condition", "Needs attention", "Running"]],
  ])("shows what needs a person before all stacks, %i px wide", async (width, parts) => {
    await page.viewport(width, 844);
    const counts = conditionCounts(350, { failed: 1, degraded: 6 });
    const { screen } = await renderPage(OverviewPage, "/", { ...broken, "GET /v1/stack-counts": counts });
    await expect.element(screen.getByText("350 stacks of 1 machine. 7 need attention.")).toBeVisible();

    const titles = [...document.querySelectorAll("section.panel")].map(
      (panel) => panel.getAttribute("aria-label") ?? panel.querySelector("h2")?.firstChild?.textContent,
    );
    expect(titles.slice(0, parts.length)).toEqual(parts);
    const yard = document.querySelector(".overview-yard") ?? document.body;
    const needy = [...document.querySelectorAll("h2")].find((title) => title.textContent.startsWith("Needs attention"));
    const isBefore = (yard.compareDocumentPosition(needy ?? yard) & Node.DOCUMENT_POSITION_PRECEDING) !== 0;
    expect(isBefore).toBe(width < 720);
  });

  // https://github.com/chartjs/Chart.js/issues/2774: the last label of the axis lay over the one before it.
  it.each([1440, 1024])("keeps the times of the axis apart from `now`, %i px wide", async (width) => {
    await page.viewport(width, 844);
    await renderPage(OverviewPage, "/", broken);
    await expect.poll(() => document.querySelector(".timeline-axis b")).not.toBeNull();

    const places = [...document.querySelectorAll(".timeline-axis :is(span, b)")]
      .map((label) => label.getBoundingClientRect())
      .toSorted((one, other) => one.left - other.left);
    const gaps = places.slice(1).map(({ left }, index) => left - (places[index]?.right ?? 0));
    expect(Math.min(...gaps, 8)).toBeGreaterThanOrEqual(8);
  });

  it("lists the stacks of a condition when its part of the bar is pressed", async () => {
    const counts = conditionCounts(350, { failed: 1, degraded: 6 });
    const { screen, address } = await renderPage(OverviewPage, "/", { ...broken, "GET /v1/stack-counts": counts });
    await expect.element(screen.getByText("350 stacks of 1 machine. 7 need attention.")).toBeVisible();

    document.querySelector<HTMLElement>(".overview-bar > .tone-degraded")?.click();

    await expect.poll(address).toBe("/stacks?is=degraded");
  });

  it("shows each preview with the condition that the server decides", async () => {
    const pull = {
      host: "github",
      repository: { id: "1", fullName: "acme/shop" },
      number: 482,
      url: "https://github.com/acme/shop/pull/482",
      head: "a".repeat(40),
      owner: "ada",
    };
    const preview = {
      stackId: "pr-482",
      pull,
      machine: "review-app",
      state: "LIVE",
      enteredAt: "2026-11-20T03:00:00Z",
    };
    const { screen } = await renderPage(OverviewPage, "/", {
      ...broken,
      "GET /v1/previews": {
        items: [
          { ...preview, mainCondition: "degraded", commands: {}, monthlyCost: 12.3 },
          { ...preview, stackId: "pr-483", mainCondition: "healthy", commands: {} },
        ],
      },
    });

    const row = () => document.querySelector('[data-row="preview pr-482"]')?.textContent;
    await expect.poll(row).toContain("Degraded");
    await expect.element(screen.getByText("#482").first()).toBeVisible();
    // What is not priced is not counted as free.
    await expect.element(screen.getByText("1 of 2 cost 12.30 USD a month, estimated")).toBeVisible();
  });

  it("shows how to begin in a new yard", async () => {
    const { screen } = await renderPage(OverviewPage, "/", { ...quiet, "GET /v1/stack-counts": conditionCounts(0) });

    await expect.element(screen.getByText("stackyard send pr-1 OPENED --machine review-app")).toBeVisible();
    await expect
      .poll(() => [...document.querySelectorAll("h2")].map(({ textContent }) => textContent))
      .toEqual(["This yard has no stacks yet"]);
    expect(document.querySelectorAll(".button.primary")).toHaveLength(1);
  });

  it("shows a failure in its panel only", async () => {
    const { screen } = await renderPage(OverviewPage, "/", {
      ...broken,
      "GET /v1/history": problem(500, "INTERNAL", "The store is locked."),
    });

    await expect.element(screen.getByText("The store is locked.").first()).toBeVisible();
    await expect.element(screen.getByRole("link", { name: "Failed 37" })).toBeVisible();
  });

  it("holds the place of what is loading", async () => {
    const { screen } = await renderPage(OverviewPage, "/", { ...quiet, "GET /v1/stack-counts": never });

    await expect.element(screen.getByText("Loading").first()).toBeInTheDocument();
  });

  it("shows what outsiders wrote as text", async () => {
    const { screen } = await renderPage(OverviewPage, "/", {
      ...broken,
      "GET /v1/causes": {
        items: [aCause({ task: HOSTILE, sample: { stackId: HOSTILE, message: HOSTILE } })],
        examined: 1,
      },
      "GET /v1/history": { items: [{ ...entry, stackId: HOSTILE, event: HOSTILE, code: HOSTILE }] },
    });

    await expect.element(screen.getByText(SHOWN_HOSTILE).first()).toBeVisible();
    expect(document.querySelector("img")).toBeNull();
    expect(document.body.textContent).not.toContain("\u202e");
  });
});
