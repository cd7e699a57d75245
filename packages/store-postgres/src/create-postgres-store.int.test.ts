import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@stackyard/core";
import { type SharedPostgres, sharePostgres } from "@stackyard/postgres-server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createStore } from "./create-postgres-store.ts";

let server: SharedPostgres;
const folder = mkdtempSync(join(tmpdir(), "create-store-"));
beforeAll(async () => {
  server = await sharePostgres();
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

function open(
  options: unknown,
  environment: Readonly<Record<string, string | undefined>> = {},
  migrate = true,
): ReturnType<typeof createStore> {
  return createStore(options, { environment, logger: silentLogger, migrate });
}

async function countStacks(opening: ReturnType<typeof createStore>): Promise<number> {
  const store = await opening;
  const { stacks } = await store.queries.stats();
  await store.close();
  return stacks;
}

const secretOf = ({ url, port }: SharedPostgres) => {
  const dbname = new URL(url).pathname.slice(1);
  return JSON.stringify({ username: "postgres", password: "postgres", host: "127.0.0.1", dbname, port });
};

describe("createStore", () => {
  it("finds the server in the environment or in the options", async () => {
    const file = join(folder, "address");
    writeFileSync(file, `${server.url}\n`);

    expect(await countStacks(open({}, { DATABASE_URL: server.url }))).toBe(0);
    expect(await countStacks(open({}, { DATABASE_URL: secretOf(server) }))).toBe(0);
    expect(await countStacks(open({}, { DATABASE_URL_FILE: file }))).toBe(0);
    expect(await countStacks(open({}, { POSTGRES_CONNECTION_SECRET: secretOf(server) }))).toBe(0);
    expect(await countStacks(open({ connection: () => server.url, schema: "other" }))).toBe(0);
  });

  it("brings nothing up to date for who only looks, or where the configuration says so", async () => {
    const environment = { DATABASE_URL: server.url };

    await expect(open({ schema: "never" }, environment, false)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await expect(open({ schema: "never", migrate: false }, environment)).rejects.toThrow("lacks step");
  });

  it.each([
    ["no server", {}, {}, "No Postgres server is configured. Set DATABASE_URL"],
    ["the name of a secret", {}, { POSTGRES_CONNECTION_SECRET: "prod/db" }, "must hold the secret's JSON"],
    ["a file that is not there", {}, { DATABASE_URL_FILE: "/nowhere" }, "DATABASE_URL_FILE cannot be read"],
    ["an unknown option", { poolSize: 5 }, {}, "poolSize is not a known key. Valid options: connection, schema"],
    ["an option of another type", { maxConnections: "5", tls: "yes" }, {}, /(?=.*maxConnections)(?=.*tls)/],
  ])("reports %s", async (_what, options, environment, told) => {
    await expect(open(options, environment)).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringMatching(told),
    });
  });
});
