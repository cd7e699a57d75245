import { expect, it } from "vitest";
import { page } from "vitest/browser";
import { anAttempt, aStack, stackApi } from "../../testing/a-stack.ts";
import { problem, renderPage, type SentRequest } from "../../testing/render-page.tsx";
import { HOSTILE, SHOWN_HOSTILE } from "../../testing/stacks.ts";
import { NO_STACKS } from "./deploy-counts.ts";
import { ReleasePage } from "./release-page.tsx";

const deploy = {
  task: "tenants",
  op: "send",
  event: "RELEASED",
  metadata: { api: "1.42.0" },
  startedAt: "2026-11-20T02:00:00Z",
  stop: { code: "TOO_MANY_FAILURES", message: "9 of 40 stacks have failed, and 0 may." },
  waves: [
    { name: "canary", stacks: 40, counts: { ...NO_STACKS, done: 31, failed: 9 } },
    { name: "rest", stacks: 360, counts: { ...NO_STACKS, unsent: 350, sent: 10 } },
  ],
};
const row = (stackId: string, state: string, why = {}) => ({
  stackId,
  wave: "canary",
  state,
  tries: 1,
  from: { api: "1.41.0" },
  since: "2026-11-20T02:10:00Z",
  ...why,
});

function showRelease() {
  const attempts = [anAttempt({ executor: "deploy" })];
  const stack = aStack({ attempts });
  const failed = row("tenant-9", "failed", { code: "STACK_BROKEN", message: "The stack is in BROKEN." });
  return renderPage(ReleasePage, "/release?id=pr-12", {
    ...stackApi(stack),
    "GET /v1/stacks/pr-12/deploys": { items: [deploy] },
    "GET /v1/stacks/pr-12/deploys/tenants": ({ query }: SentRequest) => ({
      items: query["state"] === "failed" ? [failed] : [row("tenant-1", "done"), failed],
    }),
  });
}

it.each([390, 1_440])(
  "shows waves with what is done, failed and left, and why it stopped, %i px wide",
  {
    tags: "page",
  },
  async (width) => {
    await page.viewport(width, 1_200);
    const { screen } = await showRelease();

    const tenants = screen.getByRole("region", { name: "Deployment of tenants" });
    await expect.element(screen.getByText(/31 of 400 arrived.*, 9 failed: tenant-9 and 8 more/)).toBeVisible();
    await expect.element(screen.getByText("350 not sent")).toBeVisible();
    await expect.element(tenants.getByText("9 of 40 stacks have failed, and 0 may.")).toBeVisible();
    expect(document.documentElement.scrollWidth).toBeLessThanOrEqual(width);
  },
);

it("lists the stacks of a task with links, first those that failed, with counts by state", async () => {
  await page.viewport(1_440, 1_200);
  const { screen } = await showRelease();

  await screen.getByRole("button", { name: "Failed 9", exact: true }).click();
  await expect.element(screen.getByText("The stack is in BROKEN.")).toBeVisible();
  await expect.element(screen.getByRole("link", { name: "tenant-1" })).not.toBeInTheDocument();
  for (const name of ["Failed 9", "On its way 10", "Not sent 350", "Done 31"]) {
    await expect.element(screen.getByRole("button", { name, exact: true })).toBeVisible();
  }
  await screen.getByRole("button", { name: "All 400", exact: true }).click();

  await expect.element(screen.getByRole("link", { name: "tenant-1" })).toBeVisible();
});

