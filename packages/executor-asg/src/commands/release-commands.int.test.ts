import { failed, succeeded } from "@stackyard/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aServiceReport } from "../testing/builders.ts";
import { aReleaseFile, type CommandWorld, createCommandWorld } from "../testing/command-world.ts";
import { DONE, type ReleaseServer, startReleaseServer } from "../testing/yards.ts";

let server: ReleaseServer;
let world: CommandWorld;
beforeEach(async () => {
  server = await startReleaseServer();
  world = createCommandWorld({}, server.url);
  world.write("shop.json", aReleaseFile());
  world.write("shop.json.userdata", "#!/bin/sh\n");
});
afterEach(async () => {
  world.remove();
  await server.stop();
});

const FILE = { file: "shop.json" };
const SHOP = { project: "org/shop", config: "production", account: "111122223333", region: "eu-west-1" };
const LEFT = failed({ code: "LEFT_BEHIND", message: "Check the instances.", retryable: false });
const CLEAN = failed({ code: "RELEASE_TIMED_OUT", message: "Timeout: Halting Release", retryable: false });
const LOCKED = failed({ code: "LOCK_EXISTS", message: "Lock Already Exists: bob", retryable: false });

/** Starts a release that keeps running. Returns its run. */
async function begin(): Promise<string> {
  const { text } = await world.run("deploy", { ...FILE, detach: true });
  // Lists contain only what an engine has picked up.
  const standing = { jobId: text, standing: "running" };
  await expect.poll(async () => (await world.run("ls")).value["releases"]).toMatchObject([standing]);
  return text;
}

