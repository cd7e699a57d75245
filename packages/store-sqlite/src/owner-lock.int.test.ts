import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSqliteStore } from "./create-sqlite-store.ts";
import { storeFilesOf } from "./store-files.ts";
import { type Program, runInProcess, sourceUrl } from "./testing/run-in-process.ts";

let folder = "";
let programs: Program[] = [];
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), "stackyard-lock-")), "data");
});
afterEach(async () => {
  for (const program of programs) await program.kill();
  programs = [];
  rmSync(join(folder, ".."), { recursive: true, force: true });
});

/** Opens and closes the store as messages ask, and prints each outcome. */
const OWNER = `
  import { createInterface } from "node:readline";
  import { createSqliteStore } from ${JSON.stringify(sourceUrl)};
  let store;
  for await (const line of createInterface(process.stdin)) {
    try {
      if (line === "open") store = await createSqliteStore({ folder: process.argv[1] });
      else await store.close();
      console.log(line);
    } catch (error) {
      console.log(error.code + " " + error.message);
    }
  }`;

function startOwner(): Program {
  const program = runInProcess(OWNER, folder);
  programs.push(program);
  return program;
}

/** Returns the first line of the outcome. */
function ask({ process: { stdin }, line }: Program, message: "open" | "close"): Promise<string> {
  stdin?.write(`${message}\n`);
  return line();
}

function readLock(): unknown {
  return JSON.parse(readFileSync(storeFilesOf(folder).lock, "utf8"));
}

