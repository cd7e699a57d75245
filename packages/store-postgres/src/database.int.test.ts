import { readFileSync } from "node:fs";
import { join } from "node:path";
import { aPut } from "@stackyard/core/testing";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type OwnServer, startOwnServer, startTestServer, type TestServer } from "./testing/test-server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const readTls = (name: string) => readFileSync(join(import.meta.dirname, "fixtures/tls", name), "utf8");

describe("credentials", () => {
  it("are fetched again when the server rejects them, and the call succeeds", async () => {
    await server.sql("create role rotated login superuser password 'old'");
    let password = "old";
    const connection = vi.fn(async () => ({
      username: "rotated",
      password,
      host: "127.0.0.1",
      port: server.port,
      dbname: new URL(server.url).pathname.slice(1),
    }));
    const store = await server.open({ connection });
    expect(connection).toHaveBeenCalledTimes(1);

    password = "new";
    await server.sql("alter role rotated password 'new'");
    await server.sql("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'rotated'");
    const results = await Promise.allSettled(["a", "b", "c"].map((id) => store.commit([aPut({ id })])));

    // A connection that was just cut may fail a call; none fails for the password.
    for (const result of results) {
      if (result.status === "rejected") expect(String(result.reason)).not.toContain("password");
    }
    await expect.poll(() => store.queries.stats().then(() => "ok", String)).toBe("ok");
    expect(connection).toHaveBeenCalledTimes(2);
    await store.close();
  });

  it("that stay wrong fail with what to do", async () => {
    const connection = vi.fn(() => server.url.replace("postgres:postgres@", "postgres:wrong@"));

    await expect(server.open({ connection })).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
      message: expect.stringContaining("User or password are wrong"),
    });

    expect(connection).toHaveBeenCalledTimes(2);
  });

  it("that cannot be fetched now are fetched at the next call", async () => {
    let fails = true;
    const connection = async () => {
      if (fails) throw new Error("The secret cannot be read.");
      return server.url;
    };
    await expect(server.open({ connection })).rejects.toThrow("The secret cannot be read.");

    fails = false;
    const store = await server.open({ connection });

    expect((await store.queries.stats()).stacks).toBe(0);
    await store.close();
  });
});

describe("TLS", () => {
  it("is used where the server supports it, and verified when the settings require it", async () => {
    const own = await startOwnServer();
    const url = `${own.url}?`;
    await expect(own.open({ connection: `${url}sslmode=require` })).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
      message: expect.stringContaining("does not support SSL"),
    });
    await addTls(own);

    const isEncrypted = async (options: Parameters<TestServer["open"]>[0]) => {
      const store = await own.open({ applicationName: "tls-test", ...options });
      await store.queries.stats();
      const rows = await own.sql(
        "select bool_and(s.ssl) as ssl from pg_stat_ssl s join pg_stat_activity using (pid) where application_name = 'tls-test'",
      );
      await store.close();
      return rows[0]?.["ssl"];
    };

    expect(await isEncrypted({ connection: `${url}sslmode=disable` })).toBe(false);
    expect(await isEncrypted({})).toBe(true);
    expect(await isEncrypted({ tls: "require" })).toBe(true);
    expect(await isEncrypted({ tls: { mode: "verify-full", ca: readTls("ca.pem") } })).toBe(true);
    const stranger = { mode: "verify-full", ca: readTls("other-ca.pem") } as const;
    for (const tls of ["verify-full", stranger] as const) {
      await expect(own.open({ tls })).rejects.toMatchObject({
        code: "STORE_UNAVAILABLE",
        message: expect.stringMatching(/certificate|signed/),
      });
    }
    await own.stop();
  });
});

/** The server itself writes the files, so that they are its own. */
async function addTls(own: OwnServer): Promise<void> {
  const data = join(own.folder, "data");
  for (const name of ["server.pem", "server.key"]) {
    const lines = readTls(name)
      .trim()
      .split("\n")
      .map((line) => `('${line}')`);
    await own.sql(`copy (values ${lines.join(",")}) to program 'umask 077; cat > ${data}/${name}'`);
  }
  await own.sql("alter system set ssl_cert_file = 'server.pem'");
  await own.sql("alter system set ssl_key_file = 'server.key'");
  await own.sql("alter system set ssl = on");
  await own.sql("select pg_reload_conf()");
  await expect.poll(async () => (await own.sql("show ssl"))[0]?.["ssl"]).toBe("on");
}

describe("a server that goes", () => {
  it("fails calls as unavailable, and serves them again when it is back", async () => {
    const own = await startOwnServer({ durable: true });
    const store = await own.open();
    await store.commit([aPut()]);

    await own.kill();
    await expect(store.load(["s1"])).rejects.toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true });
    await own.start();

    await expect.poll(() => store.load(["s1"]).then(([one]) => one?.version, String)).toBe(1);
    expect(await store.commit([aPut()])).toEqual([{ kind: "conflict" }]);
    await store.close();
    await own.stop();
  });

  it("does not close a store that only waits", async () => {
    const store = await server.open({ applicationName: "idle-test" });

    await server.sql("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'idle-test'");

    await expect.poll(() => store.queries.stats().then(({ stacks }) => stacks, String)).toBe(0);
    await store.close();
  });

  it("ends a statement that takes too long", async () => {
    const schema = server.newSchema();
    const store = await server.open({ schema, statementTimeoutMs: 200 });
    await store.commit([aPut()]);
    const release = await server.hold(`select 1 from ${schema}.stacks for update`);

    const late = await store.commit([aPut({}, { expectedVersion: 1 })]).then(() => "committed", String);

    expect(late).toContain("statementTimeoutMs");
    await release();
    await store.close();
  });
});

describe("options", () => {
  it.each([
    [{ schema: "No Plain Name" }, "Invalid schema"],
    [{ maxConnections: 0 }, "maxConnections"],
    [{ idleMs: Number.NaN }, "idleMs"],
    [{ connection: "mysql://db" }, "postgres://"],
  ])("%j are refused", async (options, says) => {
    await expect(server.open(options)).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining(says),
    });
  });
});