describe("asg deploy", () => {
  it("sends the file with a new id and its user data, follows it and shows its end", async () => {
    const web = aServiceReport({ healthy: 1, launching: 3, unhealthy: 2, targetHealthy: 2, targetLaunched: 3 });
    server.script = [{ report: { services: { web } } }];
    // Not before it was shown, or only the end would be.
    const onProgress = (line: string) => {
      if (!line.startsWith("CheckHealthy")) return;
      const services = { web: { ...web, healthy: 3, unhealthy: 0 } };
      server.script = [{ report: { services, state: "Success", end: "Success" }, answer: DONE }];
    };

    const result = await world.run("deploy", { ...FILE, revision: "4f1c9d2" }, { onProgress });

    const [config] = server.started;
    const release = { project_name: "org/shop", release_id: expect.stringMatching(/^release-.*-[a-z]{7}$/) };
    expect(config).toMatchObject({ op: "deploy", preset: "stackyard", actor: "ann", revision: "4f1c9d2", release });
    expect(config).toMatchObject({ userData: "#!/bin/sh\n", release: { user_data_sha256: expect.any(String) } });
    expect(result.exitCode).toBe(0);
    expect(result.progress).toContain("CheckHealthy  web 1 of 2 healthy, 2 not yet");
    expect(result.blocks.join("\n")).toContain("web  \u001b[32m●\u001b[39m\u001b[33m◐\u001b[39m|\u001b[33m◐\u001b[39m");
    expect(result.events.at(-1)).toMatchObject({ kind: "progress", standing: "succeeded", end: "Success" });
    expect(result.text).toMatch(/^Release release-2 succeeded\.\n/);
    expect(result.notes[0]).toMatch(/^Release release-.*, run-\w+ of the yard$/);
  });

  it.each([
    ["nothing of it is left", CLEAN, { end: "FailureClean" }, 1],
    ["something is left behind", LEFT, { end: "FailureDirty" }, 2],
    ["another owner holds the lock", LOCKED, { end: "FailureClean" }, 3],
    ["the outcome is unknown", CLEAN, { path: [{ state: "Deploy", at: 1 }] }, 2],
  ] as const)("ends so when %s", async (_what, answer, report, exitCode) => {
    server.script = [{ report, answer }];

    const result = await world.run("deploy", FILE);

    expect(result.exitCode).toBe(exitCode);
    expect(result.notes.some((note) => note.includes("stackyard asg repair org/shop production"))).toBe(
      "end" in report && report.end === "FailureDirty",
    );
  });

  it("could not start with a file that has problems", async () => {
    world.write("shop.json", aReleaseFile({ services: {} }));

    expect(await world.run("deploy", FILE)).toMatchObject({ exitCode: 3, value: { valid: false } });
    expect(server.started).toEqual([]);
  });

  it("never follows another release without a word, exit code 3", async () => {
    const running = await begin();

    const refused = await world.run("deploy", FILE);
    const elsewhere = await world.run("deploy", { ...FILE, detach: true, region: "us-east-1" });

    expect([refused.exitCode, refused.text]).toEqual([3, expect.stringContaining("Already deploying: org/shop")]);
    expect(refused.text).toContain(`stackyard asg halt ${running}`);
    expect(refused.value["alreadyDeploying"]).toMatchObject({ jobId: running });
    expect(elsewhere.exitCode).toBe(3);
    expect(server.started).toHaveLength(1);
  });

  it("takes another config for another", async () => {
    await begin();
    world.write("shop.json", aReleaseFile({ config_name: "production-eu" }));

    expect(await world.run("deploy", { ...FILE, detach: true })).toMatchObject({ exitCode: 0 });
  });

  it("follows the running one on request", async () => {
    const running = await begin();
    // Not before it has been found, or there would be none to follow.
    const onNote = () => {
      server.script = [{ report: { end: "Success" }, answer: DONE }];
    };

    const followed = await world.run("deploy", { ...FILE, follow: true }, { onNote });

    expect([followed.exitCode, followed.value["release"]]).toMatchObject([0, { jobId: running }]);
    expect(followed.notes[0]).toContain("is already running. Following it; no release was started.");
  });

  it("queues behind it on request", async () => {
    await begin();

    const { exitCode } = await world.run("deploy", { ...FILE, queue: true, detach: true });

    expect(exitCode).toBe(0);
    await expect.poll(async () => (await world.run("ls")).value["releases"]).toHaveLength(2);
  });

  it("leaves the release alone when it is interrupted, or patience ends", async () => {
    const stop = new AbortController();
    const running = world.run("deploy", FILE, { signal: stop.signal });
    await expect.poll(() => server.started.length).toBe(1);
    stop.abort();

    await expect(running).rejects.toMatchObject({ code: "INTERRUPTED" });
    await expect(world.run("deploy", { ...FILE, follow: true, giveUpAfter: "1s" })).rejects.toMatchObject({
      code: "TIMED_OUT",
    });
  });

  it("sends the role of the account where one is named", async () => {
    const role = { role: "deployer", externalId: "x1", preset: "odin" };

    await world.run("deploy", { ...FILE, ...role, detach: true });

    await expect.poll(() => server.started.length).toBe(1);
    expect(server.started[0]).toMatchObject({ preset: "odin" });
    await expect(world.run("deploy", { ...FILE, externalId: "x1" })).rejects.toMatchObject({ code: "USAGE" });
    await expect(world.run("deploy", { ...FILE, lockTable: "locks" })).rejects.toMatchObject({ code: "USAGE" });
  });
});

