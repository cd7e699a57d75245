import pg from "pg";
import { expect, it } from "vitest";
import { sharePostgres } from "./share-postgres.ts";

async function ask(url: string, statement: string): Promise<readonly unknown[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

it("gives each caller an empty database on one server, and removes it although it is in use", async () => {
  const [first, second] = await Promise.all([sharePostgres(), sharePostgres()]);
  await ask(first.url, "create table t (a int)");
  const left = new pg.Client(first.url);
  const ended = new Promise((resolve) => left.on("error", resolve));
  await left.connect();

  await first.stop();

  expect(await ended).toBeInstanceOf(Error);
  expect(second.port).toBe(first.port);
  expect(await ask(second.url, "select to_regclass('t') as found")).toEqual([{ found: null }]);
  await expect(ask(first.url, "select 1")).rejects.toThrow(/does not exist/);
  await second.stop();
});
