import { spawn } from "node:child_process";
import { chmodSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { aContext } from "../testing/a-context.ts";
import { aProject, type TestProject } from "../testing/a-project.ts";
import type { RunnerWords } from "../testing/killed-runner.ts";
import { isRunning, readPids } from "../testing/processes.ts";
import { hasTerraform } from "../testing/program.ts";
import { type StateServer, startStateServer } from "../testing/state-server.ts";
import { removeDeadFolders } from "./run-folder.ts";

/** Waits for what the system does a moment later; long, because the machine may be busy. */
const eventually = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 20_000 });

/** A resource whose creation ends in an hour; `pids` gets its shell and what that shell started. */
const endless = (dir: string) => `
resource "terraform_data" "quick" {}
resource "terraform_data" "slow" {
  depends_on = [terraform_data.quick]
  provisioner "local-exec" {
    command = "echo $$ > ${dir}/pids; sleep 3600 & echo $! >> ${dir}/pids; echo ready; wait"
  }
}`;

describe.skipIf(!hasTerraform())("a stopped run", () => {
  let project: TestProject;
  let server: StateServer;

  beforeEach(async () => {
    server = await startStateServer();
    project = aProject();
    project.write({ "network/main.tf": endless(project.dir) });
  });
  afterEach(async () => {
    await server.close();
    project.remove();
  });

  const abortingAt = (pattern: RegExp) => {
    const controller = new AbortController();
    const report = (line: string) => {
      if (pattern.test(line)) controller.abort("cancel");
    };
    return aContext({ stateBackendUrl: server.url, signal: controller.signal, report });
  };

  it("leaves no lock, no process and no file, and keeps what it made in the state", async () => {
    const step = await project.start(abortingAt(/\(local-exec\): ready/), {});

    expect(step).toMatchObject({
      kind: "failed",
      code: "TERRAFORM_CANCELLED",
      retryable: false,
      message: expect.stringContaining("the state contains what it created before"),
    });
    expect(server.locks.size).toBe(0);
    expect([...server.states.values()][0]).toContain('"name": "quick"');
    await eventually(() => expect(readPids(join(project.dir, "pids")).filter(isRunning)).toEqual([]));
    expect(readdirSync(project.workDir)).toEqual([]);
  });

  it("is killed with all that belongs to it when it does not stop", async () => {
    const stubborn = `#!/bin/sh
      [ "$1" = version ] && exit 0
      [ "$1" = init ] && mkdir -p .terraform && echo '{"backend":{"type":"http"}}' > .terraform/terraform.tfstate && exit 0
      trap '' INT
      echo $$ > ${project.dir}/pids
      sleep 3600 &
      echo $! >> ${project.dir}/pids
      echo ready
      wait; wait`;
    project.write({ "bin/terraform": stubborn });
    chmodSync(join(project.dir, "bin/terraform"), 0o755);
    const executor = project.executor({ binary: "./bin/terraform" }, { graceMs: 200 });
    const config = { action: "apply", source: { type: "local", location: "network" } };

    const step = await executor.start(abortingAt(/^ready$/), config as never);

    expect(step).toMatchObject({
      code: "TERRAFORM_CANCELLED",
      message: expect.stringContaining("was ended by SIGKILL; a lock of its state may be left"),
    });
    await eventually(() => expect(readPids(join(project.dir, "pids")).filter(isRunning)).toEqual([]));
  });

  it.each([
    ["is killed", "kill -9 $$", /SIGKILL/],
    // As Go ends a program that has run out of memory.
    ["ends by itself", "exit 2", /exit code 2/],
  ])("takes its children with it when only the program %s, as when memory runs out", async (_, end, message) => {
    const fragile = `#!/bin/sh
      [ "$1" = version ] && exit 0
      [ "$1" = init ] && mkdir -p .terraform && echo '{"backend":{"type":"http"}}' > .terraform/terraform.tfstate && exit 0
      sleep 3600 &
      echo $! >> ${project.dir}/pids
      ${end}`;
    project.write({ "bin/terraform": fragile });
    chmodSync(join(project.dir, "bin/terraform"), 0o755);
    const executor = project.executor({ binary: "./bin/terraform" });
    const config = { action: "apply", source: { type: "local", location: "network" } };

    const step = await executor.start(aContext({ stateBackendUrl: server.url }), config as never);

    expect(step).toMatchObject({ code: "TERRAFORM_APPLY_FAILED", message: expect.stringMatching(message) });
    await eventually(() => expect(readPids(join(project.dir, "pids")).filter(isRunning)).toEqual([]));
  });

  it("of Terraform itself, killed, takes what its provisioners have started with it", async () => {
    project.write({
      "network/main.tf": `resource "terraform_data" "a" {
        provisioner "local-exec" { command = "sleep 3600 & echo $! $$ | tr ' ' '\\n' > ${project.dir}/pids; kill -9 $PPID; wait" }
      }`,
    });

    const step = await project.start(aContext({ stateBackendUrl: server.url }), {});

    expect(step).toMatchObject({ code: "TERRAFORM_APPLY_FAILED", message: expect.stringContaining("SIGKILL") });
    const pids = readPids(join(project.dir, "pids"));
    expect(pids).toHaveLength(2);
    await eventually(() => expect(pids.filter(isRunning)).toEqual([]));
  });

  it("does not wait for a lock any more", async () => {
    server.locks.set("/state/review-app/pr-12/local/network", '{"ID":"1"}');
    const controller = new AbortController();
    const ctx = aContext({ stateBackendUrl: server.url, signal: controller.signal });

    const running = project.start(ctx, {}, { lockTimeout: "1h" });
    await eventually(() => expect(server.requests.some((request) => request.startsWith("LOCK"))).toBe(true));
    controller.abort("cancel");

    expect(await running).toMatchObject({ code: "TERRAFORM_CANCELLED" });
    expect(server.locks.size).toBe(1);
  });

  it("is not begun when the stop came before", async () => {
    const before = aContext({ stateBackendUrl: server.url, signal: AbortSignal.abort("cancel") });
    const taken = aContext({ stateBackendUrl: server.url, cancelling: true });

    const steps = [await project.start(before, {}), await project.start(taken, {})];

    expect(steps.map((step) => step.kind === "failed" && step.code)).toEqual([
      "TERRAFORM_CANCELLED",
      "TERRAFORM_CANCELLED",
    ]);
    expect(server.requests).toEqual([]);
  });

  it("keeps running when its runner is killed, and is stopped by the next start", async () => {
    const state = join(project.dir, "kept.tfstate");
    project.write({ "network/backend.tf": `terraform {\n  backend "local" { path = "${state}" }\n}` });
    const script = fileURLToPath(new URL("../testing/killed-runner.ts", import.meta.url));
    const words: RunnerWords = [project.workDir, join(project.dir, "network")];
    const runner = spawn(process.execPath, [script, ...words], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    await new Promise<void>((resolve) => {
      runner.stdout.on("data", (piece) => String(piece).includes("(local-exec): ready") && resolve());
    });
    const pids = readPids(join(project.dir, "pids"));

    runner.kill("SIGKILL");
    await new Promise((resolve) => runner.once("exit", resolve));
    const survived = pids.filter(isRunning);
    await removeDeadFolders(project.workDir);
    await eventually(() => expect(existsSync(`${state.replace("kept", ".kept")}.lock.info`)).toBe(false));
    await eventually(() => expect(readFileSync(state, "utf8")).toContain('"status": "tainted"'));
    await eventually(async () => {
      await removeDeadFolders(project.workDir);
      expect(readdirSync(project.workDir)).toEqual([]);
    });

    expect(survived).toEqual(pids);
    expect(pids.filter(isRunning)).toEqual([]);
  });
});
