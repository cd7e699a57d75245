import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type StoreSignal, silentLogger } from "@stackyard/core";
import type { Change, ClaimResult } from "@stackyard/core/engine";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Database } from "./database.ts";
import { commitChange, GroupCommit, type Write } from "./group-commit.ts";
import { migrate, openDatabase } from "./schema.ts";
import { storeFilesOf } from "./store-files.ts";
import { StoreState } from "./store-state.ts";

function aChange(attemptIds: readonly string[]): Change {
  const message = { task: { name: "t" }, stack: { ...STACK, id: "s" }, dispatch: { id: "", attempt: 1, deadline: "" } };
  const facts = {
    stackId: "s",
    incarnation: "l",
    entry: 1,
    task: "t",
    attempt: 1,
    timeoutMs: 1,
    claimWithinMs: 86_400_000,
    cause: "e1",
    cancelWithinMs: 1,
  };
  const dispatches = attemptIds.map((attemptId) => ({ ...facts, attemptId, again: false, message }));
  const lists = { appliedIds: [], park: [], unpark: [], deadLetters: [], history: [], cancels: [], endedAttempts: [] };
  return { stackId: "s", expectedVersion: 0, write: { kind: "keep" }, receipts: [], now: 0, ...lists, dispatches };
}

function anAudited(id: string): Change {
  const who = { kind: "person", id: "ada", name: "ada", groups: [] } as const;
  return { ...aChange([]), audit: [{ id, at: 0, action: "OPENED", outcome: "done", who, via: "api", on: {} }] };
}

const STACK = { previousState: null, machine: "m", _state: "S", tasks: [], metadata: {} };

