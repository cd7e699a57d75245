import type { FleetInstanceReport } from "@stackyard/executor-runcommand/report";
import type { Job } from "@stackyard/sdk/jobs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { page } from "vitest/browser";
import { queryClient } from "../api/client.ts";
import { anAttempt } from "../testing/a-stack.ts";
import { problem, renderPage, viewer } from "../testing/render-page.tsx";
import { HOSTILE, never, SHOWN_HOSTILE } from "../testing/stacks.ts";
import { FleetPage } from "./fleet-page.tsx";

afterEach(() => void vi.useRealTimers());

const run: Job = {
  jobId: "run-1",
  state: "failed",
  executor: "runcommand",
  config: { maxErrors: "50%" },
  startedAt: "2026-11-20T03:00:00Z",
  endedAt: "2026-11-20T03:05:00Z",
};

function anInstance(number: number, more: Partial<FleetInstanceReport> = {}): FleetInstanceReport {
  return { instanceId: `i-${number}`, state: "succeeded", roles: ["web"], ...more };
}

const failure = { state: "failed", code: "COMMAND_FAILED", responseCode: 2, stderrTail: "start\ndisk full\n" } as const;
const instances = [
  anInstance(1, failure),
  anInstance(2, failure),
  anInstance(3, { ...failure, code: "UNDELIVERABLE", stderrTail: "", roles: ["db"] }),
  anInstance(4),
  anInstance(5, { roles: [] }),
];
const api = { "GET /v1/jobs/run-1": run, "GET /v1/jobs/run-1/report": { items: [{ runId: "run-1", instances }] } };

