import { createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { type CallHooks, createMemoryLockFiles } from "../testing/fakes.ts";
import type { StrongLock } from "./lock-files.ts";
import { createReleaseLocks } from "./release-locks.ts";
import { lockByUser, removeRootLock, unlockByUser } from "./user-locks.ts";

const MINUTE_MS = 60_000;
const key = { aws_account_id: "1", project_name: "org/web", config_name: "prod", release_id: "r1" };
const other = { ...key, release_id: "r2" };
const ROOT = "1/org/web/prod/lock";

function createWorld({ strong, hooks = {} }: { readonly strong?: StrongLock; readonly hooks?: CallHooks } = {}) {
  const clock = createFakeClock();
  const files = createMemoryLockFiles(hooks);
  const options = { files, clock, generation: "odin", by: "ann", ...(strong === undefined ? {} : { strong }) } as const;
  return { clock, files, locks: createReleaseLocks(options), read: (path: string) => files.texts.get(path) };
}

/** A table that answers as configured, and records its calls. */
function aTable(answer: () => Promise<"taken" | "held">): StrongLock & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    async take(path, { owner }) {
      asked.push(`take ${path} ${owner}`);
      return answer();
    },
    async renew() {
      asked.push("renew");
      return true;
    },
    async release() {
      asked.push("release");
      return true;
    },
    async remove() {
      asked.push("remove");
    },
    locate: (path) => ({ place: `the item ${path}`, removeCommand: "aws dynamodb delete-item" }),
  };
}

describe("acquire", () => {
  it("writes the predecessor's files, which say who and until when", async () => {
    const { locks, read } = createWorld();

    const answer = await locks.acquire(key, "u1");

    expect(answer).toEqual({ kind: "acquired", fencingToken: 1 });
    expect(JSON.parse(read(ROOT) ?? "")).toEqual({
      uuid: "u1",
      until: "2026-01-01T00:30:00.000Z",
      by: "ann",
      release: "r1",
      token: 1,
    });
    expect(JSON.parse(read("1/org/web/prod/r1/lock") ?? "")).toEqual({ uuid: "u1", by: "ann" });
  });

  it("gives the same owner the same token again", async () => {
    const { locks } = createWorld();
    await locks.acquire(key, "u1");

    expect(await locks.acquire(key, "u1")).toEqual({ kind: "acquired", fencingToken: 1 });
  });

  it("gives each release of the project-config a higher token", async () => {
    const { locks } = createWorld();
    await locks.acquire(key, "u1");
    await locks.release(key, "u1");

    expect(await locks.acquire(other, "u2")).toEqual({ kind: "acquired", fencingToken: 2 });
  });

  it("reports to a second deployer who has the lock, and the command that removes it", async () => {
    const { locks } = createWorld();
    await locks.acquire(key, "u1");

    const answer = await locks.acquire(other, "u2");

    expect(answer).toMatchObject({ kind: "held", what: "root", by: "release r1 (ann)" });
    expect(answer).toMatchObject({
      message: expect.stringContaining("stackyard asg unlock org/web prod --account 1 --root"),
    });
  });

  it("respects a lock of the predecessor indefinitely, because it has no end", async () => {
    const { locks, files, clock } = createWorld();
    await files.put(ROOT, '{"uuid":"odin-1"}', "absent");
    await clock.advance(365 * 24 * 60 * MINUTE_MS);

    expect(await locks.acquire(key, "u1")).toMatchObject({ kind: "held", by: "odin-1" });
  });

  it.each(["", "no JSON", "[]", '{"uuid":5}'])("treats an unreadable file as a lock, for safety: %j", async (text) => {
    const { locks, files } = createWorld();
    await files.put(ROOT, text, "absent");

    expect(await locks.acquire(key, "u1")).toMatchObject({ kind: "held", what: "root", by: "unknown" });
  });

  it.each(['{"uuid":""}', "{}", '{"uuid":null}', "null"])("takes a file without an owner: %s", async (text) => {
    const { locks, files } = createWorld();
    await files.put(ROOT, text, "absent");

    expect(await locks.acquire(key, "u1")).toMatchObject({ kind: "acquired" });
  });

  it("takes a lease over that is over for longer than clocks may be apart, and the token grows", async () => {
    const { locks, clock } = createWorld();
    await locks.acquire(key, "u1");
    await clock.advance(35 * MINUTE_MS);
    const early = await locks.acquire(other, "u2");
    await clock.advance(1);

    expect(early).toMatchObject({ kind: "held" });
    expect(await locks.acquire(other, "u2")).toEqual({ kind: "acquired", fencingToken: 2 });
    expect(await locks.renew(key, "u1")).toBe("lost");
  });

  it("rejects a release id that was used, also after its release has ended", async () => {
    const { locks } = createWorld();
    await locks.acquire(key, "u1");
    await locks.release(key, "u1");

    expect(await locks.acquire(key, "u2")).toMatchObject({ kind: "held", what: "used", by: "u1 (ann)" });
  });

  it("rejects while a person has locked the project-config, and says why and how to unlock", async () => {
    const { locks, files } = createWorld();
    await lockByUser({ files, generation: "odin" }, key, { user: "bob", reason: "audit" });

    expect(await locks.acquire(key, "u1")).toEqual({
      kind: "held",
      what: "user",
      by: "bob",
      message:
        'Lock Already Exists: "org/web" "prod" was locked by bob: audit. When the reason no longer applies, remove the lock: stackyard asg unlock org/web prod --account 1',
    });
    expect(files.texts.size).toBe(1);
  });

  it.each(["", "{}", " { } ", "null", '{"user":""}', '{"user":null,"lock_reason":""}', '{"note":"for later"}'])(
    "is not kept out by a file that names neither a person nor a reason: %j",
    async (text) => {
      const { locks, files } = createWorld();
      await files.put("1/org/web/prod/user-lock", text, "absent");

      expect(await locks.acquire(key, "u1")).toMatchObject({ kind: "acquired" });
    },
  );

  it.each([
    ["anything", "unknown: anything"],
    [" ", "unknown:  "],
    ["[]", "unknown: []"],
    ['{"user":5}', 'unknown: {"user":5}'],
    ['{"user":"bob"}', "bob"],
    ['{"User":"bob","LOCK_REASON":"audit"}', "bob: audit"],
    ['{"lock_reason":"audit"}', "unknown: audit"],
  ])("is kept out by %j", async (text, who) => {
    const { locks, files } = createWorld();
    await files.put("1/org/web/prod/user-lock", text, "absent");

    expect(await locks.acquire(key, "u1")).toMatchObject({
      kind: "held",
      what: "user",
      message: expect.stringContaining(`was locked by ${who}. When`),
    });
  });

  it("fails as LOCK_EXISTS where nothing can be read, and as LOCK_FAILED where something may be written", async () => {
    const broken = (when: "load" | "put") => ({
      before: async (operation: string) => {
        if (operation === when) throw new Error("S3 is away.");
      },
    });

    await expect(createWorld({ hooks: broken("load") }).locks.acquire(key, "u1")).rejects.toMatchObject({
      releaseCode: "LOCK_EXISTS",
      errorClass: "LockExistsError",
      message: "S3 is away.",
    });
    await expect(createWorld({ hooks: broken("put") }).locks.acquire(key, "u1")).rejects.toMatchObject({
      releaseCode: "LOCK_FAILED",
      errorClass: "LockError",
    });
  });

  it("knows its own file although the answer to the write was lost and the write is tried again", async () => {
    const { locks, files } = createWorld();
    await files.put(ROOT, '{"uuid":"u1"}', "absent");

    expect(await locks.acquire(key, "u1")).toEqual({ kind: "acquired", fencingToken: 1 });
  });
});

