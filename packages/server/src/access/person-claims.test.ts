import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toPerson } from "./person-claims.ts";

const options = {};
const claims = { iss: "https://id.example.org", sub: "00u1", email: "ada@example.org", groups: ["b", "a", "b"] };

describe("toPerson", () => {
  it("reads issuer, subject, name and groups", () => {
    expect(toPerson({ ...claims, sid: "s1" }, options)).toEqual({
      issuer: "https://id.example.org",
      subject: "00u1",
      name: "ada@example.org",
      groups: ["a", "b"],
      sid: "s1",
    });
  });

  it("falls back to the user name, then to the subject", () => {
    expect(toPerson({ iss: "i", sub: "s", preferred_username: "ada" }, options).name).toBe("ada");
    expect(toPerson({ iss: "i", sub: "s", email: "a\u001bb" }, options).name).toBe("s");
  });

  it("follows the path of the claim, and keeps the groups that count", () => {
    const nested = { iss: "i", sub: "s", realm_access: { roles: ["team-web", "release-managers", "offline"] } };
    const read = { ...options, groupsClaim: ["realm_access", "roles"], keepGroups: ["release-managers", "team-*"] };

    expect(toPerson(nested, read).groups).toEqual(["release-managers", "team-web"]);
  });

  it.each([
    ["the issuer left them out", { ...claims, _claim_names: { groups: "src1" } }],
    ["there are too many", { ...claims, groups: Array.from({ length: 51 }, (_, index) => `g${index}`) }],
  ])("throws GROUPS_MISSING when %s", (_what, given) => {
    expect(() => toPerson(given, options)).toThrow(expect.objectContaining({ code: "GROUPS_MISSING" }));
  });

  it("leaves out a group that is too long to be named", () => {
    expect(toPerson({ ...claims, groups: ["team-web", "g".repeat(129)] }, options).groups).toEqual(["team-web"]);
  });

  it("throws nothing but its own errors, whatever the claims", () => {
    fc.assert(
      fc.property(fc.object(), (given) => {
        try {
          toPerson({ iss: "i", sub: "s", ...given }, options);
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^(LOGIN_FAILED|GROUPS_MISSING)$/) });
        }
      }),
    );
  });
});
