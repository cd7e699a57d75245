// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of policies, in plain strings.
import { describe, expect, it } from "vitest";
import type { ResourceChange } from "./plan-document.ts";
import { evaluatePolicies, type PolicyInput } from "./policies.ts";

const bucket = (name: string, more: Partial<ResourceChange> = {}): ResourceChange => ({
  address: `aws_s3_bucket.${name}`,
  type: "aws_s3_bucket",
  actions: ["create"],
  before: null,
  after: { acl: "private", tags: { team: "web" } },
  unknown: {},
  name: "",
  provider: "",
  isImport: false,
  changedAttributes: [],
  ...more,
});

const counts = { adds: 2, changes: 0, destroys: 0, replacements: 0, imports: 0, moves: 0, forgets: 0 };

const evaluate = (rules: string, given: Partial<PolicyInput["plan"]> = {}, changes = [bucket("a"), bucket("b")]) =>
  evaluatePolicies([{ name: "buckets.yaml", text: `rules:\n${rules}` }], {
    plan: { ...counts, monthly_cost: null, unpriced: null, ...given },
    changes,
  });

describe("policies", () => {
  it("check each resource that a rule is for", () => {
    const rule = `
  - name: private
    when: resource.type == 'aws_s3_bucket' && resource.actions != ['no-op']
    deny: resource.after.acl != 'private'
    message: "\${resource.address} has the ACL \${resource.after.acl}."`;
    const changes = [
      bucket("open", { after: { acl: "public-read" } }),
      bucket("closed"),
      bucket("old", { actions: ["no-op"], after: { acl: "public-read" } }),
    ];

    expect(evaluate(rule, {}, changes)).toEqual([
      { level: "error", text: "private: aws_s3_bucket.open has the ACL public-read." },
    ]);
  });

  it("check the plan once when a rule does not name resources", () => {
    const rules = `
  - { name: small, deny: plan.adds > 1, message: "\${plan.adds} are too many.", level: warning }
  - { name: cheap, when: plan.monthly_cost != null, deny: plan.monthly_cost > 500, message: Too expensive. }`;

    expect(evaluate(rules)).toEqual([{ level: "warning", text: "small: 2 are too many." }]);
    expect(evaluate(rules, { adds: 0, monthly_cost: 500.5 })).toEqual([
      { level: "error", text: "cheap: Too expensive." },
    ]);
    expect(evaluate(rules, { adds: 0, monthly_cost: 600 })).toHaveLength(1);
    expect(evaluate(rules, { adds: 0, monthly_cost: 12.25 })).toEqual([]);
  });

  it("know how much has no price, because that is not free (infracost#738)", () => {
    const rules = `
  - { name: priced, when: plan.unpriced != null, deny: plan.unpriced > 0, message: "\${plan.unpriced} have no price." }`;

    expect(evaluate(rules, { monthly_cost: 0, unpriced: 2 })).toEqual([
      { level: "error", text: "priced: 2 have no price." },
    ]);
    expect(evaluate(rules, { monthly_cost: 12, unpriced: 0 })).toEqual([]);
    expect(evaluate(rules)).toEqual([]);
  });

  it.each([
    [
      "a value that is not there",
      "resource.after.missing == 'x'",
      /^r cannot be evaluated for aws_s3_bucket.a: .*missing/,
    ],
    ["an answer that is not a boolean", "resource.address", /resource.address is not true or false$/],
    [
      "an expression that takes too long",
      `[${"1,".repeat(99)}1].all(a, [${"1,".repeat(99)}1].all(b, [1,2,3,4,5,6,7,8,9,10,11].all(c, resource.type != '')))`,
      /steps/,
    ],
  ])("report %s as an error", (_name, deny, text) => {
    const rule = `  - { name: r, deny: "${deny}", message: m, level: warning }`;

    expect(evaluate(rule, {}, [bucket("a")])).toEqual([{ level: "error", text: expect.stringMatching(text) }]);
  });

  it.each([
    [
      "  - { name: r, deny: plann.adds > 1, message: m }",
      /^buckets.yaml:2: Unknown variable "plann". Did you mean plan\?/,
    ],
    ["  - { name: r, deny: 'true', message: '${nothing}' }", /^buckets.yaml:2: Unknown variable "nothing"/],
    ["  - { name: r, when: '(', deny: 'true', message: m }", /^buckets.yaml:2: /],
    ["  - { name: r, message: m }", /^buckets.yaml:2: The key "deny" is missing/],
    ["  - { name: r, deny: 'true', message: m, level: info }", /level must be "error" or "warning"\./],
    ["  - [", /^buckets.yaml:\d: /],
    ["  - { name: r, deny: 'true', message: m, more: 1 }", /Unknown key "more"/],
  ])("report the place of a fault in %j", (rules, text) => {
    expect(evaluate(rules)[0]).toEqual({ level: "error", text: expect.stringMatching(text) });
  });

  it("deny a plan by an error that a hundred warnings come before", () => {
    const changes = Array.from({ length: 150 }, (_, index) => bucket(`x${index}`));
    const rules = `
  - { name: w, deny: "true", message: "\${resource.address}", level: warning }
  - { name: e, deny: "true", message: "\${plan.adds}" }`;

    const problems = evaluate(rules, {}, changes);

    expect(problems[0]).toEqual({ level: "error", text: "e: 2" });
    expect(problems).toHaveLength(100);
  });

  it("stop at 100 problems of a bounded size", () => {
    const changes = Array.from({ length: 300 }, (_, index) => bucket("x".repeat(2000) + index));

    const problems = evaluate(`  - { name: r, deny: "true", message: "\${resource.address}" }`, {}, changes);

    expect(problems).toHaveLength(100);
    expect(problems[0]?.text.length).toBeLessThanOrEqual(1000);
  });
});
