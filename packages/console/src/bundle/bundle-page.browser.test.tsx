import { describe, expect, it } from "vitest";
import { aStack, reviewAppGraph } from "../testing/a-stack.ts";
import { renderPage } from "../testing/render-page.tsx";
import { BundlePage } from "./bundle-page.tsx";

const bundle = {
  format: 1,
  stackId: "pr-12",
  createdAt: "2026-11-20T03:12:04Z",
  version: "0.1.0",
  stack: null,
  attempts: [],
  parked: [],
  processes: [],
  history: [
    {
      position: 7,
      stackId: "pr-12",
      at: "2026-11-20T03:11:00Z",
      eventId: "e7",
      event: "MERGED",
      outcome: "removed",
      sent: [],
      notes: [],
    },
  ],
  revisions: [],
  cut: ["history"],
};

function toFile(value: unknown): File {
  return new File([JSON.stringify(value)], "pr-12.bundle.json", { type: "application/json" });
}

describe("BundlePage", () => {
  it("shows a removed stack from its file, without any request for it", { tags: "page" }, async () => {
    const { screen, sent } = await renderPage(BundlePage, "/bundle", {});
    await screen.getByLabelText("File of a bundle").upload(toFile(bundle));

    await expect.element(screen.getByText(/Nothing here is live/)).toBeVisible();
    await expect.element(screen.getByText("Not whole: history.")).toBeVisible();
    await expect.element(screen.getByText(/The stack was removed/)).toBeVisible();
    expect(sent.filter(({ path }) => path !== "/v1/me")).toEqual([]);
  });

  it("shows where the stack is in its machine", async () => {
    const { screen } = await renderPage(BundlePage, "/bundle", {});
    await screen
      .getByLabelText("File of a bundle")
      .upload(toFile({ ...bundle, stack: aStack(), graph: reviewAppGraph }));

    await expect.element(screen.getByRole("img", { name: "Graph of review-app" })).toBeVisible();
  });

  it("explains a file of a newer format", async () => {
    const { screen } = await renderPage(BundlePage, "/bundle", {});
    await screen.getByLabelText("File of a bundle").upload(toFile({ ...bundle, format: 2 }));

    await expect.element(screen.getByText(/This console reads format 1/)).toBeVisible();
  });
});