describe("the table and the files", () => {
  it("is taken after them, under the same path", async () => {
    const strong = aTable(async () => "taken");
    const { locks } = createWorld({ strong });

    await locks.acquire(key, "u1");

    expect(strong.asked).toEqual([`take ${ROOT} u1`]);
  });

  it("has the file released when another owner has the item", async () => {
    const { locks, read } = createWorld({ strong: aTable(async () => "held") });

    const answer = await locks.acquire(key, "u1");

    expect(answer).toMatchObject({ kind: "held", message: expect.stringContaining("aws dynamodb delete-item") });
    expect(read(ROOT)).toBeUndefined();
  });

  it("fails as LOCK_FAILED when it does not answer, so that what was taken is released", async () => {
    const strong = aTable(() => Promise.reject(new Error("away")));
    const { locks, read } = createWorld({ strong });

    await expect(locks.acquire(key, "u1")).rejects.toMatchObject({ releaseCode: "LOCK_FAILED" });
    await locks.release(key, "u1");

    expect(read(ROOT)).toBeUndefined();
    expect(strong.asked.at(-1)).toBe("release");
  });
});

describe("release", () => {
  it("leaves nothing but the used release id and the count, and does so again", async () => {
    const { locks, files } = createWorld();
    await locks.acquire(key, "u1");

    await locks.release(key, "u1");
    await locks.release(key, "u1");

    expect([...files.texts.keys()].sort()).toEqual(["1/org/web/prod/lock-token", "1/org/web/prod/r1/lock"]);
  });

  it("succeeds when no lock was taken, and leaves another owner's lock alone", async () => {
    const { locks } = createWorld();
    await locks.release(key, "u1");
    await locks.acquire(other, "u2");

    await locks.release(key, "u1", { wasHeld: false });

    expect(await locks.renew(other, "u2")).toBe("held");
  });

  it.each(['{"uuid":"u2"}', "no JSON"])("fails as LOCK_FAILED, each time, where the lock became %s", async (text) => {
    const { locks, files, read } = createWorld();
    await locks.acquire(key, "u1");
    await files.put(ROOT, text, (await files.load(ROOT))?.version ?? "absent");

    for (const _ of [1, 2]) {
      await expect(locks.release(key, "u1")).rejects.toMatchObject({
        releaseCode: "LOCK_FAILED",
        message: expect.stringContaining("has another owner"),
      });
    }
    expect(read(ROOT)).toBe(text);
  });

  it("is done again after another release has taken the lock", async () => {
    const { locks } = createWorld();
    await locks.acquire(key, "u1");
    await locks.release(key, "u1");
    await locks.acquire(other, "u2");

    await locks.release(key, "u1");

    expect(await locks.renew(other, "u2")).toBe("held");
  });

  it.each(['{"uuid":""}', "null"])("removes a file without an owner: %s", async (text) => {
    const { locks, files, read } = createWorld();
    await files.put(ROOT, text, "absent");

    await locks.release(key, "u1");

    expect(read(ROOT)).toBeUndefined();
  });

  it("fails as LOCK_FAILED when another owner has the item of the table", async () => {
    const strong = { ...aTable(async () => "taken"), release: async () => false };
    const { locks } = createWorld({ strong });
    await locks.acquire(key, "u1");

    await expect(locks.release(key, "u1")).rejects.toMatchObject({ releaseCode: "LOCK_FAILED" });
  });

  it("fails as LOCK_FAILED when the outcome is unknown", async () => {
    let isAway = false;
    const before = async () => {
      if (isAway) throw new Error("away");
    };
    const { locks } = createWorld({ hooks: { before } });
    await locks.acquire(key, "u1");
    isAway = true;

    await expect(locks.release(key, "u1")).rejects.toMatchObject({ releaseCode: "LOCK_FAILED" });
  });
});

