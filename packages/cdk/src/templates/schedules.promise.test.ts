import { expect, it } from "vitest";
import { findBody } from "../testing/find-template.ts";
import { toJson } from "../testing/resolve-template.ts";

// guardian/mobile-n10n PR 278, elastic/detection-rules#1274
it.each(["yard", "state-manager", "distributor", "fleet", "services"])(
  "an alarm watches each schedule of %s, also when it makes no call at all",
  (name) => {
    const resources = Object.entries(toJson(toJson(JSON.parse(findBody(name)))["Resources"])).map(
      ([id, resource]) => [id, toJson(resource)] as const,
    );
    const of = (type: string) =>
      resources.flatMap(([id, { Type, Properties }]) => (Type === type ? [[id, toJson(Properties)] as const] : []));
    const rules = of("AWS::Events::Rule").flatMap(([id, properties]) => ("ScheduleExpression" in properties ? id : []));
    const watched = of("AWS::CloudWatch::Alarm").flatMap(([, properties]) =>
      properties["TreatMissingData"] === "breaching" ? JSON.stringify(properties["Dimensions"]) : [],
    );

    expect(rules.length).toBeGreaterThan(0);
    for (const rule of rules) expect(watched.some((dimensions) => dimensions.includes(`"${rule}"`))).toBe(true);
  },
);
