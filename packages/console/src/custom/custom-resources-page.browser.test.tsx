import { describe, expect, it } from "vitest";
import { page } from "vitest/browser";
import { customResources, notConfigured } from "../testing/custom-resources.ts";
import { renderPage } from "../testing/render-page.tsx";
import { CustomResourcesPage } from "./custom-resources-page.tsx";

describe("CustomResourcesPage", () => {
  it.each([390, 1_440])("lists requests with their stack and answer, %i px wide", { tags: "page" }, async (width) => {
    await page.viewport(width, 1_000);
    const { screen } = await renderPage(CustomResourcesPage, "/custom-resources", customResources);

    await expect
      .element(screen.getByRole("link", { name: "Migration" }).first())
      .toHaveAttribute("href", "/custom-resource?id=8236-r-1");
    expect(document.querySelector("[data-row='8236-r-1'] .happening-what")?.textContent).toBe(
      "Update of Migration in stack shop failed after 2m, 111122223333 eu-west-1task 96052dc0 container app exited with 1. Last lines: migrations/0042.sql:17 no room ECS_EXIT_CODE",
    );
    await expect.element(screen.getByText("111122223333 eu-west-1").first()).toBeInTheDocument();
    expect(document.documentElement.scrollWidth).toBeLessThanOrEqual(width);
  });

  it("says what to configure where the server cannot read them", { tags: "page" }, async () => {
    const { screen } = await renderPage(CustomResourcesPage, "/custom-resources", {
      "GET /v1/custom-resources": notConfigured,
    });

    await expect.element(screen.getByText("customResources in", { exact: false })).toBeVisible();
    await expect.element(screen.getByText("export STACKYARD_CUSTOM_RESOURCES=TABLE")).toBeVisible();
  });
});
