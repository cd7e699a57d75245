import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { type PostgresServer, startPostgres } from "@stackyard/postgres-server";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ask, findState, type Listed, makePostgresYard, type PostgresYard, until } from "./postgres-yard.ts";

const MACHINE = `version: 1
events: [OPEN]
states:
  INIT: {on: {OPEN: [{action: advance, state: APPLY}]}}
  APPLY: {tasks: [apply], on: {NEXT: [{action: advance, state: DONE}]}}
  DONE: {}
tasks:
  apply: {executor: terraform, config: {action: apply, source: {type: local, location: terraform}}}
`;
/** Takes until the file `hold` is gone. */
const MODULE = `variable "folder" {}
resource "terraform_data" "app" {
  provisioner "local-exec" {
    command     = "touch $FOLDER/applying; while [ -e $FOLDER/hold ]; do sleep 0.1; done"
    environment = { FOLDER = var.folder }
  }
}
`;

/** Listens in a server's place until one connection was made, and breaks that. */
async function refuseOnce(port: number): Promise<void> {
  const listener = createServer((socket) => socket.destroy()).listen(port, "127.0.0.1");
  await once(listener, "connection");
  listener.close();
  await once(listener, "close");
}

function hasTerraform(): boolean {
  try {
    execFileSync("terraform", ["version"], { stdio: "ignore" });
    return true;
  } catch {
    console.warn("SKIPPED: the program terraform is not found, so no server is replaced under it.");
    return false;
  }
}

describe.skipIf(!hasTerraform())("a Terraform at work while its server is replaced", () => {
  let postgres: PostgresServer;
  let yard: PostgresYard;
  beforeAll(async () => {
    postgres = await startPostgres({ durable: false });
  });
  beforeEach(() => {
    yard = makePostgresYard({
      postgres,
      files: { "terraform/main.tf": MODULE, "machines/tf.yaml": MACHINE, hold: "" },
    });
  });
  afterEach(() => yard.end());
  afterAll(() => postgres.stop());

  it("saves its state when another server answers", async () => {
    const { cwd, start } = yard;
    const first = await start("server", "--port", "0");
    await start("worker", "--url", first.url);
    await ask(first, "/v1/events", [{ stackId: "tf", event: "OPEN", machine: "tf", metadata: { folder: cwd } }]);
    await until(() => existsSync(join(cwd, "applying")));

    first.child.kill("SIGTERM");
    const { exitCode } = await first.ended;
    const refused = refuseOnce(Number(new URL(first.url).port));
    rmSync(join(cwd, "hold"));
    await refused;
    const second = await start("server", "--port", new URL(first.url).port);
    await until(async () => (await findState(second, "tf")) === "DONE");
    const { items } = await ask<Listed<{ versions: readonly unknown[]; lock?: unknown }>>(
      second,
      "/v1/terraform/states",
    );

    expect(exitCode).toBe(0);
    expect(items).toMatchObject([{ versions: [{}] }]);
    expect(items[0]?.lock).toBeUndefined();
  });
});
