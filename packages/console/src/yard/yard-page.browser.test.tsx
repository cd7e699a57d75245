import type { YardInfo, YardProcess } from "@stackyard/sdk";
import { describe, expect, it } from "vitest";
import { page } from "vitest/browser";
import { problem, renderPage, type SentRequest } from "../testing/render-page.tsx";
import { conditionCounts } from "../testing/stacks.ts";
import { YardPage } from "./yard-page.tsx";

const info: YardInfo = {
  version: "0.1.0",
  stacks: 12,
  queuedEvents: 3,
  queuedTasks: 1,
  parkedEvents: 0,
  deadLetters: 2,
  openAttempts: 4,
  states: [],
};

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

const quiet = { "GET /v1/yard": info, "GET /v1/attempts": { items: [] }, "GET /v1/previews": { items: [] } };

describe("YardPage", () => {
  it("shows its numbers beside each other, and no panel for what does not wait", async () => {
    await page.viewport(1440, 900);
    const { screen } = await renderPage(YardPage, "/yard", { ...quiet, "GET /v1/processes": { items: [worker] } });
    await expect.element(screen.getByText("No attempt is open.")).toBeVisible();

    const tops = [...document.querySelectorAll(".figures > div")].map((each) => each.getBoundingClientRect().top);
    expect([tops.length, new Set(tops).size]).toEqual([6, 1]);
    expect(screen.getByRole("heading", { name: /^Waits for/ }).elements()).toEqual([]);
  });

  it("has as many stacks as their list, which has no jobs", async () => {
    const { screen, sent } = await renderPage(YardPage, "/yard", {
      ...quiet,
      "GET /v1/processes": { items: [worker] },
      "GET /v1/stack-counts": conditionCounts(9),
    });

    await expect.element(screen.getByRole("link", { name: "9", exact: true })).toHaveAttribute("href", "/stacks");
    expect(sent.find(({ path }) => path === "/v1/stack-counts")?.query).toMatchObject({ jobs: "false" });
  });

  it("shows the room of all workers that take work", { tags: "page" }, async () => {
    const draining = { ...worker, id: "w2", draining: true };
    const fast = { ...worker, id: "w3", running: 4, aheadMs: 3_600_000 };
    const { screen } = await renderPage(YardPage, "/yard", {
      ...quiet,
      "GET /v1/processes": { items: [worker, draining, fast] },
    });

    await expect.element(screen.getByText("3 workers, room for 3 more tasks")).toBeVisible();
    await expect.element(screen.getByText("Draining")).toBeVisible();
    await expect.element(screen.getByText("Clock 1h ahead")).toBeVisible();
  });

  it("lists previews whose pull request cannot be read", async () => {
    const reason = "github answers that acme/shop does not exist.";
    const repository = { id: "1", fullName: "acme/shop" };
    const preview = {
      stackId: "shop-pr-7",
      pull: { host: "github", repository, number: 7, url: "https://h/7", head: "1".repeat(40), owner: "octocat" },
      machine: "preview",
      state: "LIVE",
      enteredAt: "2026-11-20T03:00:00Z",
      failed: false,
      stalled: false,
      overdue: false,
      commands: {},
      fault: { kind: "unreadable", since: "2026-11-20T03:00:00Z", reason },
    };
    const { screen } = await renderPage(YardPage, "/yard", {
      ...quiet,
      "GET /v1/processes": { items: [worker] },
      "GET /v1/previews": { items: [preview] },
    });

    await expect.element(screen.getByText(reason)).toBeVisible();
    await expect.element(screen.getByText("acme/shop#7")).toBeVisible();
  });

  it("says that nothing runs without a worker", async () => {
    const { screen } = await renderPage(YardPage, "/yard", { ...quiet, "GET /v1/processes": { items: [] } });

    await expect.element(screen.getByText("No worker: tasks stay queued")).toBeVisible();
  });

  it("shows a failure in its panel only, with the request's id", async () => {
    const { screen } = await renderPage(YardPage, "/yard", {
      ...quiet,
      "GET /v1/yard": problem(403, "FORBIDDEN", "You need the permission read."),
      "GET /v1/processes": { items: [worker] },
    });

    await expect.element(screen.getByText("You need the permission read.")).toBeVisible();
    await expect.element(screen.getByText("FORBIDDEN · request req-1")).toBeVisible();
    await expect.element(screen.getByText("host-1")).toBeVisible();
  });

  it("shows hostile names as text", async () => {
    const hostile = { ...worker, host: "<img src=x onerror=alert(1)>\u202e" };
    const { screen } = await renderPage(YardPage, "/yard", { ...quiet, "GET /v1/processes": { items: [hostile] } });

    await expect.element(screen.getByText("<img src=x onerror=alert(1)>‹U+202E›")).toBeVisible();
  });

  it("says in words where an attempt is", async () => {
    const attempt = {
      attemptId: "pr-7/e1/1/seed/1",
      stackId: "pr-7",
      machine: "review-app",
      task: "seed",
      entry: 1,
      attempt: 1,
      status: "suspended",
      dispatchedAt: "2026-11-20T03:00:00Z",
      deadlineAt: "2026-11-20T03:10:00Z",
      heldKeys: [],
      hasLog: false,
    };
    const { screen } = await renderPage(YardPage, "/yard", {
      ...quiet,
      "GET /v1/attempts": ({ query }: SentRequest) => ({ items: query["status"] === undefined ? [attempt] : [] }),
      "GET /v1/processes": { items: [worker] },
    });

    await expect.element(screen.getByText("Runs elsewhere")).toBeVisible();
    expect(document.body.textContent).not.toContain("suspended");
  });

  it("names the stack that holds a key, with a link", async () => {
    const queued = {
      attemptId: "pr-7/e1/1/seed/1",
      stackId: "pr-7",
      machine: "review-app",
      task: "seed",
      entry: 1,
      attempt: 1,
      status: "queued",
      dispatchedAt: "2026-11-20T03:00:00Z",
      deadlineAt: "2026-11-20T03:10:00Z",
      heldKeys: [],
      hasLog: false,
      queuedFor: { key: "key:seed", holder: "pr%2012/e1/1/seed/1", place: 1 },
    };
    const { screen } = await renderPage(YardPage, "/yard", {
      ...quiet,
      "GET /v1/attempts": { items: [queued] },
      "GET /v1/processes": { items: [worker] },
    });

    await expect.element(screen.getByRole("link", { name: "pr 12" })).toHaveAttribute("href", "/stack?id=pr+12");
  });
});
