import { createAwsAccess } from "@stackyard/aws";
import { createAwsSim, createSimPlugin } from "@stackyard/aws-sim";
import { silentLogger } from "@stackyard/core";
import { createFakeClock } from "@stackyard/core/testing";
import { type SharedPostgres, sharePostgres } from "@stackyard/postgres-server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openStore } from "./open-store.ts";

let server: SharedPostgres;
beforeAll(async () => {
  server = await sharePostgres();
});
afterAll(() => server.stop());

const clock = createFakeClock();
const deps = { clock, logger: silentLogger };

function createWorld(secret: object) {
  const sim = createAwsSim({ clock });
  const account = "111122223333";
  const credentials = sim.iam.addUser({ account, name: "app" });
  const arn = sim.secrets.createSecret({
    account,
    region: "eu-west-1",
    name: "yard/db",
    value: JSON.stringify(secret),
  });
  const aws = createAwsAccess({
    clock,
    session: { name: "t" },
    region: "eu-west-1",
    credentials,
    plugins: [createSimPlugin(sim)],
  });
  return { sim, arn, aws };
}

describe("a store in Postgres", () => {
  it("is reached by the secret that RDS writes", async () => {
    const { hostname, port, username, password, pathname } = new URL(server.url);
    const secret = { username, password, host: hostname, dbname: pathname.slice(1), port: Number(port) };
    const { aws } = createWorld({ ...secret, engine: "postgres" });

    const store = await openStore({ kind: "postgres", secretId: "yard/db" }, { ...deps, aws });

    expect(await store.load(["pr-1"])).toEqual([{ stackId: "pr-1", version: 0, parked: [] }]);
    await store.close();
  });

  it("is reached by its address", async () => {
    const { aws } = createWorld({});

    const store = await openStore({ kind: "postgres", address: server.url }, { ...deps, aws });

    expect(await store.load(["pr-1"])).toHaveLength(1);
    await store.close();
  });

  it("says which secret it cannot read", async () => {
    const { aws } = createWorld({ username: "u" });

    const opening = openStore({ kind: "postgres", secretId: "yard/db" }, { ...deps, aws });
    const missing = openStore({ kind: "postgres", secretId: "yard/other" }, { ...deps, aws });

    await expect(opening).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    await expect(missing).rejects.toThrow('The secret "yard/other" cannot be read.');
  });
});
