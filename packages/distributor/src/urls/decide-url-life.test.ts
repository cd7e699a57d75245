import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decideUrlLife } from "./decide-url-life.ts";

const NOW = Date.UTC(2026, 10, 20, 6);
const MINUTE = 60_000;

describe("decideUrlLife", () => {
  it.each([
    ["as long as wanted", 900, 60, 900],
    ["until five minutes before the credentials end", 3_600, 60, 3_300],
    ["until then also with the least that may be left", 3_600, 10, 300],
    ["seven days at most", 1_000_000, undefined, 604_800],
    ["a second at least", 0, 60, 1],
  ])("lasts %s", (_what, wantedSeconds, leftMinutes, seconds) => {
    const credentialsExpireAt = leftMinutes === undefined ? {} : { credentialsExpireAt: NOW + leftMinutes * MINUTE };

    const life = decideUrlLife({ wantedSeconds, now: NOW, ...credentialsExpireAt });

    expect(life).toEqual({ kind: "sign", seconds, expiresAt: NOW + seconds * 1_000 });
  });

  it.each([10 * MINUTE - 1, 0, -MINUTE])("asks for other credentials with %i ms left", (leftMs) => {
    expect(decideUrlLife({ wantedSeconds: 60, credentialsExpireAt: NOW + leftMs, now: NOW })).toEqual({
      kind: "renew",
      leftSeconds: Math.floor(leftMs / 1_000),
    });
  });

  it("never outlives its credentials, its wish or a week", () => {
    const input = fc.record({
      wantedSeconds: fc.integer({ min: 1, max: 2_000_000 }),
      leftMs: fc.integer({ min: -MINUTE, max: 2_000_000_000 }),
      now: fc.integer({ min: NOW, max: NOW + 1_000_000 }),
    });
    fc.assert(
      fc.property(input, ({ wantedSeconds, leftMs, now }) => {
        const life = decideUrlLife({ wantedSeconds, credentialsExpireAt: now + leftMs, now });

        if (life.kind === "renew") {
          expect(leftMs).toBeLessThan(10 * MINUTE);
          return;
        }
        expect(life.seconds).toBeGreaterThanOrEqual(1);
        expect(life.seconds).toBeLessThanOrEqual(Math.min(wantedSeconds, 604_800));
        expect(life.expiresAt).toBeLessThanOrEqual(now + leftMs - 5 * MINUTE);
      }),
    );
  });
});
