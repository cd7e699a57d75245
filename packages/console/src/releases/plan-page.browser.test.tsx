import { describe, expect, it } from "vitest";
import { problem, renderPage } from "../testing/render-page.tsx";
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
