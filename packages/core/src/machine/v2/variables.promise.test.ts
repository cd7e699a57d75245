import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { parseMachine } from "../parse-machine.ts";

interface Written {
  readonly allow: string;
  readonly when: string;
  readonly set: string;
  readonly at: string;
  readonly config: string;
  readonly exclusive: string;
  readonly target: string;
}

const PLAIN: Written = {
  allow: "true",
  when: "true",
  set: "x",
  at: "2030-01-01T00:00:00Z",
  config: "x",
  exclusive: "'x'",
  target: "123456789012",
};

const toMachine = ({ allow, when, set, at, config, exclusive, target }: Written) => `
version: 2
metadata: { note: {}, until: {} }
events:
  GO: { allow: ${JSON.stringify(allow)} }
  CLOSED: {}
targets: { other: { account: ${JSON.stringify(target)}, region: eu-west-1 } }
states:
  INIT: { on: { GO: [{ when: ${JSON.stringify(when)}, action: advance, state: LIVE, set: { note: ${JSON.stringify(set)} } }] } }
  LIVE: { tasks: [work], after: [{ at: ${JSON.stringify(at)}, event: CLOSED }], on: { CLOSED: GONE } }
  GONE: { terminal: true }
tasks:
  work: { executor: work, target: other, config: { text: ${JSON.stringify(config)} }, exclusive: ${JSON.stringify(exclusive)} }
`;

/** An expression of each variable: of a text, of an instant, and of a condition. */
const EXPRESSIONS = {
  stack: { text: "stack.id", instant: "stack.createdAt", condition: "stack.id == 'a'" },
  metadata: { text: "metadata.note", instant: "metadata.until", condition: "metadata.note == 'a'" },
  event: { text: "event.name", instant: "event.metadata.until", condition: "event.name == 'GO'" },
  actor: { text: "actor.id", instant: "actor.id", condition: "actor.id == 'a'" },
  now: { text: "string(now)", instant: "now", condition: "now > timestamp('2030-01-01T00:00:00Z')" },
};

const template = (expression: string) => `\${${expression}}`;

function listPlaces(variable: keyof typeof EXPRESSIONS): readonly string[] {
  const { text, instant, condition } = EXPRESSIONS[variable];
  const written: Written = {
    allow: condition,
    when: condition,
    set: template(text),
    at: template(instant),
    config: template(text),
    exclusive: text,
    target: template(text),
  };
  const places = Object.keys(written) as (keyof Written)[];
  return places.filter((place) => {
    const { problems } = parseMachine(toMachine({ ...PLAIN, [place]: written[place] }), { name: "app" });
    return !problems.some(({ code }) => code === "expression-variable-unavailable");
  });
}

const ALL = ["allow", "when", "set", "at", "config", "exclusive", "target"];
const without = (...places: readonly string[]) => ALL.filter((place) => !places.includes(place));

it.each([
  ["stack", "everywhere except targets", without("target")],
  ["metadata", "everywhere", ALL],
  ["event", "reactions; `allow` (only `name`)", ["allow", "when", "set"]],
  ["actor", "`allow` of events", ["allow"]],
  ["now", "everywhere except targets and `at`", without("target", "at")],
] as const)("%s can be used as the table of the docs says: %s", (variable, where, places) => {
  const docs = readFileSync(new URL("../../../../../docs/machine-reference.md", import.meta.url), "utf8");
  const row = docs.split("\n").find((line) => line.startsWith(`| \`${variable}\` |`) && line.includes(where));

  expect(row?.endsWith(`| ${where} |`)).toBe(true);
  expect(listPlaces(variable)).toEqual(places);
});

it("the machine of this test is valid without expressions", () => {
  expect(
    parseMachine(toMachine(PLAIN), { name: "app" }).problems.filter(({ severity }) => severity === "error"),
  ).toEqual([]);
});
