import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type ClaimedAttempt, claimAttempt } from "../testing/claim-attempt.ts";
import { eventually } from "../testing/eventually.ts";
import { createTestYard, type TestYard, TOKEN } from "../testing/test-yard.ts";

const found = spawnSync("terraform", ["version"]).status === 0;
if (!found) console.warn("SKIPPED: no `terraform` on the PATH, so the state backend is not tested with a real one.");

const KEY = "review-app/pr-1/network";
const MODULE = `
terraform {
  backend "http" {}
}
variable "seconds" { default = "0" }
resource "terraform_data" "one" {
  input = var.seconds
  provisioner "local-exec" { command = "sleep \${var.seconds}" }
  triggers_replace = [var.seconds]
}
output "secret" {
  value     = "hunter2-hunter2"
  sensitive = true
}
`;

let yard: TestYard;
let address: string;
const folders: string[] = [];

beforeEach(async () => {
  yard = createTestYard();
  const { stateBackendUrl } = await yard.server.start();
  address = `${stateBackendUrl}/${KEY}`;
});
afterEach(async () => {
  await yard.stop();
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

type Credentials = Pick<ClaimedAttempt, "attemptId" | "password"> | "operator";

/** A working folder of its own, as every run has one. */
async function prepare(credentials: Credentials, more: Readonly<Record<string, string>> = {}) {
  const folder = await mkdtemp(join(tmpdir(), "tf-"));
  folders.push(folder);
  await writeFile(join(folder, "main.tf"), MODULE);
  const [user, password] =
    credentials === "operator" ? ["token", TOKEN] : [credentials.attemptId, credentials.password];
  const env = {
    PATH: process.env["PATH"],
    HOME: folder,
    TF_HTTP_ADDRESS: address,
    CHECKPOINT_DISABLE: "1",
    TF_HTTP_LOCK_ADDRESS: address,
    TF_HTTP_UNLOCK_ADDRESS: address,
    TF_HTTP_USERNAME: user,
    TF_HTTP_PASSWORD: password,
    TF_HTTP_RETRY_MAX: "0",
    TF_IN_AUTOMATION: "1",
    ...more,
  };
  const start = (...args: string[]) =>
    spawn("terraform", args, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
  const run = (...args: string[]) => finish(start(...args));
  expect((await run("init", "-no-color")).code).toBe(0);
  return { start, run };
}

function finish(child: ChildProcess): Promise<{ readonly code: number | null; readonly output: string }> {
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => (output += chunk));
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, output })));
}

const apply = (seconds: number, ...more: string[]) => [
  "apply",
  "-auto-approve",
  "-no-color",
  `-var=seconds=${seconds}`,
  ...more,
];
const untilLocked = () =>
  eventually(async () =>
    expect(await yard.json(`/v1/terraform/states/${encodeURIComponent(KEY)}`)).toHaveProperty("lock"),
  );

describe.skipIf(!found)("a real Terraform", () => {
  it("applies in one run and destroys in another", async () => {
    const attempt = await claimAttempt(yard, "pr-1");
    const applied = await (await prepare(attempt)).run(...apply(0));

    const destroyed = await (await prepare(attempt)).run("destroy", "-auto-approve", "-no-color");

    expect(applied).toMatchObject({ code: 0, output: expect.stringContaining("1 added") });
    expect(destroyed).toMatchObject({ code: 0, output: expect.stringContaining("1 destroyed") });
    expect(await yard.json(`/v1/terraform/states/${encodeURIComponent(KEY)}`)).not.toHaveProperty("lock");
  });

  it("reports who holds the lock, and gets it when it waits", async () => {
    const attempt = await claimAttempt(yard, "pr-1");
    const [first, second] = [await prepare(attempt), await prepare("operator")];
    const busy = finish(first.start(...apply(2)));
    await untilLocked();

    const refused = await second.run(...apply(0));
    const waited = await second.run(...apply(0, "-lock-timeout=20s"));

    expect(refused).toMatchObject({ code: 1, output: expect.stringContaining("already locked") });
    expect((await busy).code).toBe(0);
    expect(waited.code).toBe(0);
  });

  it("takes over the lock of a run that was killed, once its lease has ended", async () => {
    const crashed = await claimAttempt(yard, "pr-1", 3_000);
    const child = (await prepare(crashed)).start(...apply(30));
    const ended = finish(child);
    await untilLocked();
    child.kill("SIGKILL");
    await ended;
    const early = await (await prepare("operator")).run("plan", "-no-color");

    const next = await vi.waitFor(() => claimAttempt(yard, "pr-1"), { timeout: 20_000, interval: 100 });
    const applied = await (await prepare(next)).run(...apply(0));

    expect(early).toMatchObject({ code: 1, output: expect.stringContaining("already locked") });
    expect(applied).toMatchObject({ code: 0 });
  });

  it("cannot write with the token of an earlier lease", async () => {
    const old = await claimAttempt(yard, "pr-1", -1_000);
    const stale = await prepare("operator");
    expect((await stale.run(...apply(0))).code).toBe(0);
    await claimAttempt(yard, "pr-1");

    const refused = await prepare(old).catch((error: unknown) => error);

    expect(refused).toBeInstanceOf(Error);
  });

  it("is not unlocked by force-unlock, which sends no id, but by its id", async () => {
    const operator = await prepare("operator");
    const id = "11111111-1111-1111-1111-111111111111";
    await yard.call(`/terraform/state/${KEY}`, { method: "LOCK", body: { ID: id } });

    const forced = await operator.run("force-unlock", "-force", "22222222-2222-2222-2222-222222222222");
    await yard.call(`/v1/terraform/states/${encodeURIComponent(KEY)}/unlock`, { body: { id } });

    expect(forced.code).toBe(1);
    expect((await operator.run(...apply(0))).code).toBe(0);
  });

  it("survives a client with the lock methods of another server [opentofu#1407]", async () => {
    const operator = await prepare("operator");
    expect((await operator.run(...apply(0))).code).toBe(0);

    const other = await prepare("operator", { TF_HTTP_LOCK_METHOD: "POST", TF_HTTP_UNLOCK_METHOD: "DELETE" });
    const planned = await other.run("plan", "-no-color");

    expect(planned.code).toBe(1);
    expect((await operator.run("plan", "-no-color", "-detailed-exitcode")).code).toBe(0);
  });
});
