import type { Approval, DeadLetter, ListedParkedEvent } from "@stackyard/sdk";
import { describe, expect, it } from "vitest";
import { page } from "vitest/browser";
import { failEach } from "../testing/fail-each.ts";
import { problem, renderPage, type SentRequest, viewer } from "../testing/render-page.tsx";
import { aCause, aFailedStack, aStack, conditionCounts, HOSTILE, never, SHOWN_HOSTILE } from "../testing/stacks.ts";
import { InboxPage } from "./inbox-page.tsx";

const parked: ListedParkedEvent = {
  id: "pr-9/e1",
  eventId: "e1",
  stackId: "pr-9",
  event: "PUSHED",
  code: "EVENT_NOT_HANDLED",
  reason: "BUILD does not handle PUSHED.",
  receivedAt: "2026-11-20T03:00:00Z",
  parkedAt: "2026-11-20T03:00:00Z",
  tries: 3,
  nextTryAt: "2026-11-20T03:15:00Z",
  stackExists: false,
};

const dead: DeadLetter = {
  id: "d1",
  eventId: "e2",
  stackId: "pr-7",
  event: "DEPLOYED",
  code: "EVENT_UNDECLARED",
  reason: "Unknown event.",
  receivedAt: "2026-11-20T03:00:00Z",
  deadLetteredAt: "2026-11-20T03:00:00Z",
  message: {},
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
  comment: "required",
  askedAt: "2026-11-20T03:00:00Z",
  expiresAt: "2026-11-20T06:00:00Z",
  given: [],
  mine: true,
};

const causes = {
  failed: [aCause()],
  parked: [aCause({ kind: "parked", task: "-", event: "PUSHED", code: "EVENT_NOT_HANDLED", count: 1 })],
  dead: [aCause({ kind: "dead", task: "-", event: "DEPLOYED", code: "EVENT_UNDECLARED", count: 6 })],
} as const;

const full = {
  "GET /v1/stack-counts": conditionCounts(50, { failed: 37, waiting: 40, approval: 1 }),
  "GET /v1/causes": ({ query }: SentRequest) => ({ items: causes[query["kind"] as "failed"], examined: 6 }),
  "GET /v1/stacks": { items: [aFailedStack("pr-1")] },
  "GET /v1/parked": { items: [parked] },
  "GET /v1/dead-letters": { items: [dead] },
  "GET /v1/approvals": { items: [approval] },
};

