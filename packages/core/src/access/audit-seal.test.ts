import { describe, expect, it } from "vitest";
import { createLeases } from "../engine/built-in-ports.ts";
import { StackyardError } from "../errors/stackyard-error.ts";
import { createMemoryRecords } from "../memory/memory-records.ts";
import { type Logger, silentLogger } from "../ports/executor.ts";
import type { Records } from "../ports/records.ts";
import { type AuditHead, checkChain, parseLine } from "./audit-chain.ts";
import type { AuditEntry, PendingEntry } from "./audit-entry.ts";
import { createAuditLog } from "./audit-log.ts";
import { type AuditSealer, createAuditSealer } from "./audit-seal.ts";
import { readSignedHead } from "./signed-head.ts";

const DAY_MS = 86_400_000;
const LATER_MS = 60_000;

/** A store of records whose processes may die at any call. */
function createBench() {
  const kept = createMemoryRecords();
  const clock = { now: 1_000 * DAY_MS };
  let owners = 0;
  let entries = 0;

  const warnings: string[] = [];
  const logged: Readonly<Record<string, unknown>>[] = [];
  const logger: Logger = {
    ...silentLogger,
    warn: (message) => void warnings.push(message),
    info: (message, fields) => void logged.push({ message, ...fields }),
  };

  function start(records: Records = kept, retentionMs = 400 * DAY_MS): AuditSealer {
    owners += 1;
    const own = { now: () => clock.now };
    const leases = createLeases(records, { clock: { ...own, sleep: async () => undefined } });
    let ids = 0;
    const owner = `p${owners}`;
    const next = () => {
      ids += 1;
      return `zz-${owner}-${ids}`;
    };
    return createAuditSealer({ records, leases, clock: own, ids: { next }, logger, owner }, { retentionMs });
  }

  async function add(count: number, fields: Partial<PendingEntry> = {}): Promise<readonly string[]> {
    const ids: string[] = [];
    for (let index = 0; index < count; index += 1) {
      entries += 1;
      const id = `01${String(entries).padStart(6, "0")}`;
      const who = { kind: "person", id: "00u1", name: "ada", groups: [] } as const;
      const entry: AuditEntry = { id, at: clock.now, action: "A", outcome: "done", who, via: "api", on: {} };
      await kept.put({ key: `audit/pending/${id}`, value: { ...entry, ...fields }, expected: "absent", now: 0 });
      ids.push(id);
    }
    return ids;
  }

  const list = async (prefix: string) => (await kept.list(prefix, { limit: 1_000, now: clock.now })).items;

  /** The present chain, checked against its head. */
  async function read() {
    const texts = (await list("audit/log/")).map(({ value }) => String(value));
    const head = (await kept.get("audit/head", clock.now))?.value as AuditHead | undefined;
    const check = checkChain(head, clock.now);
    for (const text of texts) check.add(text);
    return {
      report: check.end(),
      head,
      ids: texts.map((text) => parseLine(text)?.id ?? ""),
      actions: texts.map((text) => parseLine(text)?.action ?? ""),
      pending: (await list("audit/pending/")).length,
      marks: (await list("audit/sealed/")).length,
    };
  }

  /** Lets that much time pass, while a process runs now and then. */
  async function pass(ms: number): Promise<void> {
    for (const end = clock.now + ms; clock.now < end; clock.now += DAY_MS / 2) await start(kept, 9_999 * DAY_MS).seal();
  }

  return { kept, clock, start, add, read, pass, warnings, logged };
}

/** Records of a process that dies with its call of this number: before the call takes effect, or after it. */
function createDying(kept: Records, dieAt: number, when: "before" | "after") {
  let calls = 0;
  const die = async <Result>(call: () => Promise<Result>): Promise<Result> => {
    calls += 1;
    if (calls > dieAt || (calls === dieAt && when === "before")) throw new Error("killed");
    const result = await call();
    if (calls >= dieAt) throw new Error("killed");
    return result;
  };
  const records: Records = {
    get: (key, now) => die(() => kept.get(key, now)),
    put: (input) => die(() => kept.put(input)),
    remove: (key, expected) => die(() => kept.remove(key, expected)),
    list: (prefix, page) => die(() => kept.list(prefix, page)),
  };
  return { records, hasDied: () => calls >= dieAt };
}

async function sealAll(sealer: AuditSealer): Promise<number> {
  let sum = 0;
  for (let sealed = await sealer.seal(); sealed > 0; sealed = await sealer.seal()) sum += sealed;
  return sum;
}

