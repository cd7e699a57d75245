import fc from "fast-check";
import { expect, it } from "vitest";
import { printTemplate } from "./synthesize-templates.ts";

const LONG = "a".repeat(160);

it("puts on a line what fits there", () => {
  const text = printTemplate({ Queue: { Type: "AWS::SQS::Queue", Properties: { Name: LONG, Tags: [LONG, LONG] } } });

  expect(text.split("\n")).toEqual([
    "{",
    ' "Queue": {',
    '  "Type": "AWS::SQS::Queue",',
    '  "Properties": {',
    `   "Name": "${LONG}",`,
    '   "Tags": [',
    `    "${LONG}",`,
    `    "${LONG}"`,
    "   ]",
    "  }",
    " }",
    "}",
  ]);
  expect(printTemplate({ Value: [{ Ref: "Queue" }, 1] })).toBe('{"Value": [{"Ref": "Queue"}, 1]}');
});

it("leaves every value unchanged", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      expect(JSON.parse(printTemplate(value))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
  expect(JSON.parse(printTemplate({ text: "a\n  b", long: `${LONG}\n   ${LONG}` }))).toEqual({
    text: "a\n  b",
    long: `${LONG}\n   ${LONG}`,
  });
});