describe("InboxPage", () => {
  it("says what could not be loaded, never that nothing needs a person (skypilot#8371, PostHog#16448)", {
    timeout: 60_000,
  }, async () => {
    const none = { ...full, "GET /v1/stack-counts": conditionCounts(50), "GET /v1/causes": { items: [], examined: 0 } };

    await failEach({
      api: none,
      show: (api) => renderPage(InboxPage, "/inbox", api),
      neverSays: ["Nothing needs you."],
      // Shown until the counts say that it has nothing.
      spared: ['/v1/causes {"kind":"failed"'],
    });
  });

  it("counts each part, and shows the stacks of the first cause, which can be closed", { tags: "page" }, async () => {
    const { screen, sent, address } = await renderPage(InboxPage, "/inbox", full);

    await expect
      .element(screen.getByRole("link", { name: "All", exact: true }))
      .toHaveAttribute("aria-current", "page");
    await expect.element(screen.getByRole("link", { name: "Failed 37" })).toBeVisible();
    await expect.element(screen.getByRole("link", { name: "Dead letters 6" })).toBeVisible();

    await expect.element(screen.getByRole("link", { name: "pr-1", exact: true })).toBeVisible();
    await screen.getByRole("button", { name: "Failed 37" }).click();
    await expect.element(screen.getByRole("link", { name: "pr-1", exact: true })).not.toBeInTheDocument();
    expect(address()).toContain("open=none");
    expect(sent.find(({ path }) => path === "/v1/stacks")?.query).toMatchObject({
      condition: "failed",
      task: "database",
      code: "NO_ROOM",
    });
  });

  it("has the parts that need a person below each other, the first cause alone open, and no part that is empty", async () => {
    const { screen } = await renderPage(InboxPage, "/inbox", full);

    await expect.element(screen.getByRole("heading", { name: "Dead letters by cause" })).toBeVisible();
    await expect.element(screen.getByRole("button", { name: "Approve…" })).toBeVisible();
    const titles = [...document.querySelectorAll("section h2, .panel h2")].map((title) => title.textContent);
    expect(titles).toEqual([
      "Failed tasks by cause",
      "Open approvals",
      "Parked events by cause",
      "Dead letters by cause",
    ]);
    const open = [...document.querySelectorAll("[aria-expanded=true]")].map((button) => button.textContent);
    expect(open).toEqual(["Failed 37"]);
  });

  it.each([1_440, 360])("has all actions of one width, in one column that no edge cuts, %i px wide", async (width) => {
    await page.viewport(width, 900);
    const { screen } = await renderPage(InboxPage, "/inbox", full);
    await expect.element(screen.getByRole("button", { name: "Retry pr-1" })).toBeVisible();
    await expect.element(screen.getByRole("button", { name: "Approve…" })).toBeVisible();

    const places = [...document.querySelectorAll(":is(.action-column, .row-actions, .ask-actions) > .button")].map(
      (button) => button.getBoundingClientRect(),
    );
    expect(places.length).toBeGreaterThanOrEqual(8);
    expect(places.filter(({ left, right }) => left < 0 || right > width)).toEqual([]);
    if (width < 720) return;
    expect([...new Set(places.map((place) => Math.round(place.width)))]).toEqual([176]);
    const lasts = [
      ...document.querySelectorAll(":is(.action-column, .row-actions, .ask-actions) > .button:last-child"),
    ];
    expect(new Set(lasts.map((button) => Math.round(button.getBoundingClientRect().right))).size).toBe(1);
  });

  it("shows one part alone by its address", async () => {
    const { screen } = await renderPage(InboxPage, "/inbox?tab=failed", full);

    await expect.element(screen.getByRole("heading", { name: "Failed tasks by cause" })).toBeVisible();
    await expect.element(screen.getByRole("link", { name: "Failed 37" })).toHaveAttribute("aria-current", "page");
    expect(document.body.textContent).not.toContain("Dead letters by cause");
  });

  it("retries one stack at once, and announces the outcome", async () => {
    const { screen, sent } = await renderPage(InboxPage, "/inbox", {
      ...full,
      "POST /v1/stacks/pr-1/retry": { eventId: "e", stackId: "pr-1", outcome: "applied", notes: [] },
    });

    await screen.getByRole("button", { name: "Retry pr-1" }).click();

    await expect.element(screen.getByText("Retry pr-1: applied")).toBeVisible();
    await expect.element(screen.getByRole("button", { name: "Retry pr-1" })).toHaveFocus();
    expect(sent.find(({ method }) => method === "POST")?.body).toMatchObject({ task: "database" });
  });

  // argo-cd#20695, argo-cd#22178, mlrun/ui#3108: the second press did nothing, and was announced as done.
  it("retries with each press: each is an event of its own", async () => {
    const { screen, sent } = await renderPage(InboxPage, "/inbox", {
      ...full,
      "POST /v1/stacks/pr-1/retry": { eventId: "e", stackId: "pr-1", outcome: "applied", notes: [] },
    });
    const presses = () => sent.filter(({ method }) => method === "POST");

    await screen.getByRole("button", { name: "Retry pr-1" }).click();
    await expect.poll(() => presses().length).toBe(1);
    await expect.element(screen.getByRole("button", { name: "Retry pr-1" })).not.toHaveAttribute("aria-disabled");
    await screen.getByRole("button", { name: "Retry pr-1" }).click();
    await expect.poll(() => presses().length).toBe(2);

    const ids = presses().map(({ body }) => (body as { readonly id: string }).id);
    expect(new Set(ids).size).toBe(2);
  });

  it("says of a repeated answer that nothing was done now", async () => {
    const { screen } = await renderPage(InboxPage, "/inbox", {
      ...full,
      "POST /v1/stacks/pr-1/retry": { eventId: "e", stackId: "pr-1", outcome: "applied", notes: [], repeated: true },
    });

    await screen.getByRole("button", { name: "Retry pr-1" }).click();

    await expect.element(screen.getByText(/Nothing was done now/)).toBeVisible();
  });

  it("explains a refused retry", async () => {
    const { screen } = await renderPage(InboxPage, "/inbox", {
      ...full,
      "POST /v1/stacks/pr-1/retry": problem(409, "TASK_NOT_FAILED", "No task of pr-1 has failed."),
    });

    await screen.getByRole("button", { name: "Retry pr-1" }).click();

    await expect.element(screen.getByText("Retry pr-1: No task of pr-1 has failed.")).toBeVisible();
  });

  it("redrives the dead letters of one cause and of no other", async () => {
    const { screen, sent } = await renderPage(InboxPage, "/inbox?tab=dead", {
      ...full,
      "POST /v1/bulk": { operation: "redrive", total: 6, examined: 6, outcomes: [] },
    });

    await screen.getByRole("button", { name: "Redrive 6…" }).click();

    await expect.element(screen.getByRole("heading", { name: "Redrive 6 dead letters" })).toBeVisible();
    expect(sent.find(({ method }) => method === "POST")?.body).toEqual({
      operation: "redrive",
      filter: { event: "DEPLOYED", code: "EVENT_UNDECLARED" },
      dryRun: true,
    });
  });

  it("withdraws the parked events of a cause, with a reason", async () => {
    const { screen, sent } = await renderPage(InboxPage, "/inbox?tab=parked", {
      ...full,
      "POST /v1/bulk": { operation: "withdraw", total: 1, examined: 1, outcomes: [] },
    });

    await screen.getByRole("button", { name: /^Withdraw \d+…$/ }).click();

    await expect.element(screen.getByRole("heading", { name: /^Withdraw \d+ parked events?$/ })).toBeVisible();
    expect(sent.find(({ method }) => method === "POST")?.body).toEqual({
      operation: "withdraw",
      filter: { event: "PUSHED", code: "EVENT_NOT_HANDLED" },
      dryRun: true,
    });
  });

  it("dismisses the dead letters of a cause, with a reason", async () => {
    const { screen, sent } = await renderPage(InboxPage, "/inbox?tab=dead", {
      ...full,
      "POST /v1/bulk": { operation: "dismiss", total: 6, examined: 6, outcomes: [] },
    });

    await screen.getByRole("button", { name: "Dismiss 6…" }).click();

    await expect.element(screen.getByRole("heading", { name: "Dismiss 6 dead letters" })).toBeVisible();
    expect(sent.find(({ method }) => method === "POST")?.body).toEqual({
      operation: "dismiss",
      filter: { event: "DEPLOYED", code: "EVENT_UNDECLARED" },
      dryRun: true,
    });
  });

  it("redrives the dead letters of a cause without an event by their ids", async () => {
    const { event: _, ...eventless } = aCause({ kind: "dead", count: 2, code: "EVENT_INVALID" });
    const { event: __, ...letter } = { ...dead, code: "EVENT_INVALID" };
    const { screen, sent } = await renderPage(InboxPage, "/inbox?tab=dead", {
      ...full,
      "GET /v1/causes": { items: [eventless], examined: 2 },
      "GET /v1/dead-letters": ({ query }: SentRequest) =>
        query["cursor"] === undefined
          ? {
              items: [
                { ...letter, id: "d1" },
                { ...dead, id: "d2", code: "EVENT_INVALID" },
              ],
              cursor: "next",
            }
          : { items: [{ ...letter, id: "d3" }] },
      "POST /v1/bulk": { operation: "redrive", total: 2, examined: 2, outcomes: [] },
    });

    await screen.getByRole("button", { name: "Redrive 2…" }).click();

    await expect.element(screen.getByRole("heading", { name: "Redrive 2 dead letters" })).toBeVisible();
    expect(sent.find(({ method }) => method === "POST")?.body).toEqual({
      operation: "redrive",
      filter: { ids: ["d1", "d3"] },
      dryRun: true,
    });
  });

  it("shows parked events with their next try", async () => {
    const { screen } = await renderPage(InboxPage, "/inbox?tab=parked", full);

    await expect.element(screen.getByText("BUILD does not handle PUSHED.")).toBeVisible();
    await expect.element(screen.getByText("does not exist yet")).toBeVisible();
  });

  it("lists what waits and its cause, in the order of the server", async () => {
    const waiting = [
      aStack("pr-3", {
        waiting: {
          summary: "Waits for an operator. `stackyard stacks retry pr-3` tries again.",
          waitsFor: { kind: "operator" },
        },
      }),
      aStack("pr-2", { waiting: { summary: "Waits for a worker.", waitsFor: { kind: "worker" } } }),
    ];
    const { screen, sent } = await renderPage(InboxPage, "/inbox?tab=waiting", {
      ...full,
      "GET /v1/stacks": { items: waiting },
    });

    await expect.element(screen.getByRole("cell", { name: "the next free worker" })).toBeVisible();
    await expect.element(screen.getByRole("button", { name: "No worker is free: 1" })).toBeVisible();
    await expect.element(screen.getByText("Waits for an operator.")).toBeVisible();
    await expect.element(screen.getByText("stackyard stacks retry pr-3")).not.toBeInTheDocument();
    expect(sent.find(({ path }) => path === "/v1/stacks")?.query).toMatchObject({ sort: "enteredAt" });
    const ids = [...document.querySelectorAll("tr[data-row]")].map((row) => row.getAttribute("data-row"));
    expect(ids).toEqual(["pr-3", "pr-2"]);
  });

  it("says what waits for what, since when, and who ends it", async () => {
    const [app, smoke] = [
      aStack("pr-5", {
        waiting: {
          summary: "Waits for app, smoke. app: Running for 3m: 49 arrived. Held back by a closed window.",
          task: { name: "app", why: "Running for 3m: 49 arrived. Held back by a closed window." },
          waitsFor: { kind: "poll", task: "app" },
        },
      }),
      aStack("pr-6", {
        degraded: true,
        state: "DEGRADED",
        lastFailure: {
          ...{ task: "smoke", state: "DEPLOY", entry: 1, attempt: 1, at: "2026-11-20T03:00:00Z" },
          ...{ code: "SMOKE_FAILED", message: "GET /health returned 503" },
        },
        waiting: {
          summary: 'Degraded: "smoke" failed in DEPLOY (SMOKE_FAILED). Waits for an event: RETRIED.',
          waitsFor: { kind: "operator", events: ["RETRIED"] },
        },
      }),
    ];
    const { screen } = await renderPage(InboxPage, "/inbox?tab=waiting", {
      ...full,
      "GET /v1/stacks": { items: [app, smoke] },
    });
    const cellsOf = (id: string) =>
      [...document.querySelectorAll(`tr[data-row="${id}"] td`)].map((cell) => cell.textContent);

    await expect.element(screen.getByRole("button", { name: "A task runs: 1" })).toBeVisible();
    expect(cellsOf("pr-5").slice(1)).toEqual([
      "appRunning for 3m: 49 arrived. Held back by a closed window.",
      expect.stringMatching(/^\d+d/),
      "the task, when it ends",
    ]);
    expect(cellsOf("pr-6").slice(1)).toEqual([
      "smoke failed in DEPLOY SMOKE_FAILEDGET /health returned 503",
      expect.stringMatching(/^\d+d/),
      "a personevent RETRIED",
    ]);
  });

  it("counts the causes of waiting stacks, and filters by one of them in the address", async () => {
    const waits = (id: string, kind: string) =>
      aStack(id, { waiting: { summary: "Waits.", waitsFor: { kind: kind as "worker" } } });
    const { screen } = await renderPage(InboxPage, "/inbox?tab=waiting", {
      ...full,
      "GET /v1/stacks": {
        items: [waits("pr-1", "worker"), waits("pr-2", "approval"), waits("pr-3", "worker"), waits("pr-4", "newer")],
      },
    });
    const idsOf = () => [...document.querySelectorAll("tr[data-row]")].map((row) => row.getAttribute("data-row"));

    const workers = screen.getByRole("button", { name: "No worker is free: 2" });
    await workers.click();

    await expect.poll(idsOf).toEqual(["pr-1", "pr-3"]);
    await expect.element(workers).toHaveAttribute("aria-pressed", "true");
    await expect.element(screen.getByRole("button", { name: "Other: 1" })).toBeVisible();
    await workers.click();
    await expect.poll(idsOf).toEqual(["pr-1", "pr-2", "pr-3", "pr-4"]);
  });

  it("approves with the comment that is required", async () => {
    const { screen, sent } = await renderPage(InboxPage, "/inbox?tab=approvals", {
      ...full,
      "POST /v1/approvals/web-prod/e/1/sign-off/1/approve": {
        eventId: "e",
        stackId: "web-prod",
        outcome: "applied",
        notes: [],
      },
    });
    await screen.getByRole("button", { name: "Approve…" }).click();
    const approve = screen.getByRole("button", { name: "Approve", exact: true });
    await expect.element(approve).toHaveAccessibleDescription("Enter a reason first");

    await screen.getByLabelText("Reason").fill("looks good");
    await approve.click();

    await expect.element(screen.getByText("Approve sign-off of web-prod: applied")).toBeVisible();
    expect(sent.find(({ method }) => method === "POST")?.body).toMatchObject({ comment: "looks good" });
  });

  it("says that an approval is queued, and what became of it, never that it is approved before (NeoAgent#50)", async () => {
    const { screen } = await renderPage(InboxPage, "/inbox?tab=approvals", {
      ...full,
      "GET /v1/approvals": { items: [{ ...approval, comment: "optional" }] },
      "POST /v1/approvals/web-prod/e/1/sign-off/1/approve": {
        eventId: "e",
        stackId: "web-prod",
        outcome: "waiting",
        notes: [],
      },
      "GET /v1/stacks/web-prod/events/e": { eventId: "e", stackId: "web-prod", outcome: "refused", notes: [] },
    });
    await screen.getByRole("button", { name: "Approve…" }).click();
    await screen.getByRole("button", { name: "Approve", exact: true }).click();

    await expect.element(screen.getByText("Approve sign-off of web-prod: queued. The outcome follows.")).toBeVisible();
    expect(document.body.textContent).not.toContain("Approved sign-off");
  });

  it("offers the way out of a degraded state: an event that the state handles, to the stacks of the cause alone", async () => {
    const degraded = aCause({
      kind: "degraded",
      task: "smoke",
      code: "SMOKE_FAILED",
      count: 3,
      sample: { stackId: "web-7" },
    });
    const { screen, sent } = await renderPage(InboxPage, "/inbox?tab=degraded", {
      ...full,
      "GET /v1/causes": { items: [degraded], examined: 3 },
      "GET /v1/stacks/web-7": { ...aStack("web-7"), waitsFor: { events: ["RELEASED", "RETRIED"] } },
      "POST /v1/bulk": { operation: "send", total: 3, examined: 3, outcomes: [], digest: "d".repeat(32) },
    });

    await screen.getByRole("button", { name: "Send event to 3…" }).click();
    const field = screen.getByRole("combobox", { name: "Event" });
    await expect.element(field).toHaveValue("RELEASED");
    const offers = [...document.querySelectorAll("datalist option")].map((option) => option.getAttribute("value"));
    expect(offers).toEqual(["RELEASED", "RETRIED"]);
    await field.fill("RETRIED");
    await screen.getByRole("button", { name: "Dry run" }).click();

    await expect
      .poll(() => sent.find(({ path }) => path === "/v1/bulk")?.body)
      .toMatchObject({
        operation: "send",
        filter: { condition: "degraded", task: "smoke", code: "SMOKE_FAILED" },
        body: { event: "RETRIED" },
        dryRun: true,
      });
  });

  it("names what one press is about: the only stack, or the only task", async () => {
    const one = { count: 1, sample: { stackId: "web-7" } } as const;
    const { screen } = await renderPage(InboxPage, "/inbox?tab=degraded", {
      ...full,
      "GET /v1/causes": {
        items: [aCause({ ...one, kind: "degraded" }), aCause({ ...one, kind: "failed", task: "migrate" })],
        examined: 2,
      },
    });

    // The id of a stack may be long: the button has room for what it does.
    const send = screen.getByRole("button", { name: "Send event… to web-7", exact: true });
    await expect.element(send).toBeVisible();
    expect(send.element().textContent).toBe("Send event…");
    await expect.element(screen.getByRole("button", { name: "Retry migrate…" })).toBeVisible();
  });

  it("explains refused actions at their buttons", async () => {
    const { screen } = await renderPage(InboxPage, "/inbox", { ...full, "GET /v1/me": viewer });

    await expect
      .element(screen.getByRole("button", { name: "Retry 37…" }))
      .toHaveAccessibleDescription("Needs operate");
  });

  it("says when nothing needs you, and has no color of trouble then", async () => {
    const { screen } = await renderPage(InboxPage, "/inbox", {
      "GET /v1/stack-counts": conditionCounts(3),
      "GET /v1/causes": { items: [], examined: 0 },
    });

    await expect.element(screen.getByText("Nothing needs you.")).toBeVisible();
    const tones = [...document.querySelectorAll("nav[aria-label='Parts of the inbox'] .mark")].map(
      (mark) => getComputedStyle(mark).color,
    );
    expect(new Set(tones).size).toBe(1);
  });

  it("shows a failure in its panel, and what is loading", async () => {
    const { screen } = await renderPage(InboxPage, "/inbox", {
      ...full,
      "GET /v1/causes": problem(503, "UNAVAILABLE", "The store does not answer."),
      "GET /v1/stack-counts": never,
    });

    await expect.element(screen.getByText("The store does not answer.")).toBeVisible();
    await expect.element(screen.getByRole("button", { name: "Retry", exact: true })).toBeVisible();
  });

  it("shows what outsiders wrote as text", async () => {
    const hostile = aCause({
      kind: "dead",
      event: HOSTILE,
      code: HOSTILE,
      sample: { stackId: HOSTILE, message: HOSTILE },
    });
    const { screen } = await renderPage(InboxPage, "/inbox?tab=dead", {
      ...full,
      "GET /v1/causes": { items: [hostile], examined: 1 },
      "GET /v1/dead-letters": { items: [{ ...dead, stackId: HOSTILE, reason: HOSTILE, actor: HOSTILE }] },
    });
    await screen.getByRole("button", { name: "Dead letters 37" }).click();

    await expect.element(screen.getByText(SHOWN_HOSTILE).first()).toBeVisible();
    expect(document.querySelector("img")).toBeNull();
    expect(document.body.textContent).not.toContain("\u202e");
  });
});
