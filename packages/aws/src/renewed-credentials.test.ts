import { StackyardError, silentLogger } from "@stackyard/core";
import { createFakeClock } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createRenewedCredentials } from "./renewed-credentials.ts";

const MINUTE = 60_000;

/** Sessions of one hour, numbered. Errors that wait in `failures` come first. */
function createWorld(minutes = 60) {
  const clock = createFakeClock();
  const failures: Error[] = [];
  let loads = 0;
  const session = createRenewedCredentials({
    clock,
    logger: silentLogger,
    async load() {
      loads += 1;
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      const expiration = new Date(clock.now() + minutes * MINUTE);
      return { accessKeyId: `key-${loads}`, secretAccessKey: "s", sessionToken: "t", expiration };
    },
  });
  const key = async (share?: number): Promise<string> => (await session.get(share)).accessKeyId;
  return { clock, failures, key, loads: () => loads };
}

const passing = (): Error => new StackyardError("UNREACHABLE", "x");
const denied = (): Error => new StackyardError("FORBIDDEN", "x");

describe("a session", () => {
  it("is begun once for all who ask at the same time", async () => {
    const { key, loads } = createWorld();

    expect(await Promise.all([key(), key(), key()])).toEqual(["key-1", "key-1", "key-1"]);
    expect(loads()).toBe(1);
  });

  it("is renewed beside the work in the last quarter of its time", async () => {
    const { clock, key } = createWorld();
    await key();

    await clock.advance(44 * MINUTE);
    expect(await key()).toBe("key-1");
    await clock.advance(2 * MINUTE);
    expect(await key()).toBe("key-1");
    await clock.advance(0);

    expect(await key()).toBe("key-2");
  });

  it("is waited for when less is left than the caller needs", async () => {
    const { clock, key } = createWorld();
    await key();
    await clock.advance(20 * MINUTE);

    expect(await key(0.75)).toBe("key-2");
    expect(await key(0.75)).toBe("key-2");
  });

  it("of a quarter of an hour, the shortest there is, is not begun with each call", async () => {
    const { clock, key, loads } = createWorld(15);

    for (let minute = 0; minute < 10; minute += 1) {
      expect(await key()).toBe("key-1");
      await clock.advance(MINUTE);
    }
    await clock.advance(1);

    expect(await key()).toBe("key-2");
    expect(loads()).toBe(2);
  });

  it("goes on until its end while a renewal fails in passing, without asking all the time", async () => {
    const { clock, failures, key, loads } = createWorld();
    await key();
    await clock.advance(57 * MINUTE);
    failures.push(passing(), passing());

    expect(await key()).toBe("key-1");
    expect(await key()).toBe("key-1");
    expect(loads()).toBe(2);
    await clock.advance(MINUTE);
    expect(await key()).toBe("key-1");
    await clock.advance(MINUTE);
    expect(await key()).toBe("key-4");
  });

  it("ends when the role was taken away, although it would last", async () => {
    const { clock, failures, key } = createWorld();
    await key();
    await clock.advance(57 * MINUTE);
    failures.push(denied());

    await expect(key()).rejects.toMatchObject({ code: "FORBIDDEN" });
  });

  it("fails when there is none, and is begun by the next who asks", async () => {
    const { failures, key } = createWorld();
    failures.push(passing());

    await expect(key()).rejects.toMatchObject({ code: "UNREACHABLE" });
    expect(await key()).toBe("key-2");
  });
});
