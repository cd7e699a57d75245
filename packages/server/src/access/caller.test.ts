import { formatSecret, OLD_RIGHTS } from "@stackyard/core/access";
import { expect, it } from "vitest";
import { type Caller, createCallerFinder } from "./caller.ts";

const MOST = 10_000;

/** A finder of API tokens that counts how often each secret is looked up in the store. */
function createWorld(endsAt?: number) {
  let now = 1_000_000;
  const lookUps = new Map<string, number>();
  const finder = createCallerFinder({
    clock: { now: () => now, sleep: async () => undefined },
    findConfigured: () => undefined,
    authenticators: new Map([
      [
        "syt_",
        async ({ secret }) => {
          lookUps.set(secret, (lookUps.get(secret) ?? 0) + 1);
          const sender = { kind: "token", id: secret, name: "bot", groups: [] } as const;
          const caller: Caller = { sender, rights: OLD_RIGHTS, via: "bearer" };
          return endsAt === undefined ? caller : { ...caller, expiresAt: endsAt };
        },
      ],
    ]),
  });
  const toSecret = (nth: number) => {
    const random = Buffer.alloc(32);
    random.writeUInt32BE(nth);
    return formatSecret("syt_", random);
  };
  return {
    call: (nth: number) =>
      finder.authenticate(new Request("http://yard", { headers: { authorization: `Bearer ${toSecret(nth)}` } })),
    countOf: (nth: number) => lookUps.get(toSecret(nth)) ?? 0,
    advance: (ms: number) => {
      now += ms;
    },
    forget: finder.forget,
  };
}

it("remembers 10,000 callers, and no more: the oldest is looked up again", async () => {
  const { call, countOf } = createWorld();
  for (let nth = 0; nth < MOST; nth += 1) await call(nth);
  await call(0);
  expect(countOf(0)).toBe(1);

  await call(MOST);
  await call(0);
  await call(2);

  expect([countOf(0), countOf(2), countOf(MOST)]).toEqual([2, 1, 1]);
});

it("looks a caller up again after five seconds, at the end of its credential, and when it is forgotten", async () => {
  const lasting = createWorld();
  await lasting.call(1);
  lasting.advance(4_999);
  await lasting.call(1);
  expect(lasting.countOf(1)).toBe(1);
  lasting.advance(1);
  await lasting.call(1);
  expect(lasting.countOf(1)).toBe(2);
  lasting.forget(({ sender }) => sender.kind === "token");
  await lasting.call(1);
  expect(lasting.countOf(1)).toBe(3);

  const ending = createWorld(1_001_000);
  await ending.call(1);
  ending.advance(1_000);
  await ending.call(1);
  expect(ending.countOf(1)).toBe(2);
});
