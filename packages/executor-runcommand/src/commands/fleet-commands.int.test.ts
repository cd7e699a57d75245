import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { failed, succeeded } from "@stackyard/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { FleetInstanceReport } from "../report-page.ts";
import { aFailure, anInstance, WHOLE_RUN } from "../testing/a-report.ts";
import { type CommandYard, createCommandYard, GOES_ON } from "../testing/command-yard.ts";

let cwd: string;
let yard: CommandYard;
beforeEach(async () => {
  cwd = mkdtempSync(join(tmpdir(), "fleet-"));
  yard = await createCommandYard(cwd);
});
afterEach(async () => {
  await yard.stop();
  rmSync(cwd, { recursive: true });
});

const OUTPUTS = { runId: "", selected: 2, succeeded: 2, failed: 0, skipped: 0, reportUrl: "" };
const BROKEN = failed({ code: "COMMAND_FAILED", message: "1 of 2 instances failed.", retryable: false });

function reports(...instances: readonly FleetInstanceReport[]): void {
  const failing = instances.filter(({ state }) => state === "failed").length;
  const counts = { selected: instances.length, succeeded: 0, failed: failing, running: 0, skipped: 0, notSent: 0 };
  yard.fleet.pages = [{ instances, ...WHOLE_RUN, counts: { ...counts, succeeded: instances.length - failing } }];
}

/** Starts a run that continues until the fleet of the test answers otherwise. */
async function startDetached(): Promise<string> {
  const { text } = await yard.run("run", { detach: true });
  return text;
}

describe("fleet run", () => {
  it("starts a run with what the words say, follows it and prints its report", async () => {
    reports(anInstance(1, { commandId: "c" }), anInstance(2, { commandId: "c" }));
    yard.fleet.answer = succeeded(OUTPUTS);

    const result = await yard.run("run", { tagKey: "Role", tagValue: ["web"], maxErrors: "5%" });

    expect(result.exitCode).toBe(0);
    expect(result.text).toMatch(/^Job run-\w+ has succeeded\.\n\nAll 2 instances succeeded\./);
    expect(yard.fleet.started).toEqual([
      { select: { tagKey: "Role", tagValues: ["web"] }, maxErrors: "5%", source: "command" },
    ]);
    expect(result.value).toMatchObject({
      job: { state: "succeeded", executor: "runcommand" },
      report: { counts: { selected: 2, succeeded: 2 } },
    });
  });

  it("prints progress and failures, and exits with 2 when commands were sent", async () => {
    reports(anInstance(1, { state: "running", commandId: "c" }), aFailure(2, { commandId: "c" }));
    const running = yard.run("run");
    await expect.poll(() => yard.fleet.started.length).toBe(1);
    yard.fleet.answer = BROKEN;

    const { exitCode, text, notes, progress } = await running;

    expect(exitCode).toBe(2);
    expect(notes.at(-1)).toMatch(/^Again on exactly those that failed: stackyard fleet retry run-\w+$/);
    expect(notes).toContainEqual(expect.stringMatching(/^i-0+2 failed COMMAND_FAILED \(exit code 2\): fatal/));
    expect(progress.at(-1)).toMatch(/^run-\w+ {2}(running|failed) {2}2 of 2 done, 1 failed$/);
    expect(text).toMatch(/^Job run-\w+ has failed, COMMAND_FAILED: 1 of 2 instances failed\./);
    expect(text.indexOf("i-00000000000000002")).toBeLessThan(text.indexOf("i-00000000000000001"));
  });

  it("ends with 1 when nothing was sent", async () => {
    yard.fleet.answer = failed({ code: "NO_INSTANCES", message: "No instance is selected.", retryable: false });

    const { exitCode, text } = await yard.run("run");

    expect([exitCode, text]).toEqual([1, expect.stringContaining("NO_INSTANCES: No instance is selected.")]);
  });

  it("finds the same run by the same key", async () => {
    const first = await yard.run("run", { detach: true, key: "release-7" });
    const again = await yard.run("run", { detach: true, key: "release-7" });

    expect([again.text, again.exitCode]).toEqual([first.text, 0]);
  });

  it("reads a file, over which flags win", async () => {
    writeFileSync(join(cwd, "fleet.json"), '{"profile": "patch-scan", "maxErrors": 3}');

    await yard.run("run", { detach: true, config: "fleet.json", maxErrors: "1" });
    await expect.poll(() => yard.fleet.started).toEqual([{ profile: "patch-scan", maxErrors: "1", source: "command" }]);
  });

  it.each([
    ["words that contradict", { tagKey: "a", instanceId: ["i-1"] }, "USAGE"],
    ["a config that does not fit", { maxErrors: "many" }, "CONFIG_INVALID"],
    ["a file that is no JSON", { config: "broken.json" }, "CONFIG_INVALID"],
    ["a file that holds a list", { config: "list.json" }, "CONFIG_INVALID"],
    ["an argument of another type", { maxErrors: 5 }, "USAGE"],
  ])("rejects %s", async (_what, args, code) => {
    writeFileSync(join(cwd, "broken.json"), "{");
    writeFileSync(join(cwd, "list.json"), "[]");

    await expect(yard.run("run", args)).rejects.toMatchObject({ code });
    expect(yard.fleet.started).toEqual([]);
  });

  it("starts nothing where the page could not be written", async () => {
    await expect(yard.run("run", { html: "nowhere/report.html" })).rejects.toMatchObject({ code: "ENOENT" });

    expect(yard.fleet.started).toEqual([]);
  });

  it("leaves the run alone when it is interrupted, and says how to get back to it", async () => {
    const stop = new AbortController();
    const running = yard.run("run", {}, { signal: stop.signal });
    await expect.poll(() => yard.fleet.started.length).toBe(1);

    stop.abort();

    await expect(running).rejects.toMatchObject({ code: "INTERRUPTED" });
  });

  it("gives up after a while, and the run continues", async () => {
    await expect(yard.run("run", { giveUpAfter: "1s" })).rejects.toMatchObject({ code: "TIMED_OUT" });

    expect(yard.fleet.started).toHaveLength(1);
  });
});

