import { describe, expect, it } from "vitest";
import { judgeTrust } from "./judge-trust.ts";

const MINE = "111122223333";
const accounts = [MINE];
const organizationId = "o-a1b2c3d4e5";
const kindOf = (...args: Parameters<typeof judgeTrust>) => judgeTrust(...args).kind;

describe("judgeTrust", () => {
  it("trusts who is listed, however the account is known", () => {
    expect(kindOf(MINE, { accounts }, "stamped")).toBe("trusted");
    expect(kindOf(MINE, { accounts }, "claimed")).toBe("trusted");
  });

  it("trusts a member of the organisation only where AWS vouches for it", () => {
    expect(kindOf("444455556666", { accounts: [], organizationId }, "stamped")).toBe("trusted");
    expect(kindOf("444455556666", { accounts: [], organizationId }, "claimed")).toBe("rejected");
  });

  it("trusts nobody where nobody is listed", () => {
    expect(judgeTrust(MINE, { accounts: [] }, "stamped")).toEqual({
      kind: "rejected",
      code: "ACCOUNT_NOT_TRUSTED",
      reason: "The account 111122223333 is not trusted by this distributor.",
    });
  });

  it.each(["", "1111222233334", "11112222333x", "111122223333\n", "*"])(
    "trusts no %j, and does not repeat it",
    (text) => {
      const verdict = judgeTrust(text, { accounts: [text], organizationId }, "stamped");

      expect(verdict).toMatchObject({ kind: "rejected", reason: expect.stringContaining("What should be an account") });
    },
  );
});