describe("sealing", () => {
  it("writes what waits into a chain, in order of ids, and removes what waited", async () => {
    const { start, add, read } = createBench();
    const ids = await add(3);

    const sealed = await start().seal();

    expect(sealed).toBe(3);
    expect(await read()).toMatchObject({ ids, pending: 0, report: { kind: "whole", lines: 3 }, head: { seq: 3 } });
  });

  it("continues the chain, over batches and processes", async () => {
    const { clock, start, add, read } = createBench();
    const first = await add(600);
    const one = start();
    await sealAll(one);
    const second = await add(2);
    await one.seal();
    clock.now += LATER_MS;
    const third = await add(2);

    await start().seal();

    expect(await read()).toMatchObject({ ids: [...first, ...second, ...third], report: { kind: "whole", lines: 604 } });
  });

  it("leaves the work to the process that holds the lease", async () => {
    const { clock, start, add, read } = createBench();
    const [one, two] = [start(), start()];
    await add(1);
    await one.seal();
    await add(1);

    expect(await two.seal()).toBe(0);
    clock.now += LATER_MS;
    expect(await two.seal()).toBe(1);
    await add(1);
    expect([await one.seal(), await two.seal()]).toEqual([0, 1]);
    expect(await read()).toMatchObject({ report: { kind: "whole", lines: 3 }, pending: 0 });
  });

  it.each(["before", "after"] as const)("loses and doubles nothing when it is killed %s any call", async (when) => {
    for (let dieAt = 1, died = true; died; dieAt += 1) {
      const { kept, clock, start, add, read } = createBench();
      const old = await add(2);
      const sealer = start();
      await sealer.seal();
      clock.now += LATER_MS;
      const ids = await add(3);
      const relayed = await add(2, { relayed: true });
      const dying = createDying(kept, dieAt, when);
      await sealAll(start(dying.records)).catch(() => undefined);
      died = dying.hasDied();
      clock.now += LATER_MS;
      const late = await add(1);

      await sealAll(start());

      const found = await read();
      expect(found, `killed ${when} call ${dieAt}`).toMatchObject({
        report: { kind: "whole", lines: 8 },
        pending: 0,
        marks: 2,
      });
      expect(found.ids.toSorted(), `killed ${when} call ${dieAt}`).toEqual([...old, ...ids, ...relayed, ...late]);
    }
  });

  it.each(["before", "after"] as const)("prunes once when it is killed %s any call", async (when) => {
    for (let dieAt = 1, died = true; died; dieAt += 1) {
      const { kept, clock, start, add, read, pass } = createBench();
      await add(3);
      await pass(40 * DAY_MS);
      const young = await add(2);
      await start().seal();
      const dying = createDying(kept, dieAt, when);
      clock.now += LATER_MS;
      await sealAll(start(dying.records, 30 * DAY_MS)).catch(() => undefined);
      died = dying.hasDied();
      clock.now += LATER_MS;

      await sealAll(start(kept, 30 * DAY_MS));

      const found = await read();
      const seen = `killed ${when} call ${dieAt}`;
      expect(found, seen).toMatchObject({
        report: { kind: "whole", first: 3 },
        pending: 0,
        head: { first: { seq: 3 } },
      });
      // The last old line stays: it shows how old those before it were.
      expect(found.actions, seen).toEqual(["A", "A", "A", "pruneAudit"]);
      expect(found.ids.slice(1, 3), seen).toEqual(young);
    }
  });

  it("never prunes the newest line, so that the chain continues behind a log that is old as a whole", async () => {
    const { start, add, read, pass } = createBench();
    await add(3);
    await pass(402 * DAY_MS);

    await sealAll(start());

    const actions = ["A", "pruneAudit", "pruneAudit"];
    expect(await read()).toMatchObject({ actions, report: { kind: "whole", first: 3 } });
  });

  it.each([2, 500])("prunes nothing for a day after the clock has jumped by %i days, and warns", async (days) => {
    const { clock, start, add, read, pass, warnings } = createBench();
    await add(2);
    await pass(401 * DAY_MS);
    await add(1);
    clock.now += days * DAY_MS;

    for (let hour = 0; hour < 23; hour += 1) {
      await sealAll(start());
      clock.now += DAY_MS / 24;
    }

    expect((await read()).head?.first).toEqual({ seq: 1, prev: "" });
    expect(warnings).toEqual([expect.stringContaining("The clock has jumped by more than a day.")]);
  });

  it("prunes again when the clock has been steady for a day", async () => {
    const { clock, start, add, read, pass } = createBench();
    await add(3);
    await pass(2 * DAY_MS);
    clock.now += 500 * DAY_MS;
    await pass(2 * DAY_MS);
    await add(1);

    await sealAll(start());

    expect(await read()).toMatchObject({ report: { kind: "whole" }, head: { first: { seq: 3 } } });
  });

  /** Checks the log as `audit verify` does. */
  async function verify({ kept, clock }: ReturnType<typeof createBench>) {
    const log = createAuditLog({ records: kept, clock: { now: () => clock.now } });
    const check = checkChain(await log.head(), clock.now);
    for await (const text of log.readTexts()) check.add(text);
    return check.end();
  }

  async function removeAll({ kept, clock }: ReturnType<typeof createBench>, prefix: string): Promise<void> {
    const { items } = await kept.list(prefix, { limit: 1_000, now: clock.now });
    for (const { key, version } of items) await kept.remove(key, version);
  }

  it("notes its end outside of the log, so that a log that was removed is not empty", async () => {
    const bench = createBench();
    await bench.add(5);
    await bench.start().seal();
    expect(await verify(bench)).toMatchObject({ kind: "whole", lines: 5 });

    await removeAll(bench, "audit/");
    expect(await verify(bench)).toEqual({ kind: "broken", fault: { kind: "removed", seq: 1 } });

    await bench.add(2);
    bench.clock.now += LATER_MS;
    await bench.start().seal();
    expect(await verify(bench)).toEqual({ kind: "broken", fault: { kind: "beginning", seq: 6 } });
    expect((await bench.read()).head).toMatchObject({ seq: 7, first: { seq: 6 } });
  });

  it("misses what was removed with the head, and the head alone", async () => {
    const bench = createBench();
    await bench.add(5);
    await bench.start().seal();
    await removeAll(bench, "audit/head");
    expect(await verify(bench)).toEqual({ kind: "broken", fault: { kind: "head", seq: 1 } });

    await removeAll(bench, "audit/log/0000000000000005");
    expect(await verify(bench)).toEqual({ kind: "broken", fault: { kind: "removed", seq: 5 } });
    await removeAll(bench, "audit/log/0000000000000001");
    expect(await verify(bench)).toMatchObject({ kind: "broken" });
  });

  it("cannot distinguish a log whose noted end was removed too from an empty one", async () => {
    const bench = createBench();
    await bench.add(5);
    await bench.start().seal();
    await removeAll(bench, "audit/");
    await removeAll(bench, "yard/audit-end");

    expect(await verify(bench)).toMatchObject({ kind: "whole", lines: 0 });
  });

  it("keeps all lines when the head was removed", async () => {
    const { kept, clock, start, add, read, pass } = createBench();
    await add(3);
    await pass(402 * DAY_MS);
    await add(2);
    await sealAll(start());
    const before = await read();
    await kept.remove("audit/head", (await kept.get("audit/head", clock.now))?.version ?? 0);
    clock.now += LATER_MS;
    const ids = await add(1);

    await sealAll(start());

    const after = await read();
    expect(after).toMatchObject({
      report: { kind: "whole", first: before.head?.first.seq },
      ids: [...before.ids, ...ids],
    });
  });

  it("is not confused by entries that a store relays again after they were sealed", async () => {
    const { kept, clock, start, add, read } = createBench();
    const [id = ""] = await add(1, { relayed: true });
    const record = await kept.get(`audit/pending/${id}`, clock.now);
    const sealer = start();
    await sealer.seal();
    await kept.put({ key: `audit/pending/${id}`, value: record?.value, expected: "absent", now: clock.now });
    const ids = await add(1);

    expect(await sealer.seal()).toBe(1);

    expect(await read()).toMatchObject({ ids: [id, ...ids], pending: 0, report: { kind: "whole" } });
  });

  it("stops before it breaks the chain when another process writes at the same time", async () => {
    const { kept, clock, start, add, read } = createBench();
    await add(2);
    const slow = createHeldBack(kept);
    const stuck = start(slow.records).seal();
    await slow.reached;
    clock.now += LATER_MS;
    const ids = await add(2);
    const other = start();
    await sealAll(other);
    slow.go();
    await stuck;
    await add(1);

    await sealAll(other);
    clock.now += LATER_MS;
    await sealAll(start());

    const found = await read();
    expect(found).toMatchObject({ report: { kind: "whole", lines: 5 }, pending: 0 });
    expect(new Set(found.ids).size).toBe(5);
    expect(found.ids).toEqual(expect.arrayContaining([...ids]));
  });

  it("removes no lines that a later owner writes while it finishes what an earlier one has begun", async () => {
    const { kept, clock, start, add, read } = createBench();
    const ids = await add(3);
    const { promise: written, resolve: write } = Promise.withResolvers<void>();
    // Its later lines are there before its first one.
    const other = start({
      ...kept,
      async put(input) {
        if (input.key.endsWith("1") && input.key.startsWith("audit/log/")) await written;
        return kept.put(input);
      },
    });
    let sealing: Promise<number> | undefined;
    const one = start({
      ...kept,
      async list(prefix, page) {
        if (prefix === "audit/log/" && sealing === undefined) {
          clock.now += LATER_MS;
          sealing = other.seal();
          await expect.poll(async () => (await kept.list(prefix, { limit: 9, now: clock.now })).items.length).toBe(2);
        }
        return kept.list(prefix, page);
      },
    });

    expect(await one.seal()).toBe(0);
    write();

    expect(await sealing).toBe(3);
    expect(await read()).toMatchObject({ ids, pending: 0, report: { kind: "whole", lines: 3 } });
  });

  it("leaves a record alone that is not an entry", async () => {
    const { kept, start, add, read } = createBench();
    for (const value of [null, 3, {}, { id: "other" }]) {
      await kept.put({ key: `audit/pending/00-${JSON.stringify(value)}`, value, expected: "absent", now: 0 });
    }
    await add(1);

    expect(await start().seal()).toBe(1);
    expect(await read()).toMatchObject({ pending: 4, report: { kind: "whole", lines: 1 } });
  });
});