let folder = "";
let database: Database;
let told: StoreSignal["kind"][][] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "stackyard-group-"));
  database = openDatabase(storeFilesOf(folder).database);
  migrate(database);
  database.script("create table line (text text primary key)");
  told = [];
});
afterEach(() => {
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

function createCommits(maxGroup = 256): GroupCommit {
  return new GroupCommit(new StoreState(database, silentLogger), maxGroup, (kinds) => told.push([...kinds].sort()));
}

function writeLine(text: string): Write<string> {
  return (transaction) => {
    transaction.database.run("insert into line (text) values (?)", text);
    transaction.signal("event");
    return text;
  };
}

function listLines(): string[] {
  return database.all<{ text: string }>("select text from line order by text").map(({ text }) => text);
}

describe("GroupCommit", () => {
  it("writes the calls of one turn in one transaction, and signals once", async () => {
    const commits = createCommits();
    const inTransaction: boolean[] = [];

    const results = await Promise.all(
      ["a", "b", "c"].map((text) =>
        commits.write((transaction) => {
          inTransaction.push(database.isTransaction);
          return writeLine(text)(transaction);
        }),
      ),
    );

    expect(results).toEqual(["a", "b", "c"]);
    expect(inTransaction).toEqual([true, true, true]);
    expect(told).toEqual([["event"]]);
  });

  it("makes no group larger than its limit", async () => {
    const commits = createCommits(2);

    await Promise.all(["a", "b", "c"].map((text) => commits.write(writeLine(text))));

    expect(told).toHaveLength(2);
  });

  it("lets a write that is heavier than the limit have a group of its own", async () => {
    const commits = createCommits(2);

    await Promise.all([commits.write(writeLine("a")), commits.write(writeLine("b"), 9), commits.write(writeLine("c"))]);

    expect(told).toHaveLength(3);
    expect(listLines()).toEqual(["a", "b", "c"]);
  });

  it("undoes only the write that fails, with all that it wrote", async () => {
    const commits = createCommits();
    const effects: string[] = [];
    const failing: Write<never> = (transaction) => {
      transaction.database.run("insert into line (text) values ('half')");
      transaction.afterCommit(() => effects.push("half"));
      throw new Error("no");
    };

    const settled = await Promise.allSettled([
      commits.write(writeLine("a")),
      commits.write(failing),
      commits.write((transaction) => {
        transaction.afterCommit(() => effects.push("b"));
        return writeLine("b")(transaction);
      }),
    ]);

    expect(settled.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(listLines()).toEqual(["a", "b"]);
    expect(effects).toEqual(["b"]);
  });

  it("adds each entry of the audit log once, also after a write of the group has failed", async () => {
    const commits = createCommits();
    const writeAll = (ids: readonly string[]) =>
      ids.map((id) => commits.write((transaction) => commitChange(transaction, anAudited(id))));
    const failing = commits.write((transaction) => {
      commitChange(transaction, anAudited("half"));
      throw new Error("no");
    });

    await Promise.all([...writeAll(["a", "b"]), expect(failing).rejects.toThrow("no")]);
    const more = Array.from({ length: 40 }, (_, index) => `more-${index}`);
    await Promise.all(writeAll(more));

    const rows = database.all<{ key: string; value: string }>("select key, value from record order by version");
    expect(rows.map(({ key }) => key)).toEqual(["a", "b", ...more].map((id) => `audit/pending/${id}`));
    expect(rows.map(({ value }) => JSON.parse(value).id)).toEqual(["a", "b", ...more]);
  });

  it("reads what a failed write did to attempts again, and keeps leases that were renewed", async () => {
    const state = new StoreState(database, silentLogger);
    const commits = new GroupCommit(state, 256, () => undefined);
    const begin: Write<unknown> = (transaction) => state.attempts.commit(transaction, aChange(["a1", "a2"]));
    await commits.write(begin);
    const claim = (attemptId: string): Write<ClaimResult> => {
      const input = { attemptId, owner: "w", leaseMs: 10, exclusiveKeys: ["key:a"], now: 0 };
      return (transaction) => state.attempts.claim(transaction, input);
    };
    const granted = await commits.write(claim("a1"));
    const grant = granted.kind === "granted" ? granted.grant : undefined;
    if (grant !== undefined) state.attempts.renew(grant, { leaseMs: 50, now: 5 });
    state.renewed.add("s");
    const before = state.attempts.listOf("s").map((attempt) => state.attempts.view(attempt));

    const failing = commits.write((transaction) => {
      claim("a2")(transaction);
      throw new Error("no");
    });

    await expect(failing).rejects.toThrow("no");
    const after = await commits.read(({ attempts }) => attempts.listOf("s").map((each) => attempts.view(each)));
    expect(after).toEqual(before);
    expect(after.map(({ status, leaseUntil }) => [status, leaseUntil])).toEqual([
      ["running", 55],
      ["unclaimed", undefined],
    ]);
  });

  it("gives an error of SQLite to its own caller, as one of ours", async () => {
    const commits = createCommits();

    const settled = await Promise.allSettled(["a", "a", "b"].map((text) => commits.write(writeLine(text))));

    expect(settled.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(settled[1]).toMatchObject({ reason: { code: "STORE_UNAVAILABLE" } });
  });

  it("answers only what is on the disk: when the commit fails nothing is answered as done", async () => {
    const commits = createCommits();
    database.script("create table parent (id integer primary key)");
    database.script("create table child (id integer references parent deferrable initially deferred)");
    const dangling: Write<void> = (transaction) => {
      transaction.database.run("insert into child (id) values (7)");
    };

    const settled = await Promise.allSettled([commits.write(writeLine("a")), commits.write(dangling)]);

    expect(settled.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    expect(database.get("select count(*) as n from child")).toMatchObject({ n: 0 });
    expect(listLines()).toEqual(["a"]);
  });

  it("keeps the order of the calls", async () => {
    const commits = createCommits(3);
    const order: number[] = [];

    await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        commits.write(() => {
          order.push(index);
        }),
      ),
    );

    expect(order).toEqual([...order].sort((a, b) => a - b));
  });

  it("writes what waits when it is closed, and refuses what comes later", async () => {
    const commits = createCommits();
    const waiting = commits.write(writeLine("a"));

    commits.close();

    await expect(waiting).resolves.toBe("a");
    await expect(commits.write(writeLine("b"))).rejects.toMatchObject({ code: "STORE_CLOSED" });
    await expect(commits.read(() => 1)).rejects.toMatchObject({ code: "STORE_CLOSED" });
  });

  it("reports a full disk to each caller and continues when there is space again", async () => {
    const commits = createCommits();
    const pages = database.get<{ page_count: number }>("pragma page_count")?.page_count ?? 0;
    database.script(`pragma max_page_count = ${pages}`);
    const large = Array.from({ length: 5 }, (_, index) => String(index).repeat(9_000));

    const settled = await Promise.allSettled(large.map((text) => commits.write(writeLine(text))));

    expect(settled.map((one) => (one.status === "rejected" ? one.reason.code : "done"))).toContain("STORE_UNAVAILABLE");
    database.script("pragma max_page_count = 1000000");
    await expect(commits.write(writeLine("again"))).resolves.toBe("again");
  });
});