it("lists all stacks with the failed ones first over all pages, and each of them once (octopus#2548, octopus#8946)", async () => {
  await page.viewport(1_440, 1_200);
  const rows = Array.from({ length: 99 }, (_, index) => row(`tenant-${index}`, "done"));
  const pages: Readonly<Record<string, object>> = {
    "": { items: [row("tenant-399", "failed"), ...rows], cursor: "a1.99.AQ" },
    // This one has failed since the first page.
    "a1.99.AQ": { items: [row("tenant-101", "failed"), row("tenant-100", "done")] },
  };
  const { screen, sent } = await renderPage(ReleasePage, "/release?id=pr-12", {
    ...stackApi(aStack({ attempts: [anAttempt({ executor: "deploy" })] })),
    "GET /v1/stacks/pr-12/deploys": { items: [deploy] },
    "GET /v1/stacks/pr-12/deploys/tenants": ({ query }: SentRequest) =>
      query["order"] === "failed-first"
        ? pages[query["cursor"] ?? ""]
        : { items: query["state"] === "sent" ? [row("tenant-50", "sent")] : [] },
  });

  const table = screen.getByRole("region", { name: "Stacks of tenants" });
  const firstRow = () => table.element().querySelector("tbody tr")?.textContent;
  await expect.poll(firstRow).toMatch(/^tenant-399canaryFailed/);
  // One that is on its way comes before those that have arrived.
  const secondRow = () => table.element().querySelectorAll("tbody tr")[1]?.textContent;
  await expect.poll(secondRow).toMatch(/^tenant-50canaryOn its way/);
  // The list loads its next page itself once its end is in view.
  table.element().scrollTop = 1e6;

  await expect.element(table.getByRole("table")).toHaveAttribute("aria-rowcount", "103");
  const queries = sent.filter(({ path }) => path.endsWith("/deploys/tenants")).map(({ query }) => query);
  expect(queries.at(-1)).toMatchObject({ order: "failed-first", cursor: "a1.99.AQ" });
  // Also one that a later page lists is among the failed ones, at the top.
  table.element().scrollTop = 0;
  await expect.element(table.getByRole("link", { name: "tenant-101" })).toBeVisible();
});

it("retries the failed task for the stacks that failed, after a question", async () => {
  await page.viewport(1_440, 1_200);
  const stack = aStack({ attempts: [anAttempt({ executor: "deploy" })] });
  const tasks = [{ name: "tenants", status: "ERROR" as const, errorCode: "TOO_MANY_FAILURES", why: "Failed." }];
  const { screen, sent } = await renderPage(ReleasePage, "/release?id=pr-12", {
    ...stackApi({ ...stack, tasks }),
    "GET /v1/stacks/pr-12/deploys": { items: [deploy] },
    "POST /v1/stacks/pr-12/retry": { eventId: "e9", stackId: "pr-12", outcome: "applied", notes: [] },
  });

  await screen.getByRole("button", { name: "Retry 9 failed…" }).click();
  await expect
    .element(screen.getByText(/Sends to 9 failed stacks again, and to 350 that were not sent to\./))
    .toBeVisible();
  await screen.getByRole("button", { name: "Retry task" }).click();

  await expect
    .poll(() => sent.filter(({ method }) => method === "POST").map(({ body }) => body))
    .toEqual([expect.objectContaining({ task: "tenants" })]);
});

// A finished release with failed stacks was "Healthy", without their names and without a way out.
it("names the stacks that a release which has ended has failed at, and sends to them again; tasks of one stack have no waves", async () => {
  await page.viewport(1_440, 1_200);
  const endedAt = "2026-11-20T03:00:00Z";
  const { stop: _, ...rest } = deploy;
  const waves = [{ name: "all", stacks: 45, counts: { ...NO_STACKS, done: 43, failed: 2 } }];
  const staging = {
    ...rest,
    task: "staging",
    endedAt,
    waves: [{ name: "all", stacks: 1, counts: { ...NO_STACKS, done: 1 } }],
  };
  const { screen, sent } = await renderPage(ReleasePage, "/release?id=pr-12", {
    ...stackApi(aStack({ tasks: [], failed: false, attempts: [anAttempt({ executor: "deploy" })] })),
    "GET /v1/stacks/pr-12/deploys": { items: [staging, { ...rest, waves, endedAt }] },
    "GET /v1/stacks/pr-12/deploys/tenants": { items: [row("tenant-17", "failed"), row("tenant-31", "failed")] },
    "POST /v1/bulk": { operation: "send", total: 2, examined: 2, outcomes: [] },
  });

  await expect.element(screen.getByText(/43 of 45 arrived, 2 failed: tenant-17, tenant-31/)).toBeVisible();
  expect(document.querySelector("h1 .pill")?.textContent).toBe("Ended, 2 failed");
  expect(screen.getByRole("region", { name: "Deployment of staging" }).query()).toBeNull();
  await screen.getByRole("button", { name: "Retry 2 failed…" }).click();

  await expect
    .poll(() => sent.find(({ path }) => path === "/v1/bulk")?.body)
    .toMatchObject({
      operation: "send",
      filter: { ids: ["tenant-17", "tenant-31"] },
      body: { event: "RELEASED", metadata: { api: "1.42.0" } },
    });
});

