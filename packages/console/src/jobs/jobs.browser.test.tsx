import type { Attempt, HistoryEntry } from "@stackyard/sdk";
import type { Job } from "@stackyard/sdk/jobs";
import { describe, expect, it } from "vitest";
import { page, userEvent } from "vitest/browser";
import { useShortcuts } from "../app/shortcuts.tsx";
import { anAttempt, anEntry } from "../testing/a-stack.ts";
import { problem, renderPage, type SentRequest, viewer } from "../testing/render-page.tsx";
import { HOSTILE, never, SHOWN_HOSTILE } from "../testing/stacks.ts";
import { JobPage } from "./job-page.tsx";
import { JobsPage } from "./jobs-page.tsx";

function aJob(more: Partial<Job> = {}): Job {
  return {
    jobId: "run-1",
    state: "running",
    executor: "ecs",
    config: { service: "web" },
    message: "2 of 4 tasks are healthy",
    startedAt: "2026-11-20T03:00:00Z",
    ...more,
  };
}

const failed = aJob({
  jobId: "run-2",
  state: "failed",
  error: { code: "ECS_UNHEALTHY", message: "The service did not become healthy." },
  endedAt: "2026-11-20T03:05:00Z",
});
const executors = { "GET /v1/executors": { items: [{ name: "ecs" }] } };

describe("JobsPage", () => {
  it("lists state, message and duration, newest first as the server sorts them", { tags: "page" }, async () => {
    const fleet = aJob({ jobId: "run-3", executor: "runcommand", startedAt: "2026-11-20T02:00:00Z" });
    const release = aJob({ jobId: "run-4", executor: "asg", startedAt: "2026-11-20T01:00:00Z" });
    const { screen, sent } = await renderPage(JobsPage, "/jobs", {
      ...executors,
      "GET /v1/jobs": { items: [failed, fleet, release] },
    });

    await expect.element(screen.getByText("ECS_UNHEALTHY")).toBeVisible();
    expect([...document.querySelectorAll("h1, h2")].map(({ textContent }) => textContent)).toEqual(["Jobs"]);
    await expect.element(screen.getByText(/ecs in web failed after 5m/)).toBeVisible();

    await expect
      .element(screen.getByRole("link", { name: "Command on a fleet run-3" }))
      .toHaveAttribute("href", "/fleet?id=run-3");
    await expect.element(screen.getByRole("link", { name: "asg run-4" })).toHaveAttribute("href", "/asg?id=run-4");
    const ids = [...document.querySelectorAll("li[data-row]")].map((row) => row.getAttribute("data-row"));
    expect(ids).toEqual(["run-2", "run-3", "run-4"]);
    expect(sent.find(({ path }) => path === "/v1/jobs")?.query).toMatchObject({ sort: "-createdAt" });
  });

  it("filters by the address, and clears", async () => {
    const { screen, sent, address } = await renderPage(JobsPage, "/jobs?state=failed&executor=ecs", {
      ...executors,
      "GET /v1/jobs": { items: [] },
    });

    await expect.element(screen.getByText("Nothing matches these filters: state failed, executor ecs.")).toBeVisible();
    expect(sent.find(({ path }) => path === "/v1/jobs")?.query).toMatchObject({ state: "failed", executor: "ecs" });
    await screen.getByRole("button", { name: "Clear filters" }).click();
    await expect.poll(address).toBe("/jobs");
  });

  it("says when no job has run", async () => {
    const { screen } = await renderPage(JobsPage, "/jobs", { ...executors, "GET /v1/jobs": { items: [] } });

    await expect.element(screen.getByRole("heading", { name: "No job has run yet" })).toBeVisible();
    await expect.element(screen.getByRole("link", { name: "Open the yard" })).toHaveClass("primary");
    expect(document.querySelectorAll(".steps > li")).toHaveLength(3);
    expect(document.querySelectorAll(".button.primary, .chip")).toHaveLength(1);
  });

  it("shows what is loading, and a failure", async () => {
    const { screen } = await renderPage(JobsPage, "/jobs", { ...executors, "GET /v1/jobs": never });
    await expect.element(screen.getByText("Loading")).toBeInTheDocument();

    const other = await renderPage(JobsPage, "/jobs", {
      ...executors,
      "GET /v1/jobs": problem(500, "INTERNAL", "The store is locked."),
    });
    await expect.element(other.screen.getByText("The store is locked.").last()).toBeVisible();
  });

  it("shows what outsiders wrote as text", async () => {
    const { screen } = await renderPage(JobsPage, "/jobs", {
      ...executors,
      "GET /v1/jobs": { items: [aJob({ executor: HOSTILE, message: HOSTILE })] },
    });

    await expect.element(screen.getByText(SHOWN_HOSTILE).first()).toBeVisible();
    expect(document.querySelector("img")).toBeNull();
    expect(document.body.textContent).not.toContain("\u202e");
  });
});

