import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toRight } from "./access-config.ts";
import {
  type ApiTokenRecord,
  type ApiTokenRequest,
  checkHandedOn,
  findSecretEnd,
  isOwnToken,
  isUseNews,
  makeApiToken,
  revokeApiToken,
  rotateApiToken,
  statusOfToken,
  type TokenCreator,
  toOverlapMs,
  toRecordEnd,
  toTokenEnd,
} from "./api-token.ts";
import { OLD_RIGHTS } from "./decide-access.ts";
import type { Sender } from "./sender.ts";

const T0 = Date.UTC(2026, 0, 1);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const ada: Sender = { kind: "person", id: "https://id.test ada", name: "ada", groups: ["team-web"] };
const operator: TokenCreator = { sender: ada, rights: [toRight({ role: "operator", stacks: ["web-"] })] };
const admin: TokenCreator = {
  sender: { kind: "token", id: "configured:ci", name: "ci", groups: [] },
  rights: OLD_RIGHTS,
};
const make = (request: Partial<ApiTokenRequest> = {}, creator = admin): ApiTokenRecord =>
  makeApiToken(creator, { name: "grafana", role: "viewer", ...request }, { id: "t1", hash: "h1", now: T0 });
const codeOf = (run: () => unknown) => {
  try {
    run();
    return undefined;
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe("a new API token", () => {
  it("ends after 90 days and names its creator", () => {
    expect(make({ groups: ["b", "a", "b"] })).toEqual({
      id: "t1",
      name: "grafana",
      role: "viewer",
      groups: ["a", "b"],
      createdBy: { kind: "token", id: "configured:ci", name: "ci" },
      createdAt: T0,
      expiresAt: T0 + 90 * DAY,
      secrets: [{ hash: "h1" }],
    });
  });

  it("of a person has it as its owner", () => {
    expect(make({ stacks: ["web-1"] }, operator)).toMatchObject({ owner: ada.id, createdBy: { name: "ada" } });
  });

  it.each([
    ["30d", 30 * DAY],
    ["366d", 366 * DAY],
    ["1m", 60_000],
  ])("ends after %s", (expires, ms) => {
    expect(toTokenEnd(expires, T0)).toBe(T0 + ms);
  });

  it.each(["367d", "59s", "0d", "-1d", "90", "soon", "", "NEVER"])("never ends after %j", (expires) => {
    expect(codeOf(() => toTokenEnd(expires, T0))).toBe("USAGE");
  });

  it.each<[string, Partial<ApiTokenRequest>]>([
    ["a higher role", { role: "maintainer", stacks: ["web-"] }],
    ["a wider scope", { role: "operator" }],
    ["another prefix", { role: "viewer", stacks: ["api-"] }],
    ["a permission that no role has", { role: "viewer", stacks: ["web-"], also: ["states:read"] }],
    ["a group that the creator is not in", { role: "viewer", stacks: ["web-"], groups: ["release-managers"] }],
    ["no end", { role: "viewer", stacks: ["web-"], expires: "never" }],
  ])("is refused with %s", (_, request) => {
    expect(codeOf(() => make(request, operator))).toBe("FORBIDDEN");
  });

  it("may have the creator's own groups, and of an administrator any group and no end", () => {
    expect(make({ stacks: ["web-"], groups: ["team-web"] }, operator).groups).toEqual(["team-web"]);
    expect(make({ groups: ["release-managers"], expires: "never" }).expiresAt).toBeUndefined();
  });

  it("of a token does not outlive it", () => {
    const creator = { ...admin, expiresAt: T0 + DAY };

    expect(codeOf(() => make({ expires: "2d" }, creator))).toBe("FORBIDDEN");
    expect(codeOf(() => make({ expires: "never" }, creator))).toBe("FORBIDDEN");
    expect(make({ expires: "24h" }, creator).expiresAt).toBe(T0 + DAY);
    expect(make({}, creator).expiresAt).toBe(T0 + DAY);
    expect(codeOf(() => checkHandedOn({ ...operator, expiresAt: T0 + 1 }, make({ stacks: ["web-"] })))).toBeUndefined();
  });
});

describe("the secrets of a token", () => {
  const rotate = (token: ApiTokenRecord, hash: string, now: number, overlapMs = HOUR) =>
    rotateApiToken(token, { hash, now, overlapMs });

  it("overlap after a rotation, and at most two are good", () => {
    const once = rotate(make(), "h2", T0);
    const twice = rotate(once, "h3", T0 + 1);

    expect(findSecretEnd(once, "h1", T0)).toBe(T0 + HOUR);
    expect(findSecretEnd(once, "h1", T0 + HOUR)).toBeUndefined();
    expect(findSecretEnd(once, "h2", T0)).toBe(T0 + 90 * DAY);
    expect(twice.secrets.map(({ hash }) => hash)).toEqual(["h3", "h2"]);
  });

  it("never get a later end by another rotation", () => {
    const once = rotate(make(), "h2", T0, HOUR);
    const widened = rotateApiToken(once, { hash: "h3", now: T0, overlapMs: 7 * DAY });

    expect(widened.secrets[1]).toEqual({ hash: "h2", endsAt: T0 + 7 * DAY });
    expect(once.secrets[1]).toEqual({ hash: "h1", endsAt: T0 + HOUR });
  });

  it("take a new end of the token, or none", () => {
    const input = { hash: "h2", now: T0, overlapMs: 0 };
    expect(rotateApiToken(make(), { ...input, expiresAt: T0 + DAY }).expiresAt).toBe(T0 + DAY);
    expect(rotateApiToken(make(), { ...input, expiresAt: "never" }).expiresAt).toBeUndefined();
    expect(rotateApiToken(make(), input).expiresAt).toBe(T0 + 90 * DAY);
  });

  it.each([
    [undefined, DAY],
    ["0s", 0],
    ["7d", 7 * DAY],
  ])("overlap for %s", (overlap, ms) => {
    expect(toOverlapMs(overlap)).toBe(ms);
  });

  it.each(["8d", "soon", "-1h", "0"])("do not overlap for %j", (overlap) => {
    expect(codeOf(() => toOverlapMs(overlap))).toBe("USAGE");
  });

  it("are good only while the token is, whatever happens to it", () => {
    const steps = fc.array(
      fc.record({ kind: fc.constantFrom("rotate", "revoke"), afterMs: fc.integer({ min: 0, max: 40 * DAY }) }),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(steps, (list) => {
        let now = T0;
        let token = make();
        for (const [index, { kind, afterMs }] of list.entries()) {
          now += afterMs;
          token = kind === "revoke" ? revokeApiToken(token, now) : rotate(token, `h${index + 2}`, now);
        }
        const good = token.secrets.filter(({ hash }) => findSecretEnd(token, hash, now) !== undefined);
        if (statusOfToken(token, now) !== "active") expect(good).toEqual([]);
        expect(good.length).toBeLessThanOrEqual(2);
      }),
    );
  });

  it("of a revoked token are gone, and it is listed for 30 days", () => {
    const revoked = revokeApiToken(make(), T0 + HOUR);

    expect(revoked).toMatchObject({ revokedAt: T0 + HOUR, secrets: [] });
    expect(revokeApiToken(revoked, T0 + DAY)).toBe(revoked);
    expect(toRecordEnd(revoked)).toBe(T0 + HOUR + 30 * DAY);
    expect(toRecordEnd(make({ expires: "never" }))).toBeUndefined();
  });
});

describe("tokens of one's own", () => {
  const token = make({ stacks: ["web-"] }, operator);

  it.each<[string, Sender, boolean]>([
    ["the creator's", ada, true],
    ["those of another person", { ...ada, id: "https://id.test ben" }, false],
    ["another kind with the same id", { ...ada, kind: "workload" }, false],
    ["the token itself", { kind: "token", id: "t1", name: "grafana", groups: [] }, true],
    ["another token of the person", { kind: "token", id: "t2", name: "x", groups: [], owner: ada.id }, false],
  ])("are %s: %#", (_, sender, own) => {
    expect(isOwnToken(token, sender)).toBe(own);
  });
});

it("a use is noted every five minutes", () => {
  expect(isUseNews(make(), T0)).toBe(true);
  expect(isUseNews({ ...make(), lastUsedAt: T0 }, T0 + 299_999)).toBe(false);
  expect(isUseNews({ ...make(), lastUsedAt: T0 }, T0 + 300_000)).toBe(true);
});