it("says why it is not known what was sent", async () => {
  const stack = aStack({ attempts: [anAttempt({ executor: "deploy" })] });
  const { screen } = await renderPage(ReleasePage, "/release?id=pr-12", {
    ...stackApi(stack),
    "GET /v1/stacks/pr-12/deploys": problem(500, "INTERNAL", "The store is locked."),
  });

  await expect.element(screen.getByText("The store is locked.")).toBeVisible();
});

it("shows what outsiders wrote as text, also to screen readers", async () => {
  const wave = { name: HOSTILE, stacks: 1, counts: { ...NO_STACKS, failed: 1 } };
  const { screen } = await renderPage(ReleasePage, "/release?id=pr-12", {
    ...stackApi(aStack({ attempts: [anAttempt({ executor: "deploy" })] })),
    "GET /v1/stacks/pr-12/deploys": {
      items: [{ ...deploy, task: HOSTILE, stop: { code: "STOPPED", message: HOSTILE }, waves: [wave] }],
    },
  });

  await expect.element(screen.getByRole("img", { name: `${SHOWN_HOSTILE}: 1 failed` })).toBeVisible();
  const panel = screen.getByRole("region", { name: `Deployment of ${SHOWN_HOSTILE}` });
  await expect.element(panel).toBeVisible();
  expect(panel.element().outerHTML).not.toMatch(/\u202e/);
});

it.each([390, 1_440])(
  "shows a closed gate with the next instant and how to bypass it, what waits for approvals, the plan and the way back, %i px wide (argo-cd#26215)",
  async (width) => {
    await page.viewport(width, 1_200);
    const digest = "5e0b".padEnd(64, "0");
    const message = 'The calendar "office" is closed. To bypass it: stackyard stacks settle pr-12 soak --reason …';
    const gate = anAttempt({
      executor: "gate",
      task: "soak",
      status: "suspended",
      progressMessage: message,
      opensAt: "2027-01-04T08:00:00Z",
    });
    const stack = aStack({ attempts: [gate] });
    const planCounts = { move: 1, same: 0, create: 0, moving: 0, fails: 0 };
    const plan = {
      digest,
      madeAt: deploy.startedAt,
      tasks: [],
      stacks: 1,
      hidden: 0,
      counts: planCounts,
      runs: 0,
      changed: 0,
    };
    const { screen } = await renderPage(ReleasePage, "/release?id=pr-12", {
      ...stackApi(stack),
      "GET /v1/stacks/pr-12/attempts": { items: [gate] },
      "GET /v1/stacks/pr-12/deploys": { items: [{ ...deploy, plan: digest, undo: "CLOSED" }] },
      "GET /v1/stacks/pr-12/deploys/tenants": {
        items: [
          row("tenant-3", "sent", { approving: true }),
          row("tenant-4", "waiting", { code: "FROZEN", message: "Audit." }),
        ],
      },
      [`GET /v1/stacks/pr-12/plans/${digest}`]: plan,
      [`GET /v1/stacks/pr-12/plans/${digest}/stacks`]: { items: [] },
    });

    await expect.element(screen.getByText(/To bypass it: stackyard stacks settle pr-12 soak/)).toBeVisible();
    expect(document.querySelector(".gate-opening time")?.getAttribute("datetime")).toBe("2027-01-04T08:00:00Z");
    await expect
      .element(screen.getByRole("link", { name: "Each stack of the plan, with the tasks that its machine runs" }))
      .toHaveAttribute("href", `/plan?stack=pr-12&plan=${digest}`);
    await expect.element(screen.getByRole("link", { name: "waits for an approval" })).toBeInTheDocument();
    await expect.element(screen.getByRole("link", { name: "Freezes" })).toHaveAttribute("href", "/freezes");
    expect(document.documentElement.scrollWidth).toBeLessThanOrEqual(width);
    await screen.getByRole("button", { name: "Undo release…" }).click();
    await expect.element(screen.getByRole("heading", { name: "Send an event to pr-12" })).toBeVisible();
    await page.viewport(1_280, 800);
  },
);
