import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { PARAMETERS } from "./templates/parameter-definitions.ts";
import { DESIGN_QUOTAS, toQuotaTable } from "./testing/design-quotas.ts";

const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");
/** Refused by the parameter before anything is made. */
const BY_PARAMETER = ["`TrustedAccounts` of a distributor"];

// awslabs/quota-monitor-for-aws#26: a quota that no schema of CloudFormation has is known with its source, or it is met.
describe("a quota of AWS that limits an installation", () => {
  it.each(DESIGN_QUOTAS.map((each) => [each.quota, each.grows, each] as const))(
    "%s stops %s where the table says",
    (_quota, _grows, { most, stopsAt, uses, grows }) => {
      expect(uses(stopsAt)).toBeLessThanOrEqual(most);
      if (BY_PARAMETER.includes(grows)) return;
      expect(uses(stopsAt + 1)).toBeGreaterThan(most);
    },
  );

  it("is refused by the parameter where more would fit some policies and not others", () => {
    const { pattern } = PARAMETERS.TrustedAccounts;
    const accounts = (count: number) => Array.from({ length: count }, () => "111122223333").join(",");

    expect(new RegExp(pattern).test(accounts(40))).toBe(true);
    expect(new RegExp(pattern).test(accounts(41))).toBe(false);
  });

  it("names the page that it was read from, and when", () => {
    for (const { source, checked } of DESIGN_QUOTAS) {
      expect(source).toMatch(/^https:\/\/docs\.aws\.amazon\.com\/\S+\.html$/);
      expect(checked).toMatch(/^\d{4}-\d{2}-\d{2}$/);
    }
  });

  it("is in the README", () => {
    const [, table] = /<!-- quotas -->\n([\s\S]*?)\n<!-- \/quotas -->/.exec(readme) ?? [];

    expect(table).toBe(toQuotaTable());
  });
});
