import { describe, expect, it } from "vitest";
import {
  decideTurn,
  describeTurn,
  MOST_WAITING,
  NEW_TURN,
  type TurnPlace,
  type TurnRecord,
  type TurnRequest,
} from "./decide-turn.ts";

const STATES = ["REVIEW", "PRODUCTION"];

function request(version: number, over: Partial<TurnRequest> = {}): TurnRequest {
  const waiter = { stack: `shop-1.${version}`, incarnation: "i", createdAt: version, entry: 1, task: "turn" };
  return { waiter, states: STATES, mayTake: true, now: 0, ...over };
}

function places(states: Readonly<Record<string, string>>): ReadonlyMap<string, TurnPlace> {
  const toPlace = (state: string) => ({
    incarnation: "i",
    state,
    entry: 1,
    pending: state === "REVIEW" ? ["turn"] : [],
  });
  return new Map(Object.entries(states).map(([stack, state]) => [stack, toPlace(state)]));
}

/** Lets releases ask one after the other. */
function ask(record: TurnRecord, versions: readonly number[], states: Readonly<Record<string, string>>) {
  return versions.reduce((before, version) => decideTurn(before, request(version), places(states)).record, record);
}

describe("decideTurn", () => {
  const held = ask(NEW_TURN, [1], { "shop-1.1": "REVIEW" });

  it("gives a free turn to the first that asks, and writes nothing when it asks again", () => {
    const again = decideTurn(held, request(1), places({ "shop-1.1": "REVIEW" }));

    expect(held.holder).toEqual({ stack: "shop-1.1", incarnation: "i", createdAt: 1, entry: 1, states: STATES });
    expect(again.kind).toBe("granted");
    expect(again.record).toBe(held);
  });

  it("keeps it while the stack is in one of its states, failed or not, and frees it in any other", () => {
    const kinds = ["REVIEW", "PRODUCTION", "STOPPED"].map(
      (state) => decideTurn(held, request(2), places({ "shop-1.1": state })).kind,
    );

    expect(kinds).toEqual(["waits", "waits", "granted"]);
  });

  it("frees it when the stack is gone, or another one has its id", () => {
    const another = new Map([["shop-1.1", { incarnation: "j", state: "REVIEW", entry: 1, pending: [] }]]);

    expect(decideTurn(held, request(2), new Map()).kind).toBe("granted");
    expect(decideTurn(held, request(2), another).kind).toBe("granted");
  });

  it("gives it to the newest that waits, and supersedes the older ones", () => {
    const waiting = { "shop-1.1": "PRODUCTION", "shop-1.2": "REVIEW", "shop-1.3": "REVIEW" };
    const line = ask(held, [2, 3], waiting);
    const free = { ...waiting, "shop-1.1": "DONE" };

    expect(decideTurn(line, request(2), places(free))).toMatchObject({ kind: "waits", next: "shop-1.3" });
    const granted = decideTurn(line, request(3), places(free));
    expect(granted.kind).toBe("granted");
    expect(decideTurn(granted.record, request(2), places(free))).toMatchObject({
      kind: "superseded",
      by: "shop-1.3",
      record: { waiting: [] },
    });
  });

  it("supersedes an older one also when the newer has had the turn and is done before it asks again", () => {
    const states = { "shop-1.1": "DONE", "shop-1.2": "REVIEW", "shop-1.3": "REVIEW" };
    const line = ask(ask(held, [2, 3], { ...states, "shop-1.1": "PRODUCTION" }), [3], states);

    expect(decideTurn(line, request(2), places({ ...states, "shop-1.3": "DONE" })).kind).toBe("superseded");
  });

  it("supersedes a release that is older than the holder", () => {
    const newer = ask(NEW_TURN, [5], { "shop-1.5": "REVIEW" });

    expect(decideTurn(newer, request(2), places({ "shop-1.5": "PRODUCTION" }))).toMatchObject({
      kind: "superseded",
      by: "shop-1.5",
    });
  });

  it("skips a newer one that does not wait any more", () => {
    const line = ask(held, [2, 3], { "shop-1.1": "PRODUCTION", "shop-1.2": "REVIEW", "shop-1.3": "REVIEW" });

    expect(decideTurn(line, request(2), places({ "shop-1.2": "REVIEW", "shop-1.3": "STOPPED" })).kind).toBe("granted");
  });

  it("takes nothing while another condition is closed, and keeps its place", () => {
    const waits = decideTurn(NEW_TURN, request(2, { mayTake: false }), new Map());

    expect(waits).toMatchObject({ kind: "waits", record: { waiting: [{ stack: "shop-1.2" }] } });
    expect(decideTurn(waits.record, request(1), places({ "shop-1.2": "REVIEW" }))).toMatchObject({ next: "shop-1.2" });
  });

  it("writes a holder that is in another entry: who has seen it outside its states decides again", () => {
    const entry = { ...request(1).waiter, entry: 3 };
    const renewed = decideTurn(held, request(1, { waiter: entry }), new Map());

    expect(renewed).toMatchObject({ kind: "granted", record: { holder: { entry: 3 } } });
    expect(renewed.record).not.toBe(held);
  });
});

describe("describeTurn", () => {
  it("names who has the turn and who waits, the newest first, as the stacks are now", () => {
    const states = { "shop-1.1": "PRODUCTION", "shop-1.2": "REVIEW", "shop-1.3": "REVIEW" };
    const record = ask(ask(NEW_TURN, [1], { "shop-1.1": "REVIEW" }), [2, 3], states);
    const show = (now: Readonly<Record<string, string>>) => {
      const { holder, waiting } = describeTurn(record, places(now));
      return [holder?.stack, waiting.map(({ stack }) => stack)];
    };

    expect(show(states)).toEqual(["shop-1.1", ["shop-1.3", "shop-1.2"]]);
    expect(show({ ...states, "shop-1.1": "DONE", "shop-1.3": "STOPPED" })).toEqual([undefined, ["shop-1.2"]]);
    expect(show({})).toEqual([undefined, []]);
  });
});

describe("a turn", () => {
  it("is granted in front of thousands, and those without a place are superseded too [spinnaker#6906]", () => {
    const versions = Array.from({ length: 3_000 }, (_, index) => index + 2);
    const taken = Object.fromEntries(versions.map((version) => [`shop-1.${version}`, "REVIEW"]));
    const line = versions.reduce(
      (before, version) => {
        const { waiter, ...given } = request(version, { now: version });
        return decideTurn(before, { ...given, waiter: { ...waiter, since: version } }, places({ "shop-1.1": "REVIEW" }))
          .record;
      },
      ask(NEW_TURN, [1], { "shop-1.1": "REVIEW" }),
    );
    const last = request(3_001, { now: 9_000 });
    const again = (version: number, since: number) => {
      const { waiter, ...given } = request(version, { now: 9_500 });
      return { ...given, waiter: { ...waiter, since } };
    };

    const { kind, record } = decideTurn(line, last, places({ ...taken, "shop-1.1": "DONE" }));

    const free = places({ ...taken, "shop-1.3001": "DONE" });
    expect([kind, record.waiting.length <= MOST_WAITING, JSON.stringify(record).length < 200_000]).toEqual([
      "granted",
      true,
      true,
    ]);
    expect(decideTurn(record, again(5, 5), free)).toMatchObject({ kind: "superseded", by: "shop-1.3001" });
    // Who asks for an older version later wants to go back to it.
    expect(decideTurn({ ...record, waiting: [] }, again(5, 9_400), free).kind).toBe("granted");
  });
});
