import { describe, expect, it } from "vitest";
import { page, userEvent } from "vitest/browser";
import { aCustomRun } from "../testing/a-custom-run.ts";
import { customResources, notConfigured } from "../testing/custom-resources.ts";
import { renderPage } from "../testing/render-page.tsx";
import { CustomResourcePage } from "./custom-resource-page.tsx";

describe("CustomResourcePage", () => {
  it("opens a failed request at its error, with the log, and what changed (aws-cdk-cli#1645)", {
    tags: "page",
  }, async () => {
    await page.viewport(1_440, 1_200);
    const { screen } = await renderPage(CustomResourcePage, "/custom-resource?id=8236-r-1", customResources);

    await expect.element(screen.getByText("ECS_EXIT_CODE", { exact: true })).toBeVisible();
    await expect.element(screen.getByText("migrations/0042.sql:17", { exact: true })).toBeVisible();
    await expect.element(screen.getByText("CloudFormation, stack shop")).toBeVisible();
    const stack = "arn:aws:cloudformation:eu-west-1:111122223333:stack/shop/0123";
    await expect.element(screen.getByText(stack, { exact: true })).toBeVisible();
    const opened = screen.getByRole("link", { name: "Open in AWS (eu-west-1.console.aws.amazon.com in a new tab)" });
    await expect.element(opened).toHaveAttribute("rel", "noopener noreferrer");
    await expect.element(opened).toHaveAttribute("href", expect.stringContaining(encodeURIComponent(stack)));
    await expect.element(screen.getByText("migrate:41")).toBeVisible();
    await expect.element(screen.getByRole("region", { name: "Timeline since the request" })).toBeVisible();
    const logs = screen.getByRole("link", { name: "Logs in ECS", exact: false });
    await expect
      .element(logs)
      .toHaveAttribute("href", expect.stringContaining("/tasks/96052dc0123456789abcdef012345678/logs"));
    await expect.element(logs).toHaveAttribute("target", "_blank");
  });

  it("leads from the bar of the request to the answer that was sent, with the keyboard too", async () => {
    const { screen } = await renderPage(CustomResourcePage, "/custom-resource?id=8236-r-1", customResources);
    const bar = screen.getByRole("link", { name: "Request: failed, 2m, its answer" });
    await expect.element(bar).toBeVisible();

    (bar.element() as HTMLElement).focus();
    await userEvent.keyboard("{Enter}");

    await expect.element(screen.getByText('"physicalId"', { exact: false })).toBeVisible();
  });

  it("names the account, and shows what is no ARN as text without a link", async () => {
    const run = aCustomRun({ stackId: "odd", startedBy: { kind: "cloudformation", arn: "javascript:odd" } });
    const { screen } = await renderPage(CustomResourcePage, "/custom-resource?id=8236-r-1", {
      ...customResources,
      "GET /v1/custom-resources/8236-r-1": run,
    });
    await expect.element(screen.getByText("javascript:odd", { exact: true })).toBeVisible();
    expect(screen.container.querySelector("a[href^='javascript']")).toBeNull();

    const other = await renderPage(CustomResourcePage, "/custom-resource?id=8236-r-1", {
      ...customResources,
      "GET /v1/yard": { accounts: { "111122223333": "shop-prod" } },
    });
    await expect.element(other.screen.getByText("shop-prod (111122223333 eu-west-1), web")).toBeVisible();
  });

  it("says what to configure, and which request it does not know", async () => {
    const { screen } = await renderPage(CustomResourcePage, "/custom-resource?id=x", {
      "GET /v1/custom-resources/x": notConfigured,
    });
    await expect.element(screen.getByText("export STACKYARD_CUSTOM_RESOURCES=TABLE")).toBeVisible();

    const other = await renderPage(CustomResourcePage, "/custom-resource?id=y", {});
    await expect.element(other.screen.getByText("Not found, or you may not read it.").first()).toBeVisible();
    const out = other.screen.getByRole("link", { name: "All requests" });
    await expect.element(out).toHaveAttribute("href", "/custom-resources");
  });
});
