import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PLACE, T0 } from "../testing/a-cell.ts";
import { type ConsumerRecord, isRegistered, parseConsumerRecord, toConsumerView } from "./consumer-record.ts";
import { type ConsumerEvent, registerConsumer } from "./register-consumer.ts";

const registered = (at: number, capabilities: readonly string[] = ["v2"], bucket = "b"): ConsumerEvent => ({
  ...{ kind: "registered", at, bucket, capabilities },
});
const answered = (at: number, isProbe = false): ConsumerEvent => ({ kind: "answered", at, bucket: "b", isProbe });
const left = (at: number): ConsumerEvent => ({ kind: "unregistered", at });
const asked = (at: number): ConsumerEvent => ({ kind: "asked", at });

function play(...[first, ...more]: readonly [ConsumerEvent, ...ConsumerEvent[]]): ConsumerRecord {
  return more.reduce(
    (known, event) => registerConsumer(known, PLACE, event),
    registerConsumer(undefined, PLACE, first),
  );
}

describe("registerConsumer", () => {
  it("takes one that only asks for its set as one of the first generation", () => {
    expect(toConsumerView(play(asked(T0)))).toEqual({
      ...{ ...PLACE, bucket: null, generation: "v1", capabilities: [], registered: true, lastReceiptAt: null },
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

          expect(parseConsumerRecord(first)).toEqual(first);
          expect(first && second && isRegistered(first) === isRegistered(second)).toBe(true);
          expect(first?.generation).toBe(second?.generation);
        },
      ),
    );
  });
});
