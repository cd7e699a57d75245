import type { Run } from "@stackyard/sdk/runs";
import { describe, expect, it } from "vitest";
import { userEvent } from "vitest/browser";
import { useShortcuts } from "../app/shortcuts.tsx";
import { problem, renderPage, viewer } from "../testing/render-page.tsx";
import { HOSTILE, never, SHOWN_HOSTILE } from "../testing/stacks.ts";
import { JobPage } from "./job-page.tsx";
import { JobsPage } from "./jobs-page.tsx";

function aJob(more: Partial<Run> = {}): Run {
  return {
    runId: "run-1",
    state: "running",
    executor: "ecs",
    config: { service: "web" },
    message: "2 of 4 tasks are healthy",
    startedAt: "2026-11-20T03:00:00Z",
    ...more,
  };
}

const failed = aJob({
  runId: "run-2",
  state: "failed",
  error: { code: "ECS_UNHEALTHY", message: "The service did not become healthy." },
  endedAt: "2026-11-20T03:05:00Z",
});
const executors = { "GET /v1/executors": { items: [{ name: "ecs" }] } };

describe("JobsPage", () => {
  it("lists state, message and duration, newest first as the server sorts them", { tags: "page" }, async () => {
    const fleet = aJob({ runId: "run-3", executor: "runcommand", startedAt: "2026-11-20T02:00:00Z" });
    const { screen, sent } = await renderPage(JobsPage, "/jobs", {
      ...executors,
      "GET /v1/runs": { items: [failed, fleet] },
    });

    await expect.element(screen.getByText("ECS_UNHEALTHY")).toBeVisible();
    await expect.element(screen.getByText("5m", { exact: true })).toBeVisible();
    await expect.element(screen.getByRole("link", { name: "run-3" })).toHaveAttribute("href", "/fleet?id=run-3");
    const ids = [...document.querySelectorAll("tr[data-row]")].map((row) => row.getAttribute("data-row"));
    expect(ids).toEqual(["run-2", "run-3"]);
    expect(sent.find(({ path }) => path === "/v1/runs")?.query).toMatchObject({ sort: "-createdAt" });
  });

  it("filters by the address, and clears", async () => {
    const { screen, sent, address } = await renderPage(JobsPage, "/jobs?state=failed&executor=ecs", {
      ...executors,
      "GET /v1/runs": { items: [] },
    });

    await expect.element(screen.getByText("No match for state failed, executor ecs.")).toBeVisible();
    expect(sent.find(({ path }) => path === "/v1/runs")?.query).toMatchObject({ state: "failed", executor: "ecs" });
    await screen.getByRole("button", { name: "Clear" }).click();
    await expect.poll(address).toBe("/jobs");
  });

  it("says when no job has run", async () => {
    const { screen } = await renderPage(JobsPage, "/jobs", { ...executors, "GET /v1/runs": { items: [] } });

    await expect.element(screen.getByText("No job has run yet.", { exact: false })).toBeVisible();
  });

  it("shows what is loading, and a failure", async () => {
    const { screen } = await renderPage(JobsPage, "/jobs", { ...executors, "GET /v1/runs": never });
    await expect.element(screen.getByText("Loading")).toBeInTheDocument();

    const other = await renderPage(JobsPage, "/jobs", {
      ...executors,
      "GET /v1/runs": problem(500, "INTERNAL", "The store is locked."),
    });
    await expect.element(other.screen.getByText("The store is locked.").last()).toBeVisible();
  });

  it("shows what outsiders wrote as text", async () => {
    const { screen } = await renderPage(JobsPage, "/jobs", {
      ...executors,
      "GET /v1/runs": { items: [aJob({ executor: HOSTILE, message: HOSTILE })] },
    });

    await expect.element(screen.getByRole("cell", { name: SHOWN_HOSTILE }).first()).toBeVisible();
    expect(document.querySelector("img")).toBeNull();
    expect(document.body.textContent).not.toContain("\u202e");
  });
});

const parts = {
  "GET /v1/stacks/run-2/attempts": { items: [{ attemptId: "run-2/e/1/task/1" }] },
  "GET /v1/attempts/run-2/e/1/task/1/log": "line 1\nline 2\n",
  "GET /v1/runs/run-2/report": { items: [{ state: "unhealthy" }] },
};

function WithKeys() {
  useShortcuts({ openPalette() {}, openHelp() {} });
  return <JobPage />;
}

describe("JobPage", () => {
  it("shows state, error, report and the end of the log", { tags: "page" }, async () => {
    const { screen } = await renderPage(JobPage, "/job?id=run-2", {
      ...parts,
      "GET /v1/runs/run-2": failed,
      "GET /v1/attempts/run-2/e/1/task/1/log": new Response("line 1\nline 2\n"),
    });

    await expect.element(screen.getByText("The service did not become healthy.")).toBeVisible();
    await expect.element(screen.getByText("line 2", { exact: false })).toBeVisible();
    await expect.element(screen.getByText('"unhealthy"', { exact: false })).toBeVisible();
    await expect.element(screen.getByText('"service": "web"', { exact: false })).toBeVisible();
    await expect
      .element(screen.getByRole("button", { name: "Cancel…" }))
      .toHaveAccessibleDescription("The job has ended");
  });

  it("retries with one key, and shows that it runs", async () => {
    const { screen, sent } = await renderPage(WithKeys, "/job?id=run-2", {
      ...parts,
      "GET /v1/runs/run-2": failed,
      "POST /v1/runs/run-2/retry": aJob({ runId: "run-2" }),
    });
    await expect.element(screen.getByRole("button", { name: "Retry" })).toBeVisible();

    await userEvent.keyboard("r");

    await expect.element(screen.getByText("The job runs again")).toBeVisible();
    await expect.element(screen.getByText("Running")).toBeVisible();
    expect(sent.filter(({ method }) => method === "POST")).toHaveLength(1);
  });

  it("cancels with a reason, and explains a refusal at the button", async () => {
    const { screen } = await renderPage(JobPage, "/job?id=run-2", {
      ...parts,
      "GET /v1/runs/run-2": aJob({ runId: "run-2" }),
      "POST /v1/runs/run-2/cancel": problem(409, "OUTCOME_NEGATIVE", "The run has ended."),
    });
    await expect
      .element(screen.getByRole("button", { name: "Retry" }))
      .toHaveAccessibleDescription("The job has not failed");
    await screen.getByRole("button", { name: "Cancel…" }).click();

    await screen.getByRole("button", { name: "Cancel the job" }).click();

    await expect.element(screen.getByText("The run has ended.")).toBeVisible();
    await expect.element(screen.getByRole("dialog")).toBeVisible();
  });

  it("explains to a viewer why the actions are refused", async () => {
    const { screen } = await renderPage(JobPage, "/job?id=run-2", {
      ...parts,
      "GET /v1/me": viewer,
      "GET /v1/runs/run-2": failed,
    });

    await expect
      .element(screen.getByRole("button", { name: "Retry" }))
      .toHaveAccessibleDescription("Needs operate on stackyard.run");
  });

  it("says when the job is absent or not named", async () => {
    const { screen } = await renderPage(JobPage, "/job?id=run-9", {});
    await expect.element(screen.getByText("Not found, or you may not read it.")).toBeVisible();

    const other = await renderPage(JobPage, "/job", {});
    await expect.element(other.screen.getByText("The address names no job.", { exact: false })).toBeVisible();
  });
});
