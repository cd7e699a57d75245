import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { backUpSqliteStore, restoreSqliteStore } from "./backup.ts";
import { createSqliteStore, type SqliteStore } from "./create-sqlite-store.ts";
import { MIGRATIONS, migrate, openDatabase } from "./schema.ts";
import { storeFilesOf } from "./store-files.ts";

let root = "";
let folder = "";
let file = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "stackyard-backup-"));
  folder = join(root, "data");
  file = join(root, "yard.backup");
  mkdirSync(folder);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const put = (store: SqliteStore, key: string) => store.records.put({ key, value: "", expected: "absent", now: 0 });

async function keysOf(backup: string): Promise<readonly string[]> {
  const restored = join(root, "restored");
  await restoreSqliteStore({ from: backup, folder: restored });
  const store = await createSqliteStore({ folder: restored });
  const { items } = await store.records.list("", { limit: 9, now: 0 });
  await store.close();
  return items.map(({ key }) => key);
}

function versionOf(path: string): unknown {
  const database = new DatabaseSync(path, { readOnly: true });
  const version = database.prepare("pragma user_version").get()?.["user_version"];
  database.close();
  return version;
}

describe("backUpSqliteStore", () => {
  it("copies a store that is closed", async () => {
    const store = await createSqliteStore({ folder });
    await put(store, "a");
    await store.close();

    await backUpSqliteStore({ folder, to: file });

    expect(await keysOf(file)).toEqual(["a"]);
  });

  it.each([
    ["its database", "stackyard.db"],
    ["a log that is there", "stackyard.db-wal"],
    ["a log that is not there", "stackyard.db-journal"],
    ["the key of its secrets", "seal-key"],
    ["its database by a symbolic link", "../link.db"],
    ["its database by a hard link", "../hard.db"],
  ])("refuses to write over %s", async (_, name) => {
    const { database } = storeFilesOf(folder);
    const store = await createSqliteStore({ folder });
    await put(store, "a");
    writeFileSync(join(folder, "seal-key"), "key");
    symlinkSync(database, join(folder, "../link.db"));
    linkSync(database, join(folder, "../hard.db"));

    await expect(backUpSqliteStore({ folder, to: join(folder, name) })).rejects.toMatchObject({ code: "USAGE" });
    await put(store, "b");
    await store.close();

    await backUpSqliteStore({ folder, to: file });
    expect([await keysOf(file), readFileSync(join(folder, "seal-key"), "utf8")]).toEqual([["a", "b"], "key"]);
  });

  it("does not migrate a store of an earlier release, nor its copy", async () => {
    const { database } = storeFilesOf(folder);
    const older = openDatabase(database);
    migrate(older, MIGRATIONS.slice(0, -1));
    older.close();

    await backUpSqliteStore({ folder, to: file });

    expect([versionOf(database), versionOf(file)]).toEqual([MIGRATIONS.length - 1, MIGRATIONS.length - 1]);
  });

  it("contains what a killed owner had acknowledged, which is still in the write-ahead log", async () => {
    const live = join(root, "live");
    const store = await createSqliteStore({ folder: live });
    await put(store, "late");
    for (const name of ["stackyard.db", "stackyard.db-wal"]) copyFileSync(join(live, name), join(folder, name));
    await store.close();

    await backUpSqliteStore({ folder, to: file });

    expect(await keysOf(file)).toEqual(["late"]);
  });

  it("copies a store that is open, with all that was acknowledged before, while its owner writes", async () => {
    const store = await createSqliteStore({ folder });
    await put(store, "before");
    let isDone = false;
    const writing = (async () => {
      for (let number = 0; !isDone; number += 1) await put(store, `during-${number}`);
    })();

    await backUpSqliteStore({ folder, to: file });

    isDone = true;
    await writing;
    await store.close();
    expect(await keysOf(file)).toContain("before");
    await (await createSqliteStore({ folder })).close();
  });

  it.each([
    ["that does not exist", () => {}, "NOT_FOUND"],
    ["that belongs to another program", () => makeOther(), "STORE_CORRUPT"],
  ])("rejects a store %s", async (_where, prepare, code) => {
    prepare();

    await expect(backUpSqliteStore({ folder, to: file })).rejects.toMatchObject({ code });
    expect(existsSync(file)).toBe(false);
  });
});

function makeOther(): void {
  const database = new DatabaseSync(storeFilesOf(folder).database);
  database.exec("create table other (a)");
  database.close();
}
