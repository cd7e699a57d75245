import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { restoreSqliteStore } from "./backup.ts";
import { createSqliteStore, type SqliteStore } from "./create-sqlite-store.ts";
import { storeFilesOf } from "./store-files.ts";

let root = "";
let folder = "";
let file = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "stackyard-backup-"));
  folder = join(root, "data");
  file = join(root, "yard.backup");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

async function putAll(store: SqliteStore, keys: readonly string[]): Promise<void> {
  for (const key of keys) {
    await store.records.put({ key, value: "x".repeat(1_000), expected: "absent", now: 0 });
  }
}

async function listKeys(store: SqliteStore): Promise<string[]> {
  return (await store.records.list("", { limit: 1_000, now: 0 })).items.map(({ key }) => key);
}

/** Opens a folder's store, lists its records, closes it. */
async function keysIn(other: string): Promise<string[]> {
  const store = await createSqliteStore({ folder: other });
  const keys = await listKeys(store);
  await store.close();
  return keys;
}

async function backUpOne(): Promise<void> {
  const store = await createSqliteStore({ folder });
  await putAll(store, ["a"]);
  await store.backup(file);
  await store.close();
}

describe("backup", () => {
  it("copies the store into one file, which restore makes a store of", async () => {
    await backUpOne();

    await restoreSqliteStore({ from: file, folder: join(root, "other") });

    expect(await keysIn(join(root, "other"))).toEqual(["a"]);
    expect(readdirSync(root).sort()).toEqual(["data", "other", "yard.backup"]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it("works while the store is written, and has everything that was answered before it began", async () => {
    const store = await createSqliteStore({ folder });
    const before = Array.from({ length: 300 }, (_, index) => `before-${String(index).padStart(3, "0")}`);
    await putAll(store, before);
    let copying = true;

    const copy = store.backup(file).finally(() => {
      copying = false;
    });
    for (let index = 0; copying; index += 1) await putAll(store, [`during-${index}`]);
    await copy;

    await store.close();
    await restoreSqliteStore({ from: file, folder: join(root, "other") });
    expect((await keysIn(join(root, "other"))).filter((key) => key.startsWith("before"))).toEqual(before);
  });

  it("replaces an older backup only when it is complete", async () => {
    await backUpOne();
    const older = readFileSync(file);
    const store = await createSqliteStore({ folder });

    await expect(store.backup(join(root, "nowhere", "yard.backup"))).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
    });
    expect(readFileSync(file).equals(older)).toBe(true);
    await putAll(store, ["b"]);
    await store.backup(file);

    await store.close();
    await restoreSqliteStore({ from: file, folder: join(root, "other") });
    expect(await keysIn(join(root, "other"))).toEqual(["a", "b"]);
  });

  it("is finished before the store is closed", async () => {
    const store = await createSqliteStore({ folder });
    await putAll(store, ["a"]);
    const copy = store.backup(file);

    await store.close();

    await copy;
    await restoreSqliteStore({ from: file, folder: join(root, "other") });
    expect(await keysIn(join(root, "other"))).toEqual(["a"]);
  });

  it("is refused by a closed store", async () => {
    const store = await createSqliteStore({ folder });
    await store.close();

    await expect(store.backup(file)).rejects.toMatchObject({ code: "STORE_CLOSED" });
  });
});

describe("restoreSqliteStore", () => {
  it("refuses a folder whose store is open", async () => {
    await backUpOne();
    const store = await createSqliteStore({ folder });

    await expect(restoreSqliteStore({ from: file, folder, replace: true })).rejects.toMatchObject({
      code: "STORE_LOCKED",
    });

    expect(await listKeys(store)).toEqual(["a"]);
    await store.close();
  });

  it("refuses a folder that holds a store, unless it shall be replaced, and then keeps the old one", async () => {
    await backUpOne();
    const store = await createSqliteStore({ folder });
    await putAll(store, ["b"]);
    await store.close();

    await expect(restoreSqliteStore({ from: file, folder })).rejects.toMatchObject({ code: "USAGE" });
    expect(await keysIn(folder)).toEqual(["a", "b"]);
    await restoreSqliteStore({ from: file, folder, replace: true }, { clock: { now: () => 0 } });

    expect(await keysIn(folder)).toEqual(["a"]);
    expect(existsSync(join(folder, "stackyard.db.before-1970-01-01T00-00-00-000Z"))).toBe(true);
  });

  it("has the old store in its place until the new one is there, whatever stops it", async () => {
    await backUpOne();
    const { database } = storeFilesOf(folder);
    // What was not folded into the store yet cannot be put aside.
    writeFileSync(`${database}-wal`, "x");
    mkdirSync(`${database}.before-1970-01-01T00-00-00-000Z-wal`);

    await restoreSqliteStore({ from: file, folder, replace: true }, { clock: { now: () => 0 } }).catch(() => undefined);

    expect(existsSync(database)).toBe(true);
    expect(await keysIn(folder)).toEqual(["a"]);
  });

  it("keeps what a killed owner had answered with the old store", async () => {
    const store = await createSqliteStore({ folder });
    await store.backup(file);
    await putAll(store, ["late"]);
    const killed = join(root, "killed");
    cpSync(folder, killed, { recursive: true });
    await store.close();

    await restoreSqliteStore({ from: file, folder: killed, replace: true }, { clock: { now: () => 0 } });

    const aside = join(root, "aside");
    mkdirSync(aside);
    renameSync(join(killed, "stackyard.db.before-1970-01-01T00-00-00-000Z"), storeFilesOf(aside).database);
    expect([await keysIn(killed), await keysIn(aside)]).toEqual([[], ["late"]]);
  });

  it("replaces a store that cannot be read", async () => {
    await backUpOne();
    writeFileSync(storeFilesOf(folder).database, "text".repeat(3_000));

    await restoreSqliteStore({ from: file, folder, replace: true }, { clock: { now: () => 0 } });

    expect(await keysIn(folder)).toEqual(["a"]);
    expect(readFileSync(join(folder, "stackyard.db.before-1970-01-01T00-00-00-000Z"), "utf8")).toMatch(/^text/);
  });

  it.each([
    ["is not a database", () => writeFileSync(file, "text".repeat(3_000)), "STORE_CORRUPT"],
    ["is another program's database", () => change("create table other (a)"), "STORE_CORRUPT"],
    ["is damaged", () => damage(file), "STORE_CORRUPT"],
    ["is of a later release", () => change("pragma user_version = 99"), "STORE_TOO_NEW"],
    ["is not there", () => rmSync(file), "NOT_FOUND"],
  ])("refuses a file that %s, and leaves the folder as it was", async (_, spoil, code) => {
    await backUpOne();
    if (code === "STORE_CORRUPT" && _ !== "is damaged") rmSync(file);
    spoil();

    await expect(restoreSqliteStore({ from: file, folder, replace: true })).rejects.toMatchObject({ code });

    expect(await keysIn(folder)).toEqual(["a"]);
    expect(readdirSync(folder).filter((name) => name.includes("restoring") || name.includes("before"))).toEqual([]);
  });
});

function change(sql: string): void {
  const database = new DatabaseSync(file);
  database.exec(sql);
  database.close();
}

function damage(path: string): void {
  const bytes = readFileSync(path);
  // All pages but the first, which says what the file is.
  bytes.fill(0xff, 2_048, 2_048 * 20);
  writeFileSync(path, bytes);
}

describe("a damaged store", () => {
  it("answers STORE_CORRUPT when the damage is met", async () => {
    await backUpOne();
    damage(storeFilesOf(folder).database);

    const opened = createSqliteStore({ folder }).then(async (store) => {
      try {
        await store.queries.listHistory({}, { limit: 1 });
        await store.queries.listStacks({}, { limit: 1 });
        await store.load(["a"]);
      } finally {
        await store.close();
      }
    });

    await expect(opened).rejects.toMatchObject({
      code: "STORE_CORRUPT",
      retryable: false,
      message: expect.stringMatching(/^The store \/.*\.db cannot be read/),
    });
  });
});
