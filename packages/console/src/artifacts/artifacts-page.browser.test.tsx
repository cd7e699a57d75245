import type { ArtifactCoverage } from "@stackyard/sdk";
import { beforeEach, describe, expect, it } from "vitest";
import { page } from "vitest/browser";
import { problem, renderPage } from "../testing/render-page.tsx";
import { ArtifactsPage } from "./artifacts-page.tsx";

const cell: ArtifactCoverage["cells"][number] = {
  account: "111111111111",
  region: "eu-west-1",
  status: "overdue",
  code: "RECEIPT_OVERDUE",
  files: 4,
  filesDone: 1,
  announcements: 2,
  verified: false,
  at: "2026-11-20T03:00:00Z",
};
const row: ArtifactCoverage = {
  name: "web",
  version: "1.4.0",
  manifestSha256: "4f1c",
  publishedAt: "2026-11-20T02:00:00Z",
  covered: false,
  retired: false,
  cells: [cell, { ...cell, region: "us-east-1", status: "stored", code: null, filesDone: 4 }],
};

describe("ArtifactsPage", () => {
  beforeEach(() => page.viewport(1_440, 900));

  it("explains a cell and announces that version to that consumer", { tags: "page" }, async () => {
    const { screen, sent } = await renderPage(ArtifactsPage, "/artifacts", {
      "GET /v1/artifacts/coverage": { items: [row] },
      "POST /v1/artifacts/refresh": { name: "web", version: "1.4.0", announced: 1 },
    });
    await screen.getByRole("button", { name: "web 1.4.0 in 111111111111 eu-west-1: Overdue" }).click();
    await expect.element(screen.getByText("RECEIPT_OVERDUE")).toBeVisible();
    await expect.element(screen.getByText(/No receipt came in time/)).toBeVisible();
    await screen.getByRole("button", { name: "Announce this version again…" }).click();
    await screen.getByRole("button", { name: "Announce", exact: true }).click();

    await expect.element(screen.getByText("Announced again.")).toBeVisible();
    expect(sent.find(({ method }) => method === "POST")?.body).toEqual({
      name: "web",
      version: "1.4.0",
      account: "111111111111",
      region: "eu-west-1",
    });
  });

  it("names accounts as the configuration does, with the id next to it", async () => {
    const { screen } = await renderPage(ArtifactsPage, "/artifacts", {
      "GET /v1/artifacts/coverage": { items: [row] },
      "GET /v1/yard": { accounts: { "111111111111": "shop-prod" } },
    });

    await expect.element(screen.getByText("shop-prod", { exact: true })).toBeVisible();
    await expect.element(screen.getByText("111111111111", { exact: true })).toBeVisible();
    await screen.getByRole("button", { name: "web 1.4.0 in shop-prod (111111111111 eu-west-1): Overdue" }).click();
    await expect
      .element(screen.getByRole("dialog", { name: "web 1.4.0 in shop-prod (111111111111 eu-west-1)" }))
      .toBeVisible();
  });

  it("names each state in words, and shows only gaps", async () => {
    const arrived = {
      ...row,
      name: "api",
      covered: true,
      cells: row.cells.map((each) => ({ ...each, status: "present" as const })),
    };
    const { screen, address } = await renderPage(ArtifactsPage, "/artifacts", {
      "GET /v1/artifacts/coverage": { items: [row, arrived] },
    });
    await expect.element(screen.getByText("111111111111", { exact: true })).toBeVisible();
    await expect.element(screen.getByText("1 overdue")).toBeVisible();
    await expect.element(screen.getByRole("rowheader", { name: "api 1.4.0" })).toBeVisible();

    await screen.getByRole("link", { name: "Only gaps" }).click();

    await expect.poll(address).toBe("/artifacts?gaps=only");
    await expect.element(screen.getByText("1 of 2 versions are missing somewhere.")).toBeVisible();
    expect(screen.getByRole("rowheader", { name: "api 1.4.0" }).query()).toBeNull();
  });

  it("says how to configure a distributor where it is missing", async () => {
    const { screen } = await renderPage(ArtifactsPage, "/artifacts", {
      "GET /v1/artifacts/coverage": problem(404, "NOT_CONFIGURED", "This yard has no distributor."),
    });

    await expect.element(screen.getByText(/This yard has no distributor. Set distributor in/)).toBeVisible();
  });

  it("says on a phone where a version misses, and in how many places it is", async () => {
    await page.viewport(390, 844);
    const { screen } = await renderPage(ArtifactsPage, "/artifacts", {
      "GET /v1/artifacts/coverage": { items: [row] },
    });

    const item = screen.getByRole("list", { name: "Coverage" }).getByRole("listitem");
    await expect.element(item).toMatchTextContent(/web 1\.4\.0.*present in \d of \d places/);
    await expect.element(screen.getByRole("button", { name: /^web 1\.4\.0 in .*: Overdue$/ })).toBeVisible();
    expect(document.documentElement.scrollWidth).toBeLessThanOrEqual(390);
  });
});
