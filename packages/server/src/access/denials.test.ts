import { StackyardError, silentLogger } from "@stackyard/core";
import type { AuditEntry } from "@stackyard/core/access";
import { describe, expect, it } from "vitest";
import { createDenials, type Denials } from "./denials.ts";
import { createWrongCredentials } from "./rate-limits.ts";

function createWorld() {
  let now = 1_000_000;
  const lines: Omit<AuditEntry, "id" | "at">[] = [];
  const store = { away: false };
  const audit = {
    async write(entry: Omit<AuditEntry, "id" | "at">) {
      if (store.away) throw new StackyardError("STORE_UNAVAILABLE", "away");
      lines.push(entry);
      return { ...entry, id: "1", at: now };
    },
  };
  const advance = (ms: number) => {
    now += ms;
  };
  const clock = { now: () => now, sleep: async (ms: number) => advance(ms) };
  return {
    lines,
    clock,
    store,
    denials: createDenials({ audit, clock, logger: silentLogger, findSender: () => undefined }),
    advance,
  };
}

/** One round of the loop, which asks before each. */
async function runOnce({ run }: Pick<Denials, "run">): Promise<void> {
  let asked = 0;
  await run({
    get aborted() {
      asked += 1;
      return asked > 1;
    },
  } as AbortSignal);
}

const aRequest = (token = "wrong", path = "/v1/stacks") =>
  new Request(`http://127.0.0.1${path}`, { headers: token === "" ? {} : { authorization: `Bearer ${token}` } });
const unauthenticated = () => new StackyardError("UNAUTHENTICATED", "Send the token.");
const facts = (address = "203.0.113.9") => ({ requestId: "r1", address });

describe("denied requests", () => {
  it("have a line each, without the credential", async () => {
    const { lines, denials } = createWorld();

    await denials.record(aRequest("a-secret"), unauthenticated(), facts());

    expect(lines).toMatchObject([
      {
        action: "denied",
        outcome: "denied",
        code: "UNAUTHENTICATED",
        reason: "GET /v1/stacks",
        who: { address: "203.0.113.9" },
      },
    ]);
    expect(JSON.stringify(lines)).not.toContain("a-secret");
  });

  it("above 60 a minute and address are one line with their count", async () => {
    const { lines, denials, advance } = createWorld();
    for (let index = 0; index < 75; index += 1) await denials.record(aRequest(), unauthenticated(), facts());
    await denials.record(aRequest(), unauthenticated(), facts("203.0.113.10"));
    const before = lines.length;
    advance(60_000);

    await denials.record(aRequest(), unauthenticated(), facts());

    expect(before).toBe(61);
    expect(lines.slice(61)).toMatchObject([{ count: 15 }, { who: { address: "203.0.113.9" } }]);
  });

  it("are counted to the end when the server stops", async () => {
    const { lines, denials } = createWorld();
    for (let index = 0; index < 61; index += 1) await denials.record(aRequest(), unauthenticated(), facts());

    await denials.flush();

    expect(lines.at(-1)).toMatchObject({ count: 1 });
  });

  it("are counted when the minute is over, and later when that cannot be stored", async () => {
    const { lines, denials, store } = createWorld();
    for (let index = 0; index < 65; index += 1) await denials.record(aRequest(), unauthenticated(), facts());
    store.away = true;

    await runOnce(denials);
    const before = lines.length;
    store.away = false;
    await runOnce(denials);

    expect(before).toBe(60);
    expect(lines.slice(60)).toMatchObject([{ count: 5 }]);
  });

  it("are not answered while their line cannot be stored", async () => {
    const { denials, store } = createWorld();
    store.away = true;

    const recorded = denials.record(aRequest(), unauthenticated(), facts());

    await expect(recorded).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  });

  it.each([
    ["a request without a credential", "", unauthenticated()],
    ["something that does not exist", "x", new StackyardError("STACK_UNKNOWN", "No such stack.")],
    ["a fault of the server", "x", new Error("boom")],
  ])("are not %s", async (_what, token, error) => {
    const { lines, denials } = createWorld();

    await denials.record(aRequest(token), error, facts());

    expect(lines).toEqual([]);
  });
});