describe("renew", () => {
  it("moves the end", async () => {
    const { locks, clock, read } = createWorld();
    await locks.acquire(key, "u1");
    await clock.advance(10 * MINUTE_MS);

    expect(await locks.renew(key, "u1")).toBe("held");
    expect(JSON.parse(read(ROOT) ?? "")).toMatchObject({ until: "2026-01-01T00:40:00.000Z", token: 1 });
  });

  it("distinguishes a lock that was released from one that was removed", async () => {
    const { locks, files } = createWorld();
    await locks.acquire(key, "u1");
    await locks.release(key, "u1");
    await locks.acquire(other, "u2");
    await removeRootLock({ files, generation: "odin" }, key);

    expect(await locks.renew(key, "u1")).toBe("released");
    expect(await locks.renew(other, "u2")).toBe("lost");
  });
});

describe("keep", () => {
  it("leaves the lock to a person, also after a later heartbeat", async () => {
    const { locks, clock, files } = createWorld();
    await locks.acquire(key, "u1");
    await locks.keep(key, "u1");
    await locks.renew(key, "u1");
    await clock.advance(24 * 60 * MINUTE_MS);

    expect(await locks.acquire(other, "u2")).toMatchObject({ kind: "held", by: "release r1 (ann)" });
    expect(await removeRootLock({ files, generation: "odin" }, key)).toBe(true);
    expect(await locks.acquire({ ...key, release_id: "r3" }, "u3")).toMatchObject({ kind: "acquired" });
  });
});

describe("a person's lock", () => {
  it("is the predecessor's file, is not made twice, and is removed once", async () => {
    const { files, read } = createWorld();
    const deps = { files, generation: "odin" } as const;

    const made = await lockByUser(deps, key, { user: "bob", reason: "audit" });
    const again = await lockByUser(deps, key, { user: "ann", reason: "mine" });

    expect([made, again]).toEqual([
      { user: "bob", reason: "audit" },
      { user: "bob", reason: "audit" },
    ]);
    expect(read("1/org/web/prod/user-lock")).toBe('{"user":"bob","lock_reason":"audit"}');
    expect(await unlockByUser(deps, key)).toEqual({ user: "bob", reason: "audit" });
    expect(await unlockByUser(deps, key)).toBeUndefined();
  });

  it("replaces a file that does not lock, and removes nothing when it finds one", async () => {
    const { files, read } = createWorld();
    const deps = { files, generation: "odin" } as const;
    const path = "1/org/web/prod/user-lock";
    await files.put(path, "{}", "absent");

    const removed = await unlockByUser(deps, key);
    await files.put(path, "{}", "absent");
    const made = await lockByUser(deps, key, { user: "bob", reason: "audit" });

    expect([removed, made]).toEqual([undefined, { user: "bob", reason: "audit" }]);
    expect(read(path)).toBe('{"user":"bob","lock_reason":"audit"}');
  });
});

describe("locks of the first generation", () => {
  it("have no level for the account", async () => {
    const files = createMemoryLockFiles();
    const locks = createReleaseLocks({ files, clock: createFakeClock(), generation: "step-asg-deployer" });

    await locks.acquire(key, "u1");

    expect([...files.texts.keys()].sort()).toEqual([
      "org/web/prod/lock",
      "org/web/prod/lock-token",
      "org/web/prod/r1/lock",
    ]);
  });
});