describe("fleet plan", () => {
  it("requests only a plan", async () => {
    reports(anInstance(1, { state: "not-sent" }), anInstance(2, { state: "skipped", code: "TAG_VALUE" }));
    yard.fleet.answer = succeeded(OUTPUTS);

    const { exitCode, text } = await yard.run("plan");

    expect([exitCode, yard.fleet.started]).toEqual([0, [{ dryRun: true, source: "command" }]]);
    expect(text).toContain("A plan: nothing was sent.");
    expect(text).toContain("TAG_VALUE");
  });
});

describe("fleet show", () => {
  it("shows a run in progress, and writes a page", async () => {
    reports(aFailure(1, { stderrTail: "<script>alert(1)</script>\u001b[2J" }), anInstance(2, { state: "running" }));
    const runId = await startDetached();
    await expect.poll(async () => (await yard.run("show", { run: runId })).text).toContain("sending");

    const { exitCode, text, notes } = await yard.run("show", { run: runId, html: "report.html" });

    expect(exitCode).toBe(0);
    expect(text).toContain(`Job ${runId} is running. sending`);
    expect(text).not.toContain("\u001b");
    expect(notes).toContain(`The page is ${join(cwd, "report.html")}.`);
    const page = readFileSync(join(cwd, "report.html"), "utf8");
    expect(page).toContain(`"stackId":"${runId}"`);
    expect(page).toContain("\\u003cscript>alert(1)\\u003c/script>");
  });

  it("writes a page of a machine's task, which has a report and no job", async () => {
    await yard.writeReport("0123456789abcdef0123456789abcdef", { runId: "0123", instances: [aFailure(1)] });

    await yard.run("show", { run: "0123456789abcdef0123456789abcdef", html: "report.html" });

    expect(readFileSync(join(cwd, "report.html"), "utf8")).toContain('"instanceId":"i-00000000000000001"');
  });

  it("says so where the server has no page, and ends as the run did", async () => {
    await yard.stop();
    yard = await createCommandYard(cwd, false);
    reports(anInstance(1));
    yard.fleet.answer = succeeded(OUTPUTS);

    const { exitCode, notes } = await yard.run("run", { html: "report.html" });

    expect(exitCode).toBe(0);
    expect(notes.at(-1)).toMatch(/^The page was not written\. NOT_FOUND: /);
  });

  it("names the account of its target, and keeps the id", async () => {
    yard.fleet.answer = succeeded(OUTPUTS);
    const account = "111122223333";
    const { text: run } = await yard.run("run", { detach: true, account, region: "eu-west-1" });

    const { text, value } = await yard.run("show", { run }, { accounts: { [account]: "shop-prod" } });

    expect(text.split("\n")[0]).toMatch(/^Job run-\w+ in shop-prod \(111122223333 eu-west-1\) /);
    expect(value).toMatchObject({ job: { target: { account } }, accountName: "shop-prod" });
    expect((await yard.run("show", { run })).value).not.toHaveProperty("accountName");
  });

  it("lists 50 instances unless all are wanted", async () => {
    reports(...Array.from({ length: 60 }, (_, number) => anInstance(number)));
    yard.fleet.answer = succeeded(OUTPUTS);
    const { value } = await yard.run("run");
    const run = (value as { job: { jobId: string } }).job.jobId;

    const some = await yard.run("show", { run });
    const all = await yard.run("show", { run, all: true });

    expect(some.text).toMatch(/… and 10 more$/);
    expect(all.text.match(/\bi-0/g)).toHaveLength(60);
  });

  it("shows the report of a task in a machine, which has no run of its own", async () => {
    const key = "0123456789abcdef0123456789abcdef";
    await yard.writeReport(key, { runId: key, instances: [aFailure(1)] });

    const { exitCode, text } = await yard.run("show", { run: key });

    expect([exitCode, text]).toEqual([0, expect.stringMatching(/^1 of 1 instance failed\./)]);
  });

  it("reports an unknown run", async () => {
    await expect(yard.run("show", { run: "run-0" })).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});

describe("fleet watch", () => {
  it("waits for the end and returns the run's exit code", async () => {
    reports(aFailure(1, { commandId: "c" }));
    const run = await startDetached();
    const watching = yard.run("watch", { run });
    yard.fleet.answer = BROKEN;

    expect((await watching).exitCode).toBe(2);
  });
});

describe("fleet cancel", () => {
  it("ends a run and shows what became of it", async () => {
    reports(anInstance(1, { state: "cancelled", code: "CANCELLED", commandId: "c" }));
    const run = await startDetached();
    await expect.poll(() => yard.fleet.started.length).toBe(1);

    const { exitCode, text } = await yard.run("cancel", { run, reason: "wrong fleet" });
    const again = await yard.run("cancel", { run });

    expect([exitCode, text]).toEqual([0, expect.stringContaining(`Job ${run} was cancelled.`)]);
    expect([again.exitCode, again.text]).toEqual([1, `Job ${run} has ended already: cancelled.`]);
  });
});

describe("fleet retry", () => {
  it("continues a failed run under its id", async () => {
    reports(anInstance(1, { commandId: "c" }), aFailure(2, { commandId: "c" }));
    yard.fleet.answer = BROKEN;
    const before = await yard.run("run");
    const { job } = before.value as { job: { jobId: string } };
    reports(anInstance(1, { commandId: "c" }), anInstance(2, { commandId: "d" }));
    yard.fleet.answer = succeeded(OUTPUTS);

    const { exitCode, value, notes } = await yard.run("retry", { run: job.jobId });

    expect(exitCode).toBe(0);
    expect(value).toMatchObject({ job: { jobId: job.jobId, state: "succeeded" } });
    expect(notes).toContain(`Job ${job.jobId}: again on 1 instances`);
    expect(yard.fleet.started).toHaveLength(2);
  });

  it("starts a run of exactly the failed ones where the run counts as a success", async () => {
    reports(anInstance(1, { commandId: "c" }), aFailure(2, { commandId: "c" }), anInstance(3, { state: "skipped" }));
    yard.fleet.answer = succeeded(OUTPUTS);
    const before = await yard.run("run", { tagKey: "Role", maxErrors: "50%", profile: "ansible" });
    const { job } = before.value as { job: { jobId: string } };

    const { value } = await yard.run("retry", { run: job.jobId });

    expect((value as { job: { jobId: string } }).job.jobId).not.toBe(job.jobId);
    expect(yard.fleet.started[1]).toEqual({
      select: { tagKey: "Role" },
      instanceIds: ["i-00000000000000002"],
      maxErrors: "50%",
      profile: "ansible",
      source: "command",
    });
  });

  it("does nothing without failures, and rejects a run in progress", async () => {
    reports(anInstance(1));
    const open = await startDetached();
    await expect.poll(() => yard.fleet.started.length).toBe(1);
    await expect(yard.run("retry", { run: open })).rejects.toMatchObject({ code: "OUTCOME_NEGATIVE" });
    yard.fleet.answer = succeeded(OUTPUTS);
    await yard.run("watch", { run: open });

    const { exitCode, text } = await yard.run("retry", { run: open });

    expect([exitCode, text]).toEqual([0, `No instance of the run ${open} failed. Nothing to retry.`]);
    expect(yard.fleet.answer).not.toBe(GOES_ON);
  });
});