describe("wrong credentials", () => {
  const refused = { status: 401, isAccepted: () => false };

  it("are refused after 60 in a minute, until it is over", () => {
    const { clock, advance } = createWorld();
    const wrong = createWrongCredentials(clock);
    for (let index = 0; index < 60; index += 1) wrong.observe(aRequest(`guess-${index}`), "203.0.113.9", refused);

    const refusal = wrong.findRefusal(aRequest("guess-60"), "203.0.113.9");
    const elsewhere = wrong.findRefusal(aRequest("guess-60"), "203.0.113.10");
    advance(60_000);
    const later = wrong.findRefusal(aRequest("guess-60"), "203.0.113.9");

    expect(refusal).toMatchObject({ status: 429, code: "RATE_LIMITED", details: { retryAfterMs: 60_000 } });
    expect([elsewhere, later]).toEqual([undefined, undefined]);
  });

  it("count an IPv6 network of 64 bits as one address", () => {
    const { clock } = createWorld();
    const wrong = createWrongCredentials(clock);
    for (let index = 0; index < 60; index += 1) {
      wrong.observe(aRequest(`guess-${index}`), `2001:db8::${index.toString(16)}`, refused);
    }

    expect(wrong.findRefusal(aRequest("another"), "2001:db8::ffff")).toMatchObject({ status: 429 });
  });

  const ADDRESS = "203.0.113.9";
  const right = { status: 200, isAccepted: () => true };

  function guess(wrong: ReturnType<typeof createWrongCredentials>): void {
    for (let index = 0; index < 60; index += 1) wrong.observe(aRequest(`guess-${index}`), ADDRESS, refused);
  }

  it("that one client repeats stop only that client", () => {
    const { clock } = createWorld();
    const wrong = createWrongCredentials(clock);
    for (let index = 0; index < 65; index += 1) wrong.observe(aRequest("stale"), ADDRESS, refused);

    expect(wrong.findRefusal(aRequest("stale"), ADDRESS)).toMatchObject({ status: 429 });
    expect(wrong.findRefusal(aRequest("never seen before"), ADDRESS)).toBeUndefined();
  });

  it.each([0, 59 * 60_000])("do not stop a credential that was right %d ms before the first of them", (ms) => {
    const { clock, advance } = createWorld();
    const wrong = createWrongCredentials(clock);
    wrong.observe(aRequest("right"), "198.51.100.1", right);
    advance(ms);
    guess(wrong);

    expect(wrong.findRefusal(aRequest("right"), ADDRESS)).toBeUndefined();
    expect(wrong.findRefusal(aRequest("new"), ADDRESS)).toMatchObject({ status: 429 });
  });

  it("stop a credential that was right and is not any more", () => {
    const { clock } = createWorld();
    const wrong = createWrongCredentials(clock);
    wrong.observe(aRequest("revoked"), ADDRESS, right);
    wrong.observe(aRequest("revoked"), ADDRESS, refused);
    guess(wrong);

    expect(wrong.findRefusal(aRequest("revoked"), ADDRESS)).toMatchObject({ status: 429 });
  });

  it("are forgotten when there are too many of them", () => {
    const { clock } = createWorld();
    const wrong = createWrongCredentials(clock);
    for (let index = 0; index <= 10_000; index += 1) wrong.observe(aRequest(`right-${index}`), ADDRESS, right);
    guess(wrong);

    expect(wrong.findRefusal(aRequest("right-0"), ADDRESS)).toMatchObject({ status: 429 });
    expect(wrong.findRefusal(aRequest("right-10000"), ADDRESS)).toBeUndefined();
  });
});
