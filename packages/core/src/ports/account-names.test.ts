import { describe, expect, it } from "vitest";
import { findAccountName, formatAccount, withAccountName } from "./account-names.ts";

const names = { "111122223333": "shop-prod" };

describe("the names of accounts", () => {
  it("stand before the id, which stays because it is unique", () => {
    expect(formatAccount(names, "111122223333")).toBe("shop-prod (111122223333)");
    expect(formatAccount(names, "111122223333", "eu-west-1")).toBe("shop-prod (111122223333 eu-west-1)");
    expect(formatAccount(names, "222233334444", "eu-west-1")).toBe("222233334444 eu-west-1");
  });

  it("are not keys of objects", () => {
    expect(findAccountName(names, "constructor")).toBeUndefined();
    expect(formatAccount({}, "__proto__")).toBe("__proto__");
  });

  it("are added to values, which keep their id", () => {
    const cell = { account: "111122223333", region: "eu-west-1" };

    expect(withAccountName(names, cell, cell.account)).toEqual({ ...cell, accountName: "shop-prod" });
    expect(withAccountName({}, cell, cell.account)).toBe(cell);
    expect(withAccountName(names, cell, undefined)).toBe(cell);
  });
});