describe("asg watch, show, ls and fails", () => {
  it("watches to the end and shows what was", async () => {
    const release = await begin();
    server.script = [{ report: { path: [{ state: "Validate", at: 1 }], end: "FailureClean" }, answer: CLEAN }];

    const watched = await world.run("watch", { release });
    const shown = await world.run("show", { release });

    expect([watched.exitCode, shown.exitCode]).toEqual([1, 0]);
    expect(shown.text).toContain("RELEASE_TIMED_OUT: Timeout: Halting Release");
    expect(shown.text).toContain("Path: Validate");
  });

  it("lists releases, and those that failed with where and why", async () => {
    const release = await begin();
    const path = ["Validate", "CheckHealthy", "DetachForFailure"].map((state, at) => ({ state, at }));
    const error = { class: "HaltError", message: "Timeout: Halting Release" };
    server.script = [{ report: { path, error, end: "FailureClean" }, answer: CLEAN }];
    await world.run("watch", { release });

    const accounts = { [SHOP.account]: "shop-prod" };
    const listed = await world.run("ls", { project: "org/shop" }, { accounts });
    const fails = await world.run("fails");
    const shown = await world.run("show", { release }, { accounts });
    const none = await world.run("ls", { project: "org/other" });

    expect(listed.text.split("\n").map((line) => line.split(/ {2,}/).slice(1))).toEqual([
      ["PROJECT", "CONFIG", "WHAT", "STANDS", "JOB", "WHERE"],
      ["org/shop", "production", "deploy", "failed", release, "shop-prod (111122223333 eu-west-1)"],
    ]);
    expect(listed.value["releases"]).toMatchObject([{ account: SHOP.account, accountName: "shop-prod" }]);
    expect(shown.text).toMatch(/\naccount: +shop-prod \(111122223333 eu-west-1\)\n/);
    expect(shown.value["release"]).toMatchObject({ account: SHOP.account, accountName: "shop-prod" });
    expect(fails.text.split("\n").at(-1)?.split(/ {2,}/).slice(1)).toEqual([
      ...[release, "CheckHealthy", "FailureClean", "HaltError: Timeout: Halting Release"],
    ]);
    expect([none.text, (await world.run("fails", { config: "x" })).text]).toEqual([
      ...["No releases found.", "No release failed in the last three days."],
    ]);
  });

  it("says of what failed before any state of a release what is known", async () => {
    const refusal = { code: "BAD_RELEASE", message: "No.", retryable: false };
    const outputs = { end: "FailureClean", state: "Validate" };
    const rollback = { operation: "rollback", state: "Rollback", path: [], end: "FailureClean" } as const;
    server.script = [{ answer: failed({ ...refusal, outputs }) }];
    await world.run("deploy", FILE);
    server.script = [{ report: rollback, answer: failed(refusal) }];
    await world.run("rollback", SHOP);
    server.script = [{ answer: failed(refusal) }];
    await world.run("lock", { ...SHOP, reason: "sale" });

    const { text } = await world.run("fails");

    const rows = text.split("\n").slice(1);
    expect(rows.map((line) => line.split(/ {2,}/).slice(2, 4)).toSorted()).toEqual([
      ["-", "-"],
      ["Rollback", "FailureClean"],
      ["Validate", "FailureClean"],
    ]);
  });

  it("reports an unknown release", async () => {
    await expect(world.run("show", { release: "run-0" })).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(world.run("watch", { release: "run-0" })).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});

describe("asg halt", () => {
  it("stops what runs for the file, and waits until nothing is left", async () => {
    await begin();

    const halted = await world.run("halt", { what: "shop.json", reason: "wrong image" });
    const again = await world.run("halt", { what: "shop.json" });

    expect([halted.exitCode, halted.text]).toEqual([
      0,
      expect.stringContaining("was halted; everything it created was removed."),
    ]);
    expect([again.exitCode, again.text]).toEqual([1, "No release is running. Nothing to halt."]);
  });

  it("stops a run, and reports one that has already ended", async () => {
    const what = await begin();

    const halted = await world.run("halt", { what, detach: true });
    await world.run("watch", { release: what });
    const again = await world.run("halt", { what });

    expect([halted.exitCode, halted.text]).toEqual([0, `${what} will stop.`]);
    expect([again.exitCode, again.text]).toEqual([1, expect.stringMatching(/^Nothing to halt\. /)]);
  });

  it("rejects a file that names no project", async () => {
    world.write("other.json", {});

    await expect(world.run("halt", { what: "other.json" })).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });
});

describe("asg rollback, repair, lock and unlock", () => {
  it("rolls back and follows it", async () => {
    server.script = [{ report: { operation: "rollback", end: "Success" }, answer: DONE }];

    const { exitCode, text } = await world.run("rollback", { ...SHOP, from: "release-2", reason: "500s" });

    expect([exitCode, text.split("\n")[0]]).toEqual([0, "The rollback of org/shop production succeeded."]);
    const at = { account: SHOP.account, region: SHOP.region, project: "org/shop", config: "production" };
    expect(server.started).toMatchObject([{ op: "rollback", at, releaseId: "release-2", reason: "500s" }]);
  });

  it("lists leftovers, and removes them on request", async () => {
    const group = { kind: "group", name: "org/shop-web", why: "No release owns it.", removable: true };
    const odd = { kind: "alarm", name: "strange", why: "Created by another tool.", removable: false };
    const outputs = { found: 2, removed: 0, leftOvers: JSON.stringify([group, odd]) };
    server.script = [{ answer: succeeded({ ...outputs, lockedBy: "release-1" }) }];
    const listed = await world.run("repair", SHOP);
    server.script = [{ answer: succeeded({ found: 0, removed: 1, leftOvers: "[]" }) }];
    const removed = await world.run("repair", { ...SHOP, remove: true, force: true, keep: "release-1" });

    expect([listed.exitCode, listed.text]).toEqual([
      0,
      `WHAT   NAME          WHY
group  org/shop-web  No release owns it.
alarm  strange       Created by another tool. (not removed by this command)
The lock is held by release-1.
Nothing was removed. Use --remove to remove them.`,
    ]);
    expect(removed.text).toBe("Nothing is left behind.\n1 removed.");
    expect(server.started).toMatchObject([
      { op: "repair" },
      { op: "repair", confirm: true, force: true, releaseId: "release-1" },
    ]);
  });

  it("locks and unlocks", async () => {
    server.script = [{ answer: succeeded({ locked: true, user: "ann", reason: "sale" }) }];
    const locked = await world.run("lock", { ...SHOP, reason: "sale" });
    server.script = [{ answer: succeeded({ locked: true, user: "bob", reason: "party" }) }];
    const taken = await world.run("lock", { ...SHOP, reason: "sale" });
    server.script = [{ answer: succeeded({ unlocked: true, rootRemoved: true, user: "bob", reason: "party" }) }];
    const gone = await world.run("unlock", { ...SHOP, root: true });

    expect([locked, taken, gone].map(({ exitCode, text }) => [exitCode, text])).toEqual([
      [0, "Locked."],
      [1, "Already locked by bob: party"],
      [0, "Removed the lock of bob: party\nRemoved the deployer's lock."],
    ]);
    expect(server.started[0]).toMatchObject({ op: "lock", reason: "sale", actor: "ann" });
  });

  it("reports what has failed", async () => {
    server.script = [{ answer: failed({ code: "LOCK_FAILED", message: "No access.", retryable: false }) }];

    for (const name of ["unlock", "repair", "lock"]) {
      const { exitCode, text } = await world.run(name, { ...SHOP, ...(name === "lock" ? { reason: "x" } : {}) });
      expect([exitCode, text]).toEqual([1, "LOCK_FAILED: No access."]);
    }
  });

  it("takes the place from the environment, and asks where it is nowhere", async () => {
    const environment = { AWS_ACCOUNT_ID: "111122223333", AWS_REGION: "eu-west-1" };
    server.script = [{ answer: succeeded({ unlocked: false, rootRemoved: false }) }];

    const { text } = await world.run("unlock", { project: "org/shop", config: "production" }, { environment });

    expect(text).toBe("No person has locked it.");
    expect(server.started).toMatchObject([{ at: { account: "111122223333", region: "eu-west-1" } }]);
    await expect(world.run("unlock", { project: "a", config: "b" })).rejects.toMatchObject({ code: "USAGE" });
  });
});
