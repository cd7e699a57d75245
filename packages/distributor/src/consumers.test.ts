import fc from "fast-check";
import { Check } from "typebox/value";
import { describe, expect, it } from "vitest";
import { type ConsumerEvent, ConsumerRecord, isRegistered, registerConsumer, toConsumerView } from "./consumers.ts";
import { PLACE, T0 } from "./testing/a-cell.ts";
import { evaluateAdmitted, evaluateTrust } from "./trust.ts";

const registered = (at: number, capabilities: readonly string[] = ["v2"], bucket = "b"): ConsumerEvent => ({
  kind: "registered",
  at,
  bucket,
  capabilities,
});
const answered = (at: number, isProbe = false): ConsumerEvent => ({ kind: "answered", at, bucket: "b", isProbe });
const left = (at: number): ConsumerEvent => ({ kind: "unregistered", at });
const trust = (kind: "trusted" | "distrusted", at: number): ConsumerEvent => ({ kind, at });
const asked = (at: number): ConsumerEvent => ({ kind: "asked", at });

function play(...[first, ...more]: readonly [ConsumerEvent, ...ConsumerEvent[]]): ConsumerRecord {
  return more.reduce(
    (known, event) => registerConsumer(known, PLACE, event),
    registerConsumer(undefined, PLACE, first),
  );
}

describe("registerConsumer", () => {
  it("treats one that only requests its set as one of the first generation", () => {
    expect(toConsumerView(play(asked(T0)))).toEqual({
      ...PLACE,
      bucket: null,
      generation: "v1",
      capabilities: [],
      registered: true,
      lastReceiptAt: null,
      distrustedAt: null,
      unsubscribedAt: null,
      firstSeenAt: new Date(T0).toISOString(),
    });
  });

  it.each([
    ["registers", registered(T0 + 1)],
    ["sends a receipt", answered(T0 + 1)],
  ])("takes it as one of the second when it %s", (_, event) => {
    expect(play(asked(T0), event).generation).toBe("v2");
  });

  it("keeps the capabilities of the last registration, whenever it arrives", () => {
    expect(play(registered(T0 + 9, ["v2", "retire"]), registered(T0, ["v2"])).capabilities).toEqual(["retire", "v2"]);
  });

  it("remembers when a probe was answered", () => {
    const consumer = play(answered(T0), answered(T0 + 5, true), answered(T0 + 9));

    expect([consumer.probeAnsweredAt, consumer.lastReceiptAt]).toEqual([T0 + 5, T0 + 9]);
  });

  it("has missed something where it was not trusted, and only then", () => {
    const known = play(registered(T0));
    const after = (...events: readonly ConsumerEvent[]) => play(registered(T0), ...events);

    expect(after(trust("distrusted", T0 + 1), trust("distrusted", T0 + 2)).distrustedAt).toBe(T0 + 1);
    expect(after(trust("distrusted", T0 + 1)).joinedAt).toBe(T0);
    expect(after(trust("distrusted", T0 + 1), trust("trusted", T0 + 5))).toEqual({
      ...known,
      distrustedAt: null,
      joinedAt: T0 + 5,
    });
    expect(after(trust("trusted", T0 + 5)).joinedAt).toBe(T0);
    expect(after(trust("distrusted", T0 + 1), answered(T0)).distrustedAt).toBe(T0 + 1);
    expect(after(trust("distrusted", T0 + 1), answered(T0 + 2))).toMatchObject({
      distrustedAt: null,
      joinedAt: T0 + 2,
    });
  });

  it("is in the bucket of the latest report that is not older than its registration", () => {
    const from = (bucket: string, at: number): ConsumerEvent => ({ kind: "answered", at, bucket, isProbe: false });
    const bucketOf = (...events: readonly [ConsumerEvent, ...ConsumerEvent[]]) => play(...events).bucket;

    expect(bucketOf(answered(T0), from("new", T0 + 1))).toBe("new");
    expect(bucketOf(from("new", T0 + 1), from("old", T0))).toBe("new");
    expect(bucketOf(from("old", T0), from("new", T0))).toBe("new");
    expect(bucketOf(registered(T0 + 5), from("old", T0 + 4))).toBe("b");
    expect(bucketOf(registered(T0 + 5), from("new", T0 + 5))).toBe("new");
    expect(bucketOf(asked(T0), from("first", T0 + 1))).toBe("first");
  });

  it("is in the bucket that was reported last, in every order (teleport#11899, vm0#22068, presto#16787)", () => {
    const event = fc.record({ at: fc.integer({ min: T0, max: T0 + 60 }), isReceipt: fc.boolean() });
    const events = fc.uniqueArray(event, { selector: ({ at }) => at, minLength: 1, maxLength: 6 });
    const toEvent = ({ at, isReceipt }: { readonly at: number; readonly isReceipt: boolean }): ConsumerEvent => {
      const bucket = `b${at}`;
      return isReceipt ? { kind: "answered", at, bucket, isProbe: false } : registered(at, ["v2"], bucket);
    };
    fc.assert(
      fc.property(
        events.chain((all) => fc.shuffledSubarray(all, { minLength: all.length })),
        (all) => {
          const last = Math.max(...all.map(({ at }) => at));

          expect(play(...(all.map(toEvent) as [ConsumerEvent, ...ConsumerEvent[]])).bucket).toBe(`b${last}`);
        },
      ),
    );
  });

  it("was heard of and has left when the latest message says, also after an older one (artemis#168)", () => {
    const consumer = play(registered(T0), left(T0 + 9), answered(T0 + 9), left(T0 + 5), answered(T0 + 4));

    expect([consumer.unregisteredAt, consumer.lastReceiptAt]).toEqual([T0 + 9, T0 + 9]);
    expect(isRegistered(consumer)).toBe(false);
  });

  it("is not out because of a comparison that is older than what its account has sent or what another has found", () => {
    const outAt = (...events: readonly ConsumerEvent[]) => play(registered(T0), ...events).distrustedAt ?? null;

    expect(outAt(answered(T0 + 5), trust("distrusted", T0 + 4))).toBeNull();
    expect(outAt(trust("distrusted", T0 + 5), trust("trusted", T0 + 4))).toBe(T0 + 5);
    expect(outAt(registered(T0 + 5), trust("distrusted", T0 + 4))).toBeNull();
  });

  it("takes a registration of the same moment for the later one", () => {
    expect(play(registered(T0), registered(T0, ["v2"], "other")).bucket).toBe("other");
  });

  it("is gone after it has left, though late receipts arrive, and back when it registers or asks", () => {
    expect(isRegistered(play(registered(T0), left(T0 + 1), answered(T0 + 2)))).toBe(false);
    expect(isRegistered(play(registered(T0), left(T0 + 1), registered(T0 + 2)))).toBe(true);
    expect(isRegistered(play(registered(T0), left(T0 + 1), asked(T0 + 2)))).toBe(true);
  });

  it("is new again when it comes back or moves to another bucket, and not otherwise", () => {
    expect(play(registered(T0), registered(T0 + 5), answered(T0 + 6)).joinedAt).toBe(T0);
    expect(play(registered(T0), left(T0 + 1), registered(T0 + 7)).joinedAt).toBe(T0 + 7);
    expect(play(registered(T0), registered(T0 + 8, ["v2"], "other")).joinedAt).toBe(T0 + 8);
  });

  it("is to have a set again when it wants other artifacts, and not when it can do more", () => {
    expect(play(registered(T0), registered(T0 + 8, ["v2", "channel:beta"])).joinedAt).toBe(T0 + 8);
    expect(play(registered(T0, ["label:a=b"]), registered(T0 + 8, ["label:a=c"])).joinedAt).toBe(T0 + 8);
    expect(play(registered(T0), registered(T0 + 8, ["v2", "retire"])).joinedAt).toBe(T0);
    expect(play(registered(T0 + 8), registered(T0, ["v2", "channel:beta"])).joinedAt).toBe(T0 + 8);
  });

  it("is a record after any events, and registered alike in every order of them", () => {
    const at = fc.integer({ min: T0, max: T0 + 20 });
    const event = at.chain((each) => fc.constantFrom(registered(each), left(each), asked(each), answered(each)));
    const events = fc.array(event, { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(
        events.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))),
        ([one, other]) => {
          const [first, second] = [one, other].map((all) => play(...(all as [ConsumerEvent, ...ConsumerEvent[]])));

          expect(Check(ConsumerRecord, first)).toBe(true);
          expect(first && second && isRegistered(first) === isRegistered(second)).toBe(true);
          expect(first?.generation).toBe(second?.generation);
        },
      ),
    );
  });
});

