import { describe, expect, it } from "vitest";
import { page } from "vitest/browser";
import { aStack, reviewAppGraph } from "../testing/a-stack.ts";
import { problem, renderPage, type SentRequest } from "../testing/render-page.tsx";
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

  it("shows the report of a run on a fleet, and the output of an instance, without leaving the file", async () => {
    const failure = { state: "failed", code: "COMMAND_FAILED", responseCode: 2, stderrTail: "disk full\n" };
    const instances = [
      { instanceId: "i-1", roles: ["web"], ...failure },
      { instanceId: "i-2", roles: ["web"], state: "succeeded" },
    ];
    const { screen, sent } = await renderPage(BundlePage, "/bundle", {});
    const report = [{ runId: "run-1", instances }];
    await screen.getByLabelText("File of a bundle").upload(toFile({ ...bundle, stackId: "run-1", report }));

    await expect.element(screen.getByText("1 failed", { exact: true })).toBeVisible();
    const link = screen.getByRole("link", { name: "i-1" });
    await expect.element(link).toHaveAttribute("href", expect.stringMatching(/^\/bundle\?/));
    await link.click();

    await expect.element(screen.getByRole("heading", { name: "Error stream" })).toBeVisible();
    await expect.element(screen.getByText(/Nothing here is live/)).toBeVisible();
    expect(sent.filter(({ path }) => !["/v1/me", "/v1/yard"].includes(path))).toEqual([]);
  });

  it("shows where the stack is in its machine", async () => {
    await page.viewport(1_280, 800);
    const { screen } = await renderPage(BundlePage, "/bundle", {});
    await screen
      .getByLabelText("File of a bundle")
      .upload(toFile({ ...bundle, stack: aStack(), graph: reviewAppGraph }));

    await expect.element(screen.getByRole("img", { name: "Graph of review-app" })).toBeVisible();
  });

  it("offers nothing that cannot be done to a file, and shows the log of an attempt next to the others", async () => {
    const attempt = { attemptId: "pr-12/1/0/create/1", task: "create", entry: 1, attempt: 1, status: "settled" };
    const facts = { outcome: "failed", hasLog: true, dispatchedAt: "2026-11-20T03:10:00Z", stackId: "pr-12" };
    const attempts = [{ ...attempt, ...facts, log: "one\nError: two\n" }];
    const { screen } = await renderPage(BundlePage, "/bundle?tab=attempts", {});
    await screen.getByLabelText("File of a bundle").upload(toFile({ ...bundle, stack: aStack(), attempts }));
    await screen.getByRole("link", { name: "Log" }).click();

    await expect.element(screen.getByText("Error: two")).toBeVisible();
    expect(screen.getByRole("button", { name: /Retry|Cancel|Remove|Send/ }).elements()).toEqual([]);
  });

  it("shows addresses in logs as text: no press on a line leads outside", async () => {
    const attempt = { attemptId: "pr-12/1/0/create/1", task: "create", entry: 1, attempt: 1, status: "settled" };
    const facts = { outcome: "failed", hasLog: true, dispatchedAt: "2026-11-20T03:10:00Z", stackId: "pr-12" };
    const log = "get \u001b[34mhttps://collect.example.org/?q=1\u001b[0m\nError: see https://evil.example.org/x.\n";
    const metadata = { url: "https://pr-12.example.org/" };
    const opened = { ...bundle, stack: aStack({ metadata }), attempts: [{ ...attempt, ...facts, log }] };
    const { screen } = await renderPage(BundlePage, "/bundle?tab=attempts", {});
    await screen.getByLabelText("File of a bundle").upload(toFile(opened));
    await screen.getByRole("link", { name: "Log" }).click();

    await expect.element(screen.getByText("Error: see https://evil.example.org/x.")).toBeVisible();
    await expect.element(screen.getByText("https://collect.example.org/?q=1")).toBeVisible();
    const outside = [...document.querySelectorAll<HTMLAnchorElement>("a[href^='http']")].filter(
      ({ origin }) => origin !== location.origin,
    );
    // What the stack itself names stays a link, with its address visible and without a referrer.
    expect(
      outside.filter(({ rel, textContent, href }) => !rel.includes("noreferrer") || !textContent?.includes(href)),
    ).toEqual([]);
    expect(outside.filter(({ href }) => /collect|evil/.test(href))).toEqual([]);
  });

  it("downloads the page that the server makes, or says why it cannot", async () => {
    const asked: unknown[] = [];
    const { screen } = await renderPage(BundlePage, "/bundle?id=pr-12", {
      "GET /v1/stacks/pr-12/bundle": ({ query }: SentRequest) => {
        asked.push(query);
        return problem(404, "NOT_FOUND", "The server has no console, so no page. Ask for the JSON document.");
      },
    });
    await screen.getByRole("button", { name: "Download page" }).click();

    await expect.element(screen.getByText("Ask for the JSON document", { exact: false })).toBeVisible();
    expect(asked).toEqual([{ as: "page" }]);
  });

  it("explains a file of a newer format", async () => {
    const { screen } = await renderPage(BundlePage, "/bundle", {});
    await screen.getByLabelText("File of a bundle").upload(toFile({ ...bundle, format: 2 }));

    await expect.element(screen.getByText(/This console reads format 1/)).toBeVisible();
  });
});
