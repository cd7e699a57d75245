import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addClaims, toPerson } from "./person-claims.ts";

const options = {};
const claims = {
  iss: "https://id.example.org",
  sub: "00u1",
  email: "ada@example.org",
  email_verified: true,
  groups: ["b", "a", "b"],
};

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

  it.each([
    ["a user name that the person may have chosen", { preferred_username: "ada" }],
    ["an e-mail address that is not verified", { email: "ada@example.org", email_verified: false }],
    ["an e-mail address without a word about that", { email: "ada@example.org" }],
    ["a name of another type", { email: ["ada@example.org"], email_verified: true }],
    ["control characters", { email: "a\u001bb", email_verified: true }],
    ["invisible characters", { email: "ada\u200b@example.org", email_verified: true }],
    ["a line separator", { email: "ada\u2028@example.org", email_verified: true }],
  ])("names the subject instead of %s", (_, given) => {
    expect(toPerson({ iss: "i", sub: "s", ...given }, options).name).toBe("s");
  });

  it("takes the flag of the e-mail address as text too, and writes the name in the form NFC", () => {
    const given = { iss: "i", sub: "s", email: "e\u0301ve@example.org", email_verified: "true" };

    expect(toPerson(given, options).name).toBe("\u00e9ve@example.org");
  });

  it("takes the claim that the configuration names", () => {
    const given = { iss: "i", sub: "s", preferred_username: "ada", email: "eve@example.org", email_verified: true };

    expect(toPerson(given, { ...options, nameClaim: "preferred_username" }).name).toBe("ada");
  });

  it.each(["00u1\u200b", "\u202e1u00", "00u1 ", "e\u0301", "x".repeat(257)])("refuses the subject %j", (sub) => {
    const refused = expect.objectContaining({ code: "LOGIN_FAILED" });

    expect(() => toPerson({ ...claims, sub }, options)).toThrow(refused);
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

describe("addClaims", () => {
  it.each([
    ["of the same address", { email: "ada@example.org", email_verified: true }, "ada@example.org"],
    ["of another address", { email: "eve@example.org", email_verified: true }, "s"],
    ["without an address", { email_verified: true }, "s"],
  ])("takes the word about an e-mail address %s", (_, more, name) => {
    const all = addClaims({ iss: "i", sub: "s", email: "ada@example.org" }, more, options);

    expect(toPerson(all, options).name).toBe(name);
  });
});