const MINE = "111122223333";
const accounts = [MINE];
const organizationId = "o-a1b2c3d4e5";
const kindOf = (...args: Parameters<typeof evaluateTrust>) => evaluateTrust(...args).kind;

describe("evaluateTrust", () => {
  it("trusts who is listed, however the account is known", () => {
    expect(kindOf(MINE, { accounts }, "stamped")).toBe("trusted");
    expect(kindOf(MINE, { accounts }, "claimed")).toBe("trusted");
  });

  it("trusts a member of the organisation only where AWS vouches for it", () => {
    expect(kindOf("444455556666", { accounts: [], organizationId }, "stamped")).toBe("trusted");
    expect(kindOf("444455556666", { accounts: [], organizationId }, "claimed")).toBe("rejected");
  });

  it("trusts a member that was admitted until it is known to be out, and who is listed always", () => {
    const config = { accounts, organizationId };
    const admitted = { account: "444455556666", distrustedAt: null };

    expect(evaluateAdmitted(admitted, config).kind).toBe("trusted");
    expect(evaluateAdmitted({ ...admitted, distrustedAt: T0 }, config).kind).toBe("rejected");
    expect(evaluateAdmitted({ account: MINE, distrustedAt: T0 }, config).kind).toBe("trusted");
    expect(evaluateAdmitted(admitted, { accounts }).kind).toBe("rejected");
  });

  it("trusts no account when none is listed", () => {
    expect(evaluateTrust(MINE, { accounts: [] }, "stamped")).toEqual({
      kind: "rejected",
      code: "ACCOUNT_NOT_TRUSTED",
      reason: "The account 111122223333 is not trusted by this distributor.",
    });
  });

  it.each(["", "1111222233334", "11112222333x", "111122223333\n", "*"])(
    "trusts no %j, and does not repeat it",
    (text) => {
      const verdict = evaluateTrust(text, { accounts: [text], organizationId }, "stamped");

      expect(verdict).toMatchObject({ kind: "rejected", reason: expect.stringContaining("The value") });
    },
  );
});
