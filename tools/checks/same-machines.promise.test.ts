import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Machine, parseMachine } from "@stackyard/core/machine";
import { expect, it } from "vitest";
import { repositoryRoot } from "./published-packages.ts";

// A template, its example, the demo of the example and pages show one machine with more or less around it. What leads where, and under
// which condition, is the same wherever two of them have the same transition: a correction of one is a correction of all.

/** Machines of one family, and the transitions of a copy that differ from the first, with the reason. */
const FAMILIES: readonly {
  readonly of: string;
  readonly copies: readonly { readonly in: string; readonly except?: Readonly<Record<string, string>> }[];
}[] = [
  {
    of: "packages/cli/template-previews/machines/preview.yaml",
    copies: [
      { in: "examples/previews/machines/preview.yaml" },
      { in: "examples/previews/demo/machines/preview.yaml" },
      {
        in: "docs/plans-and-policies.md",
        except: {
          "REVIEW FAILED": "an environment that lives on: what runs stays",
          "APPLY FAILED": "without a state for failures, it plans again",
          "DRIFT NEXT": "drift is planned at once",
        },
      },
    ],
  },
  {
    of: "packages/cli/template-promotion/machines/shop-release.yaml",
    copies: [
      {
        in: "examples/promotion/machines/shop-release.yaml",
        except: { "PRODUCTION FAILED": "its tenants wait for a person" },
      },
      {
        in: "examples/promotion/demo/machines/shop-release.yaml",
        except: { "PRODUCTION FAILED": "its tenants wait for a person" },
      },
    ],
  },
  {
    of: "packages/cli/template-promotion/machines/shop.yaml",
    copies: [{ in: "examples/promotion/machines/shop.yaml" }, { in: "examples/promotion/demo/machines/shop.yaml" }],
  },
  {
    of: "packages/cli/template/machines/review-app.yaml",
    copies: [{ in: "examples/review-app/machines/review-app.yaml" }],
  },
];

/** Reads a machine; of a page the first one. */
function read(path: string): Machine {
  const text = readFileSync(join(repositoryRoot, path), "utf8");
  const source = path.endsWith(".md") ? /^```yaml\n(# file: machines\/.*?)^```$/ms.exec(text)?.[1] : text;
  const { machine, problems } = parseMachine(source ?? "", { name: "any" });
  if (machine === undefined) throw new Error(`${path}: ${problems[0]?.message}`);
  return machine;
}

/** Returns the transitions by `STATE EVENT`: the conditions in their order, each with the states that it leads to. */
function toTransitions({ states }: Machine): ReadonlyMap<string, string> {
  const rows = [...states.values()].flatMap(({ name, on }) =>
    [...on].map(([event, reactions]): [string, string] => {
      const lines = reactions.map(({ when, advance }) => `${when?.source ?? "always"} → ${advance.join(", ")}`);
      return [`${name} ${event}`, lines.join("\n")];
    }),
  );
  return new Map(rows);
}

it.each(FAMILIES.flatMap(({ of, copies }) => copies.map((copy) => [of, copy.in, copy.except ?? {}] as const)))(
  "%s and %s have the same transitions",
  (of, copy, except) => {
    const [first, second] = [toTransitions(read(of)), toTransitions(read(copy))];
    const shared = [...first.keys()].filter((key) => second.has(key));

    const differences = shared.filter((key) => first.get(key) !== second.get(key));

    expect(shared.length).toBeGreaterThan(3);
    expect(differences.sort()).toEqual(Object.keys(except).sort());
  },
);