describe("FleetPage", () => {
  it("shows counts, the error budget, causes with advice and the instances", { tags: "page" }, async () => {
    const { screen } = await renderPage(FleetPage, "/fleet?id=run-1", api);

    await expect.element(screen.getByText("3 failed", { exact: true })).toBeVisible();
    await expect.element(screen.getByText("3 of 2 allowed failures: nothing more is sent")).toBeVisible();
    await expect.element(screen.getByText("2 instances").first()).toBeVisible();
    await expect.element(screen.getByText("Read its output", { exact: false })).toBeVisible();
    await expect.element(screen.getByRole("img", { name: "Map of 3 instances", exact: false })).toBeVisible();
    await expect.element(screen.getByRole("link", { name: "i-5" })).toBeVisible();
    const byRole = screen.getByRole("region", { name: "Instances by role" });
    await expect.element(byRole.getByRole("row", { name: "db 1 1" })).toBeVisible();
  });

  it("says what failed before what was not sent because of it, however many those are", async () => {
    const unsent = [6, 7, 8, 9].map((number) => anInstance(number, { state: "not-sent", code: "NOT_SENT" }));
    const { screen } = await renderPage(FleetPage, "/fleet?id=run-1", {
      ...api,
      "GET /v1/jobs/run-1/report": { items: [{ runId: "run-1", instances: [...unsent, ...instances] }] },
    });
    await expect.element(screen.getByText("4 instances").first()).toBeVisible();

    const codes = [...document.querySelectorAll(".fleet-causes > li")].map((cause) => cause.getAttribute("data-row"));
    expect(codes).toEqual(["COMMAND_FAILED", "UNDELIVERABLE", "NOT_SENT"]);
  });

  it("names the account that it works in", async () => {
    const target = { account: "111122223333", region: "eu-west-1" };
    const { screen } = await renderPage(FleetPage, "/fleet?id=run-1", {
      ...api,
      "GET /v1/jobs/run-1": { ...run, target },
      "GET /v1/yard": { accounts: { "111122223333": "shop-prod" } },
    });

    await expect.element(screen.getByText("5 instances in shop-prod (111122223333 eu-west-1)")).toBeVisible();
  });

  it("shows its waves in order, and the instances of the chosen one", { tags: "page" }, async () => {
    const start = Date.parse(run.startedAt);
    const sent = instances.map((instance, index) => ({
      ...instance,
      commandId: index < 3 ? "c-1" : "c-2",
      startedAt: start + (index < 3 ? 0 : 120_000),
      endedAt: start + (index < 3 ? 60_000 : 150_000),
    }));
    const { screen, address } = await renderPage(FleetPage, "/fleet?id=run-1", {
      ...api,
      "GET /v1/jobs/run-1/report": { items: [{ runId: "run-1", instances: sent }] },
    });
    const timeline = screen.getByRole("region", { name: "Timeline since the start" });
    await expect.element(timeline.getByRole("link", { name: "Wave 2: succeeded, 30s, its instances" })).toBeVisible();
    await screen.getByRole("link", { name: "Wave 1: failed, 3 failed, 1m", exact: true }).click();

    await expect.element(screen.getByRole("heading", { name: "3 instances" }).last()).toBeVisible();
    expect(address()).toBe("/fleet?id=run-1&wave=1-1");
    await screen.getByRole("button", { name: "Clear" }).first().click();
    await expect.poll(address).toBe("/fleet?id=run-1");
  });

  it("shows no instance for a wave that the run does not have, not all of them", async () => {
    const { screen } = await renderPage(FleetPage, "/fleet?id=run-1&wave=7-7", api);

    await expect.element(screen.getByText("No instance fits the filters.")).toBeVisible();
    await expect.element(screen.getByText("with wave 7-7")).toBeVisible();
  });

  it("shows the job alone on the line of time before anything was sent (PrefectHQ/graphs#105)", async () => {
    const attempt = anAttempt({
      stackId: "run-1",
      task: "run",
      attemptId: "run-1/e/1/run/1",
      dispatchedAt: run.startedAt,
    });
    const { endedAt: _, ...begun } = run;
    const { screen } = await renderPage(FleetPage, "/fleet?id=run-1", {
      ...api,
      "GET /v1/jobs/run-1": { ...begun, state: "running" },
      "GET /v1/stacks/run-1/attempts": { items: [attempt] },
      "GET /v1/jobs/run-1/report": { items: [] },
    });

    const timeline = screen.getByRole("region", { name: "Timeline since the start" });
    await expect.element(timeline.getByRole("link", { name: "Job, attempt 1", exact: false })).toBeVisible();
  });

  it("draws no line of time of one attempt that has ended: the head has its start and its duration", async () => {
    const attempt = anAttempt({ stackId: "run-1", task: "run", attemptId: "run-1/e/1/run/1" });
    const { screen } = await renderPage(FleetPage, "/fleet?id=run-1", {
      ...api,
      "GET /v1/stacks/run-1/attempts": { items: [attempt] },
    });

    await expect.element(screen.getByText(/, took 5m/)).toBeVisible();
    expect(screen.getByRole("heading", { name: "Timeline" }).query()).toBeNull();
  });

  it("shows nothing as running in a run that was ended from outside, such as by its timeout", async () => {
    const instances = [
      { instanceId: "i-1", state: "succeeded", roles: ["web"] },
      { instanceId: "i-2", state: "running", roles: ["web"] },
      { instanceId: "i-3", state: "not-sent", roles: ["web"] },
    ];
    const error = { code: "TASK_TIMEOUT", message: "The task has taken longer than it may." };
    const { screen } = await renderPage(FleetPage, "/fleet?id=run-1", {
      ...api,
      "GET /v1/jobs/run-1": { ...run, state: "failed", error },
      "GET /v1/jobs/run-1/report": { items: [{ runId: "run-1", instances }] },
    });

    const states = screen.getByRole("navigation", { name: "States of the instances" });
    await expect.element(states.getByText("1 unknown")).toBeVisible();
    expect(states.element().textContent).toBe("3 selected1 not sent1 unknown1 succeeded");
  });

  it("shows the instances of one cause, and what the chosen one said", async () => {
    const { screen, address } = await renderPage(FleetPage, "/fleet?id=run-1", api);
    await screen.getByRole("button", { name: "Show these instances" }).first().click();
    await expect.element(screen.getByRole("heading", { name: "2 instances" }).last()).toBeVisible();

    await screen.getByRole("link", { name: "i-2" }).click();

    await expect.element(screen.getByRole("heading", { name: "Error stream" })).toBeVisible();
    expect(address()).toBe("/fleet?id=run-1&code=COMMAND_FAILED&instance=i-2");
  });

  it("chooses the instance whose cell is pressed", async () => {
    const { screen, address } = await renderPage(FleetPage, "/fleet?id=run-1&by=state", api);
    const map = screen.getByRole("img", { name: "Map of 3 instances", exact: false });
    await expect.element(map).toBeVisible();

    await map.click({ position: { x: 20, y: 4 } });

    await expect.poll(address).toContain("instance=i-2");
  });

  it("retries the failed ones at once", async () => {
    const { screen } = await renderPage(FleetPage, "/fleet?id=run-1", {
      ...api,
      "POST /v1/jobs/run-1/retry": { ...run, state: "running", endedAt: undefined },
    });

    await screen.getByRole("button", { name: "Retry 3 failed" }).click();

    await expect.element(screen.getByText("The job runs again")).toBeVisible();
  });

  it.each([
    [["failed", "not-sent", "not-sent"], "Retry 1 failed and 2 not sent"],
    [["failed", "cancelled", "not-sent"], "Retry 1 failed, 1 cancelled and 1 not sent"],
    [["not-sent"], "Retry 1 not sent"],
  ] as const)("says what a retry runs: %j", async (states, name) => {
    const more = states.map((state, index) => anInstance(index + 1, { state }));
    const { screen } = await renderPage(FleetPage, "/fleet?id=run-1", {
      ...api,
      "GET /v1/jobs/run-1/report": { items: [{ runId: "run-1", instances: [...more, anInstance(9)] }] },
    });

    await expect.element(screen.getByRole("button", { name, exact: true })).toBeVisible();
  });

  it("explains to a viewer why the actions are refused", async () => {
    const { screen } = await renderPage(FleetPage, "/fleet?id=run-1", { ...api, "GET /v1/me": viewer });

    await expect
      .element(screen.getByRole("button", { name: "Retry 3 failed" }))
      .toHaveAccessibleDescription("Needs operate on stackyard.run");
  });

  it("names the filters when no instance fits, and clears them", async () => {
    const { screen, address } = await renderPage(FleetPage, "/fleet?id=run-1&role=cache", api);

    await expect.element(screen.getByText("Nothing matches these filters: role cache.")).toBeVisible();
    await screen.getByRole("button", { name: "Clear" }).first().click();

    await expect.poll(address).toBe("/fleet?id=run-1");
  });

  it("loads the report of a working run again only when the run has counted something new", async () => {
    let message = "1 of 5 done";
    const { endedAt: _, ...working } = { ...run, state: "running" };
    const { screen, sent } = await renderPage(FleetPage, "/fleet?id=run-1", {
      ...api,
      "GET /v1/jobs/run-1": () => ({ ...working, message }),
    });
    const countReports = () => sent.filter(({ path }) => path === "/v1/jobs/run-1/report").length;
    await expect.element(screen.getByText("1 of 5 done")).toBeVisible();
    await expect.element(screen.getByText("3 failed", { exact: true })).toBeVisible();
    const before = countReports();

    await queryClient.refetchQueries({ queryKey: ["other", "fleet-report"] });
    expect(countReports()).toBe(before);
    message = "2 of 5 done";
    await queryClient.refetchQueries({ queryKey: ["stack", "run-1"] });
    await expect.element(screen.getByText("2 of 5 done")).toBeVisible();
    await queryClient.refetchQueries({ queryKey: ["other", "fleet-report"] });

    expect(countReports()).toBe(before + 1);
  });

  it("says when the report does not exist yet, and when the report is not that of a fleet", async () => {
    const { screen } = await renderPage(FleetPage, "/fleet?id=run-1", {
      ...api,
      "GET /v1/jobs/run-1/report": { items: [] },
    });
    await expect.element(screen.getByText("There is no report yet.", { exact: false })).toBeVisible();

    const other = await renderPage(FleetPage, "/fleet?id=run-1", {
      ...api,
      "GET /v1/jobs/run-1/report": { items: [{ services: {} }] },
    });
    await expect.element(other.screen.getByText("is not that of a fleet", { exact: false })).toBeVisible();
  });

  it("shows what is loading, a failure, and what is absent", async () => {
    const loading = await renderPage(FleetPage, "/fleet?id=run-1", { ...api, "GET /v1/jobs/run-1": never });
    await expect.element(loading.screen.getByText("Loading")).toBeInTheDocument();
    await loading.screen.unmount();

    const broken = await renderPage(FleetPage, "/fleet?id=run-1", {
      ...api,
      "GET /v1/jobs/run-1/report": problem(500, "INTERNAL", "The store is locked."),
    });
    await expect.element(broken.screen.getByText("The store is locked.")).toBeVisible();
    await broken.screen.unmount();

    const absent = await renderPage(FleetPage, "/fleet?id=run-9", {});
    await expect.element(absent.screen.getByText("Not found, or you may not read it.")).toBeVisible();
    await expect.element(absent.screen.getByRole("link", { name: "All jobs" })).toHaveClass("primary");
  });

  it.each([
    ["Running", {}, 1],
    ["Ended, 3 failed", { endedAt: Date.parse("2026-11-20T03:05:00Z") }, 0],
  ])(
    "shows a task of a machine as %s by its report, which is loaded again while it runs",
    async (word, more, requests) => {
      vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
      const report = { items: [{ jobId: "run-1", source: "task", startedAt: 0, instances, counts: {}, ...more }] };
      const { screen } = await renderPage(FleetPage, "/fleet?id=run-1", { "GET /v1/jobs/run-1/report": report });
      await expect.element(screen.getByText(word, { exact: true })).toBeVisible();
      await expect.element(screen.getByText("a task of a machine")).toBeVisible();

      vi.advanceTimersByTime(10_000);

      expect(queryClient.isFetching({ queryKey: ["other", "fleet-report"] })).toBe(requests);
    },
  );

  it("draws 10,000 instances, and lays out only the rows in view", async () => {
    await page.viewport(1280, 800);
    const many = Array.from({ length: 10_000 }, (_, n) => anInstance(n, n % 50 === 0 ? failure : {}));
    const pages = Array.from({ length: 200 }, (_, n) => ({
      jobId: "run-1",
      instances: many.slice(n * 50, n * 50 + 50),
    }));
    const { screen } = await renderPage(FleetPage, "/fleet?id=run-1", {
      ...api,
      "GET /v1/jobs/run-1/report": { items: pages },
    });

    const map = screen.getByRole("img", { name: "Map of 10000 instances", exact: false });
    await expect.element(map).toBeVisible();
    await expect.element(screen.getByText("200 failed", { exact: true })).toBeVisible();
    expect(document.querySelectorAll("tr[data-row]").length).toBeLessThan(100);
    const canvas = map.element() as HTMLCanvasElement;
    const countColors = () => {
      const { data } = canvas.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height) ?? { data: [] };
      return new Set(Array.from({ length: data.length / 4 }, (_, n) => data.slice(n * 4, n * 4 + 4).join())).size;
    };
    // The ground, what succeeded, what failed, and its hatching.
    await expect.poll(countColors).toBeGreaterThan(3);
  });

  it("shows what outsiders wrote as text", async () => {
    const hostile = anInstance(1, {
      ...failure,
      stderrTail: `${HOSTILE}\n`,
      roles: [HOSTILE],
      links: { stdout: "javascript:x" },
    });
    const { screen } = await renderPage(FleetPage, "/fleet?id=run-1&instance=i-1", {
      ...api,
      "GET /v1/jobs/run-1/report": { items: [{ runId: "run-1", instances: [hostile] }] },
    });

    await expect.element(screen.getByText(SHOWN_HOSTILE).first()).toBeVisible();
    expect(document.querySelector("img, a[href^='javascript']")).toBeNull();
    expect(document.body.textContent).not.toContain("\u202e");
  });
});
