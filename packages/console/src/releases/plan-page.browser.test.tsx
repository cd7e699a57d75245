import type { DeployPlan, PlannedStack } from "@stackyard/sdk";
import { describe, expect, it } from "vitest";
import { page } from "vitest/browser";
import { problem, renderPage, type SentRequest } from "../testing/render-page.tsx";
import { PlanPage } from "./plan-page.tsx";

describe("PlanPage", () => {
  it("says that a release has no such plan, and how to ask for it", async () => {
    const { screen } = await renderPage(PlanPage, "/plan?stack=shop-1.42.0&plan=other", {
      "GET /v1/stacks/shop-1.42.0/plans/other": problem(404, "NOT_FOUND", "There is no such plan."),
    });

    await expect.element(screen.getByText(/The release has no such plan/)).toBeVisible();
    await expect.element(screen.getByText("stackyard deploys plan shop-1.42.0 other")).toBeVisible();
    await expect.element(screen.getByRole("link", { name: "Open the release" })).toBeVisible();
  });

  it("says that its address names no plan", async () => {
    const { screen } = await renderPage(PlanPage, "/plan?stack=shop-1.42.0", {});

    await expect.element(screen.getByText(/The address names no plan/)).toBeVisible();
  });
});

const digest = "5e0b".padEnd(64, "0");
const since = "2026-11-26T15:42:00Z";
const plan: DeployPlan = {
  digest,
  madeAt: since,
  tasks: [{ task: "tenants", event: "RELEASED", metadata: { api: "1.42.0" }, until: ["LIVE"], waves: ["rest"] }],
  stacks: 4,
  hidden: 0,
  counts: { move: 4, same: 0, create: 0, moving: 0, fails: 0 },
  runs: 8,
  changed: 1,
};
const aPlanned = (stackId: string, more: Partial<PlannedStack> = {}): PlannedStack => ({
  stackId,
  task: "tenants",
  wave: "rest",
  does: "move",
  from: { api: "1.41.3" },
  to: { api: "1.42.0" },
  show: {},
  tasks: ["APPLY/app", "APPLY/smoke"],
  end: "LIVE",
  whole: true,
  changed: false,
  parked: [],
  ...more,
});
const harbor = aPlanned("tenant-harbor", {
  changes: { adds: 3, changes: 1, destroys: 2 },
  progress: { state: "failed", code: "STACK_BROKEN", message: "The state lock is held for 22 min.", since },
});
const rows = [
  harbor,
  aPlanned("tenant-quay", { progress: { state: "sent", since, approving: true } }),
  aPlanned("tenant-anchor", {
    progress: { state: "waiting", code: "FROZEN", message: "Audit.", since },
    changes: { adds: 0, changes: 4, destroys: 0 },
  }),
  aPlanned("tenant-bay", { changed: true, progress: { state: "done", since } }),
];

function showPlan(stacks: unknown, head: unknown = plan) {
  return renderPage(PlanPage, `/plan?stack=pr-12&plan=${digest}`, {
    [`GET /v1/stacks/pr-12/plans/${digest}`]: head,
    [`GET /v1/stacks/pr-12/plans/${digest}/stacks`]: stacks,
  });
}

describe("a plan that a release follows", () => {
  it.each([
    [390, "dark"],
    [1_024, "light"],
    [1_440, "light"],
    [1_440, "dark"],
  ])(
    "has a row for each stack: how far it is, its versions, resources, and stale marks, %i px wide, %s",
    { tags: "page" },
    async (width, scheme) => {
      await page.viewport(width, 1_400);
      document.documentElement.setAttribute("data-theme", scheme);
      const { screen } = await showPlan({ items: rows });

      const table = screen.getByRole("region", { name: "Stacks of the plan" });
      await expect.element(table.getByText("The state lock is held for 22 min.")).toBeInTheDocument();
      const texts = table
        .getByRole("row")
        .elements()
        .map(({ textContent }) => textContent ?? "");
      expect(texts[1]).toContain("tenant-harbor");
      expect(texts[1]).toContain("Failed");
      expect(texts[1]).toContain("1.41.3");
      expect(texts[1]).toContain("+3 added~1 changed−2 destroyed");
      expect(table.element().querySelector(".plan-sums .tone-fail")?.textContent).toBe("−2 destroyed");
      expect(screen.getByText("resources destroyed").element().parentElement?.textContent).toBe("2resources destroyed");
      expect(texts[2]).toContain("On its way waits for an approval");
      expect(texts[3]).toContain("−0 destroyed");
      expect(texts.filter((text) => text.includes("Changed since"))).toEqual([texts[4]]);
      const heads = table
        .getByRole("columnheader")
        .elements()
        .map(({ textContent }) => textContent);
      expect(heads).toEqual(width < 720 ? ["Stack", "Progress", "Change"] : ["Stack", "Progress", "Change", "Runs"]);
      expect(document.documentElement.scrollWidth).toBeLessThanOrEqual(width);
      document.documentElement.removeAttribute("data-theme");
    },
  );

  it("lists only those that failed, are on their way or wait", async () => {
    await page.viewport(1_440, 1_400);
    const { screen } = await showPlan(({ query }: SentRequest) => ({
      items: rows.filter(({ progress }) => query["state"] === undefined || progress?.state === query["state"]),
    }));
    const table = screen.getByRole("region", { name: "Stacks of the plan" });
    await expect.element(table.getByText("tenant-bay")).toBeInTheDocument();
    await screen.getByRole("button", { name: "Failed" }).click();

    await expect.element(table.getByText("tenant-bay")).not.toBeInTheDocument();
    await expect.element(table.getByText("tenant-harbor")).toBeInTheDocument();
    await screen.getByRole("button", { name: "Waiting" }).click();
    await expect.element(table.getByText("tenant-anchor")).toBeInTheDocument();
  });

  it("says that no stack of the plan may be read", async () => {
    const { screen } = await showPlan({ items: [] });

    await expect.element(screen.getByText("The plan has no stack that you may read.")).toBeVisible();
  });

  it("keeps its place while it loads", async () => {
    const { screen } = await showPlan({ items: [] }, new Promise(() => {}));

    await expect.element(screen.getByRole("heading", { name: "Plan", exact: true, level: 2 })).toBeVisible();
    await expect.element(screen.getByText("Loading").first()).toBeInTheDocument();
  });

  it("shows a failure only in its panel", async () => {
    const { screen } = await showPlan({ items: [] }, problem(403, "FORBIDDEN", "You may not read plans."));

    await expect.element(screen.getByText("You may not read plans.")).toBeVisible();
    await expect.element(screen.getByRole("link", { name: "Open the release" })).toBeVisible();
  });

  it("shows hostile values as text, within the page", async () => {
    await page.viewport(390, 1_400);
    const hostile = `<img src=x onerror=alert(1)>\u202e${"w".repeat(200)}`;
    const row = aPlanned("tenant-x", {
      from: { [hostile]: hostile },
      to: { [hostile]: hostile },
      show: { [hostile]: hostile },
      progress: { state: "failed", code: hostile, message: hostile, since },
    });
    const { screen } = await showPlan({ items: [row] });

    const table = screen.getByRole("region", { name: "Stacks of the plan" });
    await expect.element(table.getByText("tenant-x")).toBeInTheDocument();
    expect(document.querySelector("img")).toBeNull();
    expect(table.element().textContent).not.toContain("\u202e");
    expect(document.documentElement.scrollWidth).toBeLessThanOrEqual(390);
  });
});
