import { describe, expect, it } from "vitest";
import type { ResourceChange } from "./plan-document.ts";
import { estimateCost, parsePrices } from "./prices.ts";

const prices = parsePrices(
  "prices.yaml",
  `asOf: 2026-11-01
prices:
  aws_instance: "{'t3.micro': 0.0104, 't3.large': 0.0832}[resource.after.instance_type]"
  aws_db_instance: "resource.after.multi_az ? 0.36 : 0.18"
  aws_iam_*: "0.0"
  aws_nat_gateway: "null"
`,
);

const resource = (type: string, after: unknown): ResourceChange => ({
  address: `${type}.x`,
  type,
  actions: ["create"],
  before: null,
  after,
  unknown: {},
  name: "",
  provider: "",
  isImport: false,
  changedAttributes: [],
});

describe("estimateCost", () => {
  it("adds up a month of what exists after the plan", () => {
    const estimate = estimateCost(prices, [
      resource("aws_instance", { instance_type: "t3.micro" }),
      resource("aws_db_instance", { multi_az: true }),
      resource("aws_iam_role", {}),
      resource("aws_instance", null),
    ]);

    expect(estimate).toEqual({ monthly: 270.39, unpriced: new Map() });
  });

  it("uses constants, of which some are refreshed from AWS", () => {
    const document = `asOf: 2026-11-01
constants: { micro: { usd: 0.01, service: AmazonEC2, filters: { instanceType: t3.micro } }, tax: 1.5 }
prices: { aws_instance: constants.micro * constants.tax, aws_eip: constants.eip }`;

    const estimate = estimateCost(parsePrices("prices.yaml", document), [
      resource("aws_instance", {}),
      resource("aws_eip", {}),
    ]);

    expect(estimate).toEqual({ monthly: 10.95, unpriced: new Map([["aws_eip", 1]]) });
  });

  it("counts what has no price, by type", () => {
    const estimate = estimateCost(prices, [
      resource("aws_instance", { instance_type: "p5.48xlarge" }),
      resource("aws_instance", {}),
      resource("aws_nat_gateway", {}),
      resource("aws_lambda_function", {}),
    ]);

    expect(estimate).toEqual({
      monthly: 0,
      unpriced: new Map([
        ["aws_instance", 2],
        ["aws_nat_gateway", 1],
        ["aws_lambda_function", 1],
      ]),
    });
  });
});

describe("parsePrices", () => {
  it.each([
    ["prices: {}", 'prices.yaml:1: The key "asOf" is missing.'],
    ["asOf: 2026-11-01\nprices: { a: resourc.x }", 'prices.yaml:2: Unknown variable "resourc". Did you mean resource?'],
    ["asOf: today\nprices: {}", "prices.yaml:1: asOf must be a date such as 2026-01-31"],
  ])("names the place of what is wrong in %j", (text, message) => {
    expect(() => parsePrices("prices.yaml", text)).toThrow(message);
  });
});
