// @module-tag adapter
import { DeleteItemCommand, GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { createFakeClock } from "@stackyard/core/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type LockTable, startLockTable } from "../testing/yards.ts";
import { CLOCKS_APART_MS } from "./lock-files.ts";
import { createDynamoLock } from "./lock-stores.ts";

const PATH = "1/org/web/prod/lock";

describe("the lock table", () => {
  let table: LockTable;
  beforeAll(async () => {
    table = await startLockTable();
  });
  afterAll(() => table.stop());
  beforeEach(() => table.client.send(new DeleteItemCommand({ TableName: table.name, Key: { key: { S: PATH } } })));

  function createLock() {
    const clock = createFakeClock();
    return { clock, lock: createDynamoLock({ client: table.client, table: table.name, clock }) };
  }

  const read = async () =>
    (await table.client.send(new GetItemCommand({ TableName: table.name, Key: { key: { S: PATH } } }))).Item;

  it("holds the predecessor's item, and our end of it", async () => {
    const { lock } = createLock();

    expect(await lock.take(PATH, { owner: "u1", until: 5 })).toBe("taken");

    expect(await read()).toEqual({
      key: { S: PATH },
      id: { S: "u1" },
      time: { S: "2026-01-01T00:00:00.000Z" },
      until: { N: "5" },
    });
  });

  it("is taken by one of many at a time, and by the same one again", async () => {
    const { lock, clock } = createLock();
    const until = clock.now() + 60_000;

    const answers = await Promise.all(["u1", "u2", "u3"].map((owner) => lock.take(PATH, { owner, until })));
    const winner = `u${answers.indexOf("taken") + 1}`;

    expect([...answers].sort()).toEqual(["held", "held", "taken"]);
    expect(await lock.take(PATH, { owner: winner, until })).toBe("taken");
  });

  it("never takes over the predecessor's lock, and takes over ours only after its end", async () => {
    const { lock, clock } = createLock();
    const Item = { key: { S: PATH }, id: { S: "odin" }, time: { S: "2020-01-01T00:00:00Z" } };
    await table.client.send(new PutItemCommand({ TableName: table.name, Item }));

    expect(await lock.take(PATH, { owner: "u1", until: 5 })).toBe("held");
    await lock.remove(PATH);
    await lock.take(PATH, { owner: "u1", until: clock.now() });
    expect(await lock.take(PATH, { owner: "u2" })).toBe("held");
    await clock.advance(CLOCKS_APART_MS + 1);
    expect(await lock.take(PATH, { owner: "u2" })).toBe("taken");
  });

  it("is renewed by its owner only, and kept without an end", async () => {
    const { lock } = createLock();
    await lock.take(PATH, { owner: "u1", until: 5 });

    expect(await lock.renew(PATH, { owner: "u2", until: 9 })).toBe(false);
    expect(await lock.renew(PATH, { owner: "u1", until: 9 })).toBe(true);
    expect((await read())?.["until"]).toEqual({ N: "9" });
    await lock.renew(PATH, { owner: "u1" });
    expect((await read())?.["until"]).toBeUndefined();
  });

  it("is released although nothing is there, and left alone when it is another's", async () => {
    const { lock } = createLock();
    expect(await lock.release(PATH, "u1")).toBe(true);
    await lock.take(PATH, { owner: "u2", until: 5 });
    expect(await lock.release(PATH, "u1")).toBe(false);

    expect((await read())?.["id"]).toEqual({ S: "u2" });
    expect(await lock.release(PATH, "u2")).toBe(true);
    expect(await read()).toBeUndefined();
  });

  it("prints the command that removes an item by hand", () => {
    expect(createLock().lock.locate(PATH).removeCommand).toBe(
      `aws dynamodb delete-item --table-name coinbase-odin-locks --key '{"key":{"S":"${PATH}"}}'`,
    );
  });
});
