import { chmodSync, linkSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Store } from "@stackyard/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSqliteStore } from "./create-sqlite-store.ts";

let root: string;
let folder: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "store-files-"));
  folder = join(root, "data");
  mkdirSync(folder);
});
afterEach(() => rmSync(root, { recursive: true }));

const modeOf = (path: string) => statSync(path).mode & 0o777;
const open = async (options: { readonly mustExist?: boolean } = {}) => {
  const store = await createSqliteStore({ folder, ...options });
  await store.close();
};

describe("the files of a store", () => {
  it.each(["stackyard.db", "stackyard.guard"])(
    "are not reached through the link %s, and what it leads to stays",
    async (name) => {
      const other = join(root, "other");
      writeFileSync(other, "", { mode: 0o644 });
      symlinkSync(other, join(folder, name));

      await expect(open()).rejects.toMatchObject({
        code: "STORE_UNAVAILABLE",
        message: expect.stringContaining("link"),
      });

      expect([modeOf(other), statSync(other).size]).toEqual([0o644, 0]);
    },
  );

  it("do not make a file where a link leads nowhere", async () => {
    symlinkSync(join(root, "nowhere"), join(folder, "stackyard.db"));

    await expect(open()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });

    expect(statSync(join(root, "nowhere"), { throwIfNoEntry: false })).toBeUndefined();
  });

  it("leave the mode of another program's database unchanged", async () => {
    const other = join(root, "other.db");
    const database = new DatabaseSync(other);
    database.exec("create table theirs (id)");
    database.close();
    chmodSync(other, 0o644);
    linkSync(other, join(folder, "stackyard.db"));

    await expect(open()).rejects.toMatchObject({ code: "STORE_CORRUPT" });

    expect(modeOf(other)).toBe(0o644);
  });

  it("are for their owner only, also those that were copied there with other rights", async () => {
    await open();
    for (const name of ["stackyard.db", "stackyard.guard"]) chmodSync(join(folder, name), 0o644);

    const store = await createSqliteStore({ folder });
    const modes = ["stackyard.db", "stackyard.db-wal", "stackyard.db-shm", "stackyard.guard", "stackyard.lock"].map(
      (name) => modeOf(join(folder, name)),
    );
    await store.close();

    expect(modes).toEqual([0o600, 0o600, 0o600, 0o600, 0o600]);
  });
});

describe("the database of a store", () => {
  const database = () => join(folder, "stackyard.db");
  const put = (store: Store, key: string) => store.records.put({ key, value: "some", expected: "absent", now: 0 });

  it("has small pages: each change of one goes to the log whole", async () => {
    const store = await createSqliteStore({ folder });
    const before = statSync(`${database()}-wal`).size;
    await put(store, "a");
    const bytes = statSync(`${database()}-wal`).size - before;
    await store.close();

    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThanOrEqual(4 * (2_048 + 24));
  });

  it("keeps the pages that a file has", async () => {
    const other = new DatabaseSync(database());
    other.exec("pragma page_size = 4096; pragma journal_mode = wal; create table old (id); drop table old");
    other.close();

    await open();
    const again = new DatabaseSync(database(), { readOnly: true });
    expect(again.prepare("pragma page_size").get()).toEqual({ page_size: 4_096 });
    again.close();
  });

  it.each(["libsql/sqld#422", "prisma/prisma-engines#4675"])(
    "is read by other programs while it is written (%s)",
    async () => {
      const store = await createSqliteStore({ folder });
      await put(store, "a");
      const reader = new DatabaseSync(database(), { readOnly: true });
      const count = () => reader.prepare("select count(*) as count from record where key = 'a'").get();

      expect(count()).toEqual({ count: 1 });
      await put(store, "c");
      expect(count()).toEqual({ count: 1 });
      reader.close();
      await store.close();
    },
  );
});

describe("a store that must exist", () => {
  it.each([
    ["missing", () => {}],
    ["empty", () => writeFileSync(join(folder, "stackyard.db"), "")],
    ["without tables", () => new DatabaseSync(join(folder, "stackyard.db")).exec("pragma journal_mode = wal")],
  ])("is not made when it is %s", async (_, prepare) => {
    prepare();

    await expect(open({ mustExist: true })).rejects.toMatchObject({ code: "STORE_MISSING" });
  });

  it("is opened when it is there", async () => {
    await open();

    await expect(open({ mustExist: true })).resolves.toBeUndefined();
  });
});

describe("a folder that is a file", () => {
  it("is named as such, also where it is a part of the path", async () => {
    rmSync(folder, { recursive: true });
    writeFileSync(folder, "");
    const openAt = (path: string) => createSqliteStore({ folder: path });

    await expect(openAt(folder)).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
      message: `${folder} is not a folder.`,
    });
    await expect(openAt(join(folder, "inner"))).rejects.toMatchObject({
      message: `The folder ${join(folder, "inner")} cannot be made. Check the path and its rights.`,
    });
  });
});