/** Records that hold back the first write of the head after lines, until `go`. */
function createHeldBack(kept: Records) {
  const { promise: gone, resolve: go } = Promise.withResolvers<void>();
  const { promise: reached, resolve: reach } = Promise.withResolvers<void>();
  let heads = 0;
  const records: Records = {
    ...kept,
    async put(input) {
      if (input.key === "audit/head") heads += 1;
      if (input.key === "audit/head" && heads === 2) {
        reach();
        await gone;
      }
      return kept.put(input);
    },
  };
  return { records, go, reached };
}

describe("the signed head", () => {
  const HOUR_MS = 3_600_000;

  it("is logged by one process in each hour of the clock, with or without new lines", async () => {
    const bench = createBench();
    const processes = [bench.start(), bench.start()];
    const run = async (ms: number) => {
      bench.clock.now += ms;
      for (const each of processes) await each.seal();
      return bench.logged.length;
    };
    const counts = [await run(0)];

    await bench.add(3);
    for (const ms of [1_000, 1_000, HOUR_MS - 2_001, 1, HOUR_MS]) counts.push(await run(ms));

    expect(counts).toEqual([0, 1, 1, 1, 2, 3]);
    const { head } = await bench.read();
    expect(await createAuditLog({ records: bench.kept, clock: { now: () => bench.clock.now } }).signedHead()).toEqual({
      signed: bench.logged.at(-1)?.["signed"],
      key: bench.logged.at(-1)?.["key"],
    });
    for (const line of bench.logged) {
      const { signed, key, seq, hash } = line;
      expect(line).toMatchObject({ message: "The audit log ends here.", seq: head?.seq, hash: head?.hash });
      expect(readSignedHead(String(signed), String(key))).toMatchObject({ seq, hash });
    }
    expect(new Set(bench.logged.map(({ key }) => key)).size).toBe(1);
  });

  it.each(["SEAL_KEY_MISSING", "STORE_CORRUPT"] as const)(
    "is left out with a warning where the key cannot be read (%s), and the head is logged",
    async (code) => {
      const bench = createBench();
      const refused = new StackyardError(code, "The key cannot be read.");
      const records: Records = {
        ...bench.kept,
        get: (key, now) => (key.startsWith("access/audit-key/") ? Promise.reject(refused) : bench.kept.get(key, now)),
      };
      await bench.add(1);

      await bench.start(records).seal();

      expect(bench.warnings).toEqual(["The head of the audit log is not signed."]);
      expect(bench.logged).toEqual([{ message: "The audit log ends here.", seq: 1, hash: expect.any(String) }]);
    },
  );
});