describe("the lock of a store", () => {
  it("names the owner while the store is open, and is gone afterwards", async () => {
    const store = await createSqliteStore({ folder, clock: { now: () => Date.UTC(2026, 0, 1) } });

    expect(readLock()).toEqual({
      pid: process.pid,
      host: hostname(),
      startedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      since: "2026-01-01T00:00:00.000Z",
    });
    await store.close();
    expect(existsSync(storeFilesOf(folder).lock)).toBe(false);
  });

  it("refuses a second store of the same process", async () => {
    const store = await createSqliteStore({ folder });

    await expect(createSqliteStore({ folder })).rejects.toMatchObject({ code: "STORE_LOCKED" });

    await store.close();
    await (await createSqliteStore({ folder })).close();
  });

  it("refuses while another process has the store open, and says which and what to do", async () => {
    const owner = startOwner();
    expect(await ask(owner, "open")).toBe("open");

    const refused = createSqliteStore({ folder });

    await expect(refused).rejects.toMatchObject({
      code: "STORE_LOCKED",
      message: expect.stringMatching(new RegExp(`process ${owner.process.pid} on .*, since .*Stop that process`)),
      details: { owner: { pid: owner.process.pid, host: hostname() } },
    });
    expect(await ask(owner, "close")).toBe("close");
    await (await createSqliteStore({ folder })).close();
  });

  it("is taken over at once when its owner was killed, and this is logged", async () => {
    const owner = startOwner();
    await ask(owner, "open");
    await owner.kill();
    const warned: unknown[] = [];
    const logger = { debug() {}, info() {}, error() {}, warn: (_: string, fields?: object) => warned.push(fields) };

    const store = await createSqliteStore({ folder, logger });

    expect(warned).toEqual([{ owner: expect.objectContaining({ pid: owner.process.pid }) }]);
    expect(readLock()).toMatchObject({ pid: process.pid });
    await store.close();
  });

  it("is taken over when the dead owner's pid belongs to another process now", async () => {
    await (await createSqliteStore({ folder })).close();
    const bystander = runInProcess("setInterval(() => {}, 1000); console.log('up');");
    programs.push(bystander);
    await bystander.line();
    const left = { pid: bystander.process.pid, host: hostname(), startedAt: "2020-01-01T00:00:00.000Z", since: "" };
    writeFileSync(storeFilesOf(folder).lock, JSON.stringify(left));

    await (await createSqliteStore({ folder })).close();
  });

  it("is taken although the lock file cannot be read", async () => {
    await (await createSqliteStore({ folder })).close();
    writeFileSync(storeFilesOf(folder).lock, "{ half");

    await (await createSqliteStore({ folder })).close();
  });

  it("goes to one of several processes that ask at the same time, also after a crash", async () => {
    const owners = Array.from({ length: 5 }, startOwner);
    while (owners.length > 1) {
      const answers = await Promise.all(owners.map((owner) => ask(owner, "open")));

      expect(answers.filter((answer) => answer === "open")).toHaveLength(1);
      expect(answers.filter((answer) => answer.startsWith("STORE_LOCKED "))).toHaveLength(owners.length - 1);
      for (const owner of owners.splice(answers.indexOf("open"), 1)) await owner.kill();
    }
  });

  it("is granted while another process that asks has only begun to", async () => {
    await (await createSqliteStore({ folder })).close();
    // Between its two locks: SQLite takes a shared one, which all may have, and then the one that only one process gets.
    const asking = new DatabaseSync(storeFilesOf(folder).guard);
    asking.exec("begin; select * from sqlite_schema");

    const store = await createSqliteStore({ folder });

    expect(() => asking.exec("begin immediate")).toThrow();
    asking.close();
    await expect(createSqliteStore({ folder })).rejects.toMatchObject({ code: "STORE_LOCKED" });
    await store.close();
  });

  it.each(["null", "7", "{}", '{"pid":"x","host":1}', "x".repeat(100_000)])(
    "names no owner when the lock file does not (%#)",
    async (text) => {
      const store = await createSqliteStore({ folder });
      writeFileSync(storeFilesOf(folder).lock, text);

      await expect(createSqliteStore({ folder })).rejects.toMatchObject({
        code: "STORE_LOCKED",
        message: expect.stringContaining("is open in another process."),
      });

      await store.close();
    },
  );

  it("is given back when its file cannot be written", async () => {
    mkdirSync(storeFilesOf(folder).lock, { recursive: true });

    await expect(createSqliteStore({ folder })).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });

    expect(readdirSync(folder).filter((name) => name.startsWith("stackyard.lock"))).toEqual(["stackyard.lock"]);
    rmSync(storeFilesOf(folder).lock, { recursive: true });
    await (await createSqliteStore({ folder })).close();
  });

  it("leaves nothing locked when the store cannot be read, whose file it names", async () => {
    await (await createSqliteStore({ folder })).close();
    writeFileSync(storeFilesOf(folder).database, "no database at all, but long enough for a header".repeat(20));

    await expect(createSqliteStore({ folder })).rejects.toMatchObject({
      code: "STORE_CORRUPT",
      message: expect.stringContaining(storeFilesOf(folder).database),
    });

    expect(existsSync(storeFilesOf(folder).lock)).toBe(false);
  });
});

describe("the files of a store", () => {
  it("are not put into another program's database", async () => {
    mkdirSync(folder);
    const other = new DatabaseSync(storeFilesOf(folder).database);
    other.exec("create table other (a)");
    const before = readFileSync(storeFilesOf(folder).database);

    await expect(createSqliteStore({ folder })).rejects.toMatchObject({ code: "STORE_CORRUPT" });

    other.close();
    expect(readFileSync(storeFilesOf(folder).database)).toEqual(before);
  });

  it("are for their owner only", async () => {
    const store = await createSqliteStore({ folder });
    await store.enqueue([{ id: "e", stackId: "s", origin: "external", message: {}, receivedAt: 0 }]);
    const { database, guard, lock } = storeFilesOf(folder);

    const modes = [folder, database, `${database}-wal`, `${database}-shm`, guard, lock].map(
      (file) => statSync(file).mode & 0o777,
    );

    expect(modes).toEqual([0o700, 0o600, 0o600, 0o600, 0o600, 0o600]);
    await store.close();
  });

  it("say so when they cannot be made", async () => {
    writeFileSync(join(folder, "..", "file"), "");

    await expect(createSqliteStore({ folder: join(folder, "..", "file", "data") })).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
    });
  });
});