const parts = {
  "GET /v1/stacks/run-2/attempts": {
    items: [anAttempt({ stackId: "run-2", attemptId: "run-2/e/1/task/1", task: "task" })],
  },
  "GET /v1/attempts/run-2/e/1/task/1/log": "line 1\nline 2\n",
  "GET /v1/jobs/run-2/report": { items: [{ state: "unhealthy" }] },
};

function WithKeys() {
  useShortcuts({ openPalette() {}, openHelp() {} });
  return <JobPage />;
}

describe("JobPage", () => {
  it("shows state, error and the end of the log, then config and report in their tabs", { tags: "page" }, async () => {
    const { screen } = await renderPage(JobPage, "/job?id=run-2", {
      ...parts,
      "GET /v1/jobs/run-2": failed,
      "GET /v1/attempts/run-2/e/1/task/1/log": new Response("line 1\nline 2\n"),
    });

    await expect.element(screen.getByText("The service did not become healthy.")).toBeVisible();
    await expect.element(screen.getByText("line 2", { exact: false })).toBeVisible();
    expect(screen.getByRole("button", { name: "Cancel…" }).query()).toBeNull();
    await screen.getByRole("button", { name: "More actions" }).click();
    await expect
      .element(screen.getByRole("button", { name: "Cancel…" }))
      .toHaveAccessibleDescription("The job has ended");
    await userEvent.keyboard("{Escape}");
    await screen.getByRole("link", { name: "Config" }).click();
    await expect.element(screen.getByText('"service": "web"', { exact: false })).toBeVisible();
    await screen.getByRole("link", { name: "Report" }).click();
    await expect.element(screen.getByText('"unhealthy"', { exact: false })).toBeVisible();
  });

  it("opens one that succeeded at its log, and draws no single attempt", async () => {
    const { error: _, ...job } = failed;
    const { screen } = await renderPage(JobPage, "/job?id=run-2", {
      ...parts,
      "GET /v1/jobs/run-2": { ...job, state: "succeeded" },
      "GET /v1/attempts/run-2/e/1/task/1/log": new Response("line 1\nline 2\n"),
    });

    await expect.element(screen.getByText("line 2", { exact: false })).toBeVisible();
    const tabs = [...document.querySelectorAll("nav.tabs a")].map(({ textContent }) => textContent);
    expect(tabs).toEqual(["Log", "Attempts", "Config", "Report"]);
    expect(screen.getByRole("heading", { name: "Attempts" }).query()).toBeNull();
  });

  it("does not state a progress of a job that has ended (argo-cd#992, argo-cd#365)", async () => {
    const job = aJob({ state: "succeeded", endedAt: "2026-11-20T03:05:00Z", message: "3 of 18 resources" });
    const { screen } = await renderPage(JobPage, "/job?id=run-1", { ...parts, "GET /v1/jobs/run-1": job });
    await expect.element(screen.getByText("Last message: 3 of 18 resources")).toBeVisible();

    const list = await renderPage(JobsPage, "/jobs", { ...executors, "GET /v1/jobs": { items: [job] } });
    await expect.element(list.screen.getByText("last: 3 of 18 resources")).toBeVisible();
  });

  it("retries with one key, and shows that it runs", async () => {
    const { screen, sent } = await renderPage(WithKeys, "/job?id=run-2", {
      ...parts,
      "GET /v1/jobs/run-2": failed,
      "POST /v1/jobs/run-2/retry": aJob({ jobId: "run-2" }),
    });
    await expect.element(screen.getByRole("button", { name: "Retry" })).toBeVisible();

    await userEvent.keyboard("r");

    await expect.element(screen.getByText("The job runs again")).toBeVisible();
    await expect.element(screen.getByText("Running").first()).toBeVisible();
    expect(sent.filter(({ method }) => method === "POST")).toHaveLength(1);
  });

  it("cancels with a reason, and explains a refusal at the button", async () => {
    const { screen } = await renderPage(JobPage, "/job?id=run-2", {
      ...parts,
      "GET /v1/jobs/run-2": aJob({ jobId: "run-2" }),
      "POST /v1/jobs/run-2/cancel": problem(409, "OUTCOME_NEGATIVE", "The run has ended."),
    });
    await screen.getByRole("button", { name: "More actions" }).click();
    await expect
      .element(screen.getByRole("button", { name: "Retry" }))
      .toHaveAccessibleDescription("The job has not failed");
    await userEvent.keyboard("{Escape}");
    await screen.getByRole("button", { name: "Cancel…" }).click();

    await screen.getByRole("button", { name: "Cancel the job" }).click();

    await expect.element(screen.getByText("The run has ended.")).toBeVisible();
    await expect.element(screen.getByRole("dialog")).toBeVisible();
  });

  it("explains to a viewer why the actions are refused", async () => {
    const { screen } = await renderPage(JobPage, "/job?id=run-2", {
      ...parts,
      "GET /v1/me": viewer,
      "GET /v1/jobs/run-2": failed,
    });

    await expect
      .element(screen.getByRole("button", { name: "Retry" }))
      .toHaveAccessibleDescription("Needs operate on stackyard.run");
  });

  it("says when the job is absent or not named", async () => {
    const { screen } = await renderPage(JobPage, "/job?id=run-9", {});
    await expect.element(screen.getByText("Not found, or you may not read it.")).toBeVisible();
    await expect.element(screen.getByRole("link", { name: "All jobs" })).toHaveClass("primary");

    const other = await renderPage(JobPage, "/job", {});
    await expect.element(other.screen.getByText("The address names no job.", { exact: false })).toBeVisible();
  });

  describe("of a failed job", () => {
    const message = 'Error: relation "invoice_line" exists\n  at migrations/0042.sql:17';
    const attempt = (number: number, minute: number): Attempt =>
      anAttempt({
        attemptId: `run-2/e/1/run/${number}`,
        stackId: "run-2",
        task: "run",
        attempt: number,
        dispatchedAt: `2026-11-20T03:0${minute}:00Z`,
      });
    const line = (position: number, more: Partial<HistoryEntry>) => anEntry(position, { stackId: "run-2", ...more });
    const api = {
      ...executors,
      "GET /v1/jobs": ({ query }: SentRequest) => ({
        items:
          query["state"] === "succeeded"
            ? [
                aJob({
                  jobId: "run-1",
                  state: "succeeded",
                  config: { cluster: "prod", version: "2.0.9", pull: "https://git.example.org/acme/pull/7" },
                  startedAt: "2026-11-20T01:00:00Z",
                  endedAt: "2026-11-20T01:02:00Z",
                }),
              ]
            : [],
      }),
      "GET /v1/jobs/run-2": {
        ...failed,
        error: { code: "ECS_TASK_FAILED", message },
        config: { cluster: "prod", version: "2.1.0", pull: "https://git.example.org/acme/pull/7" },
        message: "this line is the same error",
      },
      "GET /v1/jobs/run-2/log": () => new Response(""),
      "GET /v1/attempts/run-2/e/1/run/2/log": () => new Response("connected\nERROR: relation exists\nrolled back\n"),
      "GET /v1/stacks/run-2/history": {
        items: [
          line(9, { event: "TASK_ERROR", eventId: "end:run-2/e/1/run/2", internal: true, at: "2026-11-20T03:05:00Z" }),
          line(8, { event: "TASK_ERROR", eventId: "end:run-2/e/1/run/1", internal: true, at: "2026-11-20T03:02:00Z" }),
          line(1, { event: "START", actor: "ada", at: "2026-11-20T03:00:00Z" }),
        ],
      },
      "GET /v1/stacks/run-2/attempts": { items: [attempt(2, 4), attempt(1, 1)] },
    };

    it("opens at its error, once, with file and line, the log there, and who started it (argo-workflows#4976, prefect#7291, argo-cd#16612)", {
      tags: "page",
    }, async () => {
      const { screen } = await renderPage(JobPage, "/job?id=run-2", api);

      await expect.element(screen.getByText("migrations/0042.sql:17", { exact: true })).toBeVisible();
      await expect.element(screen.getByText("ERROR: relation exists")).toBeVisible();
      await expect.element(screen.getByText("ada", { exact: true })).toBeVisible();
      await expect.element(screen.getByText("prod", { exact: true })).toBeVisible();
      await expect.element(screen.getByText("2.1.0", { exact: true }).first()).toBeVisible();
      expect(screen.getByText("this line is the same error").query()).toBeNull();
      expect(screen.getByText("ECS_TASK_FAILED").elements()).toHaveLength(1);
      const tops = ["[aria-label=Error]", ".steps-strip", ".gantt", ".tabs"].map(
        (selector) => document.querySelector(selector)?.getBoundingClientRect().top ?? Number.NaN,
      );
      expect(tops.every(Number.isFinite)).toBe(true);
      expect(tops).toEqual(tops.toSorted((a, b) => a - b));
    });

    it("says what has changed since the last success", async () => {
      const { screen } = await renderPage(JobPage, "/job?id=run-2", api);
      const panel = screen.getByRole("heading", { name: "What changed since the last success" });
      await expect.element(panel).toBeVisible();

      await expect.element(screen.getByRole("link", { name: "run-1" })).toHaveAttribute("href", "/job?id=run-1");
      await expect.element(screen.getByText("2.0.9")).toBeVisible();
      await expect.element(screen.getByText("2 other values are equal")).toBeVisible();
      await expect.element(screen.getByText("2m before, 5m now")).toBeVisible();
    });

    it("shows each attempt on the line of time; its bar leads to its log, with the keyboard too (prefect-archive/legacy-ui#1022)", async () => {
      await page.viewport(1_440, 1_200);
      const { screen, address } = await renderPage(JobPage, "/job?id=run-2", api);
      const timeline = screen.getByRole("region", { name: "Timeline since the start" });
      const first = timeline.getByRole("link", { name: "Job, attempt 1: failed, 1m, its log" });
      await expect.element(first).toBeVisible();
      // Of five minutes, the first one waited.
      const bar = first.element().getBoundingClientRect();
      const track = first.element().parentElement?.getBoundingClientRect() ?? new DOMRect();
      expect(Math.round(((bar.left - track.left) / track.width) * 5)).toBe(1);

      (first.element() as HTMLElement).focus();
      await userEvent.keyboard("{Enter}");

      await expect.poll(address).toBe("/log?attempt=run-2%2Fe%2F1%2Frun%2F1");
    });

    it("starts another job with the same values, and opens it", async () => {
      const { screen, sent, address } = await renderPage(JobPage, "/job?id=run-2", {
        ...api,
        "POST /v1/jobs": aJob({ jobId: "run-3" }),
        "GET /v1/jobs/run-3": aJob({ jobId: "run-3" }),
      });
      await screen.getByRole("button", { name: "Run again with the same values…" }).click();
      await screen.getByRole("button", { name: "Start another job" }).click();

      await expect.poll(address).toBe("/job?id=run-3");
      expect(sent.find(({ method }) => method === "POST")?.body).toEqual({
        // The client's own, so that its retries start one job.
        key: expect.any(String),
        executor: "ecs",
        config: { cluster: "prod", version: "2.1.0", pull: "https://git.example.org/acme/pull/7" },
      });
    });

    it("does not start another one from hidden values", async () => {
      const { screen } = await renderPage(JobPage, "/job?id=run-2", {
        ...api,
        "GET /v1/jobs/run-2": { ...failed, config: { environment: { TOKEN: "***" } } },
      });

      await expect
        .element(screen.getByRole("button", { name: "Run again with the same values…" }))
        .toHaveAccessibleDescription("Its config has hidden values");
    });

    it("does not say that it runs where it has failed before a worker took it (dagster#3689)", async () => {
      const { screen } = await renderPage(JobPage, "/job?id=run-2", {
        ...api,
        "GET /v1/stacks/run-2/attempts": { items: [] },
      });

      await expect.element(screen.getByText("ECS_TASK_FAILED")).toBeVisible();
      expect(document.querySelectorAll(".gantt, .steps-strip, .run-head .tone-busy")).toHaveLength(0);
    });
  });
});
